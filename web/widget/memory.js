/** Whether a call goes on in this tab, so that it goes on after a reload too. */

const KEY = "lianmai.help";

/** @param {string} room */
export function runningCall(room) {
  try {
    return sessionStorage.getItem(KEY) === room;
  } catch {
    return false;
  }
}

/**
 * @param {string} room
 * @param {boolean} running
 */
export function rememberCall(room, running) {
  try {
    if (running) sessionStorage.setItem(KEY, room);
    else sessionStorage.removeItem(KEY);
  } catch {
    // Storage may be blocked: a reload then ends the call, after a minute.
  }
}

/** What the staff's private channel has to say to this person: pure functions of its messages. */

/** @typedef {import("../sdk/types.js").BackChannelMessage} BackChannelMessage */

/** Letters of a message, as the server counts them: code points. */
export const STAFF_MAX = 500;
/** The counter appears when so few letters are left. */
const COUNT_FROM = 50;

/**
 * Urgent messages of others that this person has not confirmed, the oldest first.
 * @param {readonly BackChannelMessage[]} messages
 * @param {string} identity ours
 * @returns {BackChannelMessage[]}
 */
export function unconfirmed(messages, identity) {
  return messages.filter(
    ({ urgent, from, acked }) => urgent && from.identity !== identity && !acked.some((person) => person.identity === identity),
  );
}

/**
 * How many messages of others came after the one seen last.
 * @param {readonly BackChannelMessage[]} messages oldest first
 * @param {string} identity ours
 * @param {string | null} seen id of the last one seen; null: none yet
 */
export function unreadAfter(messages, identity, seen) {
  const from = seen === null ? -1 : messages.findIndex(({ id }) => id === seen);
  // The one seen last was dropped from the list: all that is left is newer.
  return messages.slice(from + 1).filter((message) => message.from.identity !== identity).length;
}

/**
 * @param {string} text in the box
 * @param {boolean} connected
 * @returns {{ canSend: boolean, left: number | null }} left: letters, once they are few; below 0: too many
 */
export function draft(text, connected) {
  const left = STAFF_MAX - [...text.trim()].length;
  return { canSend: connected && text.trim() !== "" && left >= 0, left: left <= COUNT_FROM ? left : null };
}

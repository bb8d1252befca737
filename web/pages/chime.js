/** Short tones for what must not be missed, and whether the person wants to hear them. */

const KEY = "lianmai.chime";
const TONES_HZ = [880, 660, 880];
/** Up: something is recorded from now on; down: it is not any more. */
const NOTICES_HZ = { begin: [523, 784], end: [784, 523] };
const TONE_S = 0.14;
const LOUDNESS = 0.16;

/** @type {AudioContext | null} */
let context = null;

/** @returns {boolean} */
export function chimeWanted() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true;
  }
}

/** @param {boolean} on */
export function wantChime(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // Storage may be blocked: it is on again after a reload.
  }
}

/** Sound, if it is wanted and the browser lets this page make any yet. */
export function chime() {
  if (chimeWanted()) sound(TONES_HZ);
}

/** What people have a right to hear, whatever they want to hear otherwise. @param {"begin" | "end"} which */
export function notice(which) {
  sound(NOTICES_HZ[which]);
}

/** @param {readonly number[]} tones */
function sound(tones) {
  if (typeof AudioContext === "undefined" || navigator.userActivation?.hasBeenActive === false) return;
  context ??= new AudioContext();
  const playing = context;
  void playing.resume().then(() => play(playing, tones), () => {});
}

/** @param {AudioContext} playing @param {readonly number[]} tones */
function play(playing, tones) {
  tones.forEach((frequency, index) => {
    const from = playing.currentTime + index * TONE_S * 1.2;
    const tone = playing.createOscillator();
    const gain = playing.createGain();
    tone.type = "triangle";
    tone.frequency.value = frequency;
    // Soft edges: a tone that begins at full level clicks.
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(LOUDNESS, from + 0.02);
    gain.gain.setValueAtTime(LOUDNESS, from + TONE_S - 0.04);
    gain.gain.linearRampToValueAtTime(0, from + TONE_S);
    tone.connect(gain).connect(playing.destination);
    tone.start(from);
    tone.stop(from + TONE_S);
    tone.onended = () => gain.disconnect();
  });
}

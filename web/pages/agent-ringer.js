/** Makes a ring noticed wherever the agent is looking: a two-tone sound, the tab's title, a notification, a buzz. */

const TONES_HZ = [784, 988];
const TONE_S = 0.16;
const REPEAT_MS = 1_600;
const BLINK_MS = 900;
const LOUDNESS = 0.18;
const BUZZ = [250, 120, 250];

export class Ringer {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #repeat;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #blink;
  /** @type {Notification | null} */
  #note = null;
  #ringing = "";
  #restTitle = "";

  /** A ring can be heard: browsers keep a page silent until the first press on it. */
  get audible() {
    return this.#context?.state === "running";
  }

  /** Whether asking for notifications makes sense. */
  get mayAskToNotify() {
    return typeof Notification !== "undefined" && Notification.permission === "default";
  }

  /** Call it from any press. @returns {Promise<void>} */
  async unlock() {
    if (typeof AudioContext === "undefined") return;
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") await this.#context.resume().catch(() => {});
  }

  /** Call it from a click. @returns {Promise<void>} */
  async askToNotify() {
    if (this.mayAskToNotify) await Notification.requestPermission();
  }

  /** The title to show while nothing rings. @param {string} title */
  set title(title) {
    this.#restTitle = title;
    if (this.#ringing === "") document.title = title;
  }

  /**
   * @param {string} id of what rings: the same one again changes nothing
   * @param {{ title: string, body: string }} words
   */
  start(id, { title, body }) {
    if (this.#ringing === id) return;
    this.stop();
    this.#ringing = id;
    const again = () => {
      this.#play();
      // Pages that were never touched may not buzz.
      if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(BUZZ);
    };
    again();
    this.#repeat = setInterval(again, REPEAT_MS);
    document.title = `☎ ${title}`;
    this.#blink = setInterval(() => {
      document.title = document.title === this.#restTitle ? `☎ ${title}` : this.#restTitle;
    }, BLINK_MS);
    if (document.visibilityState === "hidden" || !document.hasFocus()) this.#notify(title, body);
  }

  stop() {
    if (this.#ringing === "") return;
    this.#ringing = "";
    clearInterval(this.#repeat);
    clearInterval(this.#blink);
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
    this.#note?.close();
    this.#note = null;
    document.title = this.#restTitle;
  }

  /**
   * @param {string} title
   * @param {string} body
   */
  #notify(title, body) {
    if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
    try {
      this.#note = new Notification(title, { body, tag: "lianmai-ring", icon: "/web/icons/favicon.svg" });
      this.#note.onclick = () => {
        window.focus();
        this.#note?.close();
      };
    } catch {
      // Phones allow notifications only from a service worker; sound, title and buzz remain.
    }
  }

  #play() {
    const context = this.#context;
    if (!context || context.state !== "running") return;
    TONES_HZ.forEach((frequency, index) => {
      const from = context.currentTime + index * TONE_S * 1.25;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = "triangle";
      tone.frequency.value = frequency;
      // Soft edges: a tone that begins at full level clicks.
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(LOUDNESS, from + 0.02);
      gain.gain.setValueAtTime(LOUDNESS, from + TONE_S - 0.04);
      gain.gain.linearRampToValueAtTime(0, from + TONE_S);
      tone.connect(gain).connect(context.destination);
      tone.start(from);
      tone.stop(from + TONE_S);
      tone.onended = () => gain.disconnect();
    });
  }
}

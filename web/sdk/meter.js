/**
 * Loudness of an audio track, for a level meter. No worklet and no extra file: an AnalyserNode read when asked.
 * @module
 */

const FLOOR_DB = -60;
const WINDOW = 1024;
const FALL_DB_PER_S = 40;

/** One for all meters: browsers limit how many there may be. @type {AudioContext | null} */
let shared = null;
let users = 0;

/**
 * RMS level of one block of samples.
 * @param {ArrayLike<number>} samples -1 to 1
 * @returns {number} dBFS, at least -60
 */
export function levelDb(samples) {
  let sum = 0;
  for (let i = 0; i < samples.length; i++) sum += (samples[i] ?? 0) ** 2;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  return rms > 0 ? Math.max(FLOOR_DB, 20 * Math.log10(rms)) : FLOOR_DB;
}

/**
 * A bar's height: rises at once, falls 40 dB per second, as people expect of a meter.
 * @param {number} shownDb
 * @param {number} measuredDb
 * @param {number} elapsedMs since the last call
 */
export function ballistics(shownDb, measuredDb, elapsedMs) {
  return Math.max(measuredDb, FLOOR_DB, shownDb - (FALL_DB_PER_S * elapsedMs) / 1000);
}

/** @param {number} db dBFS @returns {number} 0 (-60 dB or less) to 1 (full scale) */
export function dbToLevel(db) {
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

export class Meter {
  #context;
  #source;
  #analyser;
  #samples = new Float32Array(WINDOW);
  #shown = FLOOR_DB;
  #readAt = 0;
  #frame = 0;
  #closed = false;

  /** @param {MediaStreamTrack} track audio; it is neither played nor changed */
  constructor(track) {
    shared ??= new AudioContext({ latencyHint: "interactive" });
    users++;
    this.#context = shared;
    this.#source = shared.createMediaStreamSource(new MediaStream([track]));
    this.#analyser = shared.createAnalyser();
    this.#analyser.fftSize = WINDOW;
    this.#source.connect(this.#analyser);
    // Without a click on the page so far the context is suspended; it starts with the first call after one.
    this.#resume();
  }

  /**
   * The level now; call it once per animation frame.
   * @returns {number} 0 to 1, linear in dB
   */
  read() {
    if (this.#context.state === "suspended") this.#resume();
    const now = performance.now();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    this.#shown = ballistics(this.#shown, levelDb(this.#samples), now - this.#readAt);
    this.#readAt = now;
    return dbToLevel(this.#shown);
  }

  /**
   * Call back with the level at every animation frame until close().
   * @param {(level: number) => void} show
   */
  start(show) {
    const step = () => {
      if (this.#closed) return;
      show(this.read());
      this.#frame = requestAnimationFrame(step);
    };
    cancelAnimationFrame(this.#frame);
    step();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    cancelAnimationFrame(this.#frame);
    this.#source.disconnect();
    if (--users === 0) {
      shared = null;
      this.#context.close().catch(() => {});
    }
  }

  #resume() {
    this.#context.resume().catch(() => {});
  }
}

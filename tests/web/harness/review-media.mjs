/**
 * Real media files for the pretended recordings: VP8 and Opus in WebM by ffmpeg, each picture with its time of the
 * recording as digits and as a bar code that a test can read, each voice a tone while it speaks. Kept between runs.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FOLDER = join(tmpdir(), "lianmai-review-media-2");
export const FPS = 15;
const [WIDTH, HEIGHT] = [320, 180];
/** The bar code: this many bits of the number of the frame, the highest first, in cells across the foot of the picture. */
export const BITS = 16;
const CELL = WIDTH / BITS;
const CODE = 24;
const FONT = ["111101101101111", "010110010010111", "111001111100111", "111001111001111", "101101111001001", "111100111001111", "111100111101111", "111001010010010", "111101111101111", "111101111001111"];

/** @param {Uint8Array} y @param {number} left @param {number} top @param {number} width @param {number} height @param {number} value */
function rectangle(y, left, top, width, height, value) {
  for (let row = top; row < top + height; row++) y.fill(value, row * WIDTH + left, row * WIDTH + left + width);
}

/** @param {Uint8Array} y @param {string} text @param {number} left @param {number} top @param {number} size */
function digits(y, text, left, top, size) {
  for (const letter of text) {
    if (letter === ":" || letter === ".") {
      rectangle(y, left + size, top + size * 4, size, size, 235);
      if (letter === ":") rectangle(y, left + size, top + size, size, size, 235);
    } else {
      [...(FONT[Number(letter)] ?? "")].forEach((bit, at) => {
        if (bit === "1") rectangle(y, left + (at % 3) * size, top + Math.floor(at / 3) * size, size, size, 235);
      });
    }
    left += size * 4;
  }
}

/** @param {number} n of the frame @param {number} began @param {[number, number]} tint @param {boolean} screen */
function frame(n, began, tint, screen) {
  const y = new Uint8Array(WIDTH * HEIGHT).fill(screen ? 200 : 70);
  const u = new Uint8Array((WIDTH * HEIGHT) / 4).fill(tint[0]);
  const v = new Uint8Array((WIDTH * HEIGHT) / 4).fill(tint[1]);
  const seconds = began + n / FPS;
  if (screen) for (let line = 0; line < 6; line++) rectangle(y, 20, 60 + line * 14, 120 + ((line * 53) % 150), 6, 120);
  else {
    // A head and shoulders that nod, so that it is seen to move.
    const nod = Math.round(Math.sin(seconds * 2) * 4);
    for (let row = -26; row <= 26; row++) {
      const half = Math.round(Math.sqrt(Math.max(0, 26 * 26 - row * row)) * 0.8);
      rectangle(y, 160 - half, 84 + nod + row, half * 2 + 1, 1, 150);
    }
    rectangle(y, 112, 118, 96, HEIGHT - CODE - 118, 130);
  }
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const text = `${String(Math.floor(tenths / 600)).padStart(2, "0")}:${String(Math.floor(tenths / 10) % 60).padStart(2, "0")}.${tenths % 10}`;
  digits(y, text, 14, 14, 5);
  const code = Math.round(seconds * FPS);
  for (let bit = 0; bit < BITS; bit++) rectangle(y, bit * CELL, HEIGHT - CODE, CELL, CODE, (code >> (BITS - 1 - bit)) & 1 ? 235 : 16);
  return Buffer.concat([y, u, v]);
}

/** @param {string[]} given @param {AsyncIterable<Buffer> | Iterable<Buffer>} input @param {string} path */
async function encode(given, input, path) {
  const part = `${path}.part.webm`;
  const process_ = spawn("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...given, part], { stdio: ["pipe", "inherit", "inherit"] });
  const ended = new Promise((resolve, reject) => process_.on("close", (code) => (code === 0 ? resolve(null) : reject(new Error(`ffmpeg ${code}`)))));
  for await (const chunk of input) if (!process_.stdin.write(chunk)) await new Promise((resolve) => process_.stdin.once("drain", resolve));
  process_.stdin.end();
  await ended;
  renameSync(part, path);
}

/**
 * @param {string} name
 * @param {{ began: number, seconds: number, tint: [number, number], screen?: boolean }} what
 * @returns {Promise<string>} its path
 */
export async function video(name, { began, seconds, tint, screen = false }) {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}-${began}-${seconds}.webm`);
  if (existsSync(path)) return path;
  function* frames() {
    for (let n = 0; n < seconds * FPS; n++) yield frame(n, began, tint, screen);
  }
  await encode(["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", `${WIDTH}x${HEIGHT}`, "-r", String(FPS), "-i", "-", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-g", String(FPS * 4), "-cues_to_front", "1"], frames(), path);
  return path;
}

/**
 * @param {string} name
 * @param {{ began: number, seconds: number, hz: number, speaks: [number, number][] }} what speaks: seconds of the recording
 * @returns {Promise<string>} its path
 */
export async function voice(name, { began, seconds, hz, speaks }) {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}-${began}-${seconds}.webm`);
  if (existsSync(path)) return path;
  const rate = 16_000;
  function* samples() {
    for (let second = 0; second < seconds; second++) {
      const chunk = Buffer.alloc(rate * 2);
      for (let n = 0; n < rate; n++) {
        const at = second + n / rate;
        const on = speaks.some(([from, to]) => at + began >= from && at + began < to);
        chunk.writeInt16LE(on ? Math.round(Math.sin(at * hz * 2 * Math.PI) * 6000 * (0.6 + 0.4 * Math.sin(at * 25))) : 0, n * 2);
      }
      yield chunk;
    }
  }
  await encode(["-f", "s16le", "-ar", String(rate), "-ac", "1", "-i", "-", "-c:a", "libopus", "-b:a", "24k", "-cues_to_front", "1"], samples(), path);
  return path;
}

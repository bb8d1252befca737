/**
 * A hint for the browser's own bandwidth estimator. Chromium begins at 300 kbit/s and shrinks the picture to fit; it
 * then takes 10 to 15 s to grow to 720p again. `x-google-start-bitrate` in the answer says where to begin instead.
 * Others ignore it. The server cannot write it: only the publisher knows its own limit.
 * @module
 */

const START_SHARE = 0.6;
const START_MIN_BPS = 300_000;
/** More would be a burst that a weak uplink loses; less, and the picture begins small. */
const START_MAX_BPS = 1_800_000;

/**
 * Where to begin for a track limited to maxBitrate.
 * @param {number} maxBitrate bits per second
 * @returns {number} bits per second
 */
export function startBitrate(maxBitrate) {
  return Math.min(maxBitrate, START_MAX_BPS, Math.max(START_MIN_BPS, maxBitrate * START_SHARE));
}

/**
 * Put the hint on the first codec of a video m-section.
 * @param {string} sdp an answer
 * @param {ReadonlyMap<string, number>} startBps bits per second by mid; other m-sections are left as they are
 * @returns {string}
 */
export function withStartBitrate(sdp, startBps) {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      const bps = startBps.get(/^a=mid:(\S+)/m.exec(section)?.[1] ?? "");
      const type = /^m=video [1-9]\d* \S+ (\d+)/.exec(section)?.[1];
      if (bps === undefined || type === undefined) return section;
      const hint = `x-google-start-bitrate=${Math.round(bps / 1000)}`;
      const fmtp = new RegExp(`^a=fmtp:${type} [^\\r\\n]+`, "m");
      if (fmtp.test(section)) return section.replace(fmtp, (line) => `${line};${hint}`);
      return section.replace(
        new RegExp(`^(a=rtpmap:${type} [^\\r\\n]+)(\\r?\\n)`, "m"),
        (_, line, end) => `${line}${end}a=fmtp:${type} ${hint}${end}`,
      );
    })
    .join("");
}

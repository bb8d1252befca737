import assert from "node:assert/strict";
import { test } from "node:test";
import { startBitrate, withStartBitrate } from "../../web/sdk/sdp_hints.js";

const lines = (...list) => list.join("\r\n") + "\r\n";
const HEAD = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0"];
const AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1"];
const VP8 = ["m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=mid:1", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96"];
const H264 = ["m=video 9 UDP/TLS/RTP/SAVPF 102", "a=mid:2", "a=rtpmap:102 H264/90000", "a=fmtp:102 packetization-mode=1"];

test("the first codec of each named video section gets the hint", () => {
  const sdp = lines(...HEAD, ...AUDIO, ...VP8, ...H264);
  assert.equal(
    withStartBitrate(sdp, new Map([["0", 9e6], ["1", 1_500_000], ["2", 600_000]])),
    lines(
      ...HEAD, ...AUDIO,
      ...VP8.slice(0, 3), "a=fmtp:96 x-google-start-bitrate=1500", ...VP8.slice(3),
      ...H264.slice(0, 3), "a=fmtp:102 packetization-mode=1;x-google-start-bitrate=600",
    ),
  );
});

for (const [name, sdp] of [
  ["nothing is named", lines(...HEAD, ...VP8)],
  ["a refused section", lines(...HEAD, "m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:7", "a=rtpmap:96 VP8/90000")],
  ["only audio", lines(...HEAD, ...AUDIO)],
  ["no SDP at all", "answer"],
]) {
  test(`left as it is: ${name}`, () => assert.equal(withStartBitrate(sdp, new Map([["7", 1e6], ["0", 1e6]])), sdp));
}

test("the start is a share of the limit, never above it, within bounds", () => {
  assert.deepEqual([100_000, 400_000, 800_000, 2_500_000, 4_500_000].map(startBitrate), [
    100_000, 300_000, 480_000, 1_500_000, 1_800_000,
  ]);
});

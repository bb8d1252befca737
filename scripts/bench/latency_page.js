// Runs inside both browsers of bench_latency. The picture carries the time at which it was drawn as a bar code:
// 40 bits of 0.1 ms units and 8 bits of checksum, black and white blocks along the top edge.
const BITS = 40;
const BLOCK = 12;
const HEIGHT = 48;

const clock = () => Math.round((performance.timeOrigin + performance.now()) * 10) % 2 ** BITS;
const checksum = (value) => {
  let sum = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) sum = (sum + (rest % 256)) % 256;
  return sum ^ 0x5a;
};

const draw = (context, value) => {
  const sum = checksum(value);
  for (let bit = 0; bit < BITS + 8; bit += 1) {
    const on = bit < BITS ? Math.floor(value / 2 ** bit) % 2 : (sum >> (bit - BITS)) & 1;
    context.fillStyle = on ? "#fff" : "#000";
    context.fillRect(16 + bit * BLOCK, 0, BLOCK, HEIGHT);
  }
};

const read = (luma, stride) => {
  let value = 0;
  let sum = 0;
  const row = Math.floor(HEIGHT / 2) * stride;
  for (let bit = 0; bit < BITS + 8; bit += 1) {
    const on = luma[row + 16 + bit * BLOCK + BLOCK / 2] > 127 ? 1 : 0;
    if (bit < BITS) value += on * 2 ** bit;
    else sum |= on << (bit - BITS);
  }
  return checksum(value) === sum ? value : null;
};

const lab = {
  /** A moving picture with the bar code, 640x360 at 30 frames per second. */
  source() {
    const canvas = document.createElement("canvas");
    canvas.width = 640;
    canvas.height = 360;
    const context = canvas.getContext("2d");
    const stream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    let frame = 0;
    setInterval(() => {
      frame += 1;
      context.fillStyle = `hsl(${frame % 360} 60% 40%)`;
      context.fillRect(0, HEIGHT, 640, 312);
      context.fillStyle = "#fff";
      context.fillRect((frame * 7) % 600, 120 + ((frame * 3) % 180), 40, 40);
      draw(context, clock());
      track.requestFrame();
      lab.drawn?.push(performance.timeOrigin + performance.now());
    }, 1000 / 30);
    return track;
  },

  /** Glass to glass: milliseconds from drawing to decoding, for `seconds`. */
  async delays(track, seconds) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const delays = [];
    let unreadable = 0;
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      const { value: frame, done } = await reader.read();
      if (done) break;
      const now = clock();
      if (frame.codedWidth >= 640) {
        const data = new Uint8Array(frame.allocationSize());
        const [luma] = await frame.copyTo(data);
        const drawn = read(data.subarray(luma.offset), luma.stride);
        if (drawn === null) unreadable += 1;
        else delays.push((now - drawn) / 10);
      } else unreadable += 1;
      frame.close();
    }
    await reader.cancel();
    return { delays, unreadable };
  },

  /** Milliseconds from asking until the first decoded frame. */
  async firstFrame(track) {
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    const { value: frame } = await reader.read();
    frame?.close();
    await reader.cancel();
  },

  async publish(token) {
    const { LianmaiRoom } = await import("/web/sdk/lianmai.js");
    lab.room = new LianmaiRoom({ token });
    await lab.room.join();
    await lab.room.publish(lab.source(), { source: "camera" });
    await lab.room.startShow();
  },

  /** Join as a viewer; resolves with the time to the first decoded frame and leaves `lab.track` set. */
  async view(token) {
    const { LianmaiRoom } = await import("/web/sdk/lianmai.js");
    const clicked = performance.now();
    const room = new LianmaiRoom({ token });
    lab.room = room;
    const found = new Promise((resolve) => {
      room.addEventListener("track", ({ detail }) => {
        const track = (detail.track ?? detail).mediaStreamTrack;
        if (track?.kind === "video") resolve(track);
      });
    });
    await room.join();
    const joined = performance.now() - clicked;
    lab.track = await found;
    await lab.firstFrame(lab.track);
    return { joined, first: performance.now() - clicked };
  },

  async leave() {
    await lab.room.leave();
  },

  // --- the same picture without a server in between ---

  async offer() {
    lab.peer = new RTCPeerConnection();
    lab.peer.addTransceiver(lab.source(), { direction: "sendonly" });
    await lab.peer.setLocalDescription();
    await lab.gathered(lab.peer);
    return lab.peer.localDescription.sdp;
  },

  async answer(sdp) {
    lab.peer = new RTCPeerConnection();
    lab.found = new Promise((resolve) => {
      lab.peer.ontrack = ({ track }) => resolve(track);
    });
    await lab.peer.setRemoteDescription({ type: "offer", sdp });
    await lab.peer.setLocalDescription();
    await lab.gathered(lab.peer);
    return lab.peer.localDescription.sdp;
  },

  async accept(sdp) {
    await lab.peer.setRemoteDescription({ type: "answer", sdp });
  },

  gathered: (peer) =>
    new Promise((resolve) => {
      if (peer.iceGatheringState === "complete") resolve();
      peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && resolve();
    }),
};
window.lab = lab;

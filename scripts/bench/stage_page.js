// Runs after latency_page.js inside every browser of `bench_latency --stage`: a mouth, ears, and what host, guest and
// viewers do. All times are `lab.now()`: milliseconds of the wall clock, alike in every page of this machine.

lab.now = () => performance.timeOrigin + performance.now();

const DEADLINE_MS = 20_000;

const until = async (check, what) => {
  const end = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = check();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

/** A thread of its own: what it measures does not wait for this page's other work. */
const thread = (main, data, transfer) => {
  const source = `const now = () => performance.timeOrigin + performance.now(); onmessage = ${main}`;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const kept = { times: [], stop: () => worker.terminate() };
  worker.onmessage = ({ data: time }) => kept.times.push(time);
  worker.postMessage(data, transfer);
  return kept;
};

// Blocks of 10 ms, as a sound card gives them: faint noise, and every 0.8 s a tone of 30 ms that begins with its block.
// Its time is the one at which that block was handed to the browser.
const speak = async ({ data: writable }) => {
  const RATE = 48_000;
  const BLOCK = RATE / 100;
  const EVERY = 80;
  const writer = writable.getWriter();
  const start = now();
  for (let block = 0; ; block += 1) {
    const wait = start + block * 10 - now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const data = new Float32Array(BLOCK);
    const tone = block % EVERY < 3;
    for (let at = 0; at < BLOCK; at += 1) {
      const phase = (2 * Math.PI * 1000 * ((block % EVERY) * BLOCK + at)) / RATE;
      data[at] = tone ? 0.8 * Math.sin(phase) : 0.002 * (Math.random() - 0.5);
    }
    const audio = { format: "f32", sampleRate: RATE, numberOfFrames: BLOCK, numberOfChannels: 1, data };
    if (block % EVERY === 0) postMessage(now());
    await writer.write(new AudioData({ ...audio, timestamp: block * 10_000 }));
  }
};

// When the first loud sample after silence is due at the speaker: its block's coming, and its place in it.
const listen = async ({ data: readable }) => {
  const reader = readable.getReader();
  let quiet = 0;
  for (;;) {
    const { value: audio, done } = await reader.read();
    if (done) return;
    const came = now();
    const samples = new Float32Array(audio.numberOfFrames);
    audio.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    for (let at = 0; at < samples.length; at += 1) {
      quiet += 1;
      if (Math.abs(samples[at]) < 0.2) continue;
      if (quiet > audio.sampleRate / 10) postMessage(came + (at * 1000) / audio.sampleRate);
      quiet = 0;
    }
    audio.close();
  }
};

const watch = async ({ data: readable }) => {
  const reader = readable.getReader();
  for (;;) {
    const { value: frame, done } = await reader.read();
    if (done) return;
    postMessage(now());
    frame.close();
  }
};

const received = (main, track) => {
  const { readable } = new MediaStreamTrackProcessor({ track });
  return thread(main, readable, [readable]);
};

/** Nothing is decoded of a sound that nobody plays. */
const play = (track) => {
  const element = document.createElement("audio");
  element.srcObject = new MediaStream([track]);
  document.body.append(element);
  return element.play();
};

const identityOf = (room, peer) => room.info.peers.find(({ id }) => id === peer)?.identity;

Object.assign(lab, {
  until,
  play,

  /** Camera and microphone of this page, made once. */
  devices() {
    if (!lab.camera) {
      lab.camera = lab.source();
      const generator = new MediaStreamTrackGenerator({ kind: "audio" });
      lab.mouth = thread(speak, generator.writable, [generator.writable]);
      lab.microphone = generator;
    }
    // Copies: taking a track off the stage must not stop the device.
    return [lab.camera.clone(), lab.microphone.clone()];
  },

  async enter(token) {
    const { LianmaiRoom } = await import("/web/sdk/lianmai.js");
    await lab.room?.leave();
    lab.room = new LianmaiRoom({ token });
    lab.remote = {};
    lab.room.addEventListener("track", ({ detail: { track } }) => {
      if (identityOf(lab.room, track.peer) === lab.room.self?.identity) return;
      lab.remote[track.kind] = track.mediaStreamTrack;
      if (track.kind === "audio") void play(track.mediaStreamTrack);
    });
    await lab.room.join();
  },

  publishBoth(options = {}) {
    const [camera, microphone] = lab.devices();
    return Promise.all([
      lab.room.publish(camera, { source: "camera", ...options }),
      lab.room.publish(microphone, { source: "microphone", ...options }),
    ]).then(() => null);
  },

  async goLive(token) {
    lab.drawn = [];
    await lab.enter(token);
    await lab.publishBoth();
    await lab.room.startShow();
  },

  // --- the guest -----------------------------------------------------------------------------------------------

  async rung() {
    const mine = ({ state, to }) => state === "pending" && to?.identity === lab.room.self.identity;
    return (await until(() => lab.room.info.invites.find(mine), "it rings")).id;
  },

  /** One tap, after camera and microphone were made ready while it rang. Resolves with the time of the tap. */
  async tap(invite) {
    const tapped = lab.now();
    await lab.room.goOnAir(invite);
    return { tapped, accepted: lab.now() };
  },

  /** One tap, with nothing made ready: connect and publish only now. */
  async tapUnprepared(invite) {
    const tapped = lab.now();
    await lab.room.acceptInvite(invite);
    const accepted = lab.now();
    await lab.publishBoth();
    return { tapped, accepted };
  },

  offStage: () => until(() => lab.room.localTracks.size === 0 && !lab.room.place, "we are off the stage"),

  // --- a viewer ------------------------------------------------------------------------------------------------

  /** Watch the host's picture all the time; see `expectGuest`. */
  async attend(token, host) {
    const { LianmaiRoom } = await import("/web/sdk/lianmai.js");
    lab.room = new LianmaiRoom({ token });
    lab.room.addEventListener("track", ({ detail: { track } }) => {
      const { mediaStreamTrack: media } = track;
      const own = identityOf(lab.room, track.peer) === host;
      if (track.kind === "audio") void play(media);
      else if (own) lab.watched = received(watch, (lab.hostTrack = media));
      else void lab.firstFrame(media).then(() => lab.guestSeen?.(lab.now()));
      if (own && track.kind === "audio") lab.hostSound = media;
    });
    await lab.room.join();
    await until(() => lab.watched?.times.length > 10 && lab.hostSound, "the host's picture moves");
  },

  /** From now on; `lab.expected` resolves with the time of the guest's first decoded frame. */
  expectGuest() {
    lab.expected = new Promise((resolve, reject) => {
      lab.guestSeen = resolve;
      setTimeout(() => reject(new Error("no picture of the guest")), DEADLINE_MS);
    });
    lab.expected.catch(() => {});
  },

  guestGone: () => until(() => lab.room.tracks.size <= 2, "the guest's tracks are gone"),

  /** What happened to the host's picture and sound so far. */
  async playback() {
    const report = [...(await lab.room.stats("subscribe")).values()].filter(({ type }) => type === "inbound-rtp");
    const of = (track) => report.find(({ trackIdentifier }) => trackIdentifier === track.id) ?? {};
    const { freezeCount = 0, framesDecoded = 0 } = of(lab.hostTrack);
    const { concealedSamples = 0, silentConcealedSamples = 0, totalSamplesReceived = 0 } = of(lab.hostSound);
    const times = lab.watched.times;
    return {
      at: lab.now(), times, freezes: freezeCount, frames: framesDecoded,
      concealed: concealedSamples - silentConcealedSamples, samples: totalSamplesReceived,
    };
  },

  // --- host and guest talk to each other -----------------------------------------------------------------------

  /** Glass to glass here, what we said and when, what we heard and when: for `seconds`. */
  async talk(seconds) {
    const { video, audio } = await until(() => lab.remote.video && lab.remote.audio && lab.remote, "the other's tracks");
    const ears = received(listen, audio);
    const { delays, unreadable } = await lab.delays(video, seconds);
    ears.stop();
    return { delays, unreadable, heard: ears.times, said: lab.mouth.times };
  },

  async callPeer(sdp = null) {
    const peer = (lab.peer = new RTCPeerConnection());
    lab.remote = {};
    peer.ontrack = ({ track }) => {
      lab.remote[track.kind] = track;
      if (track.kind === "audio") void play(track);
    };
    if (sdp) await peer.setRemoteDescription({ type: "offer", sdp });
    const tracks = lab.devices();
    const stream = new MediaStream(tracks);
    for (const track of tracks) peer.addTrack(track, stream);
    await peer.setLocalDescription();
    await lab.gathered(peer);
    return peer.localDescription.sdp;
  },
});

// What tests of one-to-one help need beyond kit.js and stage_kit.js: persons who can be told apart by colour and tone, a
// HelpLine beside the room, and eyes and ears for one person at a time.
globalThis.help = (() => {
  const entry = () => kit.rooms.get("me");
  const room = () => entry().room;
  const call = () => entry().line?.call ?? null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [32, 24];
  const glass = canvas.getContext("2d", { willReadFrequently: true });
  let watch = null;

  /** A camera of one colour with a bar that wanders through it. */
  function camera(colour) {
    const picture = document.createElement("canvas");
    [picture.width, picture.height] = [160, 120];
    const context = picture.getContext("2d");
    let turn = 0;
    setInterval(() => {
      turn += 1;
      context.fillStyle = `rgb(${colour})`;
      context.fillRect(0, 0, 160, 120);
      context.fillStyle = "#ffffff";
      context.fillRect((turn * 8) % 160, 0, 16, 24);
    }, 100);
    return picture.captureStream(10).getVideoTracks()[0];
  }

  /** A microphone of one tone; where Web Audio does not run, the browser's fake one. */
  async function microphone(hertz) {
    const context = new AudioContext();
    await Promise.race([context.resume(), kit.pause(500)]);
    if (context.state !== "running") return (await kit.devices({ video: false })).getAudioTracks()[0];
    const tone = context.createOscillator();
    const volume = context.createGain();
    const out = context.createMediaStreamDestination();
    tone.frequency.value = hertz;
    volume.gain.value = 0.3;
    tone.connect(volume).connect(out);
    tone.start();
    return out.stream.getAudioTracks()[0];
  }

  const peerOf = (identity) => {
    const seats = call() ? [...call().people, call().shopper] : [];
    return [...seats, ...room().info.peers.map(({ id: peer, ...more }) => ({ peer, ...more }))].find(
      (one) => one.identity === identity && one.peer,
    )?.peer;
  };
  const trackOf = (identity, source) =>
    [...room().tracks.values()].find(
      (track) => track.source === source && track.mediaStreamTrack && track.peer === peerOf(identity),
    );
  const carrier = (media) =>
    entry().peers.find((peer) => peer.getReceivers().some((receiver) => receiver.track === media)) ?? null;

  /** Mean colour of the lower half of what an element shows. */
  function colourOf(video) {
    glass.drawImage(video, 0, 0, 32, 24);
    const { data } = glass.getImageData(0, 12, 32, 12);
    const mean = [0, 0, 0];
    for (let at = 0; at < data.length; at++) if (at % 4 < 3) mean[at % 4] += data[at] / (data.length / 4);
    return mean.map(Math.round);
  }
  const near = (one, other) => one.every((value, at) => Math.abs(value - other[at]) < 60);

  /** Listens to one received sound: the loudest tone in Hz, or 0 for silence. */
  function ear(media) {
    kit.element(media);
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    analyser.smoothingTimeConstant = 0;
    context.createMediaStreamSource(new MediaStream([media])).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    return {
      tone() {
        analyser.getFloatFrequencyData(bins);
        let best = 10;
        bins.forEach((level, at) => (best = at > 10 && level > bins[best] ? at : best));
        return bins[best] > -60 ? (best * context.sampleRate) / analyser.fftSize : 0;
      },
      close: () => void context.close(),
    };
  }

  return {
    call,
    trackOf,
    /** A HelpLine beside the room that was joined. */
    async begin(options = {}) {
      const { HelpLine } = await import("/web/sdk/help.js");
      entry().line = new HelpLine(room(), options);
      entry().pointers = [];
      entry().line.on("pointer", (detail) => entry().pointers.push(detail));
      return call();
    },
    /** One request of the HelpLine: null, or the code of its refusal. */
    ask: ([name, ...rest]) => entry().line[name](...rest).then(() => null, ({ code, message }) => code ?? message),
    /** Publishes these sources, held until the call is answered. */
    async show(colour, hertz, sources = ["camera", "microphone"]) {
      for (const source of sources) {
        const track = source === "camera" ? camera(colour) : await microphone(hertz);
        entry().locals[source] = await room().publish(track, { source, held: true });
      }
    },
    state: (...states) => kit.until(() => states.includes(call()?.state) && call(), 20000, `the call is ${states}`),
    /** The call rings, or is told, at the desk. */
    rung: (id) =>
      kit.until(() => {
        const found = desk.calls.get(id);
        return found?.people.some(({ identity, mode }) => identity === desk.self.identity && mode === "ring") && found;
      }, 10000, "it rings"),
    mode: (identity) => call()?.people.find((person) => person.identity === identity)?.mode ?? null,
    /** Somebody's camera shows this colour, and moves; whatever track it is by then. */
    async sees(identity, colour, ms = 20000) {
      for (const end = performance.now() + ms; ; ) {
        let seen = null;
        await kit.until(() => {
          const track = trackOf(identity, "camera");
          const video = track && kit.element(track.mediaStreamTrack);
          seen = video?.videoWidth ? colourOf(video) : null;
          return seen && near(seen, colour);
        }, ms, `${identity} in ${colour}`);
        try {
          await kit.pictureMoves(kit.element(trackOf(identity, "camera").mediaStreamTrack), 4000);
          return true;
        } catch (error) {
          if (performance.now() > end) throw error;
        }
      }
    },
    /** Somebody's microphone has this tone; where Web Audio does not run, any. */
    async hears(identity, hertz, ms = 20000) {
      const track = await kit.until(() => trackOf(identity, "microphone"), ms, `a microphone of ${identity}`);
      const context = new AudioContext();
      await Promise.race([context.resume(), kit.pause(500)]);
      const { state } = context;
      void context.close();
      if (state !== "running") return kit.soundHasEnergy(track.mediaStreamTrack, carrier(track.mediaStreamTrack), ms);
      let heard = 0;
      let now = track.mediaStreamTrack;
      let one = ear(now);
      try {
        return await kit.until(() => {
          const next = trackOf(identity, "microphone")?.mediaStreamTrack ?? now;
          if (next !== now) {
            one.close();
            one = ear((now = next));
          }
          return Math.abs((heard = one.tone()) - hertz) < 40 && heard;
        }, ms, `${identity} at ${hertz} Hz`);
      } catch (error) {
        throw new Error(`${error.message}; heard ${heard} Hz`);
      } finally {
        one.close();
      }
    },
    /** Somebody's microphone has some sound. */
    async hearsAny(identity, ms = 20000) {
      const track = await kit.until(() => trackOf(identity, "microphone"), ms, `a microphone of ${identity}`);
      return kit.soundHasEnergy(track.mediaStreamTrack, carrier(track.mediaStreamTrack), ms);
    },
    /** A picture for the chat. */
    async sendPicture() {
      const blob = await new Promise((made) => canvas.toBlob(made, "image/png"));
      return (await entry().line.sendFile(blob, { name: "look.png" })).file.id;
    },
    /** Every tone that arrives by whatever receiver, told or not, within a second; in Hz, to 100. */
    async tones(samples = 20) {
      const media = entry().peers.flatMap((peer) => peer.getReceivers().map(({ track }) => track));
      const ears = media.filter(({ kind, readyState }) => kind === "audio" && readyState === "live").map(ear);
      const heard = new Set();
      for (let turn = 0; turn < samples; turn++) {
        await kit.pause(50);
        for (const one of ears) heard.add(Math.round(one.tone() / 100) * 100);
      }
      ears.forEach((one) => one.close());
      return [...heard].filter(Boolean).sort((one, other) => one - other);
    },
    transports: () => entry().peers.map(({ connectionState }) => connectionState),
    /** Media packets that have arrived, and that were sent, in all. */
    async packets() {
      const found = { received: 0, sent: 0 };
      for (const peer of entry().peers) {
        for (const one of (await peer.getStats()).values()) {
          if (one.type === "inbound-rtp") found.received += one.packetsReceived;
          if (one.type === "outbound-rtp") found.sent += one.packetsSent;
        }
      }
      return found;
    },
    /** Waits until `count` more frames of somebody's camera have been decoded. */
    async moves(identity, count = 5) {
      const frames = async () => {
        const media = trackOf(identity, "camera")?.mediaStreamTrack;
        const peer = media && carrier(media);
        const found = peer && (await kit.stat(peer, { type: "inbound-rtp", trackIdentifier: media.id }));
        return found?.framesDecoded ?? null;
      };
      const start = await kit.until(() => frames().then((at) => at !== null && { at }), 15000, identity);
      return kit.until(async () => (await frames()) >= start.at + count, 15000, `${count} more frames of ${identity}`);
    },
    /** From now on looks at every picture of somebody: how many there were, and how many in another colour. */
    stare(identity, colour) {
      const track = trackOf(identity, "camera");
      const video = kit.element(track.mediaStreamTrack);
      watch = { looks: 0, wrong: [], id: track.id, media: track.mediaStreamTrack, peers: [...entry().peers] };
      watch.timer = setInterval(() => {
        watch.looks += 1;
        const seen = colourOf(video);
        if (!near(seen, colour)) watch.wrong.push(seen);
      }, 25);
      watch.identity = identity;
    },
    /** What came of it. */
    stared() {
      clearInterval(watch.timer);
      const track = trackOf(watch.identity, "camera");
      const { peers } = entry();
      return {
        looked: watch.looks > 20,
        wrong: watch.wrong.slice(0, 5),
        same: track?.id === watch.id && track.mediaStreamTrack === watch.media,
        connections: peers.length === watch.peers.length && peers.every((peer, at) => peer === watch.peers[at]),
        open: peers.every(({ connectionState }) => connectionState === "connected"),
      };
    },
    /** Who can be seen or heard here, as "identity source". */
    tiles: () =>
      [...room().tracks.values()]
        .map(({ peer, source }) => {
          const seat = [...(call()?.people ?? []), ...(call() ? [call().shopper] : [])].find((one) => one.peer === peer);
          const who = seat ?? room().info.peers.find(({ id }) => id === peer);
          return `${who?.identity} ${source}`;
        })
        .sort(),
  };
})();

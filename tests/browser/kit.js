// What tests do inside a page: rooms through the real client library, and eyes and ears for what arrives.
// Runs before the document's own scripts, in every document; nothing here touches the page's own state.
(() => {
  if (globalThis.kit) return;

  const log = [];
  const rooms = new Map();
  const elements = new Map();
  const say = (text) => log.push(`${Math.round(performance.now())} ms ${text}`);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  /** Resolves with the first true value of `check`, or throws at the deadline. */
  async function until(check, ms, what) {
    const end = performance.now() + ms;
    for (;;) {
      const value = await check();
      if (value) return value;
      if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
      await pause(40);
    }
  }

  // --- seeing and hearing --------------------------------------------------------------------------------------

  /** Plays a track in an element that stays; Chromium gives no sound to Web Audio without one. */
  function element(track) {
    let found = elements.get(track.id);
    if (!found) {
      found = document.createElement(track.kind);
      found.muted = true;
      found.autoplay = true;
      found.playsInline = true;
      found.srcObject = new MediaStream([track]);
      (document.body ?? document.documentElement).append(found);
      void found.play().catch((error) => say(`play: ${error}`));
      elements.set(track.id, found);
    }
    return found;
  }

  /** Mean brightness of a 64x36 copy of the picture, and the copy. */
  function look(video) {
    const canvas = document.createElement("canvas");
    canvas.width = 64;
    canvas.height = 36;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(video, 0, 0, 64, 36);
    const { data } = context.getImageData(0, 0, 64, 36);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at] + data[at + 1] + data[at + 2];
    return { data, brightness: sum / (64 * 36 * 3) };
  }

  function difference(one, other) {
    let sum = 0;
    for (let at = 0; at < one.length; at++) sum += Math.abs(one[at] - other[at]);
    return sum / one.length;
  }

  /** Waits until the picture of a video element is not black and has changed three times. */
  async function pictureMoves(video, ms = 15_000) {
    let last = null;
    let changes = 0;
    await until(
      () => {
        if (video.videoWidth === 0 || video.readyState < 2) return false;
        const seen = look(video);
        if (seen.brightness < 4) return false;
        if (last && difference(seen.data, last.data) > 0.2) changes += 1;
        last = seen;
        return changes >= 3;
      },
      ms,
      `the picture moves (${changes} changes, size ${video.videoWidth}x${video.videoHeight}, state ${video.readyState})`,
    );
    return { width: video.videoWidth, height: video.videoHeight };
  }

  /**
   * Waits until a received sound track is louder than silence; how loud, 0 to 1. Listens with Web Audio; where that
   * does not run (Firefox on a machine without a sound card), asks `peer` for the energy of what it decoded.
   */
  async function soundHasEnergy(track, peer = null, ms = 15_000) {
    element(track);
    const context = new AudioContext();
    try {
      await Promise.race([context.resume(), pause(500)]);
      const hear = context.state === "running" ? listener(context, track) : () => decodedLoudness(peer, track);
      let level = 0;
      await until(async () => (level = await hear()) > 0.005, ms, `sound has energy (context ${context.state})`);
      return level;
    } finally {
      void context.close();
    }
  }

  function listener(context, track) {
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    return () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.max(...samples.map(Math.abs));
    };
  }

  /** Root of the mean square of the last 200 ms. */
  async function decodedLoudness(peer, track) {
    const find = () => peer && stat(peer, { type: "inbound-rtp", trackIdentifier: track.id });
    const before = await find();
    await pause(200);
    const after = await find();
    const seconds = after ? after.totalSamplesDuration - (before?.totalSamplesDuration ?? 0) : 0;
    return seconds > 0 ? Math.sqrt((after.totalAudioEnergy - (before?.totalAudioEnergy ?? 0)) / seconds) : 0;
  }

  /** One entry of getStats as a plain object, chosen by `type` and more fields. */
  async function stat(peer, fields) {
    const wanted = Object.entries(fields);
    for (const entry of (await peer.getStats()).values()) {
      if (wanted.every(([name, value]) => entry[name] === value)) return { ...entry };
    }
    return null;
  }

  // --- devices -------------------------------------------------------------------------------------------------

  /** The fake camera and microphone, small: two cores encode and decode for everybody. */
  async function devices({ width = 320, height = 240, frameRate = 15, audio = true, video = true } = {}) {
    return navigator.mediaDevices.getUserMedia({
      audio,
      video: video && { width, height, frameRate },
    });
  }

  // --- rooms ---------------------------------------------------------------------------------------------------

  const EVENTS = [
    "state", "track", "trackupdated", "trackremoved", "trackunavailable", "localended", "unpublished", "viewers",
    "grants", "error", "bye", "path", "unmuterequested", "offstage",
  ];

  const plain = (detail) =>
    JSON.stringify(detail, (_, value) => (value instanceof EventTarget ? { id: value.id, source: value.source } : value));

  /** A token for the demo, as the pages get theirs. */
  async function demoToken(room, identity, role) {
    const reply = await fetch("/dev/token", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ room, identity, role }),
    });
    if (!reply.ok) throw new Error(`/dev/token: ${reply.status} ${await reply.text()}`);
    return (await reply.json()).token;
  }

  function openPeer(config, tcpOnly) {
    const peer = new RTCPeerConnection(config);
    if (tcpOnly) {
      const set = peer.setRemoteDescription.bind(peer);
      peer.setRemoteDescription = ({ type, sdp }) =>
        set({ type, sdp: sdp.replace(/^a=candidate:\S+ \d+ udp .*\r\n/gim, "") });
    }
    return peer;
  }

  /**
   * Joins with the client library and remembers the room as `name`. `sockets`, `peers` and `events` of the entry are
   * everything that it opened and said. With `tcpOnly` the server's UDP addresses are not seen, as if UDP were blocked.
   * Resolves with {joined, code, message}: a refusal is a result, not an exception.
   */
  async function join({ name = "me", room, identity, role, token = null, tcpOnly = false, options = {} }) {
    const { LianmaiRoom } = await import("/web/sdk/lianmai.js");
    const entry = { sockets: [], peers: [], events: [], room: null, locals: {} };
    const keep = (list, made) => (list.push(made), made);
    entry.room = new LianmaiRoom({
      token: token ?? (() => demoToken(room, identity, role)),
      env: {
        openSocket: (url) => keep(entry.sockets, new WebSocket(url)),
        openPeer: (config) => keep(entry.peers, openPeer(config, tcpOnly)),
      },
      ...options,
    });
    rooms.set(name, entry);
    for (const type of EVENTS) {
      entry.room.on(type, (detail) => {
        entry.events.push({ type, detail: JSON.parse(plain(detail) ?? "null") });
        say(`${name} ${type} ${plain(detail)}`);
      });
    }
    try {
      await entry.room.join();
      return { joined: true, code: null, message: null };
    } catch (error) {
      say(`${name} join refused: ${error.code} ${error.message}`);
      return { joined: false, code: error.code ?? null, message: error.message };
    }
  }

  /** Publishes the fake camera and microphone. Resolves with {camera, microphone}: their ids. */
  async function publish(name = "me", wanted = {}) {
    const entry = rooms.get(name);
    const stream = await devices(wanted);
    const ids = {};
    await Promise.all(
      stream.getTracks().map(async (media) => {
        const source = media.kind === "video" ? "camera" : "microphone";
        const local = await entry.room.publish(media, { source });
        entry.locals[source] = local;
        ids[source] = local.id;
      }),
    );
    return ids;
  }

  /** The received track of a source, once it is there. */
  function track(source, name = "me", ms = 15_000) {
    const entry = rooms.get(name);
    return until(
      () => [...entry.room.tracks.values()].find((one) => one.source === source && one.mediaStreamTrack),
      ms,
      `${name} receives a ${source}; tracks: ${plain([...entry.room.tracks.values()])}`,
    );
  }

  /** The peer connection that receives a media track. */
  function carrier(media, name = "me") {
    for (const peer of rooms.get(name).peers) {
      if (peer.getReceivers().some((receiver) => receiver.track === media)) return peer;
    }
    throw new Error(`no peer connection of ${name} receives ${media.id}`);
  }

  /** Waits until a received source is heard. */
  async function sound(source = "microphone", name = "me", ms = 20_000) {
    const { mediaStreamTrack } = await track(source, name, ms);
    return soundHasEnergy(mediaStreamTrack, carrier(mediaStreamTrack, name), ms);
  }

  /** Waits until the camera moves and the microphone is heard. */
  async function watches(name = "me", ms = 20_000) {
    const camera = await track("camera", name, ms);
    const [size, peak] = await Promise.all([
      pictureMoves(element(camera.mediaStreamTrack), ms),
      sound("microphone", name, ms),
    ]);
    return { ...size, peak };
  }

  /** What has been received of a source: frames (or packets of sound), and by which transport of how many. */
  async function received(source, name = "me") {
    const entry = rooms.get(name);
    const { mediaStreamTrack } = await track(source, name);
    const peer = carrier(mediaStreamTrack, name);
    const found = (await stat(peer, { type: "inbound-rtp", trackIdentifier: mediaStreamTrack.id })) ?? {};
    return {
      peer: entry.peers.indexOf(peer),
      connection: peer.connectionState,
      frames: found.framesDecoded ?? 0,
      packets: found.packetsReceived ?? 0,
      freezes: found.freezeCount ?? 0,
    };
  }

  /** Waits until `count` more frames of the camera have been decoded than when it was called. */
  async function moreFrames(count, name = "me", ms = 15_000) {
    const start = await received("camera", name);
    return until(
      async () => {
        const now = await received("camera", name);
        return (now.peer !== start.peer || now.frames >= start.frames + count) && now;
      },
      ms,
      `${count} more frames than ${start.frames}`,
    );
  }

  /** Waits for an event of the library: `type`, and fields that its detail must have. */
  function heard(type, fields = {}, name = "me", ms = 15_000) {
    const wanted = Object.entries(fields);
    return until(
      () =>
        rooms
          .get(name)
          .events.find((one) => one.type === type && wanted.every(([key, value]) => one.detail?.[key] === value)),
      ms,
      `${name} hears ${type} ${JSON.stringify(fields)}`,
    );
  }

  // --- without the library -------------------------------------------------------------------------------------

  /** A WebSocket of our own, to say what the library never would. `send(type, fields)` resolves with the reply. */
  async function socket() {
    const ws = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`);
    const heard = [];
    let last = 0;
    ws.addEventListener("message", (event) => heard.push(JSON.parse(event.data)));
    await new Promise((resolve, reject) => {
      ws.addEventListener("open", resolve);
      ws.addEventListener("error", () => reject(new Error("no WebSocket")));
    });
    return {
      ws,
      heard,
      async send(type, fields) {
        const id = ++last;
        ws.send(JSON.stringify({ type, id, ...fields }));
        return until(() => heard.find((message) => message.re === id), 10_000, `a reply to ${type}`);
      },
    };
  }

  globalThis.kit = Object.freeze({
    log, rooms, say, pause, until, element, pictureMoves, soundHasEnergy, stat, devices, demoToken, join, publish,
    track, sound, watches, received, moreFrames, heard, socket,
  });
})();

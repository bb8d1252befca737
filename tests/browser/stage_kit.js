// What tests of the stage need beyond kit.js: persons by identity, the desk, faults of the network, and what is left over.
globalThis.stage = (() => {
  const entry = () => kit.rooms.get("me");
  const me = () => entry().room;
  const person = (identity) => me().info.peers.find((peer) => peer.identity === identity);
  const trackOf = (identity, source) => {
    const peer = person(identity);
    return (
      peer &&
      [...me().tracks.values()].find(
        (track) => track.peer === peer.id && track.source === source && track.mediaStreamTrack,
      )
    );
  };
  const carrier = (media) =>
    entry().peers.find((peer) => peer.getReceivers().some((receiver) => receiver.track === media)) ?? null;
  const wait = (identity, source) =>
    kit.until(() => trackOf(identity, source), 20000, `${source} of ${identity} arrives`);

  /** Senses somebody's source; when nothing comes, looks whether another track has taken its place meanwhile. */
  async function sense(identity, source, check) {
    for (const end = performance.now() + 24000; ; ) {
      const { mediaStreamTrack } = await wait(identity, source);
      try {
        return await check(mediaStreamTrack, 6000);
      } catch (error) {
        if (performance.now() > end) throw error;
      }
    }
  }
  const moves = (identity, source) =>
    sense(identity, source, (media, ms) => kit.pictureMoves(kit.element(media), ms));

  /** Takes the first message that fits out of the hands of its WebSocket; `pass` sends it after all. */
  function intercept(fits, handle) {
    const { send } = WebSocket.prototype;
    let done = false;
    WebSocket.prototype.send = function (text) {
      const message = JSON.parse(text);
      if (done || !fits(message)) return send.call(this, text);
      done = true;
      return handle(this, () => send.call(this, JSON.stringify(message)), message);
    };
  }

  return {
    trackOf,
    moves,
    async sees(identity) {
      await moves(identity, "camera");
      await sense(identity, "microphone", (media, ms) => kit.soundHasEnergy(media, carrier(media), ms));
      return true;
    },
    async hears(source) {
      const track = await kit.track(source);
      return kit.soundHasEnergy(track.mediaStreamTrack, carrier(track.mediaStreamTrack), 20000);
    },
    /** Packets of every sound that arrives, whatever it is called, by media track. */
    async sounds() {
      const found = {};
      for (const peer of entry().peers) {
        for (const one of (await peer.getStats()).values()) {
          if (one.type === "inbound-rtp" && one.kind === "audio") found[one.ssrc] = one.packetsReceived;
        }
      }
      return found;
    },
    /** Every track that this page could show or play, as "identity source". */
    tiles: () =>
      [...me().tracks.values()]
        .map(({ peer, source }) => `${me().info.peers.find(({ id }) => id === peer)?.identity} ${source}`)
        .sort(),
    /** Connections that were opened, and of those that are open: m-lines, and our ICE user names. */
    transports() {
      const open = entry().peers.filter(({ connectionState }) => connectionState !== "closed");
      return {
        opened: entry().peers.length,
        lines: open.map((peer) => peer.getTransceivers().length),
        ufrags: open.map(({ localDescription }) => [
          ...new Set([...(localDescription?.sdp ?? "").matchAll(/ice-ufrag:(\S+)/g)].map(([, ufrag]) => ufrag)),
        ]),
      };
    },
    async sit(token) {
      const { LianmaiDesk } = await import("/web/sdk/desk.js");
      const desk = new LianmaiDesk({ token });
      await desk.join();
      globalThis.desk = desk;
    },
    ring: () => kit.until(() => desk.info.invites.find(({ state }) => state === "pending"), 10000, "it rings"),
    /** Joins while it rings, and publishes what is held until the tap. */
    async prepare(room, token, wanted = {}) {
      const outcome = await kit.join({ room, token, options: { room } });
      if (!outcome.joined) throw new Error(outcome.message);
      await stage.hold(await kit.devices(wanted));
    },
    /** Publishes camera and microphone, held. */
    hold: (media) =>
      Promise.all(
        media.getTracks().map(async (track) => {
          const source = track.kind === "video" ? "camera" : "microphone";
          entry().locals[source] = await me().publish(track, { source, held: true });
        }),
      ),
    /** Takes an invitation, and what it was refused with, or null. */
    accept: (id) => me().goOnAir(id).then(() => null, ({ code }) => code),
    /** A screen to share: a picture of two colours that change places ten times a second. */
    screen() {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [320, 180];
      const context = canvas.getContext("2d");
      let turn = 0;
      setInterval(() => {
        turn += 1;
        context.fillStyle = turn % 2 ? "#d02040" : "#40d020";
        context.fillRect(0, 0, 320, 180);
        context.fillStyle = "#ffffff";
        context.fillRect((turn * 8) % 320, 0, 40, 180);
      }, 100);
      return canvas.captureStream(10).getVideoTracks()[0];
    },
    /**
     * From now on every WebSocket loses what belongs to a request `type`: the request itself, or everything that comes
     * after it (`reply`). Either way the socket breaks soon after, once. Resolves when it has.
     */
    breaks(type, lost) {
      return new Promise((resolve) => {
        intercept(
          (message) => message.type === type,
          (socket, pass) => {
            if (lost === "reply") {
              socket.onmessage = null;
              pass();
            }
            setTimeout(() => {
              socket.close();
              resolve(true);
            }, 300);
          },
        );
      });
    },
    /** At the next resume the server will not know us any more. */
    forgets() {
      intercept(
        (message) => message.resume,
        (_, pass, message) => {
          message.resume.key = "lost";
          pass();
        },
      );
    },
    /** The room's connection breaks. */
    drop: () => entry().sockets.at(-1).close(),
  };
})();

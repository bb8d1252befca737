// Runs after stage_page.js inside both browsers of `bench_latency --call`: what shopper and agent do.

const firstFace = ({ detail: { track } }) => {
  const { mediaStreamTrack: media } = track;
  if (track.kind === "audio") void lab.play(media);
  else void lab.firstFrame(media).then(() => lab.faceSeen?.(lab.now()));
};

const enterCall = async (token, options) => {
  const [{ LianmaiRoom }, { HelpLine }] = await Promise.all([import("/web/sdk/lianmai.js"), import("/web/sdk/help.js")]);
  await lab.room?.leave();
  lab.room = new LianmaiRoom({ token, ...options });
  lab.room.addEventListener("track", firstFace);
  lab.help = new HelpLine(lab.room);
  await lab.room.join();
};

Object.assign(lab, {
  // --- the shopper ---------------------------------------------------------------------------------------------

  arrive: (token) => enterCall(token),

  /** One tap; the time of it. */
  async askHelp({ prepared }) {
    const tapped = lab.now();
    const asked = lab.help.ask({ media: "video", context: { entry: "help" } });
    if (prepared) await lab.publishBoth({ held: true });
    await asked;
    return tapped;
  },

  publishLate: () => lab.publishBoth(),

  callOver: () => lab.until(() => !lab.help.call || ["wrap_up", "ended"].includes(lab.help.call.state), "the call is over"),

  // --- the agent -----------------------------------------------------------------------------------------------

  async sitDown(token) {
    const { LianmaiDesk } = await import("/web/sdk/desk.js");
    lab.token = token;
    lab.desk = new LianmaiDesk({ token });
    lab.desk.addEventListener("call", ({ detail: { call } }) => {
      const mine = call.people.some(({ identity, mode }) => identity === "agent" && mode === "ring");
      if (call.state === "ringing" && mine && lab.ring?.call !== call.id) lab.ring = { call: call.id, room: call.room, at: lab.now() };
    });
    await lab.desk.join();
  },

  async rungAtDesk() {
    const ring = await lab.until(() => lab.ring?.call !== lab.rungFor && lab.ring, "it rings");
    lab.rungFor = ring.call;
    return ring;
  },

  async prepareCall({ room, prepared }) {
    await enterCall(lab.token, { room });
    if (prepared) await lab.publishBoth({ held: true });
  },

  async answerCall({ prepared }) {
    const tapped = lab.now();
    await lab.help.answer();
    const accepted = lab.now();
    if (!prepared) await lab.publishBoth();
    return { tapped, accepted };
  },

  async hangUp() {
    const { id } = lab.help.call;
    await lab.help.end("");
    await lab.help.wrapUp({ done: true });
    await lab.until(() => lab.desk.info.me.presence === "available", "free again");
    return id;
  },

  // --- both ----------------------------------------------------------------------------------------------------

  /** From now on; `lab.face` resolves with the time of the other's first decoded frame. */
  expectFace() {
    lab.face = new Promise((resolve, reject) => {
      lab.faceSeen = resolve;
      setTimeout(() => reject(new Error("no picture")), 20_000);
    });
    lab.face.catch(() => {});
  },
});

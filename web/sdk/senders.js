/**
 * The m-lines of a publishing transport and what their senders are told.
 * @module
 */
import { startBitrate } from "./sdp_hints.js";

/** @typedef {import("./tracks.js").LocalTrack} LocalTrack */

const DEFAULT_VIDEO_BPS = 2_500_000;

/**
 * Makes m-lines, and keeps those that have lost their track for the next one of their kind. They are not stopped: when
 * the last m-line of a transport stops, browsers begin another transport, and the server would have to as well.
 */
export class MLines {
  /** With what they carried last. @type {Map<RTCRtpTransceiver, LocalTrack>} */
  #parked = new Map();

  /**
   * @param {RTCPeerConnection} peer
   * @param {LocalTrack} local
   * @returns {RTCRtpTransceiver}
   */
  open(peer, local) {
    const parked = this.#take(local);
    if (parked) {
      parked.direction = "sendonly";
      parked.sender.replaceTrack(sent(local)).catch(() => {});
      void tune(parked.sender, local);
      return parked;
    }
    const transceiver = peer.addTransceiver(sent(local) ?? local.kind, {
      direction: "sendonly",
      sendEncodings: [encoding(local)],
    });
    if (local.source === "screen") void tune(transceiver.sender, local);
    return transceiver;
  }

  /** Its m-line stays, empty. @param {LocalTrack} local */
  park(local) {
    const { transceiver } = local;
    local.transceiver = null;
    if (!transceiver || isStopped(transceiver)) return;
    transceiver.direction = "inactive";
    transceiver.sender.replaceTrack(null).catch(() => {});
    void inTurn(transceiver.sender, (parameters) => {
      if (this.#parked.has(transceiver)) for (const one of parameters.encodings) one.active = false;
    });
    this.#parked.set(transceiver, local);
  }

  /** The transport is gone. */
  clear() {
    this.#parked.clear();
  }

  /**
   * Best the one that carried the same before: at the server that is the same codec.
   * @param {LocalTrack} local
   */
  #take({ kind, source }) {
    // The server may have refused one meanwhile, which stops it.
    for (const transceiver of this.#parked.keys()) if (isStopped(transceiver)) this.#parked.delete(transceiver);
    const fitting = [...this.#parked].filter(([, former]) => former.kind === kind);
    const [transceiver] = fitting.find(([, former]) => former.source === source) ?? fitting[0] ?? [];
    if (transceiver) this.#parked.delete(transceiver);
    return transceiver;
  }
}

/** @param {RTCRtpTransceiver} transceiver */
function isStopped(transceiver) {
  return transceiver.direction === "stopped" || transceiver.currentDirection === "stopped";
}

/**
 * What a track's sender gets. The preview of a held track plays on, since it is the sender that goes without. That alone
 * is not enough: Firefox repeats the last picture once a second, so the encoding is inactive as well. The way back takes
 * no longer for it.
 * @param {LocalTrack} local
 */
export function sent(local) {
  return local.outgoing;
}

/**
 * What is held sends nothing. A muted camera sends nothing at all, not black pictures; a muted microphone is left to the codec's own silence.
 * @param {LocalTrack} local
 * @returns {RTCRtpEncodingParameters}
 */
function encoding(local) {
  const { maxBitrate, maxFramerate } = local.options;
  return {
    active: local.outgoing !== null && (local.kind === "audio" || !local.muted),
    ...(maxBitrate === undefined ? {} : { maxBitrate }),
    ...(maxFramerate === undefined ? {} : { maxFramerate }),
  };
}

/**
 * Tell a sender what the track wants by now.
 * @param {RTCRtpSender} sender
 * @param {LocalTrack} local
 */
export function tune(sender, local) {
  return inTurn(sender, (parameters) => {
    const first = parameters.encodings?.[0];
    if (!first || local.transceiver?.sender !== sender) return;
    delete first.maxBitrate;
    delete first.maxFramerate;
    Object.assign(first, encoding(local));
    delete parameters.degradationPreference;
    if (local.source === "screen") parameters.degradationPreference = "maintain-resolution";
  });
}

/** The last change of each sender's parameters. @type {WeakMap<RTCRtpSender, Promise<void>>} */
const turns = new WeakMap();

/**
 * Browsers refuse parameters that were read before another change was done: one at a time, and what is wanted is looked
 * up when its turn has come.
 * @param {RTCRtpSender} sender
 * @param {(parameters: RTCRtpSendParameters) => void} change
 */
function inTurn(sender, change) {
  const turn = (turns.get(sender) ?? Promise.resolve()).then(async () => {
    const parameters = sender.getParameters();
    change(parameters);
    await sender.setParameters(parameters);
  }).catch(() => {});
  turns.set(sender, turn);
  return turn;
}

/**
 * @param {Iterable<LocalTrack>} tracks
 * @returns {Map<LocalTrack, string>} those in the present offer, with their mids
 */
export function offeredOf(tracks) {
  const offered = new Map();
  for (const local of tracks) if (local.transceiver?.mid != null) offered.set(local, local.transceiver.mid);
  return offered;
}

/**
 * @param {Map<LocalTrack, string>} offered
 * @returns {Map<string, number>} bits per second by mid
 */
export function startBitrates(offered) {
  /** @type {Map<string, number>} */
  const start = new Map();
  for (const [{ kind, options }, mid] of offered) {
    if (kind === "video") start.set(mid, startBitrate(options.maxBitrate ?? DEFAULT_VIDEO_BPS));
  }
  return start;
}

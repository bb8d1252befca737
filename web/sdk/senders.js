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
 * What a track's sender gets. A sender without a track sends nothing at all, in every browser, and the preview of the
 * same track plays on. The way back is as fast as with an inactive encoding.
 * @param {LocalTrack} local
 */
export function sent(local) {
  return local.held ? null : local.mediaStreamTrack;
}

/**
 * A muted camera sends nothing at all, not black pictures; a muted microphone is left to the codec's own silence.
 * @param {LocalTrack} local
 * @returns {RTCRtpEncodingParameters}
 */
function encoding(local) {
  const { maxBitrate, maxFramerate } = local.options;
  return {
    active: local.kind === "audio" || !local.muted,
    ...(maxBitrate === undefined ? {} : { maxBitrate }),
    ...(maxFramerate === undefined ? {} : { maxFramerate }),
  };
}

/**
 * Tell a sender what the track wants by now.
 * @param {RTCRtpSender} sender
 * @param {LocalTrack} local
 */
export async function tune(sender, local) {
  const parameters = sender.getParameters();
  const first = parameters.encodings?.[0];
  if (!first) return;
  delete first.maxBitrate;
  delete first.maxFramerate;
  Object.assign(first, encoding(local));
  delete parameters.degradationPreference;
  if (local.source === "screen") parameters.degradationPreference = "maintain-resolution";
  await sender.setParameters(parameters).catch(() => {});
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

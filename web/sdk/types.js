/**
 * Types shared by the library's modules; no code. The objects on the wire are those of PROTOCOL.md section 1.3.
 * @module
 */

/** @typedef {"microphone" | "camera" | "screen" | "screen_audio"} Source */
/** @typedef {"audio" | "video"} Kind */
/** @typedef {"idle" | "connecting" | "joined" | "reconnecting" | "closed"} RoomState */
/** @typedef {0 | 1 | 2 | 3} Quality 0 none, 1 poor, 2 fair, 3 good */

/**
 * @typedef {object} PeerInfo
 * @property {string} id
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {boolean} connected
 */

/**
 * @typedef {object} TrackInfo
 * @property {string} id
 * @property {string} peer
 * @property {Kind} kind
 * @property {Source} source
 * @property {boolean} muted
 * @property {string} [codec]
 * @property {boolean} flowing packets arrive at the server
 */

/**
 * The room as the server last described it.
 * @typedef {object} RoomInfo
 * @property {string} name
 * @property {string} title
 * @property {"idle" | "live" | "away" | "ended"} state
 * @property {number} since ms since epoch
 * @property {number} [away_until] ms since epoch
 * @property {number} viewers
 * @property {readonly PeerInfo[]} peers
 * @property {readonly TrackInfo[]} tracks
 * @property {readonly string[]} speakers peer ids, loudest first
 */

/**
 * Who we are in the room.
 * @typedef {object} Self
 * @property {string} peer our peer id; stays the same across resumes
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {Record<string, unknown>} grants
 */

/**
 * @typedef {object} Offer
 * @property {string} transport
 * @property {number} version
 * @property {string} sdp
 * @property {{ mid: string, track: string }[]} tracks
 */

/** @typedef {Record<string, unknown> & { type: string, seq?: number }} WireEvent */
/** @typedef {Record<string, any>} Reply the fields of an `ok` */

/**
 * Sends one request and waits for its `ok`; rejects with a LianmaiError.
 * `retry`: safe to send again after a resume. `wait`: hold it back until joined (default true).
 * @typedef {(type: string, fields?: Record<string, unknown>, options?: RequestOptions) => Promise<Reply>} RequestFn
 */

/**
 * @typedef {object} RequestOptions
 * @property {boolean} [retry] send again after a resume if the connection dropped before the reply
 * @property {boolean} [wait] when not joined: wait (default) or reject with `not_connected` at once
 * @property {number} [timeoutMs] from the call to the reply, waiting included; default 10,000
 */

/** @typedef {"good" | "loss" | "rtt" | "jitter" | "freeze" | "bitrate" | "none"} QualityReason */
/** @typedef {import("./env.js").Env} Env */
/** @typedef {import("./errors.js").LianmaiError} LianmaiError */
/** @typedef {import("./path.js").PathState} PathState */
/** @typedef {import("./tracks.js").LocalTrack} LocalTrack */
/** @typedef {import("./tracks.js").RemoteTrack} RemoteTrack */

/**
 * @typedef {object} RoomOptions
 * @property {string} [url] of the WebSocket; default `/ws` on the page's own host
 * @property {string | (() => string | Promise<string>)} token a function is called when a token is needed: at the
 *   first join, a minute before the one it gave expires, and when the server refuses it
 * @property {string} [room] which one, for a token that is good for any
 * @property {string} [locale] `zh-CN` or `en`, for the sentences of errors
 * @property {"auto" | "none"} [subscribe] auto (default): receive everything
 * @property {RTCConfiguration} [rtcConfig]
 * @property {string} [client] free text for the server's log, up to 200 characters
 * @property {Partial<Env>} [env] for tests
 */

/**
 * Every event is a CustomEvent; these are the `detail`s. `room.on(name, detail => ...)` hands them over directly.
 * @typedef {object} RoomEvents
 * @property {{ state: RoomState, error: LianmaiError | null }} state
 * @property {{ info: RoomInfo, previous: RoomInfo }} room `info` changed
 * @property {{ track: RemoteTrack }} track a track can be played; again when its media was renewed
 * @property {{ track: RemoteTrack }} trackupdated `muted` or `flowing` changed
 * @property {{ track: RemoteTrack }} trackremoved
 * @property {{ track: string, code: string, message: string }} trackunavailable this browser cannot play it
 * @property {{ track: LocalTrack }} localended the device of a published track stopped; replace or stop it
 * @property {{ track: LocalTrack, code: string, message: string }} unpublished the server ended a track of ours
 * @property {{ peers: readonly string[] }} speakers
 * @property {{ count: number }} viewers
 * @property {{ quality: Quality, reason: string, bitrate_bps: number, loss: number, rtt_ms: number | null }} uplink
 * @property {{ quality: Quality, reason: QualityReason, bitrateBps: number, loss: number, rttMs: number | null }}
 *   downlink when quality or reason changed
 * @property {{ direction: "publish" | "subscribe", state: PathState }} path
 * @property {{ sound: boolean }} autoplayblocked forwarded by whoever plays; see Player
 * @property {{ grants: Record<string, unknown> }} grants
 * @property {{ code: string, message: string }} error something failed and is being retried, or needs no action
 * @property {{ code: string, message: string }} bye the room is closed to us for good
 */

export {};

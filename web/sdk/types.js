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
export {};

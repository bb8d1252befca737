/**
 * Types shared by the library's modules; no code. The objects on the wire are those of PROTOCOL.md section 1.3.
 * @module
 */

/** @typedef {"microphone" | "camera" | "screen" | "screen_audio" | "whisper"} Source whisper: only hosts hear it */
/** @typedef {"audio" | "video"} Kind */
/** @typedef {"idle" | "connecting" | "joined" | "reconnecting" | "closed"} RoomState */
/** @typedef {0 | 1 | 2 | 3} Quality 0 none, 1 poor, 2 fair, 3 good */
/** @typedef {"solo" | "side_by_side" | "inset" | "grid" | "screen"} StageLayout */
/** @typedef {"available" | "busy" | "break" | "offline"} Presence */

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
 * @property {StageInfo} stage
 * @property {ChatState} chat
 * @property {readonly Invite[]} invites pending ones that concern us; with controls all pending ones
 * @property {{ raised: boolean }} hand our own
 * @property {readonly Hand[]} hands to those with controls: who asks to speak, in order
 * @property {readonly Agent[]} agents to those with controls: who can be rung
 * @property {readonly BackChannelMessage[]} backchannel to the staff: the last 200
 * @property {readonly StaffMember[]} staff to the staff: who reads the back channel now
 */

/**
 * The stage as everybody sees it. The first place is the main one, after the pin.
 * @typedef {object} StageInfo
 * @property {readonly Place[]} places in the order of the screen, at most 6
 * @property {StageLayout} layout
 * @property {string | null} pin identity
 * @property {boolean} locked nobody else can come on
 * @property {boolean} hands_open people may raise their hands
 */

/**
 * @typedef {object} Place
 * @property {string} identity
 * @property {string | null} peer null while this person's connection is being made again
 * @property {string} name
 * @property {string} role
 * @property {"joining" | "on"} state joining: accepted, nothing to see yet
 * @property {boolean} cohost has the host's controls
 * @property {{ audio: boolean, video: boolean }} locked muted by the host until asked to unmute
 */

/** @typedef {{ title: string, price?: string, url?: string }} Product */
/** @typedef {{ identity: string } | { skill: string } | { anyone: true }} InviteTarget whom to ring */

/**
 * @typedef {object} Invite
 * @property {string} id
 * @property {string} room
 * @property {string} title of the room
 * @property {"invite" | "request"} direction request: the agent offers to come
 * @property {"pending" | "accepted" | "declined" | "cancelled" | "expired" | "failed"} state all but the first are final
 * @property {string | null} reason
 * @property {{ identity: string, name: string, role: string }} from
 * @property {{ kind: "identity" | "skill" | "anyone", value: string | null }} target
 * @property {{ identity: string, name: string } | null} to who rings now
 * @property {number} tried how many have rung so far
 * @property {string} topic
 * @property {Product | null} product
 * @property {number} created ms since epoch
 * @property {number | null} ring_until ms since epoch
 */

/** @typedef {{ identity: string, name: string, topic: string, at: number }} Hand at: ms since epoch */

/**
 * @typedef {object} Agent
 * @property {string} identity
 * @property {string} name
 * @property {readonly string[]} skills
 * @property {Presence} presence
 * @property {boolean} engaged rung or on a stage
 * @property {boolean} here in this room already
 */

/**
 * @typedef {object} ChatState
 * @property {readonly ChatMessage[]} messages the last 200, oldest first
 * @property {number} slow_s seconds between two messages of one person; 0: no limit
 * @property {number | null} muted_until we may not write until then, ms since epoch
 */

/**
 * @typedef {object} ChatMessage
 * @property {string} id
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {string} text plain text, never HTML
 * @property {number} at ms since epoch
 */

/**
 * @typedef {object} BackChannelMessage
 * @property {string} id
 * @property {{ identity: string, name: string, role: string }} from
 * @property {string} text
 * @property {boolean} urgent
 * @property {number} at ms since epoch
 * @property {readonly { identity: string, name: string }[]} acked who has seen it
 */

/** @typedef {{ identity: string, name: string, role: string }} StaffMember */

/**
 * Ourselves at the desk.
 * @typedef {object} DeskMe
 * @property {string} identity
 * @property {string} name
 * @property {Presence} presence as others see it
 * @property {Exclude<Presence, "busy">} chosen
 * @property {number} since ms since epoch
 * @property {readonly string[]} skills
 * @property {readonly string[]} all_skills what the token allows to choose from
 * @property {{ room: string, state: "ringing" | "on_stage" } | null} engaged
 */

/**
 * A live room as the desk lists it.
 * @typedef {object} DeskRoom
 * @property {string} name
 * @property {string} title
 * @property {"live" | "away"} state
 * @property {number} since ms since epoch
 * @property {number} viewers
 * @property {string | null} host name
 * @property {number} on_stage how many
 */

/**
 * @typedef {object} DeskInfo
 * @property {DeskMe | null} me null before the first join
 * @property {readonly DeskRoom[]} rooms
 * @property {readonly Invite[]} invites pending: ring for us, or made by us
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
 * @property {boolean} [anyPeer] with `retry`: also when the resume was refused and we are another Peer
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
 * @property {{ stage: StageInfo, previous: StageInfo }} stage `info.stage` changed
 * @property {{}} offstage we were a guest on the stage and are not any more
 * @property {{ invite: Invite }} invite one began, changed or ended; ended ones are not in `info.invites` any more
 * @property {{ audio: boolean, video: boolean, by: { identity: string, name: string } }} unmuterequested
 * @property {{ raised: boolean, open: boolean }} hand our own hand went up or down, or hands may be raised (no longer)
 * @property {{ message: ChatMessage }} chat
 * @property {{ until: number | null }} chatmuted ms since epoch; null: we may write again
 * @property {{ message: BackChannelMessage }} backchannel
 * @property {{ code: string, message: string }} error something failed and is being retried, or needs no action
 * @property {{ code: string, message: string }} bye the room is closed to us for good
 */

/**
 * @typedef {object} DeskEvents
 * @property {{ state: RoomState, error: LianmaiError | null }} state
 * @property {{ info: DeskInfo, previous: DeskInfo }} desk `info` changed
 * @property {{ invite: Invite }} invite one began, changed or ended; ring while it is pending and `to` is us
 * @property {{ code: string, message: string }} error something failed and is being retried
 * @property {{ code: string, message: string }} bye the desk is closed to us for good
 */

export {};

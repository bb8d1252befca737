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
/** @typedef {"text" | "voice" | "video"} CallMedia */
/** @typedef {"waiting" | "ringing" | "active" | "on_hold" | "wrap_up" | "ended"} CallState */
/** @typedef {"shopper" | "agent" | "supervisor"} CallSide */
/** @typedef {"ring" | "full" | "hold" | "listen" | "whisper"} SeatMode */
/** @typedef {"listen" | "whisper" | "barge" | "takeover" | "off"} SuperviseMode */
/** @typedef {"no" | "voice" | "video" | "blurred"} StageConsent */
/** @typedef {"still" | "flip" | "torch" | "zoom"} DeviceAsk */

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
 * @property {readonly CallInfo[]} calls one-to-one help that concerns us here, newest last; the last ended one stays
 * @property {CallInfo | null} call the one of them that goes on, or else the last that ended
 * @property {RecordingInfo | null} recording of the stage
 */

/**
 * What is recorded of a call or of a stage. An audience knows `scope`, `state` and `since` only.
 * @typedef {object} RecordingInfo
 * @property {string} scope a call's id, or "stage"
 * @property {"off" | "waiting_consent" | "recording" | "paused" | "failed"} state
 * @property {boolean} [possible] whether the shop allows it at all
 * @property {number} [since] ms since epoch
 * @property {string} [version] of the text that people agree to
 * @property {Readonly<Record<string, boolean | null>>} [consents] by identity; null: not asked yet
 * @property {{ by: string, name: string, side: string, reason: string, since: number } | null} [paused] by an identity, or "rule"
 * @property {string | null} [warning] a code
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
 * A call of one-to-one help (PROTOCOL.md section 1.9). What is optional is for the agents' side only.
 * @typedef {object} CallInfo
 * @property {string} id
 * @property {string} room
 * @property {string} queue
 * @property {string} queue_title
 * @property {"in" | "out" | "link"} direction
 * @property {CallMedia} media
 * @property {CallState} state
 * @property {number} created ms since epoch, as all times here
 * @property {number | null} answered
 * @property {number | null} ended
 * @property {"completed" | "abandoned" | "callback" | "failed" | "declined" | "expired" | null} outcome
 * @property {string | null} end_reason
 * @property {number | null} position in the queue, from 1
 * @property {CallEstimate | null} estimate
 * @property {number | null} ring_until
 * @property {string | null} held_by identity
 * @property {string} topic
 * @property {{ identity: string, name: string, peer: string | null, state: "connected" | "reconnecting" | "away" }} shopper
 * @property {readonly CallPerson[]} people
 * @property {{ kind: "identity" | "skill" | "queue", to: string, name: string, warm: boolean,
 *   state: "ringing" | "talking" } | null} transfer
 * @property {{ state: "asking" | "offered" | "on_stage" | "declined" | "refused", consent: StageConsent | null,
 *   code?: string, until?: number } | null} escalation
 * @property {readonly CallMessage[]} messages the last 200, oldest first
 * @property {readonly CallMark[]} marks
 * @property {CallFrame | null} frame the frozen picture that all see
 * @property {CallChecklist | null} checklist
 * @property {CallDevice | null} device the shopper's camera
 * @property {{ score: number, comment: string, solved: string | null } | null} rating
 * @property {RecordingInfo} [recording]
 * @property {string} [text] what the shopper wrote while asking
 * @property {CallContext} [context]
 * @property {readonly CallCard[]} [cards]
 * @property {readonly EarlierCall[]} [earlier]
 * @property {{ note: string, reasons: readonly string[], solved: "yes" | "no" | "unknown" } | null} [notes]
 * @property {number | null} [wrap_until]
 * @property {number} [priority]
 * @property {number} [waited_s]
 */

/** @typedef {{ low_s: number, high_s: number }} CallEstimate how long it may take still */

/**
 * @typedef {object} CallPerson
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {CallSide} side
 * @property {SeatMode} mode
 * @property {string | null} peer in the call's room; null while there is none
 * @property {"connected" | "reconnecting"} state
 */

/**
 * @typedef {object} CallMessage
 * @property {string} id
 * @property {{ identity: string, name: string, side: CallSide }} by
 * @property {number} at
 * @property {string | null} text plain text, never HTML
 * @property {{ title: string, url: string } | null} article
 * @property {CallFile | null} file
 */

/** @typedef {{ id: string, name: string, type: string, bytes: number, width?: number, height?: number }} CallFile */

/**
 * A mark on a picture. Points are shares of the displayed, upright frame, from its upper left corner.
 * @typedef {object} CallMark
 * @property {string} id
 * @property {string} [by] identity
 * @property {"free" | "arrow" | "ring" | "step" | "text"} kind
 * @property {string} color #rrggbb
 * @property {number} width share of the frame's width, 0.001 to 0.05
 * @property {string} target a track, or the file of a frozen picture
 * @property {readonly (readonly [number, number])[]} points
 * @property {string} [label]
 * @property {number} [n] of a step
 * @property {number} [at]
 */

/** @typedef {{ x: number, y: number, target: string }} CallPointer */
/** @typedef {{ file: string, target: string, width: number, height: number }} CallFrame target: the track it is of */
/** @typedef {{ title: string, steps: readonly { text: string, done: boolean }[] }} CallChecklist */

/**
 * What the shopper's camera can do, and does.
 * @typedef {object} CallDevice
 * @property {"user" | "environment" | null} facing
 * @property {boolean | null} torch
 * @property {{ min: number, max: number, value: number } | null} zoom
 * @property {readonly DeviceAsk[]} can
 */

/**
 * Where a question comes from.
 * @typedef {object} CallContext
 * @property {"live" | "product" | "order" | "help" | "link"} [entry]
 * @property {string} [page_url]
 * @property {string} [page_title]
 * @property {{ id?: string, title?: string, price?: string, url?: string } | null} [product]
 * @property {{ id?: string, title?: string } | null} [order]
 * @property {string} [locale]
 * @property {string} [device]
 * @property {boolean} [verified] signed by the shop, not only said by the page
 * @property {{ id?: string, name?: string, value?: number, tags?: readonly string[] } | null} [person]
 */

/** @typedef {{ kind: "order" | "product" | "article" | "note" | "link", title: string, lines?: readonly string[],
 *   url?: string, image?: string }} CallCard */
/** @typedef {{ id: string, at: number, agent: string | null, queue: string, outcome: string | null,
 *   score: number | null, note: string | null }} EarlierCall */
/** @typedef {{ identity: string } | { skill: string } | { queue: string }} CallTarget */

/**
 * @typedef {object} HelpQueue
 * @property {string} name
 * @property {string} title
 * @property {boolean} open
 * @property {number | null} opens_at ms since epoch
 * @property {number} waiting
 * @property {number} agents
 * @property {CallEstimate | null} estimate
 * @property {boolean} full no more are let in now
 * @property {number} [longest_s] at the desk
 */

/** @typedef {{ queues: readonly HelpQueue[], files: { max_bytes: number, types: readonly string[] } }} HelpStatus */

/**
 * Who waits, as the desk sees it.
 * @typedef {object} QueueEntry
 * @property {string} call
 * @property {string} [room]
 * @property {string} queue
 * @property {"waiting" | "ringing"} [state]
 * @property {string} identity
 * @property {string} name
 * @property {number} since
 * @property {number} position
 * @property {CallMedia} media
 * @property {string} entry
 * @property {string} topic
 * @property {number} priority
 * @property {boolean} can_take
 */

/** @typedef {{ queues: readonly HelpQueue[], waiting: readonly QueueEntry[] }} DeskQueue */

/**
 * @typedef {object} DeskWall
 * @property {number} at
 * @property {readonly HelpQueue[]} queues
 * @property {readonly QueueEntry[]} [waiting]
 * @property {readonly { identity: string, name: string, presence: Presence, since: number, skills: readonly string[],
 *   state: "ringing" | "on_stage" | "in_call" | "wrap_up" | null, call: string | null, calls_today: number }[]} agents
 * @property {readonly { id: string, room: string, queue: string, state: CallState, media: CallMedia,
 *   shopper: { identity: string, name: string }, agent: { identity: string | null, name: string | null },
 *   since: number, answered: number | null, on_hold: boolean, on_stage: boolean,
 *   supervisors: readonly string[] }[]} calls
 * @property {Record<string, number | null>} today
 */

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
 * @property {{ room: string, state: "ringing" | "on_stage" | "in_call" | "wrap_up", call?: string | null } | null} engaged
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
 * @property {readonly CallInfo[]} calls that concern us and have not ended
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
 * @property {{ call: CallInfo | null, previous: CallInfo | null }} call a call began, changed or ended here
 * @property {WireEvent} callnews the library's own: what is new in a call; see HelpLine
 * @property {{ code: string, message: string }} error something failed and is being retried, or needs no action
 * @property {{ code: string, message: string }} bye the room is closed to us for good
 */

/**
 * What a HelpLine tells; `call` has it already when it does.
 * @typedef {object} HelpEvents
 * @property {{ call: CallInfo | null, previous: CallInfo | null }} call
 * @property {{ message: CallMessage }} message
 * @property {{ mark: CallMark }} mark
 * @property {{ mark: string | null, by: string }} clear null: all of them
 * @property {{ by: string, pointer: CallPointer | null }} pointer somebody's laser pointer moved, or was put away
 * @property {{ frame: CallFrame | null, by: string }} freeze
 * @property {{ checklist: CallChecklist | null }} checklist
 * @property {{ ask: DeviceAsk, value: number | boolean | null }} device to the shopper: please do
 * @property {{ device: CallDevice }} devicestate
 * @property {{ cards: readonly CallCard[] }} cards
 * @property {{ code: string, message: string }} error
 */

/**
 * @typedef {object} DeskEvents
 * @property {{ state: RoomState, error: LianmaiError | null }} state
 * @property {{ info: DeskInfo, previous: DeskInfo }} desk `info` changed
 * @property {{ invite: Invite }} invite one began, changed or ended; ring while it is pending and `to` is us
 * @property {{ call: CallInfo, previous: CallInfo | null }} call one began, changed or ended; ended ones are not in
 *   `calls` any more
 * @property {DeskQueue} queue who waits; at most once a second
 * @property {DeskWall} wall after watchWall(true), at most once a second
 * @property {{ code: string, message: string }} error something failed and is being retried
 * @property {{ code: string, message: string }} bye the desk is closed to us for good
 */

export {};

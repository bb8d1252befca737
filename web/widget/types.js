/**
 * What the widget knows, and a help call as the shopper reads it; no code. The objects on the wire are those of
 * PROTOCOL.md section 1.9.
 * @module
 */

/** @typedef {"text" | "voice" | "video"} Media */
/** @typedef {"no" | "voice" | "video" | "blurred"} Consent */
/** @typedef {{ low_s: number, high_s: number }} Estimate */
/** @typedef {{ code: string, message: string, opensAt?: number | null }} Failure */

/**
 * @typedef {object} Person
 * @property {string} identity
 * @property {string} name
 * @property {string} role
 * @property {"shopper" | "agent" | "supervisor"} side
 * @property {"ring" | "full" | "hold" | "listen" | "whisper"} mode
 * @property {string | null} peer
 * @property {"connected" | "reconnecting"} state
 */

/** @typedef {{ id: string, by: { identity: string, name: string, side: string }, at: number, text: string | null, article: { title: string, url: string } | null, file: { id: string, name: string, type: string, bytes: number } | null }} Message */

/**
 * @typedef {object} Call
 * @property {string} id
 * @property {string} room
 * @property {string} queue
 * @property {string} queue_title
 * @property {"in" | "out" | "link"} direction
 * @property {Media} media
 * @property {"waiting" | "ringing" | "active" | "on_hold" | "wrap_up" | "ended"} state
 * @property {number} created ms since epoch
 * @property {number | null} answered
 * @property {number | null} ended
 * @property {string | null} outcome
 * @property {string | null} end_reason
 * @property {number | null} position
 * @property {Estimate | null} estimate
 * @property {number | null} ring_until
 * @property {string | null} held_by
 * @property {string} topic
 * @property {{ identity: string, name: string, peer: string | null, state: "connected" | "reconnecting" | "away" }} shopper
 * @property {readonly Person[]} people
 * @property {{ kind: string, to: string | null, name: string, warm: boolean, state: "ringing" | "talking" } | null} transfer
 * @property {{ state: "asking" | "offered" | "on_stage" | "declined" | "refused", consent: Consent | null, code?: string, until?: number | null } | null} escalation
 * @property {readonly Message[]} messages
 * @property {object | null} [frame]
 * @property {{ title: string, steps: readonly { text: string, done: boolean }[] } | null} [checklist]
 * @property {{ score: number, comment: string, solved: string | null } | null} [rating]
 */

/**
 * A queue as `help_status` describes it.
 * @typedef {object} Queue
 * @property {string} name
 * @property {string} title
 * @property {boolean} open
 * @property {number | null} opens_at ms since epoch
 * @property {number} waiting
 * @property {number} agents
 * @property {Estimate | null} estimate
 * @property {boolean} full
 */

/**
 * One device of ours. `problem` is the SDK's code of what went wrong.
 * @typedef {{ state: "none" | "opening" | "on" | "problem", off: boolean, problem: string | null }} DeviceView
 */

/**
 * Everything the view depends on.
 * @typedef {object} Model
 * @property {boolean} open the card is there
 * @property {"none" | "connecting" | "ready" | "lost" | "failed"} link to the room
 * @property {Failure | null} failure why there is no link
 * @property {readonly Queue[] | null} queues null: not told yet
 * @property {string} queue wanted; empty: the first
 * @property {Call | null} call
 * @property {string} self our identity
 * @property {boolean} asking the request for help is under way
 * @property {Failure | null} refusal why it was refused
 * @property {"none" | "form" | "sending" | "done"} callback
 * @property {number} calledAt when somebody calls back, ms since epoch; 0: not agreed
 * @property {"open" | "sending" | "done" | "skipped"} rating
 * @property {Media} media wanted
 * @property {DeviceView} microphone
 * @property {DeviceView} camera
 * @property {boolean} chat the chat lies over the picture
 * @property {"none" | "voice" | "video"} stepping up to what
 */

export {};

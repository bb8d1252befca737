/**
 * The console's names for what the library tells about help calls; no code.
 * @module
 */

/** @typedef {import("../sdk/types.js").CallInfo} Call */
/** @typedef {import("../sdk/types.js").CallPerson} Person */
/** @typedef {import("../sdk/types.js").CallContext} CallContext */
/** @typedef {import("../sdk/types.js").CallCard} Card */
/** @typedef {import("../sdk/types.js").EarlierCall} Earlier */
/** @typedef {import("../sdk/types.js").CallMessage} Message */
/** @typedef {import("../sdk/types.js").CallMedia} Media */
/** @typedef {import("../sdk/types.js").StageConsent} Consent */
/** @typedef {import("../sdk/types.js").SuperviseMode} SuperviseMode */
/** @typedef {import("../sdk/types.js").QueueEntry} Waiting */
/** @typedef {import("../sdk/types.js").HelpQueue} QueueLine */

/**
 * Somebody else at the desk, to hand a call to.
 * @typedef {{ identity: string, name: string, skills: readonly string[], presence: import("../sdk/types.js").Presence }} Colleague
 */

/** @typedef {{ queues: readonly QueueLine[], waiting: readonly Waiting[], agents?: readonly Colleague[] }} Queue */

export {};

/**
 * What can be asked of the server about the show, the stage, the chat and the back channel. Every method rejects with a
 * LianmaiError that carries the server's code. LianmaiRoom is one of these; a desk answers invitations the same way.
 * @module
 */
import { Emitter } from "./emitter.js";

/** @typedef {import("./types.js").BackChannelMessage} BackChannelMessage */
/** @typedef {import("./types.js").ChatMessage} ChatMessage */
/** @typedef {import("./types.js").Invite} Invite */
/** @typedef {import("./types.js").InviteTarget} InviteTarget */
/** @typedef {import("./types.js").Product} Product */
/** @typedef {import("./types.js").Reply} Reply */
/** @typedef {import("./types.js").StageLayout} StageLayout */

/** Safe to send again after a resume: the second time changes nothing. */
const AGAIN = Object.freeze({ retry: true });
/** About a person, not a Peer: even who could not resume has said it. */
const ANSWER = Object.freeze({ retry: true, anyPeer: true });

/**
 * @template {Record<string, any>} M
 * @extends {Emitter<M>}
 */
export class InviteAnswers extends Emitter {
  /**
   * The library's own: one request to the server.
   * @param {string} _type
   * @param {Record<string, unknown>} [_fields]
   * @param {import("./types.js").RequestOptions} [_options]
   * @returns {Promise<Reply>}
   */
  ask(_type, _fields, _options) {
    throw new TypeError("not connected to anything");
  }

  /**
   * Yes: by whoever is rung, or to an offer by whoever has controls. Twice is once.
   * @param {string} invite its id
   * @returns {Promise<Invite>}
   */
  async acceptInvite(invite) {
    return (await this.ask("accept_invite", { invite }, ANSWER))["invite"];
  }

  /**
   * @param {string} invite its id
   * @param {string} [reason] up to 120 characters, for whoever invited
   * @returns {Promise<Invite>}
   */
  async declineInvite(invite, reason) {
    return (await this.ask("decline_invite", { invite, ...given({ reason }) }, ANSWER))["invite"];
  }
}

/** @extends {InviteAnswers<import("./types.js").RoomEvents>} */
export class StageControls extends InviteAnswers {
  // --- the show ------------------------------------------------------------------------------------------------

  /** Go live. Needs the host role or the grant `manage`. */
  async startShow() {
    await this.ask("start_show", {}, { retry: true });
  }

  /** End the show; every track in the room is unpublished. */
  async endShow() {
    await this.ask("end_show", {}, { retry: true });
  }

  /**
   * Put somebody out of the room. Needs the grant `manage`.
   * @param {string} peer
   * @param {string} [reason]
   */
  async removePeer(peer, reason) {
    await this.ask("remove_peer", { peer, ...(reason ? { reason } : {}) });
  }

  // --- invitations ---------------------------------------------------------------------------------------------

  /**
   * Ring somebody, one of a group, or whoever is free. Needs controls. While it rings, the same again is the same invite.
   * @param {InviteTarget} target
   * @param {{ topic?: string | undefined, product?: Product | null | undefined, ringS?: number | undefined }} [about]
   *   topic up to 120 characters; ringS 5 to 60 s, default 20
   * @returns {Promise<Invite>}
   */
  async invite(target, { topic, product, ringS } = {}) {
    const fields = { target, ...given({ topic, product: product ?? undefined, ring_s: ringS }) };
    return (await this.ask("invite", fields, AGAIN))["invite"];
  }

  /**
   * Offer to come on stage; whoever has controls accepts or declines. Twice is once.
   * @param {{ topic?: string | undefined }} [about]
   * @returns {Promise<Invite>}
   */
  async offerStage({ topic } = {}) {
    return (await this.ask("offer_stage", given({ topic }), AGAIN))["invite"];
  }

  /**
   * Take back: one's own, or with controls any.
   * @param {string} invite its id
   * @returns {Promise<Invite>}
   */
  async cancelInvite(invite) {
    return (await this.ask("cancel_invite", { invite }, ANSWER))["invite"];
  }

  /** @param {string} [topic] what about, up to 120 characters */
  async raiseHand(topic) {
    await this.ask("raise_hand", given({ topic }), AGAIN);
  }

  /** @param {string} [identity] somebody else's hand; needs controls */
  async lowerHand(identity) {
    await this.ask("lower_hand", given({ identity }), AGAIN);
  }

  /** Let people raise their hands, or no longer. Needs controls. @param {boolean} open */
  async openHands(open) {
    await this.ask("open_hands", { open }, AGAIN);
  }

  // --- on the stage --------------------------------------------------------------------------------------------

  /** A guest steps down and stays in the room. */
  async leaveStage() {
    await this.ask("leave_stage", {}, AGAIN);
  }

  /** Take a guest off the stage. Needs controls, as all that follows. @param {string} identity */
  async removeGuest(identity) {
    await this.ask("remove_guest", { identity }, AGAIN);
  }

  /** Take all guests off the stage. */
  async clearStage() {
    await this.ask("clear_stage", {}, AGAIN);
  }

  /**
   * Silence a guest or take the picture away; the guest cannot undo it until asked to.
   * @param {string} identity
   * @param {{ audio?: boolean, video?: boolean }} what
   */
  async muteGuest(identity, { audio, video }) {
    await this.ask("mute_guest", { identity, ...chosen({ audio, video }) }, AGAIN);
  }

  /**
   * Let a guest unmute again, and ask for it.
   * @param {string} identity
   * @param {{ audio?: boolean, video?: boolean }} what
   */
  async askUnmute(identity, { audio, video }) {
    await this.ask("ask_unmute", { identity, ...chosen({ audio, video }) });
  }

  /** @param {string} identity @param {number} position 0 (main) to 5 */
  async moveGuest(identity, position) {
    await this.ask("move_guest", { identity, position }, AGAIN);
  }

  /** Make somebody the main picture; null: the order decides. @param {string | null} identity */
  async pin(identity) {
    await this.ask("pin", { identity }, AGAIN);
  }

  /** @param {boolean} locked nobody else comes on */
  async lockStage(locked) {
    await this.ask("lock_stage", { locked }, AGAIN);
  }

  /** @param {StageLayout} layout for everybody */
  async setLayout(layout) {
    await this.ask("set_layout", { layout }, AGAIN);
  }

  /** Share the controls with a guest. Needs the grant `show` or `manage`. @param {string} identity @param {boolean} cohost */
  async setCohost(identity, cohost) {
    await this.ask("set_cohost", { identity, cohost }, AGAIN);
  }

  // --- text ----------------------------------------------------------------------------------------------------

  /**
   * Write to everybody in the room. It comes back as a `chat` event like everybody else's.
   * @param {string} text 1 to 300 characters
   * @returns {Promise<ChatMessage>}
   */
  async say(text) {
    return (await this.ask("chat", { text }))["message"];
  }

  /** Needs controls, as the next two. @param {string} message its id */
  async deleteChat(message) {
    await this.ask("delete_chat", { message }, AGAIN);
  }

  /** @param {string} identity @param {number} seconds 0 to 86400; 0 lets this person write again */
  async muteChatter(identity, seconds) {
    await this.ask("mute_chatter", { identity, seconds }, AGAIN);
  }

  /** @param {number} seconds 0 to 300 between two messages of one person; 0: no limit */
  async slowMode(seconds) {
    await this.ask("slow_mode", { seconds }, AGAIN);
  }

  /**
   * Write to host, agents and supervisors only. Needs the grant `backchannel`.
   * @param {string} text 1 to 500 characters
   * @param {{ urgent?: boolean }} [how]
   * @returns {Promise<BackChannelMessage>}
   */
  async tellStaff(text, { urgent = false } = {}) {
    return (await this.ask("backchannel", { text, ...(urgent ? { urgent } : {}) }))["message"];
  }

  /** Say that a message of the back channel was seen. @param {string} message its id */
  async acknowledge(message) {
    await this.ask("ack_backchannel", { message }, AGAIN);
  }
}

/**
 * Only what was given: neither undefined nor an empty text.
 * @param {Record<string, unknown>} fields
 */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}

/** @param {Record<string, boolean | undefined>} what */
function chosen(what) {
  return Object.fromEntries(Object.entries(what).filter(([, value]) => value === true));
}

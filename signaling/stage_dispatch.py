"""What each request about the stage, the chat, the back channel and the desk does (see :mod:`signaling.dispatch`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from signaling import stage_messages as m
from signaling.hub import Hub
from signaling.message_types import Request
from signaling.peer import Peer
from signaling.reception import require_desk

Fields = dict[str, Any]


def _invite(hub: Hub, peer: Peer, request: m.Invite) -> Fields:
    return {"invite": hub.staging.invite(peer, request).to_wire()}


def _offer_stage(hub: Hub, peer: Peer, request: m.OfferStage) -> Fields:
    return {"invite": hub.staging.offer(peer, request.topic).to_wire()}


def _accept_invite(hub: Hub, peer: Peer, request: m.AcceptInvite) -> Fields:
    return {"invite": hub.staging.accept(peer, request.invite).to_wire()}


def _decline_invite(hub: Hub, peer: Peer, request: m.DeclineInvite) -> Fields:
    return {"invite": hub.staging.decline(peer, request.invite, request.reason).to_wire()}


def _cancel_invite(hub: Hub, peer: Peer, request: m.CancelInvite) -> Fields:
    return {"invite": hub.staging.cancel(peer, request.invite).to_wire()}


def _raise_hand(hub: Hub, peer: Peer, request: m.RaiseHand) -> Fields:
    hub.staging.raise_hand(peer, request.topic)
    return {}


def _lower_hand(hub: Hub, peer: Peer, request: m.LowerHand) -> Fields:
    hub.staging.lower_hand(peer, request.identity)
    return {}


def _open_hands(hub: Hub, peer: Peer, request: m.OpenHands) -> Fields:
    hub.staging.open_hands(peer, request.open)
    return {}


def _leave_stage(hub: Hub, peer: Peer, _request: m.LeaveStage) -> Fields:
    hub.staging.leave(peer)
    return {}


def _remove_guest(hub: Hub, peer: Peer, request: m.RemoveGuest) -> Fields:
    hub.staging.remove(peer, request.identity)
    return {}


def _clear_stage(hub: Hub, peer: Peer, _request: m.ClearStage) -> Fields:
    hub.staging.clear(peer)
    return {}


def _mute_guest(hub: Hub, peer: Peer, request: m.MuteGuest) -> Fields:
    hub.staging.mute(peer, request.identity, request.audio, request.video)
    return {}


def _ask_unmute(hub: Hub, peer: Peer, request: m.AskUnmute) -> Fields:
    hub.staging.ask_unmute(peer, request.identity, request.audio, request.video)
    return {}


def _move_guest(hub: Hub, peer: Peer, request: m.MoveGuest) -> Fields:
    hub.staging.move(peer, request.identity, request.position)
    return {}


def _pin(hub: Hub, peer: Peer, request: m.Pin) -> Fields:
    hub.staging.pin(peer, request.identity)
    return {}


def _lock_stage(hub: Hub, peer: Peer, request: m.LockStage) -> Fields:
    hub.staging.lock(peer, request.locked)
    return {}


def _set_layout(hub: Hub, peer: Peer, request: m.SetLayout) -> Fields:
    hub.staging.set_layout(peer, request.layout)
    return {}


def _set_cohost(hub: Hub, peer: Peer, request: m.SetCohost) -> Fields:
    hub.staging.set_cohost(peer, request.identity, request.cohost)
    return {}


def _chat(hub: Hub, peer: Peer, request: m.Chat) -> Fields:
    return {"message": hub.talking.say(peer, request.text).to_wire()}


def _delete_chat(hub: Hub, peer: Peer, request: m.DeleteChat) -> Fields:
    hub.talking.delete(peer, request.message)
    return {}


def _mute_chatter(hub: Hub, peer: Peer, request: m.MuteChatter) -> Fields:
    hub.talking.mute(peer, request.identity, request.seconds)
    return {}


def _slow_mode(hub: Hub, peer: Peer, request: m.SlowMode) -> Fields:
    hub.talking.slow(peer, request.seconds)
    return {}


def _backchannel(hub: Hub, peer: Peer, request: m.BackChannel) -> Fields:
    return {"message": hub.talking.tell_staff(peer, request.text, request.urgent).to_wire()}


def _ack_backchannel(hub: Hub, peer: Peer, request: m.AckBackChannel) -> Fields:
    hub.talking.acknowledge(peer, request.message)
    return {}


def _set_presence(hub: Hub, peer: Peer, request: m.SetPresence) -> Fields:
    require_desk(peer)
    return {"me": hub.reception.set_presence(peer, request.presence, request.skills)}


StageHandler = Callable[[Hub, Peer, Any], Fields]

STAGE_HANDLERS: dict[type[Request], StageHandler] = {
    m.Invite: _invite,
    m.OfferStage: _offer_stage,
    m.AcceptInvite: _accept_invite,
    m.DeclineInvite: _decline_invite,
    m.CancelInvite: _cancel_invite,
    m.RaiseHand: _raise_hand,
    m.LowerHand: _lower_hand,
    m.OpenHands: _open_hands,
    m.LeaveStage: _leave_stage,
    m.RemoveGuest: _remove_guest,
    m.ClearStage: _clear_stage,
    m.MuteGuest: _mute_guest,
    m.AskUnmute: _ask_unmute,
    m.MoveGuest: _move_guest,
    m.Pin: _pin,
    m.LockStage: _lock_stage,
    m.SetLayout: _set_layout,
    m.SetCohost: _set_cohost,
    m.Chat: _chat,
    m.DeleteChat: _delete_chat,
    m.MuteChatter: _mute_chatter,
    m.SlowMode: _slow_mode,
    m.BackChannel: _backchannel,
    m.AckBackChannel: _ack_backchannel,
    m.SetPresence: _set_presence,
}
#: What is served at the desk besides `join`, `ping`, `leave` and `update_token`.
AT_THE_DESK = frozenset((m.AcceptInvite, m.DeclineInvite, m.SetPresence))

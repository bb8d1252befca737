"""What each request about one-to-one help does (see :mod:`signaling.dispatch`).

Most become a fact for the Helpline, which decides whether it may be; what is written or drawn goes to the call's board.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from signaling import help_messages as m
from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.help_model import (
    Answered,
    CallEnded,
    Declined,
    DeescalationAsked,
    EscalationAsked,
    HelperAsked,
    HelperLeft,
    HelpFact,
    HoldSet,
    MediaChanged,
    Rated,
    StageConsent,
    Supervised,
    Taken,
    TargetKind,
    TransferAsked,
    TransferCancelled,
    TransferCompleted,
    WrappedUp,
)
from signaling.hub import Hub
from signaling.message_types import Request
from signaling.peer import DESK, Peer

Fields = dict[str, Any]


# --- asking ----------------------------------------------------------------------------------------------------------


async def _status(hub: Hub, peer: Peer, request: m.HelpStatus) -> Fields:
    if not (peer.claims.grants.call or peer.claims.grants.desk):
        raise ApiError("forbidden")
    return hub.helping.asking.status(peer)


async def _help(hub: Hub, peer: Peer, request: m.Help) -> Fields:
    _require_room(peer)
    return {"call": await hub.helping.asking.ask(peer, request)}


async def _leave_callback(hub: Hub, peer: Peer, request: m.LeaveCallback) -> Fields:
    _require_room(peer)
    return {"callback": await hub.helping.asking.leave_callback(peer, request)}


async def _call_shopper(hub: Hub, peer: Peer, request: m.CallShopper) -> Fields:
    _require_room(peer)
    return {"call": hub.helping.asking.call_shopper(peer, request)}


async def _call_link(hub: Hub, peer: Peer, request: m.CallLink) -> Fields:
    return {"link": await hub.helping.asking.make_link(peer, request.topic)}


# --- steps of a call -------------------------------------------------------------------------------------------------


def _target(to: m.CallTarget) -> tuple[TargetKind, str]:
    chosen: list[tuple[TargetKind, str]] = []
    if to.identity is not None:
        chosen.append(("identity", to.identity))
    if to.skill is not None:
        chosen.append(("skill", to.skill))
    if to.queue is not None:
        chosen.append(("queue", to.queue))
    if len(chosen) != 1:
        raise bad_message("to", "choice")
    return chosen[0]


def _transfer(request: m.TransferCall, who: str) -> HelpFact:
    kind, to = _target(request.to)
    return TransferAsked(request.call, who, kind, to, request.warm, clean_text(request.note, newlines=True))


def _add(request: m.AddToCall, who: str) -> HelpFact:
    kind, to = _target(request.to)
    if kind == "queue":
        raise bad_message("to", "choice")
    return HelperAsked(request.call, who, kind, to)


Step = Callable[[Any, str], HelpFact]

#: From a request and who asks to the fact; the reply is the call.
_STEPS: dict[type[m.CallRequest], Step] = {
    m.SetCallMedia: lambda request, who: MediaChanged(request.call, who, request.media),
    m.AnswerCall: lambda request, who: Answered(request.call, who),
    m.DeclineCall: lambda request, who: Declined(request.call, who, clean_text(request.reason)),
    m.TakeCall: lambda request, who: Taken(request.call, who),
    m.HoldCall: lambda request, who: HoldSet(request.call, who, True),
    m.ResumeCall: lambda request, who: HoldSet(request.call, who, False),
    m.TransferCall: _transfer,
    m.CompleteTransfer: lambda request, who: TransferCompleted(request.call, who),
    m.CancelTransfer: lambda request, who: TransferCancelled(request.call, who),
    m.AddToCall: _add,
    m.LeaveCall: lambda request, who: HelperLeft(request.call, who),
    m.EscalateCall: lambda request, who: EscalationAsked(request.call, who, clean_text(request.topic)),
    m.ConsentStage: lambda request, who: StageConsent(request.call, who, request.consent),
    m.DeescalateCall: lambda request, who: DeescalationAsked(request.call, who),
    m.EndCall: lambda request, who: CallEnded(request.call, who, clean_text(request.reason)),
}


def _step(make: Step) -> HelpHandler:
    async def handle(hub: Hub, peer: Peer, request: m.CallRequest) -> Fields:
        return {"call": hub.helping.step(peer, request.call, make(request, peer.claims.identity))}

    return handle


async def _supervise(hub: Hub, peer: Peer, request: m.SuperviseCall) -> Fields:
    if not peer.claims.grants.supervise:
        raise ApiError("forbidden")
    claims = peer.claims
    fact = Supervised(request.call, claims.identity, claims.name, request.mode)
    return {"call": hub.helping.step(peer, request.call, fact)}


async def _wrap_up(hub: Hub, peer: Peer, request: m.WrapUp) -> Fields:
    if len(request.reasons) > m.MAX_REASONS:
        raise bad_message("reasons", "range")
    who = peer.claims.identity
    note = clean_text(request.note, newlines=True)
    reasons = tuple(filter(None, map(clean_text, request.reasons)))
    fact = WrappedUp(request.call, who, note, reasons, request.solved, request.done)
    if request.call not in hub.helping.line.calls:
        # The Node that held it is gone, or it is long ago.
        await hub.helping.note(peer.claims, fact)
        return {}
    call = hub.helping.step(peer, request.call, fact)
    # A note that was confirmed outlives whatever happens next.
    await hub.helping.saved()
    return {"call": call}


async def _rate(hub: Hub, peer: Peer, request: m.RateCall) -> Fields:
    who = peer.claims.identity
    await hub.helping.rate(peer.claims, Rated(request.call, who, request.score, request.comment, request.solved))
    return {}


async def _watch_wall(hub: Hub, peer: Peer, request: m.WatchWall) -> Fields:
    if peer.room != DESK:
        raise ApiError("unknown_type", name="watch_wall")
    if not peer.claims.grants.supervise:
        raise ApiError("forbidden")
    hub.helping.news.watch(peer, request.on)
    return {}


# --- the board -------------------------------------------------------------------------------------------------------


async def _say(hub: Hub, peer: Peer, request: m.CallSay) -> Fields:
    return {"message": hub.helping.boards.say(peer, request)}


async def _mark(hub: Hub, peer: Peer, request: m.CallMark) -> Fields:
    hub.helping.boards.mark(peer, request)
    return {}


async def _clear(hub: Hub, peer: Peer, request: m.CallClear) -> Fields:
    hub.helping.boards.clear(peer, request)
    return {}


async def _pointer(hub: Hub, peer: Peer, request: m.CallPointer) -> Fields:
    hub.helping.boards.point(peer, request)
    return {}


async def _freeze(hub: Hub, peer: Peer, request: m.CallFreeze) -> Fields:
    hub.helping.boards.freeze(peer, request)
    return {}


async def _checklist(hub: Hub, peer: Peer, request: m.CallChecklist) -> Fields:
    hub.helping.boards.checklist(peer, request)
    return {}


async def _tick(hub: Hub, peer: Peer, request: m.CallStep) -> Fields:
    hub.helping.boards.tick(peer, request)
    return {}


async def _device(hub: Hub, peer: Peer, request: m.CallDevice) -> Fields:
    hub.helping.boards.ask_device(peer, request)
    return {}


async def _device_state(hub: Hub, peer: Peer, request: m.CallDeviceState) -> Fields:
    hub.helping.boards.device_state(peer, request)
    return {}


def _require_room(peer: Peer) -> None:
    if peer.room == DESK:
        raise ApiError("room_required")


HelpHandler = Callable[[Hub, Peer, Any], Awaitable[Fields]]

HELP_HANDLERS: dict[type[Request], HelpHandler] = {
    m.HelpStatus: _status,
    m.Help: _help,
    m.LeaveCallback: _leave_callback,
    m.CallShopper: _call_shopper,
    m.CallLink: _call_link,
    **{kind: _step(make) for kind, make in _STEPS.items()},
    m.SuperviseCall: _supervise,
    m.WrapUp: _wrap_up,
    m.RateCall: _rate,
    m.CallSay: _say,
    m.CallMark: _mark,
    m.CallClear: _clear,
    m.CallPointer: _pointer,
    m.CallFreeze: _freeze,
    m.CallChecklist: _checklist,
    m.CallStep: _tick,
    m.CallDevice: _device,
    m.CallDeviceState: _device_state,
    m.WatchWall: _watch_wall,
}
#: What is served at the desk too.
HELP_AT_THE_DESK: frozenset[type[Request]] = frozenset(
    {m.HelpStatus, m.CallLink, m.SuperviseCall, m.WrapUp, m.WatchWall, *_STEPS}
) - {m.SetCallMedia, m.ConsentStage}

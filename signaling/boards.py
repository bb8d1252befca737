"""The boards of the calls that go on: who may write on which, and who gets what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from signaling import help_messages as m
from signaling.board import Board, FileInfo, Relay, Writer
from signaling.errors import ApiError
from signaling.peer import Peer

if TYPE_CHECKING:
    from signaling.call import Call
    from signaling.hub import Hub

_EMPTY = Board()
FileOf = Callable[[str, str], FileInfo | None]


class Boards:
    """The hub's part for what is written and drawn in calls. ``file_of`` finds a call's file by (call, file)."""

    def __init__(self, hub: Hub, file_of: FileOf) -> None:
        self._hub = hub
        self._file_of = file_of
        self._boards: dict[str, Board] = {}

    def snapshot(self, call_id: str) -> dict[str, Any]:
        """What is on it now; the fields of the ``call``."""
        # Of a call that is over nothing is kept again because somebody looked.
        return self._boards.get(call_id, _EMPTY).snapshot()

    def of(self, call_id: str) -> Board:
        """The board of a call."""
        return self._boards.setdefault(call_id, Board())

    def restore(self, call_id: str, messages: list[dict[str, Any]]) -> None:
        """What was written in a call that another Node left."""
        if messages:
            self.of(call_id).restore(messages)

    def forget(self, call_id: str) -> None:
        """The call is over for good."""
        self._boards.pop(call_id, None)

    # --- requests ------------------------------------------------------------------------------------------------

    def say(self, peer: Peer, request: m.CallSay) -> dict[str, Any]:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        file = None if request.file is None else self._file_of(call.id, request.file)
        relay = self.of(call.id).say(by, request, file, now=self._hub.clock(), at_ms=self._epoch_ms())
        self._relay(call, relay)
        message: dict[str, Any] = relay.fields["message"]
        self._hub.helping.said(call, message)
        return message

    def mark(self, peer: Peer, request: m.CallMark) -> None:
        """Raises ApiError ``mark_invalid``, also for a track that has just ended: the call goes on."""
        call, by = self._writer(peer, request.call)
        now, at_ms = self._hub.clock(), self._epoch_ms()
        targets = self._pictures(call)
        self._relay(call, self.of(call.id).add_mark(by, request.mark, now=now, at_ms=at_ms, targets=targets))

    def clear(self, peer: Peer, request: m.CallClear) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        self._relay(call, self.of(call.id).clear(by, request.mark))

    def point(self, peer: Peer, request: m.CallPointer) -> None:
        """Raises ApiError. Its author needs no echo, and whoever comes back no old one."""
        call, by = self._writer(peer, request.call)
        relay = self.of(call.id).point(by, request.pointer, now=self._hub.clock())
        self._relay(call, relay, skip=by.identity, replay=False)

    def freeze(self, peer: Peer, request: m.CallFreeze) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        picture = None if request.frame is None else self._file_of(call.id, request.frame.file)
        now, at_ms = self._hub.clock(), self._epoch_ms()
        self._relay(call, self.of(call.id).freeze(by, request.frame, picture, now=now, at_ms=at_ms))

    def checklist(self, peer: Peer, request: m.CallChecklist) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        self._relay(call, self.of(call.id).set_checklist(by, request.checklist))

    def tick(self, peer: Peer, request: m.CallStep) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        self._relay(call, self.of(call.id).tick(by, request.step, request.done))

    def ask_device(self, peer: Peer, request: m.CallDevice) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        self._relay(call, self.of(call.id).ask_device(by, request, now=self._hub.clock()))

    def device_state(self, peer: Peer, request: m.CallDeviceState) -> None:
        """Raises ApiError."""
        call, by = self._writer(peer, request.call)
        self._relay(call, self.of(call.id).set_device(by, request, now=self._hub.clock()))

    # --- inside --------------------------------------------------------------------------------------------------

    def _writer(self, peer: Peer, call_id: str) -> tuple[Call, Writer]:
        """Raises ``call_not_found``, ``call_ended``, ``not_in_call``, ``forbidden`` or ``transfer_open``."""
        call = self._hub.helping.line.get_open(call_id)
        if not peer.claims.covers(call.room):
            raise ApiError("call_not_found")
        person = call.person(peer.claims.identity)
        if person.mode == "ring":
            raise ApiError("not_in_call")
        if person.mode in ("listen", "whisper"):
            # What is written, all in the call can read.
            raise ApiError("forbidden")
        if person.why == "transfer":
            # The shopper does not know of this person yet.
            raise ApiError("transfer_open")
        return call, Writer(person.identity, person.name, person.side)

    def _pictures(self, call: Call) -> frozenset[str]:
        """The tracks of the call that can be drawn on: whatever picture its people share, and nobody else's."""
        room = self._hub.rooms.get(call.room)
        if room is None:
            return frozenset()
        people = {person.peer for person in call.people.values()}
        return frozenset(
            track.id for track in room.state.tracks.values() if track.kind == "video" and track.peer in people
        )

    def _relay(self, call: Call, relay: Relay | None, *, skip: str = "", replay: bool = True) -> None:
        """To those of the call who are in its room."""
        if relay is None:
            return
        identities = [
            person.identity
            for person in call.people.values()
            if person.identity != skip
            and (relay.to == "all" or (relay.to == "shopper") == (person.side == "shopper"))
        ]
        fields = {"call": call.id, **relay.fields}
        for peer in self._hub.helping.peers_of(call, identities, desk=False):
            peer.emit(relay.type, fields, replay=replay)

    def _epoch_ms(self) -> int:
        return round(self._hub.wall() * 1000)

"""One-to-one help: what people ask becomes facts for the Helpline, and what it decides reaches rooms, desks and the database.

The rules are in :mod:`signaling.helpline`, pure. A call lives in the Room that its shopper is in, as a circle; this part
carries the one's decisions to the other, tells everybody concerned, and keeps what must outlive the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signaling.afterwards import Afterwards
from signaling.auth import Claims
from signaling.boards import Boards
from signaling.call import Call
from signaling.call_records import AgentRecord, CallEvent, CallRecord, Notes, QueueRecord, Rating
from signaling.chat_text import clean_text
from signaling.errors import ApiError, Locale
from signaling.files import FileStore
from signaling.help_access import reachable
from signaling.help_asking import Asking
from signaling.help_book import DEFAULT_QUEUE
from signaling.help_keeping import Keeper
from signaling.help_model import (
    AgentChanged,
    AgentsChanged,
    CallChanged,
    CircleOver,
    CircleWanted,
    DeskGone,
    Happened,
    HelpEffect,
    HelpFact,
    HelpSettings,
    HelpTick,
    Presence,
    QueueNews,
    QueueSpec,
    QueuesSet,
    Rated,
    RoomEnded,
    Save,
    StageLeave,
    StageMoved,
    StageOffer,
    WrappedUp,
)
from signaling.help_news import HelpNews
from signaling.help_restart import take_all_up
from signaling.help_views import record_of
from signaling.helpline import Helpline
from signaling.peer import DESK, Peer, encode_event, new_id
from signaling.placement import LiveRoom
from signaling.room_model import CircleAired, CircleEnded, CircleGrounded, CircleSet, StageOffered

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)
RETRY_S = 1.0


class Helping:
    """The hub's part for one-to-one help."""

    def __init__(self, hub: Hub) -> None:
        config = hub.config.help
        self._hub = hub
        settings = HelpSettings(
            ring_s=config.ring_s,
            wrap_up_s=config.wrap_up_s,
            drop_grace_s=config.drop_grace_s,
            max_calls=config.max_calls,
        )
        self.line = Helpline(hub.reception.desk, (), settings, hub.wall() - hub.clock())
        self.files = FileStore(Path(config.files))
        self.boards = Boards(hub, self.files.find)
        self.afterwards = Afterwards(hub.store.calls, hub.wall, self.rated_late)
        self.news = HelpNews(hub)
        self.keeper = Keeper(hub.store.calls)
        self.asking = Asking(hub, self)
        self._timer: asyncio.TimerHandle | None = None
        self._matching = False
        #: Peers from whom something came: before that, nothing has stopped coming.
        self._flowed: set[str] = set()

    async def start(self) -> None:
        """Take up what the last Node left: queues, and calls that were not over."""
        store = self._hub.store.calls
        queues = await store.queues()
        if not queues:
            default = QueueRecord(DEFAULT_QUEUE.name, DEFAULT_QUEUE.title, DEFAULT_QUEUE.title_en)
            await store.save_queue(default)
            queues = [default]
        self.set_queues(queues)
        await take_all_up(self._hub, self)
        self.keeper.start()
        self._hub.spawn(self.asking.enrich_all(list(self.line.calls.values())))

    async def close(self) -> None:
        """Write down what is left."""
        self.news.close()
        if self._timer is not None:
            self._timer.cancel()
        await self.keeper.stop()
        await self.asking.close()
        self.files.close()

    async def saved(self) -> None:
        """Returns when all that happened so far is in the database. Raises ApiError ``store_unavailable``."""
        await self.keeper.saved()

    def set_queues(self, records: Iterable[QueueRecord]) -> None:
        """These are all the queues from now on."""
        self.apply(QueuesSet(tuple(QueueSpec(**asdict(record)) for record in records)))

    # --- steps of a call -----------------------------------------------------------------------------------------

    def step(self, peer: Peer, call_id: str, fact: HelpFact) -> dict[str, Any]:
        """Something that somebody in the call does. Raises ApiError."""
        call, who = self.call(peer, call_id), peer.claims.identity
        concerned = who in call.people
        self.apply(fact)
        if not (concerned or who in call.people or peer.claims.grants.supervise):
            # What changes nothing says nothing either: a call is seen by those who are in it.
            raise ApiError("not_in_call")
        if peer.room == call.room:
            self.moved(peer)
        return self.view(call, peer, board=True)

    def call(self, peer: Peer, call_id: str) -> Call:
        """Raises ``call_not_found``, also for a call that the token is not for."""
        call = self.line.get(call_id)
        if not peer.claims.covers(call.room):
            raise ApiError("call_not_found")
        return call

    async def rate(self, claims: Claims, fact: Rated) -> None:
        """The shopper's word, kept when this returns. Raises ApiError."""
        comment = clean_text(fact.comment, newlines=True)
        call = self.line.calls.get(fact.call_id)
        if call is not None:
            if not claims.covers(call.room):
                raise ApiError("call_not_found")
            self.apply(replace(fact, comment=comment))
            await self.saved()
            return
        rating = Rating(fact.score, comment, fact.solved, self._hub.wall())
        with reachable():
            await self.afterwards.rate(fact.call_id, claims, rating)

    async def note(self, claims: Claims, fact: WrappedUp) -> None:
        """Notes on a call that is held no longer, kept when this returns. Raises ApiError."""
        notes = Notes(fact.note, fact.reasons, fact.solved, self._hub.wall())
        with reachable():
            await self.afterwards.note(fact.call_id, claims, notes)

    def file_access(self, call_id: str, token: str | None) -> str:
        """Who asks for a call's files. Raises ApiError."""
        claims = self._hub.authenticate(token)
        call = self.line.get(call_id)
        if not claims.covers(call.room):
            raise ApiError("call_not_found")
        person = call.person(claims.identity)
        if person.mode == "ring":
            raise ApiError("not_in_call")
        return claims.identity

    def takes_files(self, call_id: str, identity: str) -> None:
        """Raises ``call_ended``; ``forbidden`` for whoever only listens, or speaks to the agent alone."""
        if self.line.get_open(call_id).person(identity).mode in ("listen", "whisper"):
            raise ApiError("forbidden")

    # --- what happens elsewhere ----------------------------------------------------------------------------------

    def moved(self, peer: Peer) -> None:
        """Somebody came into a room, or their connection broke or is back, or media stopped or goes on."""
        if peer.room == DESK or not self.line.calls_of(peer.claims.identity):
            return
        stalled = peer.connected and self._stalled(self._hub.room_of(peer), peer)
        self.apply(Presence(peer.claims.identity, peer.room, peer.id, peer.connected, stalled))

    def _stalled(self, room: LiveRoom, peer: Peer) -> bool:
        expected = [track for track in room.state.tracks_of(peer.id) if not (track.muted or track.held)]
        return bool(expected) and not any(track.flowing for track in expected) and peer.id in self._flowed

    def gone(self, peer: Peer, *, replaced: bool = False) -> None:
        """Somebody has left a room for good; ``replaced``: and is there with another connection already."""
        self._flowed.discard(peer.id)
        if not replaced and self.line.calls_of(peer.claims.identity):
            self.apply(Presence(peer.claims.identity, peer.room, None, False))

    def flow_changed(self, room: LiveRoom, track_id: str) -> None:
        """Packets of a track came, or stopped coming."""
        track = room.state.tracks.get(track_id)
        peer = None if track is None else room.peers.get(track.peer)
        if peer is not None and self.line.calls_of(peer.claims.identity):
            if track is not None and track.flowing:
                self._flowed.add(peer.id)
            self.moved(peer)

    def attended(self, peer: Peer) -> None:
        """Somebody sat down at the desk."""
        claims, now = peer.claims, self._hub.wall()
        self.keeper.save_agent(AgentRecord(claims.identity, claims.name, claims.skills, now, now))

    def desk_gone(self, identity: str) -> None:
        """An agent has left the desk for good."""
        if self.line.calls_of(identity):
            self.apply(DeskGone(identity))

    def agents_changed(self) -> None:
        """Somebody may have become free: look soon, once."""
        if not self._matching and not self._hub.closing:
            self._matching = True
            asyncio.get_running_loop().call_soon(self._match)

    def _match(self) -> None:
        self._matching = False
        if not self._hub.closing:
            self.apply(AgentsChanged())
            self.news.changed()

    def room_ended(self, name: str) -> None:
        """Nobody can come back to this room: the calls in it are over, those that wait too."""
        self.apply(RoomEnded(name))

    def rated_late(self, before: CallRecord, rating: Rating) -> None:
        """A call that is held no longer was rated: the day's figures have it all the same."""
        former = None if before.rating is None else before.rating.score
        self.line.figures(self._hub.clock()).score(before.created, rating.score, former)

    def stage_moved(self, circle_id: str, on: bool, code: str | None) -> None:
        """A call came on stage, or went off, or was not let on."""
        self.apply(StageMoved(circle_id, on, code))

    # --- performing ----------------------------------------------------------------------------------------------

    def apply(self, fact: HelpFact) -> None:
        """Hand a fact to the Helpline and perform what follows. Raises ApiError if it is refused."""
        effects = self.line.handle(fact, self._hub.clock())
        changed: dict[str, set[str]] = {}
        for effect in effects:
            if isinstance(effect, CallChanged):
                changed.setdefault(effect.call_id, set()).update(effect.former)
                continue
            try:
                self._perform(effect)
            except Exception:
                # The Helpline has changed already: whatever else follows from that must not be left undone.
                logger.exception("%s was not performed", type(effect).__name__)
        for call_id, former in changed.items():
            call = self.line.calls.get(call_id)
            if call is not None:
                self.tell(call, former)
                if call.state == "ended":
                    self._forget(call)
        self._arm()

    def _perform(self, effect: HelpEffect) -> None:
        match effect:
            case CircleWanted(call_id, name, circle):
                room = self._hub.rooms.get(name)
                if room is not None:
                    self._hub.apply(room, CircleSet(circle))
                    self._look_for(self.line.calls[call_id], room)
            case CircleOver(call_id, name):
                room = self._hub.rooms.get(name)
                if room is not None:
                    self._hub.apply(room, CircleEnded(call_id))
            case StageOffer():
                self._offer_stage(effect)
            case StageLeave(call_id, name):
                room = self._hub.rooms.get(name)
                if room is not None:
                    self._hub.apply(room, CircleGrounded(call_id))
            case AgentChanged(identity):
                self._hub.reception.tell_presence(identity)
                self._hub.reception.changed()
            case QueueNews():
                self.news.changed()
            case Happened(call_id, kind, identity, at, detail):
                self.keeper.add(CallEvent(call_id, kind, self.line.epoch_s + at, identity, dict(detail)))
            case Save(call_id):
                call = self.line.calls.get(call_id)
                if call is not None:
                    self.keeper.save(record_of(call, self.line.epoch_s))

    def _look_for(self, call: Call, room: LiveRoom) -> None:
        """Somebody who was in the room before being in the call."""
        for person in list(call.people.values()):
            member = room.state.member_by_identity(person.identity) if person.peer is None else None
            if member is not None and member.id in room.peers:
                self.moved(room.peers[member.id])

    def _offer_stage(self, offer: StageOffer) -> None:
        call = self.line.get(offer.call_id)
        room = self._hub.rooms.get(offer.room)
        member = None if room is None else room.state.member_by_identity(offer.by)
        try:
            if room is None or member is None:
                raise ApiError("not_live")
            if call.escalation is not None and call.escalation.state == "on_stage":
                self._hub.apply(room, CircleAired(offer.call_id, offer.aired))
                return
            consents = {call.shopper: offer.consent}
            fact = StageOffered(new_id("i"), member.id, offer.topic, offer.call_id, offer.aired, consents)
            self._hub.apply(room, fact)
        except ApiError as error:
            self.apply(StageMoved(offer.call_id, False, error.code))

    def said(self, call: Call, message: dict[str, Any]) -> None:
        """Something was written in a call: for the books."""
        by = message["by"]["identity"]
        detail = {key: message[key] for key in ("id", "text", "article", "file") if message[key] is not None}
        detail |= {key: message["by"][key] for key in ("name", "side")}
        self.keeper.add(CallEvent(call.id, "message", self._hub.wall(), by, detail))

    def _forget(self, call: Call) -> None:
        self.boards.forget(call.id)
        self.files.forget(call.id)
        self.asking.forget(call.id)

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self.line.next_deadline()
        if deadline is not None and not self._hub.closing:
            delay = max(0.0, deadline - self._hub.clock())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._hub.closing:
            return
        try:
            self.apply(HelpTick())
        except Exception:
            # Whoever waits depends on the next one.
            logger.exception("the time was not told")
            self._timer = asyncio.get_running_loop().call_later(RETRY_S, self._on_timer)

    # --- telling -------------------------------------------------------------------------------------------------

    def view(self, call: Call, peer: Peer, *, board: bool = False) -> dict[str, Any]:
        """``call`` as this Peer may see it; ``board``: with what was written and drawn."""
        fields = self._view(call, self.line.viewer_of(call, peer.claims.identity), peer.locale)
        return fields | self.boards.snapshot(call.id) if board else fields

    def _view(self, call: Call, viewer: Any, locale: Locale) -> dict[str, Any]:
        title = self.line.title(call.queue, locale)
        fields = call.to_wire(viewer, self.line.epoch_s, self._hub.clock(), title)
        if viewer == "agent":
            fields |= self.asking.known(call.id, locale)
        return fields

    def tell(self, call: Call, former: Iterable[str] = ()) -> None:
        """``call`` to every connection of everybody concerned."""
        written: dict[tuple[str, Locale], str] = {}
        for peer in self.peers_of(call, {*call.people, *former}):
            key = (self.line.viewer_of(call, peer.claims.identity), peer.locale)
            if key not in written:
                written[key] = encode_event("call", {"call": self._view(call, *key)})
            peer.emit_encoded(written[key])

    def peers_of(self, call: Call, identities: Iterable[str], *, desk: bool = True) -> list[Peer]:
        """Connections of these people: in the call's room, and at the desk."""
        found = []
        room = self._hub.rooms.get(call.room)
        for identity in identities:
            member = None if room is None else room.state.member_by_identity(identity)
            if room is not None and member is not None and member.id in room.peers:
                found.append(room.peers[member.id])
            if desk:
                found += self._hub.reception.consoles(identity)
        return found

    def snapshot(self, peer: Peer) -> dict[str, Any] | None:
        """``call`` in the room's snapshot: the one that this person is in here."""
        call = self.line.call_of(peer.claims.identity, peer.room)
        return None if call is None else self.view(call, peer, board=True)

    def desk_snapshot(self, peer: Peer) -> dict[str, Any]:
        """What the desk's ``join`` reply says of calls."""
        calls = [call for call in self.line.calls_of(peer.claims.identity) if call.state != "ended"]
        return {"calls": [self.view(call, peer, board=True) for call in calls], **self.news.lists(peer)}

"""One-to-one help: what people ask becomes facts for the Helpline, and what it decides reaches rooms, desks and the database.

The rules are in :mod:`signaling.helpline`, pure. A call lives in the Room that its shopper is in, as a circle; this part
carries the one's decisions to the other, tells everybody concerned, and keeps what must outlive the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from signaling import help_messages as m
from signaling.afterwards import Afterwards
from signaling.boards import Boards
from signaling.call import Call
from signaling.call_records import AgentRecord, CallbackRecord, CallEvent, QueueRecord, Rating
from signaling.chat_text import clean_text
from signaling.envelope import Envelopes
from signaling.errors import DEFAULT_LOCALE, ApiError, Locale
from signaling.file_check import EXTENSIONS, MAX_BYTES
from signaling.files import FileStore
from signaling.help_book import DEFAULT_QUEUE
from signaling.help_keeping import Keeper
from signaling.help_links import Links
from signaling.help_model import (
    AgentChanged,
    AgentsChanged,
    CallAsked,
    CallbackLeft,
    CallChanged,
    CallPlaced,
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
    Save,
    StageLeave,
    StageMoved,
    StageOffer,
)
from signaling.help_news import HelpNews
from signaling.help_restart import take_up
from signaling.help_views import context_of, earlier_of, question_of, record_of
from signaling.helpline import Helpline
from signaling.hook import Hook
from signaling.peer import DESK, Peer, encode_event, new_id
from signaling.placement import LiveRoom
from signaling.room_model import CircleAired, CircleEnded, CircleGrounded, CircleSet, StageOffered

if TYPE_CHECKING:
    from signaling.hub import Hub

logger = logging.getLogger(__name__)
EARLIER = 10
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
        self.news = HelpNews(hub)
        self._envelopes = Envelopes(config.shops)
        self._hook = Hook(config.hook_url, config.hook_secret, config.hook_timeout_s, wall=hub.wall)
        self._keeper = Keeper(hub.store.calls)
        self._cards: dict[str, list[dict[str, Any]]] = {}
        self._earlier: dict[str, list[dict[str, Any]]] = {}
        self._links = Links()
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
        for record in await store.unfinished():
            take_up(self, self._keeper, record, self._hub.clock())
        self._keeper.start()

    async def close(self) -> None:
        """Write down what is left."""
        self.news.close()
        if self._timer is not None:
            self._timer.cancel()
        await self._keeper.stop()
        await self._hook.close()
        self.files.close()

    async def saved(self) -> None:
        """Returns when all that happened so far is in the database. Raises ApiError ``store_unavailable``."""
        await self._keeper.saved()

    def set_queues(self, records: Iterable[QueueRecord]) -> None:
        """These are all the queues from now on."""
        self.apply(QueuesSet(tuple(QueueSpec(**asdict(record)) for record in records)))

    # --- asking --------------------------------------------------------------------------------------------------

    def status(self, peer: Peer) -> dict[str, Any]:
        """The queues, and what may be sent."""
        return {
            "queues": self.line.status(self._hub.clock(), peer.locale),
            "files": {"max_bytes": MAX_BYTES, "types": list(EXTENSIONS)},
        }

    async def ask(self, peer: Peer, request: m.Help) -> dict[str, Any]:
        """A shopper asks for help. Raises ApiError."""
        if not peer.claims.grants.call:
            raise ApiError("forbidden")
        link = self._links.open(request.link, self._hub.wall()) if request.link is not None else None
        signed = None
        if request.envelope and self.line.asked_by(peer.claims.identity) is None:
            signed = self._envelopes.read(request.envelope, peer.claims.identity, self._hub.wall())
        fact = CallAsked(
            new_id("c"),
            peer.claims.identity,
            peer.claims.name,
            peer.room,
            request.queue,
            request.media,
            context_of(request.context, peer.locale, None if signed is None else signed.context),
            clean_text(request.text, newlines=True),
            link.topic if link is not None else "",
            link.agent if link is not None else None,
            peer=peer.id,
        )
        self.apply(fact)
        call = self.line.asked_by(peer.claims.identity)
        if call is None:
            raise ApiError("call_ended")
        if call.id == fact.call_id:
            if signed is not None:
                self._envelopes.spend(signed)
            self._hub.spawn(self._enrich(call))
        return self.view(call, peer, board=True)

    async def _enrich(self, call: Call) -> None:
        """What the agent should know: earlier calls, and the cards of the shop's backend."""
        try:
            earlier = await self._hub.store.calls.earlier(call.shopper, self._hub.wall(), EARLIER + 1)
        except (SQLAlchemyError, OSError) as error:
            logger.error("earlier calls of %s are not known: %s", call.shopper, error)
            earlier = []
        if call.state == "ended":
            return
        self._earlier[call.id] = [earlier_of(record) for record in earlier if record.id != call.id][:EARLIER]
        self._tell(call)
        cards = await self._hook.cards(question_of(call), DEFAULT_LOCALE)
        if cards and not call.over:
            self._cards[call.id] = cards
            self._tell(call)

    async def leave_callback(self, peer: Peer, request: m.LeaveCallback) -> dict[str, Any]:
        """Call me back. One open wish per person and queue: another one replaces it. Raises ApiError."""
        claims = peer.claims
        if not claims.grants.call:
            raise ApiError("forbidden")
        call = None if request.call is None else self._call(peer, request.call)
        # Where the call waits is where to call back from.
        queue = call.queue if call is not None else request.queue or next(iter(self.line.queues))
        digest = hashlib.sha256(f"{claims.identity}\n{queue}".encode()).hexdigest()[:16]
        self.apply(CallbackLeft(f"b{digest}", claims.identity, request.call, queue, request.at / 1000))
        name, phone, note = claims.name, clean_text(request.phone), clean_text(request.note, newlines=True)
        now, at, about = self._hub.wall(), request.at / 1000, request.call or ""
        record = CallbackRecord(
            f"b{digest}", claims.identity, now, at, peer.room, name, queue, about, phone, note, peer.locale
        )
        self._keeper.save_callback(record)
        await self.saved()
        return {"id": record.id, "at": request.at, "queue": queue}

    def call_shopper(self, peer: Peer, request: m.CallShopper) -> dict[str, Any]:
        """An agent rings somebody who is in the room. Raises ApiError."""
        self._require_agent(peer)
        room = self._hub.room_of(peer)
        member = room.state.member_by_identity(request.identity)
        shopper = None if member is None else room.peers.get(member.id)
        if shopper is None or shopper is peer or not shopper.connected or not shopper.claims.grants.call:
            raise ApiError("peer_not_found")
        claims = peer.claims
        fact = CallPlaced(
            new_id("c"),
            claims.identity,
            claims.name,
            shopper.claims.identity,
            shopper.claims.name,
            peer.room,
            request.media,
            clean_text(request.topic),
        )
        self.apply(fact)
        for each in (shopper, peer):
            self.moved(each)
        call = self.line.get(fact.call_id)
        self._hub.spawn(self._enrich(call))
        return self.view(call, peer, board=True)

    def make_link(self, peer: Peer, topic: str) -> dict[str, Any]:
        """Raises ApiError ``forbidden``."""
        self._require_agent(peer)
        name, link = self._links.make(peer.claims.identity, clean_text(topic), self._hub.wall())
        url = self._hub.config.help.link_url.replace("{id}", name)
        return {"id": name, "url": url, "expires": round(link.expires * 1000)}

    def _require_agent(self, peer: Peer) -> None:
        grants = peer.claims.grants
        if not grants.desk or "microphone" not in grants.publish:
            raise ApiError("forbidden")

    # --- steps of a call -----------------------------------------------------------------------------------------

    def step(self, peer: Peer, call_id: str, fact: HelpFact) -> dict[str, Any]:
        """Something that somebody in the call does. Raises ApiError."""
        call, who = self._call(peer, call_id), peer.claims.identity
        concerned = who in call.people
        self.apply(fact)
        if not (concerned or who in call.people or peer.claims.grants.supervise):
            # What changes nothing says nothing either: a call is seen by those who are in it.
            raise ApiError("not_in_call")
        if peer.room == call.room:
            self.moved(peer)
        return self.view(call, peer, board=True)

    def _call(self, peer: Peer, call_id: str) -> Call:
        """Raises ``call_not_found``, also for a call that the token is not for."""
        call = self.line.get(call_id)
        if not peer.claims.covers(call.room):
            raise ApiError("call_not_found")
        return call

    async def rate(self, fact: Rated) -> None:
        """The shopper's word, kept when this returns. Raises ApiError."""
        comment = clean_text(fact.comment, newlines=True)
        if fact.call_id in self.line.calls:
            self.apply(replace(fact, comment=comment))
            await self.saved()
        else:
            rating = Rating(fact.score, comment, fact.solved, self._hub.wall())
            await Afterwards(self._hub.store.calls, self._hub.wall).rate(fact.call_id, fact.identity, rating)

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

    def takes_files(self, call_id: str) -> None:
        """Raises ``call_ended``."""
        self.line.get_open(call_id)

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

    def gone(self, peer: Peer) -> None:
        """Somebody has left a room for good."""
        self._flowed.discard(peer.id)
        if self.line.calls_of(peer.claims.identity):
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
        self._keeper.save_agent(AgentRecord(claims.identity, claims.name, claims.skills, now, now))

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
                self._tell(call, former)
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
                self._keeper.add(CallEvent(call_id, kind, self.line.epoch_s + at, identity, dict(detail)))
            case Save(call_id):
                call = self.line.calls.get(call_id)
                if call is not None:
                    self._keeper.save(record_of(call, self.line.epoch_s))

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
        self._keeper.add(CallEvent(call.id, "message", self._hub.wall(), by, detail))

    def _forget(self, call: Call) -> None:
        self.boards.forget(call.id)
        self.files.forget(call.id)
        self._cards.pop(call.id, None)
        self._earlier.pop(call.id, None)

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
            fields["cards"] = self._cards.get(call.id, [])
            fields["earlier"] = [
                {**line, "queue": self.line.title(line["queue"], locale)} for line in self._earlier.get(call.id, [])
            ]
        return fields

    def _tell(self, call: Call, former: Iterable[str] = ()) -> None:
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

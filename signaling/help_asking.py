"""How calls begin: somebody asks, opens a link, wants to be called back, or is rung by an agent.

Also what an agent should know at the first word: the earlier calls of the same person, and the cards of the shop's backend.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from signaling import help_messages as m
from signaling.call import Call
from signaling.call_records import CallbackRecord
from signaling.chat_text import clean_text
from signaling.envelope import Envelopes
from signaling.errors import DEFAULT_LOCALE, ApiError, Locale
from signaling.file_check import EXTENSIONS, MAX_BYTES
from signaling.help_access import reachable
from signaling.help_links import Links
from signaling.help_model import CallAsked, CallbackLeft, CallPlaced
from signaling.help_views import context_of, earlier_of, question_of
from signaling.hook import Hook
from signaling.limits import Limiter
from signaling.peer import Peer, new_id

if TYPE_CHECKING:
    from signaling.helping import Helping
    from signaling.hub import Hub

logger = logging.getLogger(__name__)
EARLIER = 10
#: Calls that one person may begin: one in 5 s, and 20 at once. Each rings somebody.
ASK_RATE, ASK_BURST = 0.2, 20.0
#: After a restart, so many calls are looked up at the same time.
LOOKUPS = 4


class Asking:
    """The hub's part for the beginning of calls; ``helping`` carries out what follows."""

    def __init__(self, hub: Hub, helping: Helping) -> None:
        config = hub.config.help
        self._hub = hub
        self._helping = helping
        self._envelopes = Envelopes(config.shops)
        self._hook = Hook(config.hook_url, config.hook_secret, config.hook_timeout_s, wall=hub.wall)
        self._links = Links(hub.store.desk)
        self._asks = Limiter(ASK_RATE, ASK_BURST)
        self._cards: dict[str, list[dict[str, Any]]] = {}
        self._earlier: dict[str, list[dict[str, Any]]] = {}

    async def close(self) -> None:
        """Let go of connections."""
        await self._hook.close()

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._cards.pop(call_id, None)
        self._earlier.pop(call_id, None)

    def known(self, call_id: str, locale: Locale) -> dict[str, Any]:
        """``cards`` and ``earlier`` of the ``call``, for agents."""
        title = self._helping.line.title
        earlier = [{**line, "queue": title(line["queue"], locale)} for line in self._earlier.get(call_id, [])]
        return {"cards": self._cards.get(call_id, []), "earlier": earlier}

    def status(self, peer: Peer) -> dict[str, Any]:
        """The queues, and what may be sent."""
        return {
            "queues": self._helping.line.status(self._hub.clock(), peer.locale),
            "files": {"max_bytes": MAX_BYTES, "types": list(EXTENSIONS)},
        }

    async def ask(self, peer: Peer, request: m.Help) -> dict[str, Any]:
        """A shopper asks for help. Raises ApiError."""
        claims, line = peer.claims, self._helping.line
        if not claims.grants.call:
            raise ApiError("forbidden")
        link = None
        if request.link is not None:
            with reachable():
                link = await self._links.open(request.link, self._hub.wall())
        # Whoever has gone meanwhile asks nothing.
        self._hub.room_of(peer)
        signed = None
        if line.asked_by(claims.identity) is None:
            if request.envelope:
                signed = self._envelopes.read(request.envelope, claims.identity, self._hub.wall())
            if wait := self._asks.wait(claims.identity, self._hub.clock()):
                raise ApiError("rate_limited", retry_after_s=wait)
        fact = CallAsked(
            new_id("c"),
            claims.identity,
            claims.name,
            peer.room,
            request.queue,
            request.media,
            context_of(request.context, peer.locale, None if signed is None else signed.context),
            clean_text(request.text, newlines=True),
            link.topic if link is not None else "",
            link.agent if link is not None else None,
            peer=peer.id,
        )
        self._helping.apply(fact)
        call = line.asked_by(claims.identity)
        if call is None:
            raise ApiError("call_ended")
        if call.id == fact.call_id:
            if signed is not None:
                self._envelopes.spend(signed)
            if not peer.connected:
                self._helping.moved(peer)
            self._hub.spawn(self._enrich(call))
        return self._helping.view(call, peer, board=True)

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
        self._helping.tell(call)
        cards = await self._hook.cards(question_of(call), DEFAULT_LOCALE)
        if cards and not call.over:
            self._cards[call.id] = cards
            self._helping.tell(call)

    async def enrich_all(self, calls: Iterable[Call]) -> None:
        """The same for the calls that another Node left, a few at a time."""
        todo = iter([call for call in calls if not call.over])

        async def work() -> None:
            for call in todo:
                if not call.over:
                    await self._enrich(call)

        await asyncio.gather(*(work() for _ in range(LOOKUPS)))

    async def leave_callback(self, peer: Peer, request: m.LeaveCallback) -> dict[str, Any]:
        """Call me back. One open wish per person and queue: another one replaces it. Raises ApiError."""
        claims, helping = peer.claims, self._helping
        if not claims.grants.call:
            raise ApiError("forbidden")
        call = None if request.call is None else helping.call(peer, request.call)
        # Where the call waits is where to call back from.
        queue = call.queue if call is not None else request.queue or next(iter(helping.line.queues))
        with reachable():
            last = await self._hub.store.calls.last_callback(claims.identity, queue)
        # One that was made already stays in the books.
        wish = hashlib.sha256(f"{claims.identity}\n{queue}\n{last or ''}".strip().encode()).hexdigest()[:16]
        helping.apply(CallbackLeft(f"b{wish}", claims.identity, request.call, queue, request.at / 1000))
        name, phone, note = claims.name, clean_text(request.phone), clean_text(request.note, newlines=True)
        now, at, about = self._hub.wall(), request.at / 1000, request.call or ""
        record = CallbackRecord(
            f"b{wish}", claims.identity, now, at, peer.room, name, queue, about, phone, note, peer.locale
        )
        helping.keeper.save_callback(record)
        await helping.saved()
        return {"id": record.id, "at": request.at, "queue": queue}

    def call_shopper(self, peer: Peer, request: m.CallShopper) -> dict[str, Any]:
        """An agent rings somebody who is in the room. Raises ApiError."""
        _require_agent(peer)
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
        self._helping.apply(fact)
        for each in (shopper, peer):
            self._helping.moved(each)
        call = self._helping.line.get(fact.call_id)
        self._hub.spawn(self._enrich(call))
        return self._helping.view(call, peer, board=True)

    async def make_link(self, peer: Peer, topic: str) -> dict[str, Any]:
        """Raises ApiError."""
        _require_agent(peer)
        with reachable():
            link = await self._links.make(peer.claims.identity, clean_text(topic), self._hub.wall())
        url = self._hub.config.help.link_url.replace("{id}", link.id)
        return {"id": link.id, "url": url, "expires": round(link.expires * 1000)}


def _require_agent(peer: Peer) -> None:
    grants = peer.claims.grants
    if not grants.desk or "microphone" not in grants.publish:
        raise ApiError("forbidden")

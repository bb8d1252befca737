"""What the desk is told of one-to-one help: who waits in which queue, and the wall; whole lists, at most once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from signaling.auth import ANY_ROOM
from signaling.call import TALKS, Call
from signaling.desk import OnDuty
from signaling.help_queue import HelpQueue
from signaling.messages import dump
from signaling.peer import Peer
from signaling.routing import suits

if TYPE_CHECKING:
    from signaling.hub import Hub

INTERVAL_S = 1.0
DELAY_S = 0.05
#: What changes by time alone (how long somebody waits) is told again after this.
AGAIN_S = 5.0
#: On the wall.
MAX_LISTED = 200
#: At every desk, once a second: the next ones who wait, and the colleagues who are free or will be.
MAX_WAITING, MAX_COLLEAGUES = 50, 100
#: So many who wait are looked at for those of one room.
MAX_LOOKED = 5000


class Taker(NamedTuple):
    """What decides which of those who wait an agent may take; ``skills`` None: none of them."""

    covers: str
    skills: frozenset[str] | None


class _Waiting:
    """Those who wait, the next one first; no more of them are looked at than somebody asks for."""

    def __init__(self, line: Iterator[tuple[Call, HelpQueue]]) -> None:
        self._line = islice(line, MAX_LOOKED)
        self._seen: list[tuple[Call, HelpQueue]] = []

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def __iter__(self) -> Iterator[tuple[Call, HelpQueue]]:
        yield from self._seen
        for entry in self._line:
            self._seen.append(entry)
            yield entry


def dump_list(lines: list[dict[str, Any]]) -> str:
    """As it stands in an event."""
    return dump({"": lines})[4:-1]


class HelpNews:
    """Tells agents ``queue`` and those who watch it ``wall``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = -INTERVAL_S
        self._watching: set[str] = set()

    def watch(self, peer: Peer, on: bool) -> None:
        """A supervisor opens the wall, or closes it."""
        if on:
            self._watching.add(peer.id)
            peer.lists.pop("wall", None)
            self.changed()
        else:
            self._watching.discard(peer.id)

    def changed(self) -> None:
        """Something that the lists show is different."""
        self._tell_in(max(DELAY_S, self._told_at + INTERVAL_S - self._hub.clock()))

    def _tell_in(self, delay_s: float) -> None:
        if self._hub.closing:
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + delay_s
        if self._timer is not None and self._timer.when() <= due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(due, self._tell)

    def close(self) -> None:
        """No more news."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def lists(self, peer: Peer) -> dict[str, Any]:
        """``queues``, ``waiting`` and ``agents`` for this agent."""
        line, now = self._hub.helping.line, self._hub.clock()
        waiting = _Waiting(line.waiting())
        return {
            "queues": line.status(now, peer.locale),
            "waiting": self._waiting(waiting, self._taker(peer)),
            "agents": self._colleagues(peer.claims.room),
        }

    def _tell(self) -> None:
        self._timer = None
        self._told_at = self._hub.clock()
        peers = [peer for peer in self._hub.reception.peers() if peer.outlet is not None]
        self._watching &= {peer.id for peer in self._hub.reception.peers()}
        if not peers:
            return
        line, now = self._hub.helping.line, self._hub.clock()
        waiting = _Waiting(line.waiting())
        # Agents who are alike read the same: each list is written once.
        written: dict[Any, str] = {}

        def text(key: Any, make: Callable[[], Any]) -> str:
            if key not in written:
                written[key] = dump_list(make())
            return written[key]

        for peer in peers:
            locale, taker = peer.locale, self._taker(peer)
            queues = text(locale, partial(line.status, now, locale))
            lines = text(taker, partial(self._waiting, waiting, taker))
            agents = text(peer.claims.room, partial(self._colleagues, peer.claims.room))
            self._send(peer, "queue", f'"type":"queue","queues":{queues},"waiting":{lines},"agents":{agents}}}')
            if peer.id in self._watching and peer.claims.grants.supervise:
                wall = {"type": "wall", "at": round(self._hub.wall() * 1000), **self._wall(peer)}
                self._send(peer, "wall", f'{dump(wall)[1:-1]},"queues":{queues},"waiting":{lines}}}')
        if waiting or self._watching:
            self._tell_in(AGAIN_S)

    def _send(self, peer: Peer, kind: str, body: str) -> None:
        if peer.lists.get(kind) != body:
            peer.lists[kind] = body
            peer.emit_encoded(body, replay=False)

    def _taker(self, peer: Peer) -> Taker:
        desk, claims = self._hub.reception.desk, peer.claims
        skills = frozenset(desk.me(claims.identity)["skills"]) if claims.identity in desk else frozenset()
        return Taker(claims.room, skills if "microphone" in claims.grants.publish else None)

    def _waiting(self, waiting: _Waiting, taker: Taker) -> list[dict[str, Any]]:
        agent = OnDuty("", "", taker.skills or frozenset(), taker.covers, True)
        seen = (line for line in waiting if taker.covers in (ANY_ROOM, line[0].room))
        return [
            self._line(
                call, taker.skills is not None and call.state == "waiting" and suits(queue, call.id, agent)
            )
            for call, queue in islice(seen, MAX_WAITING)
        ]

    def _colleagues(self, covers: str) -> list[dict[str, Any]]:
        """Who can be asked in, or handed a call: the free first."""
        shared = ("identity", "name", "skills", "presence")
        return [
            {name: entry[name] for name in shared}
            for room, entry in self._hub.reception.desk.directories()
            if ANY_ROOM in (room, covers) or room == covers
        ][:MAX_COLLEAGUES]

    def _line(self, call: Call, can_take: bool) -> dict[str, Any]:
        shopper = call.people[call.shopper]
        product = call.context.shown.get("product") or {}
        return {
            "call": call.id,
            "room": call.room,
            "queue": call.queue,
            "state": call.state,
            "identity": call.shopper,
            "name": shopper.name,
            "since": self._ms(call.created),
            "position": call.position,
            "media": call.media,
            "entry": call.context.entry,
            "topic": call.topic or call.text[:120] or product.get("title", ""),
            "priority": round(call.priority),
            "can_take": can_take,
        }

    def _wall(self, peer: Peer) -> dict[str, Any]:
        line, desk = self._hub.helping.line, self._hub.reception.desk
        now = self._hub.clock()
        agents = []
        for covers, entry in desk.directories():
            if not peer.claims.covers(covers) and covers != "*":
                continue
            me = desk.me(entry["identity"])
            on_call = desk.call_of(entry["identity"])
            agents.append(
                {
                    "identity": entry["identity"],
                    "name": entry["name"],
                    "presence": entry["presence"],
                    "state": None if me["engaged"] is None else me["engaged"]["state"],
                    "since": me["since"],
                    "skills": entry["skills"],
                    "call": None if on_call is None else on_call.call,
                    "calls_today": line.figures(now).by_agent.get(entry["identity"], 0),
                }
            )
        calls = [
            {
                "id": call.id,
                "room": call.room,
                "queue": call.queue,
                "state": call.state,
                "media": call.media,
                "shopper": {"identity": call.shopper, "name": call.people[call.shopper].name},
                "agent": {"identity": call.agent, "name": call.agent_name},
                "since": self._ms(call.created),
                "answered": None if call.answered is None else self._ms(call.answered),
                "on_hold": call.state == "on_hold",
                "on_stage": call.escalation is not None and call.escalation.state == "on_stage",
                "supervisors": [person.name for person in call.people.values() if person.side == "supervisor"],
            }
            for call in line.calls.values()
            if call.state in TALKS and peer.claims.covers(call.room)
        ]
        return {"agents": agents[:MAX_LISTED], "calls": calls[:MAX_LISTED], "today": line.wall(now)}

    def _ms(self, time_s: float) -> int:
        return round((self._hub.helping.line.epoch_s + time_s) * 1000)

"""What hundreds of calls leave behind, and what the news cost when thousands wait."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from signaling import help_book
from signaling.help_model import (
    AgentsChanged,
    Answered,
    CallAsked,
    CallEnded,
    CallPlaced,
    Declined,
    HoldSet,
    Rated,
    Supervised,
    TransferAsked,
    TransferCancelled,
    WrappedUp,
)
from signaling.limits import Limiter
from signaling.peer import Peer
from tests.signaling.fakes import Rig, config, make_rig, offer


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = await make_rig(config())
    await rig.hub.start()
    yield rig
    await rig.hub.close()
    await rig.store.close()


class Ear:
    """The other end of a connection: counts what comes."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def send(self, text: str) -> None:
        self.heard.append(text)

    def finish(self, code: int, reason: str) -> None:
        pass


def at_desk(rig: Rig, identity: str, room: str = "*", skills: tuple[str, ...] = ("pairing",)) -> tuple[Peer, Ear]:
    """An agent's console."""
    peer = rig.hub.attend(rig.hub.authenticate(rig.token(identity, "agent", room=room, skills=skills)))
    ear = Ear()
    peer.outlet = ear
    rig.hub.attached(peer)
    return peer, ear


async def in_room(rig: Rig, identity: str, role: Any, room: str = "help") -> Peer:
    """A connection for media, with something published."""
    peer = await rig.hub.join(rig.hub.authenticate(rig.token(identity, role, room=room)))
    peer.outlet = Ear()
    rig.hub.attached(peer)
    return peer


def sizes(root: Any, known: set[int], path: str = "hub") -> dict[str, int]:
    """How many entries each container has that can be reached from here; what the database and the tests hold is left
    out."""
    found: dict[str, int] = {}
    todo: list[tuple[str, Any]] = [(path, root)]
    while todo:
        where, thing = todo.pop()
        if id(thing) in known or isinstance(thing, str | bytes | int | float | type | None.__class__ | Ear | asyncio.AbstractEventLoop):
            continue
        known.add(id(thing))
        if isinstance(thing, deque) and thing.maxlen is not None:
            continue
        if isinstance(thing, dict | list | set | frozenset | deque | tuple):
            found[where] = found.get(where, 0) + len(thing)
            todo += [(f"{where}[]", value) for value in (thing.values() if isinstance(thing, dict) else thing)]
        elif type(thing).__module__.startswith("signaling"):
            names = getattr(thing, "__dict__", None) or {}
            slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
            if type(thing).__name__ in ("Store", "Config", "FileStore", "Database"):
                continue
            for name in {*names, *slots}:
                todo.append((f"{where}.{name}", getattr(thing, name, None)))
    return found


async def test_300_calls_leave_nothing_behind(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """With everything that a call can go through, some of it dropped in the middle."""
    # Calls that ended are remembered for a while; here for a shorter one.
    monkeypatch.setattr(help_book, "MAX_REMEMBERED", 5)
    helping = rig.hub.helping
    helping.asking._asks = Limiter(1.0, 1.0, most=3)
    for name in ("kim", "lee"):
        at_desk(rig, name)
    line = helping.line
    before: dict[str, int] = {}
    for number in range(330):
        who = f"s{number % 7}"
        peer = await in_room(rig, who, "shopper")
        call_id = f"c{number:04}"
        if number % 5 == 0:
            agent = await in_room(rig, "kim", "agent")
            helping.apply(CallPlaced(call_id, "kim", "Kim", who, who, "help"))
            helping.apply(Answered(call_id, who) if number % 2 else Declined(call_id, who, ""))
            await rig.hub.leave(agent)
        else:
            helping.apply(CallAsked(call_id, who, who, "help", None, "video", peer=peer.id))
            agents = [person.identity for person in line.get(call_id).ringing()]
            if agents and number % 11:
                await _talk(rig, call_id, agents[0], number)
        if number % 4 == 0 and not line.get(call_id).over:
            await rig.hub.publish(peer, offer("audio", "video"), None)
        helping.apply(CallEnded(call_id, who, ""))
        call = line.get(call_id)
        if call.state == "wrap_up":
            helping.apply(WrappedUp(call_id, call.agent, "n", (), "yes", True))
        helping.apply(Rated(call_id, who, 1 + number % 5))
        await rig.hub.leave(peer)
        if number % 30 == 29:
            await helping.saved()
            await asyncio.sleep(0)
            line.forget(rig.hub.clock())
        if number in (120, 140, 160):
            # What is bounded has filled up by now, or does so while it is computed.
            before = {where: max(count, before.get(where, 0)) for where, count in sizes(rig.hub, set()).items()}
    await helping.saved()
    helping.apply(AgentsChanged())
    assert helping.boards._boards == {} and helping.asking._cards == {} and helping.asking._earlier == {}
    assert helping._flowed == set() and not line._rung and not line._personal and not line._timers.next()
    assert len(line.calls) <= 7
    after = sizes(rig.hub, set())
    # Some come and go; nothing is there for each of the calls since.
    grown = {where: (before.get(where, 0), count) for where, count in after.items() if count > before.get(where, 0) + 60}
    # The outlook is computed of what is bounded, and not always there.
    assert {where: counts for where, counts in grown.items() if "._looked[]" not in where} == {}


async def _talk(rig: Rig, call_id: str, who: str, number: int) -> None:
    helping, line = rig.hub.helping, rig.hub.helping.line
    helping.apply(Answered(call_id, who))
    helping.boards.of(call_id)
    if number % 3 == 0:
        helping.apply(HoldSet(call_id, who, True))
    if number % 6 == 0:
        helping.apply(Supervised(call_id, "boss", "Boss", "listen"))
    if number % 7 == 0 and line.get(call_id).transfer is None:
        other = "lee" if who == "kim" else "kim"
        if rig.hub.reception.desk.reach(other, "help") == "free":
            helping.apply(TransferAsked(call_id, who, "identity", other, True, "n"))
            if number % 2:
                helping.apply(TransferCancelled(call_id, who))


# --- news ------------------------------------------------------------------------------------------------------------


def _told(ear: Ear) -> dict[str, Any]:
    events = [json.loads(text) for text in ear.heard if '"type":"queue"' in text]
    return dict(events[-1])


async def test_news_are_small_when_thousands_wait(rig: Rig) -> None:
    """Whatever waits: bounded, the next ones first, of all queues, and of the rooms that an agent serves."""
    hub = rig.hub
    (general,) = await rig.store.calls.queues()
    hub.helping.set_queues([replace(general, max_waiting=5000), replace(general, name="vip", priority=10)])
    ears = {name: at_desk(rig, name)[1] for name in ("a", "b")}
    ears["small"] = at_desk(rig, "small", "help.small")[1]
    for number in range(200):
        at_desk(rig, f"x{number}")
    for peer in hub.reception.peers():
        hub.reception.set_presence(peer, "break", None)
    for number in range(1500):
        room = "help.small" if number > 1490 else "help"
        queue = "vip" if number in (700, 701) else "general"
        hub.helping.apply(CallAsked(f"c{number:05}", f"s{number}", f"顾客{number}", room, queue, "video", text="?" * 100, peer="p"))
    async with asyncio.timeout(5):
        while '"c00000"' not in "".join(ears["a"].heard[-1:]):
            await asyncio.sleep(0.05)
        hub.helping.news._tell()
    told, small = _told(ears["a"]), _told(ears["small"])
    assert (len(told["waiting"]), len(told["agents"])) == (50, 100)
    assert {entry["name"]: entry["waiting"] for entry in told["queues"]} == {"general": 1498, "vip": 2}
    assert [entry["call"] for entry in told["waiting"][:3]] == ["c00700", "c00701", "c00000"]
    assert [entry["room"] for entry in small["waiting"]] == ["help.small"] * 9
    assert max(len(text) for ear in ears.values() for text in ear.heard) < 32_000

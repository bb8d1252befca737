"""Synthetic shoppers and agents against a running service: what each does, and what became of every single one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

REPLY_S = 20.0
SKILLS = ("pairing", "orders")
IN_CALL = ("active", "on_hold")
OVER = ("wrap_up", "ended")


class Refused(Exception):
    """The service said no; the code says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Line:
    """One WebSocket: requests with their replies, events in a bounded queue."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self._events: deque[dict[str, Any]] = deque(maxlen=500)
        self._news = asyncio.Event()
        self.ended = False
        self.seq = 0
        self.joined: dict[str, Any] = {}
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionError):
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                data = message.json()
                if "re" in data:
                    future = self._replies.pop(data["re"], None)
                    if future is not None and not future.done():
                        future.set_result(data)
                    continue
                self.seq = data.get("seq", self.seq)
                self._events.append(data)
                self._news.set()
        self.ended = True
        self._news.set()
        for future in self._replies.values():
            if not future.done():
                future.set_exception(ConnectionError("closed"))

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """One request. Raises Refused, ConnectionError or TimeoutError."""
        self._last_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[self._last_id] = future
        await self._socket.send_json({"type": kind, "id": self._last_id, **fields})
        async with asyncio.timeout(REPLY_S):
            reply = await future
        if reply["type"] != "ok":
            raise Refused(reply["code"])
        return reply

    async def event(self, within_s: float, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The next event that matches; None after ``within_s``. Raises ConnectionError when the connection has ended."""
        deadline = time.monotonic() + within_s
        while True:
            while self._events:
                event = self._events.popleft()
                if matches(event):
                    return event
            if self.ended:
                raise ConnectionError("closed")
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    async def close(self) -> None:
        """Hang up without a word, as a phone that loses its network does."""
        await self._socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who comes, and how they behave; times in seconds, shares 0 to 1."""

    shoppers: int = 2000
    duration_s: float = 600.0
    agents: int = 48
    handle_s: tuple[float, float] = (6.0, 14.0)
    patience_s: float = 180.0
    drops: float = 0.05
    declines: float = 0.03
    silent: float = 0.01
    rooms: int = 8
    seed: int = 1


@dataclass(slots=True)
class Tally:
    """What happened. Every shopper ends in exactly one of ``outcomes``."""

    asked: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    connects_s: list[float] = field(default_factory=list)
    rings_s: list[float] = field(default_factory=list)
    answers_s: list[float] = field(default_factory=list)
    talked: int = 0
    returned: int = 0
    double: int = 0
    within_estimate: int = 0
    estimated: int = 0


class Rehearsal:
    """Runs a :class:`Plan` against ``base``. ``mint`` gives tokens: (room, identity, role, name, skills)."""

    def __init__(self, base: str, plan: Plan, session: aiohttp.ClientSession) -> None:
        self.base = base
        self.plan = plan
        self.tally = Tally()
        self._session = session
        self._random = random.Random(plan.seed)
        self._serving: dict[str, str] = {}
        self._closing = asyncio.Event()

    async def run(self, progress: Callable[[Tally], None]) -> None:
        """Everything: the agents sit down, the shoppers come, and all that has begun is brought to its end."""
        plan = self.plan
        agents = [asyncio.create_task(self._agent(number)) for number in range(plan.agents)]
        ticker = asyncio.create_task(self._tick(progress))
        try:
            await asyncio.sleep(1.0)
            started = time.monotonic()
            shoppers = []
            arrivals = sorted(self._random.uniform(0, plan.duration_s) for _ in range(plan.shoppers))
            for number, at in enumerate(arrivals):
                await asyncio.sleep(max(0.0, started + at - time.monotonic()))
                shoppers.append(asyncio.create_task(self._shopper(number)))
            await asyncio.gather(*shoppers)
        finally:
            self._closing.set()
            ticker.cancel()
            await asyncio.wait(agents, timeout=10.0)
            for task in agents:
                task.cancel()
            await asyncio.gather(*agents, ticker, return_exceptions=True)
        progress(self.tally)

    async def _tick(self, progress: Callable[[Tally], None]) -> None:
        while True:
            progress(self.tally)
            await asyncio.sleep(0.5)

    async def token(self, room: str, identity: str, role: str, **more: Any) -> str:
        """From the demo endpoint. Raises aiohttp.ClientError."""
        body = {"room": room, "identity": identity, "role": role, **more}
        async with self._session.post(f"{self.base}/dev/token", json=body, raise_for_status=True) as response:
            return str((await response.json())["token"])

    async def connect(self, token: str, **fields: Any) -> Line:
        """A connection that has joined. Raises Refused, ConnectionError or TimeoutError."""
        started = time.monotonic()
        socket = await self._session.ws_connect(self.base.replace("http", "ws", 1) + "/ws", max_msg_size=0)
        line = Line(socket)
        try:
            line.joined = await line.ask("join", v=1, token=token, locale="zh-CN", **fields)
        except BaseException:
            await line.close()
            raise
        line.seq = line.joined["seq"]
        self.tally.connects_s.append(time.monotonic() - started)
        return line

    # --- a shopper -----------------------------------------------------------------------------------------------

    async def _shopper(self, number: int) -> None:
        tally, chance = self.tally, random.Random(f"{self.plan.seed}-{number}")
        tally.asked += 1
        try:
            outcome = await self._visit(f"shopper-{self.plan.seed}-{number}", number, chance)
        except Refused as refusal:
            tally.errors[refusal.code] += 1
            outcome = f"refused ({refusal.code})"
        except (ConnectionError, TimeoutError, aiohttp.ClientError) as error:
            tally.errors[type(error).__name__] += 1
            outcome = "lost"
        tally.outcomes[outcome] += 1

    async def _visit(self, identity: str, number: int, chance: random.Random) -> str:
        room = f"help.{number % self.plan.rooms}"
        token = await self.token(room, identity, "shopper", name=f"顾客 {number}")
        line = await self.connect(token, subscribe="none")
        try:
            asked = time.monotonic()
            reply = await line.ask(
                "help", media="text", text="耳机连不上手机", context={"entry": "product", "product": {"id": f"p{number % 9}"}}
            )
            call = reply["call"]
            estimate = call.get("estimate")
            drops = chance.random() < self.plan.drops
            patience = chance.expovariate(1 / self.plan.patience_s) + 30.0
            rung = False
            while call["state"] not in (*IN_CALL, *OVER):
                left = asked + patience - time.monotonic()
                if left <= 0:
                    await line.ask("end_call", call=call["id"])
                    return "abandoned"
                if drops:
                    drops = False
                    line = await self._drop(line, token, chance)
                    call = line.joined.get("room", {}).get("call", call)
                event = await line.event(min(left, 5.0), lambda event: event["type"] == "call")
                if event is None:
                    continue
                call = event["call"]
                estimate = estimate or call.get("estimate")
                if call["state"] == "ringing" and not rung:
                    rung = True
                    self.tally.rings_s.append(time.monotonic() - asked)
            if call["state"] in OVER:
                return f"ended early ({call['outcome']})"
            return await self._talk(line, call, asked, estimate, chance)
        finally:
            await line.close()

    async def _drop(self, line: Line, token: str, chance: random.Random) -> Line:
        await line.close()
        await asyncio.sleep(chance.uniform(1.0, 8.0))
        resume = {"peer": line.joined["peer"], "key": line.joined["resume_key"], "seq": line.seq}
        self.tally.returned += 1
        return await self.connect(token, subscribe="none", resume=resume)

    async def _talk(
        self, line: Line, call: dict[str, Any], asked: float, estimate: Mapping[str, float] | None, chance: random.Random
    ) -> str:
        waited = time.monotonic() - asked
        self.tally.waits_s.append(waited)
        if estimate:
            self.tally.estimated += 1
            self.tally.within_estimate += waited <= estimate["high_s"] + 1.0
        await line.ask("call_say", call=call["id"], text="按住按钮五秒吗？")
        event = await line.event(
            120.0, lambda event: event["type"] == "call" and event["call"]["state"] in OVER
        )
        if event is None:
            return "never ended"
        await line.ask("rate_call", call=call["id"], score=chance.choice((3, 4, 5, 5)), solved="yes")
        self.tally.talked += 1
        return "answered"

    # --- an agent ------------------------------------------------------------------------------------------------

    async def _agent(self, number: int) -> None:
        identity = f"agent-{number}"
        chance = random.Random(f"{self.plan.seed}-{identity}")
        token = await self.token("*", identity, "agent", name=f"客服 {number}", skills=list(SKILLS))
        desk = await self.connect(token, desk=True)
        try:
            while not self._closing.is_set():
                # Of each call the newest counts: while one was served, others may have rung elsewhere meanwhile.
                rings: dict[str, dict[str, Any]] = {}
                event = await desk.event(1.0, lambda event: event["type"] == "call")
                while event is not None:
                    rings[event["call"]["id"]] = event["call"]
                    event = await desk.event(0.0, lambda event: event["type"] == "call")
                ring = next((call for call in rings.values() if _rings(call, identity)), None)
                if ring is None:
                    continue
                try:
                    await self._serve(desk, token, ring, identity, chance)
                except Refused as refusal:
                    # Too late, or the shopper has gone: that is for the shopper's outcome to show.
                    self.tally.errors[f"agent: {refusal.code}"] += 1
        finally:
            await desk.close()

    async def _serve(self, desk: Line, token: str, call: dict[str, Any], identity: str, chance: random.Random) -> None:
        luck = chance.random()
        if luck < self.plan.silent:
            return
        await asyncio.sleep(chance.uniform(0.2, 1.5))
        if luck < self.plan.silent + self.plan.declines:
            await desk.ask("decline_call", call=call["id"], reason="lunch")
            return
        room = await self.connect(token, room=call["room"], subscribe="none")
        try:
            started = time.monotonic()
            await room.ask("answer_call", call=call["id"])
            self.tally.answers_s.append(time.monotonic() - started)
            if self._serving.setdefault(call["id"], identity) != identity:
                self.tally.double += 1
            await room.ask("call_say", call=call["id"], text="对，按住五秒，直到灯闪蓝光。")
            await room.event(
                chance.uniform(*self.plan.handle_s),
                lambda event: event["type"] == "call" and event["call"]["id"] == call["id"] and event["call"]["state"] in OVER,
            )
            with contextlib.suppress(Refused):
                await room.ask("end_call", call=call["id"])
            await room.ask("wrap_up", call=call["id"], note="已配对", reasons=["pairing"], solved="yes", done=True)
        finally:
            await room.close()


def _rings(call: dict[str, Any], identity: str) -> bool:
    return any(person["identity"] == identity and person["mode"] == "ring" for person in call["people"])

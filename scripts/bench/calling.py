"""``bench_latency --call``: a shopper in a help room and an agent at the desk, in a real browser each.

From the shopper's tap to the ring at the agent's console, and from the agent's tap to both pictures; prepared while it
rang (connected and published, held), and not.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from playwright.async_api import Page

from scripts.bench.figures import Verdict, line, percentile
from scripts.bench.laboratory import Laboratory
from scripts.bench.stage import STEP_TIMEOUT_S, call

SCRIPTS = ("latency_page.js", "stage_page.js", "call_page.js")
BOTH_BAR_MS = 600.0
RING_BAR_MS = 600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Calls with and without preparation, and the seconds that each rings."""

    prepared: int = 30
    unprepared: int = 10
    ring_s: float = 1.0


@dataclass(slots=True)
class Calls:
    """Milliseconds: tap to ring; the agent's tap to the server's yes, and to the first picture at either side."""

    rung: list[float] = field(default_factory=list)
    accepted: list[float] = field(default_factory=list)
    agent_sees: list[float] = field(default_factory=list)
    shopper_sees: list[float] = field(default_factory=list)

    @property
    def both(self) -> list[float]:
        """Until the later of the two pictures."""
        return [max(pair) for pair in zip(self.agent_sees, self.shopper_sees, strict=True)]


_shoppers = itertools.count(1)


async def one_call(lab: Laboratory, shopper: Page, agent: Page, into: Calls, ring_s: float, *, prepared: bool) -> None:
    """Ask, ring, answer, see each other, hang up."""
    # Somebody else each time: one person may not ask so often.
    await call(shopper, "arrive", await lab.token("shopper", f"shopper-{next(_shoppers)}"))
    asked = await call(shopper, "askHelp", {"prepared": prepared})
    ring = await call(agent, "rungAtDesk")
    into.rung.append(ring["at"] - asked)
    await call(agent, "prepareCall", {"call": ring["call"], "room": ring["room"], "prepared": prepared})
    await asyncio.sleep(ring_s)
    await call(shopper, "expectFace")
    await call(agent, "expectFace")
    told = await call(agent, "answerCall", {"prepared": prepared})
    into.accepted.append(told["accepted"] - told["tapped"])
    if not prepared:
        await call(shopper, "publishLate")
    async with asyncio.timeout(STEP_TIMEOUT_S):
        seen = await asyncio.gather(*(page.evaluate("lab.face") for page in (agent, shopper)))
    into.agent_sees.append(seen[0] - told["tapped"])
    into.shopper_sees.append(seen[1] - told["tapped"])
    await asyncio.sleep(0.5)
    await call(agent, "hangUp")
    await call(shopper, "callOver")


async def run(lab: Laboratory, plan: Plan, verdict: Verdict) -> None:
    """Measure everything and print it."""
    prepared, unprepared = Calls(), Calls()
    async with AsyncExitStack() as stack:
        browsers = [await lab.browser() for _ in range(2)]
        for browser in browsers:
            stack.push_async_callback(browser.close)
        shopper, agent = [await lab.page(browser) for browser in browsers]
        await call(agent, "sitDown", await lab.token("agent", "agent", room="*"))
        # Once for nothing: the first encoder, decoder and worker of each browser.
        await one_call(lab, shopper, agent, Calls(), plan.ring_s, prepared=True)
        for _ in range(plan.prepared):
            await one_call(lab, shopper, agent, prepared, plan.ring_s, prepared=True)
        for _ in range(plan.unprepared):
            await one_call(lab, shopper, agent, unprepared, plan.ring_s, prepared=False)
    print(
        f"One-to-one help between two browsers, {plan.prepared} + {plan.unprepared} calls on fresh connections"
        f" (camera and microphone; {plan.ring_s:g} s of ringing)"
    )
    rung = [*prepared.rung, *unprepared.rung]
    print(f"{line('tap to ringing at the agent', rung)}   p95: {verdict.bar('tap to ringing, p95', percentile(rung, 0.95), RING_BAR_MS)}")
    held = verdict.bar("accept to both pictures, prewarmed, p95", percentile(prepared.both, 0.95), BOTH_BAR_MS)
    print(f"{line('accept to both pictures, prewarmed', prepared.both)}   p95: {held}")
    print(line("  the shopper's at the agent", prepared.agent_sees))
    print(line("  the agent's at the shopper", prepared.shopper_sees))
    print(line("  the server's yes at the agent", prepared.accepted))
    print(line("not prewarmed: both publish after the tap", unprepared.both))

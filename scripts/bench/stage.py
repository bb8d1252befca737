"""``bench_latency --stage``: a host, a guest and two viewers in real browsers.

From the guest's tap to the picture at the viewers, prepared during the ring or not; what the comings and goings do to
the host's picture at the viewers; and how fast host and guest see and hear each other, beside a direct call.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from playwright.async_api import Page

from scripts.bench.figures import Verdict, line, longest_gap, pair_sounds, percentile
from scripts.bench.laboratory import Laboratory

SCRIPTS = ("latency_page.js", "stage_page.js")
HOST, GUEST = "host", "guest"
AIR_BAR_MS = 600.0
GLASS_BARS_MS = (3.0, 8.0)
MOUTH_BARS_MS = (10.0, 20.0)
GAP_BAR_MS = 200.0
HEARD_WITHIN_MS = 750.0
ON_STAGE_S = 1.0
STEP_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: repetitions with and without preparation, seconds of ringing, rounds of talk and their seconds."""

    repetitions: int = 24
    unprepared: int = 10
    ring_s: float = 1.0
    quiet_s: float = 20.0
    rounds: int = 4
    talk_s: float = 12.0


@dataclass(slots=True)
class Airing:
    """Milliseconds after the tap: the server's yes at the guest, and the guest's first picture at each viewer."""

    accepted: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Playback:
    """The host at the viewers over a stretch: seconds, longest wait for a frame (ms), freezes, concealed sound 0-1.

    ``drawn`` is the longest wait (ms) between two pictures that the host drew: what the machine itself was late by.
    """

    seconds: float = 0.0
    drawn: float = 0.0
    gaps: list[float] = field(default_factory=list)
    freezes: int = 0
    concealed: float = 0.0


@dataclass(slots=True)
class Talk:
    """Milliseconds from glass to glass and from mouth to ear, one list for each round, both directions together."""

    glass: list[list[float]] = field(default_factory=list)
    mouth: list[list[float]] = field(default_factory=list)
    unreadable: int = 0


async def call(page: Page, function: str, argument: Any = None) -> Any:
    """``lab``'s function in a page. Raises TimeoutError, or playwright's Error when it throws."""
    async with asyncio.timeout(STEP_TIMEOUT_S):
        return await page.evaluate(f"(argument) => lab.{function}(argument)", argument)


class Show:
    """A live room: host and guest in a browser each, the viewers in contexts of a third one."""

    def __init__(self, lab: Laboratory, host: Page, guest: Page, viewers: list[Page]) -> None:
        self.lab = lab
        self.host = host
        self.guest = guest
        self.viewers = viewers

    async def begin(self) -> None:
        """The host goes live, the viewers watch."""
        await call(self.host, "goLive", await self.lab.token("host", HOST))
        for index, page in enumerate(self.viewers):
            token = await self.lab.token("viewer", f"viewer-{index}")
            async with asyncio.timeout(STEP_TIMEOUT_S):
                await page.evaluate("([token, host]) => lab.attend(token, host)", [token, HOST])

    async def enter(self) -> None:
        """The guest comes into the room, with connections of its own."""
        await call(self.guest, "enter", await self.lab.token("agent", GUEST))

    async def round(self, into: Airing, *, prepared: bool, ring_s: float) -> None:
        """Invite, go on air, be seen by every viewer, be taken off the stage."""
        async with asyncio.timeout(STEP_TIMEOUT_S):
            await self.host.evaluate("(identity) => lab.room.invite({ identity }).then(() => null)", GUEST)
        invite = await call(self.guest, "rung")
        if prepared:
            await call(self.guest, "publishBoth", {"held": True})
        await asyncio.sleep(ring_s)
        for page in self.viewers:
            await call(page, "expectGuest")
        told = await call(self.guest, "tap" if prepared else "tapUnprepared", invite)
        into.accepted.append(told["accepted"] - told["tapped"])
        async with asyncio.timeout(STEP_TIMEOUT_S):
            seen = await asyncio.gather(*(page.evaluate("lab.expected") for page in self.viewers))
        into.seen += [time - told["tapped"] for time in seen]
        await asyncio.sleep(ON_STAGE_S)
        await self.host.evaluate("(identity) => lab.room.removeGuest(identity)", GUEST)
        await call(self.guest, "offStage")
        for page in self.viewers:
            await call(page, "guestGone")

    async def playback(self) -> list[dict[str, Any]]:
        """What happened to the host's picture at each viewer so far."""
        return list(await asyncio.gather(*(call(page, "playback") for page in self.viewers)))


def compare(before: list[dict[str, Any]], after: list[dict[str, Any]], drawn: list[float]) -> Playback:
    """What happened between two looks at the viewers, while the host drew pictures at ``drawn``."""
    start, end = before[0]["at"], after[0]["at"]
    result = Playback(seconds=(end - start) / 1000, drawn=longest_gap(drawn, start, end))
    samples = 0
    concealed = 0
    for first, last in zip(before, after, strict=True):
        result.gaps.append(longest_gap(last["times"], first["at"], last["at"]))
        result.freezes += last["freezes"] - first["freezes"]
        concealed += last["concealed"] - first["concealed"]
        samples += last["samples"] - first["samples"]
    result.concealed = concealed / samples if samples > 0 else 0.0
    return result


async def measure_air(lab: Laboratory, plan: Plan) -> tuple[Airing, Airing, Airing, Playback, Playback]:
    """Fresh connections, the same once more, unprepared; the host's playback without and with comings and goings."""
    async with AsyncExitStack() as stack:
        browsers = [await lab.browser() for _ in range(3)]
        for browser in browsers:
            stack.push_async_callback(browser.close)
        viewers = [await lab.page(browsers[2]) for _ in range(2)]
        show = Show(lab, await lab.page(browsers[0]), await lab.page(browsers[1]), viewers)
        await show.begin()
        await show.enter()
        # Once for nothing: the first encoder, decoder and worker of each browser.
        await show.round(Airing(), prepared=True, ring_s=plan.ring_s)
        looked = await show.playback()
        await asyncio.sleep(plan.quiet_s)
        quiet_until = await show.playback()
        fresh, again, unprepared = Airing(), Airing(), Airing()
        for index in range(plan.repetitions):
            if index % 2 == 0:
                await show.enter()
            await show.round(again if index % 2 else fresh, prepared=True, ring_s=plan.ring_s)
        busy_until = await show.playback()
        drawn = await show.host.evaluate("lab.drawn")
        quiet, busy = compare(looked, quiet_until, drawn), compare(quiet_until, busy_until, drawn)
        for _ in range(plan.unprepared):
            await show.enter()
            await show.round(unprepared, prepared=False, ring_s=plan.ring_s)
    return fresh, again, unprepared, quiet, busy


async def listen_both(host: Page, guest: Page, seconds: float, into: Talk) -> None:
    """Both look and listen at the same time."""
    await asyncio.sleep(3)
    both = await asyncio.gather(*(page.evaluate("(s) => lab.talk(s)", seconds) for page in (host, guest)))
    into.glass.append([delay for here in both for delay in here["delays"]])
    into.unreadable += sum(here["unreadable"] for here in both)
    turns = (both, both[::-1])
    heard = [pair_sounds(there["said"], here["heard"], HEARD_WITHIN_MS) for here, there in turns]
    into.mouth.append([*heard[0], *heard[1]])


async def measure_talk(lab: Laboratory, plan: Plan) -> tuple[Talk, Talk]:
    """A direct call and the stage, in turns, between the same two browsers."""
    direct, served = Talk(), Talk()
    async with AsyncExitStack() as stack:
        browsers = [await lab.browser() for _ in range(2)]
        for browser in browsers:
            stack.push_async_callback(browser.close)
        for _ in range(plan.rounds):
            host, guest = [await lab.page(browser) for browser in browsers]
            answer = await call(guest, "callPeer", await call(host, "callPeer"))
            await call(host, "accept", answer)
            await listen_both(host, guest, plan.talk_s, direct)
            await asyncio.gather(host.close(), guest.close())
            host, guest = [await lab.page(browser) for browser in browsers]
            show = Show(lab, host, guest, [])
            await show.begin()
            await show.enter()
            await host.evaluate("(identity) => lab.room.invite({ identity }).then(() => null)", GUEST)
            invite = await call(guest, "rung")
            await call(guest, "publishBoth", {"held": True})
            await call(guest, "tap", invite)
            await listen_both(host, guest, plan.talk_s, served)
            for page in (guest, host):
                await page.evaluate("lab.room.leave()")
                await page.close()
    return direct, served


def _difference(
    name: str, served: list[list[float]], direct: list[list[float]], bars: tuple[float, float], verdict: Verdict
) -> str:
    parts = []
    ours, theirs = (list(chain.from_iterable(rounds)) for rounds in (served, direct))
    for label, share, limit in (("p50", 0.5, bars[0]), ("p95", 0.95, bars[1])):
        more = percentile(ours, share) - percentile(theirs, share)
        parts.append(f"{label} {more:+7.1f} ms ({verdict.bar(f'{name}, {label} over peer to peer', more, limit)})")
    return f"{'  difference':46} {'  '.join(parts)}"


def _print_rounds(name: str, rounds: list[list[float]]) -> None:
    values = list(chain.from_iterable(rounds))
    medians = "/".join(f"{percentile(one, 0.5):.0f}" for one in rounds)
    print(f"{line(name, values, digits=1, top=False)}   ({len(values)} samples; p50 by round {medians})")


async def run(lab: Laboratory, plan: Plan, verdict: Verdict) -> None:
    """Measure everything and print it."""
    fresh, again, unprepared, quiet, busy = await measure_air(lab, plan)
    print(
        f"From the tap to the guest's first decoded frame at 2 viewers, over {plan.repetitions} + {plan.unprepared} times"
        f" on the stage (camera and microphone; {plan.ring_s:g} s of ringing)"
    )
    prepared = [*fresh.seen, *again.seen]
    held = verdict.bar("tap to picture, prewarmed, p95", percentile(prepared, 0.95), AIR_BAR_MS)
    print(f"{line('prewarmed', prepared)}   p95: {held}")
    print(line("  first time, connections made while it rang", fresh.seen))
    print(line("  once more, on the same connections", again.seen))
    print(line("  the server's yes at the guest", [*fresh.accepted, *again.accepted]))
    print(line("not prewarmed: connect and publish after the tap", unprepared.seen))
    print("The host's picture and sound at the viewers")
    gap = max(busy.gaps)
    unbroken = verdict.bar("longest gap in the host's picture", gap, GAP_BAR_MS)
    freezes = verdict.bar("freezes of the host's picture", busy.freezes, 0)
    print(
        f"{f'  {busy.seconds:.0f} s of comings and goings':46} longest gap {gap:4.0f} ms ({unbroken}; {busy.drawn:.0f} as drawn)"
        f"  freezes {busy.freezes} ({freezes})  sound concealed {busy.concealed:.3%}"
    )
    print(
        f"{f'  {quiet.seconds:.0f} s in which nothing changed':46} longest gap {max(quiet.gaps):4.0f} ms ({quiet.drawn:.0f} as drawn)"
        f"  freezes {quiet.freezes}  sound concealed {quiet.concealed:.3%}"
    )
    direct, served = await measure_talk(lab, plan)
    print(f"Between host and guest, both directions; {plan.rounds} rounds of {plan.talk_s:g} s each way, in turns; no viewers")
    for name, bars, one, other in (
        ("glass to glass", GLASS_BARS_MS, direct.glass, served.glass),
        ("mouth to ear", MOUTH_BARS_MS, direct.mouth, served.mouth),
    ):
        _print_rounds(f"{name}, peer to peer", one)
        _print_rounds(f"{name}, through Lianmai", other)
        print(_difference(name, other, one, bars, verdict))
    print(
        "Glass to glass: from drawing the picture to its decoding (no camera, no display). Mouth to ear: from handing the\n"
        "10 ms block that begins with the sound to the browser, to the time that sound is due at the speaker: encoding,\n"
        "network and the jitter buffer are in it; the microphone's own block, echo cancellation and the sound card are not."
    )

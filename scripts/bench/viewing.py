"""bench_latency without --stage: a host and a viewer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from playwright.async_api import Page

from scripts.bench.figures import Verdict, percentile
from scripts.bench.laboratory import Laboratory

SCRIPTS = ("latency_page.js",)
COLD_BAR_MS = 600.0
JOIN_BARS_MS = (120.0, 300.0)
GLASS_BARS_MS = (3.0, 8.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: joins of fresh browsers and of one page, rounds of watching and their seconds."""

    cold: int = 5
    joins: int = 30
    rounds: int = 3
    seconds: float = 10.0


async def joins(lab: Laboratory, host: Page, plan: Plan) -> tuple[list[float], list[float]]:
    """Time to first frame: first join of fresh browsers, and further joins of one page."""
    await host.evaluate("(token) => lab.publish(token)", await lab.token("host", "host"))
    await asyncio.sleep(2)
    first = []
    for index in range(plan.cold):
        browser = await lab.browser()
        page = await lab.page(browser)
        token = await lab.token("viewer", f"c{index}")
        first.append((await page.evaluate("(token) => lab.view(token)", token))["first"])
        await browser.close()
    again = []
    browser = await lab.browser()
    page = await lab.page(browser)
    for index in range(plan.joins + 1):
        result = await page.evaluate("(token) => lab.view(token)", await lab.token("viewer", f"r{index}"))
        await page.evaluate("lab.leave()")
        await asyncio.sleep(0.5)
        if index:
            again.append(result["first"])
    await browser.close()
    await host.evaluate("lab.leave()")
    return first, again


async def through_server(lab: Laboratory, host: Page, viewer: Page, seconds: float) -> list[float]:
    """Glass to glass over the service."""
    await host.evaluate("(token) => lab.publish(token)", await lab.token("host", "host"))
    await viewer.evaluate("(token) => lab.view(token)", await lab.token("viewer", "g2g"))
    await asyncio.sleep(3)
    result = await viewer.evaluate("(seconds) => lab.delays(lab.track, seconds)", seconds)
    await viewer.evaluate("lab.leave()")
    await host.evaluate("lab.leave()")
    return list(result["delays"])


async def peer_to_peer(_lab: Laboratory, host: Page, viewer: Page, seconds: float) -> list[float]:
    """Glass to glass without a server."""
    offer = await host.evaluate("lab.offer()")
    answer = await viewer.evaluate("(sdp) => lab.answer(sdp)", offer)
    await host.evaluate("(sdp) => lab.accept(sdp)", answer)
    await viewer.evaluate("lab.found.then((track) => { lab.track = track; })")
    await asyncio.sleep(3)
    result = await viewer.evaluate("(seconds) => lab.delays(lab.track, seconds)", seconds)
    for page in (host, viewer):
        await page.evaluate("lab.peer.close()")
    return list(result["delays"])


async def run(lab: Laboratory, plan: Plan, verdict: Verdict) -> None:
    """All measurements, then a table."""
    host_browser = await lab.browser()
    cold, again = await joins(lab, await lab.page(host_browser), plan)
    await host_browser.close()
    served: list[float] = []
    direct: list[float] = []
    for _ in range(plan.rounds):
        for measure, delays in ((peer_to_peer, direct), (through_server, served)):
            first, second = await lab.browser(), await lab.browser()
            try:
                delays.extend(await measure(lab, await lab.page(first), await lab.page(second), plan.seconds))
            finally:
                await first.close()
                await second.close()
    median, high = percentile(again, 0.5), percentile(again, 0.95)
    print(f"{plan.rounds} rounds of {plan.seconds:g} s each way")
    print(
        f"click to first frame, cold     p50 {percentile(cold, 0.5):6.0f} ms  max {max(cold):6.0f} ms"
        f" ({verdict.bar('cold join, max', max(cold), COLD_BAR_MS)})   {len(cold)} fresh browsers"
    )
    print(
        f"click to first frame, repeated p50 {median:6.0f} ms ({verdict.bar('repeated joins, p50', median, JOIN_BARS_MS[0])})"
        f"  p95 {high:6.0f} ms ({verdict.bar('repeated joins, p95', high, JOIN_BARS_MS[1])})   {len(again)} joins"
    )
    for name, values in (("peer to peer", direct), ("through Lianmai", served)):
        print(
            f"glass to glass, {name:16} p50 {percentile(values, 0.5):6.1f} ms  p95 {percentile(values, 0.95):6.1f} ms"
            f"   ({len(values)} frames)"
        )
    parts = []
    for label, share, limit in (("p50", 0.5, GLASS_BARS_MS[0]), ("p95", 0.95, GLASS_BARS_MS[1])):
        more = percentile(served, share) - percentile(direct, share)
        parts.append(f"{label} {more:+6.1f} ms ({verdict.bar(f'glass to glass, {label} over peer to peer', more, limit)})")
    print(f"difference                      {'  '.join(parts)}")

"""Sync and seek time of the review player in a real browser, read from the time code in the pictures.

    python tests/web/harness/review_check.py

Needs node, ffmpeg, Chromium and Playwright; uses serve.mjs, so no Lianmai server is involved.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from playwright.async_api import Page, async_playwright

HERE = Path(__file__).parent
FPS = 15
SECONDS = int(os.environ.get("REVIEW_SECONDS", "90"))
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
READ = """
() => {
  const canvas = window.checkCanvas ??= new OffscreenCanvas(320, 180);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return [...document.querySelectorAll('lm-review-stage video')].map((video) => {
    context.drawImage(video, 0, 0, 320, 180);
    const row = context.getImageData(0, 168, 320, 1).data;
    let code = 0;
    for (let bit = 0; bit < 16; bit++) code = code * 2 + (row[(bit * 20 + 10) * 4 + 1] > 120 ? 1 : 0);
    return code;
  });
}
"""
SEEK = """
async (to) => {
  const fps = 15;
  const read = READ;
  const field = document.querySelector('lm-review-timeline');
  const began = performance.now();
  field.dispatchEvent(new CustomEvent('seek', { detail: { t: to } }));
  while (performance.now() - began < 5000) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const codes = read();
    const late = (performance.now() - began) / 1000;
    if (codes.length > 0 && codes.every((code) => code / fps >= to - 0.15 && code / fps <= to + late + 0.15)) break;
  }
  return performance.now() - began;
}
""".replace("READ", READ.strip())


async def sync(page: Page, rate: str) -> list[float]:
    """Differences between the two pictures, ms, while they play."""
    await page.select_option(".rv-rate", rate)
    await page.wait_for_timeout(1500)
    out = []
    seen = set()
    for _ in range(40):
        codes = await page.evaluate(READ)
        if len(codes) == 2:
            out.append(abs(codes[0] - codes[1]) * 1000 / FPS)
            seen.add(codes[0])
        await page.wait_for_timeout(60)
    if len(seen) < 20:
        raise AssertionError(f"it does not play: {len(seen)} pictures")
    return out


def told(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "n": len(values),
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(len(ordered) * 0.95)], 1),
        "max": round(ordered[-1], 1),
    }


async def main() -> int:
    server = subprocess.Popen(["node", str(HERE / "serve.mjs")], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        address = server.stdout.readline().strip()
        async with async_playwright() as engine:
            browser = await engine.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            page = await browser.new_page(viewport={"width": 1440, "height": 900})
            await page.goto(f"{address}/review?r=r0000000000000001#t=5")
            await page.wait_for_selector("lm-review-stage video", timeout=120_000)
            # The files of a long recording take a while to be made.
            ready = (
                "() => [...document.querySelectorAll('lm-review-stage video')].every((video) => video.readyState >= 2)"
            )
            await page.wait_for_function(ready, timeout=300_000)
            await page.wait_for_timeout(1000)
            late = [await page.evaluate(SEEK, SECONDS * share) for share in (0.6, 0.1, 0.8, 0.3, 0.9, 0.15, 0.7, 0.2)]
            result: dict[str, object] = {"seek_paused_ms": told(late)}
            await page.evaluate(SEEK, 6)
            await page.keyboard.press("k")
            for rate in ("1", "2"):
                await page.evaluate(SEEK, 6)
                result[f"sync_{rate}x_ms"] = told(await sync(page, rate))
            late = [await page.evaluate(SEEK, SECONDS * share) for share in (0.6, 0.1, 0.8, 0.3, 0.75)]
            result["seek_playing_ms"] = told(late)
            await browser.close()
        print(json.dumps(result))
        return 0
    finally:
        server.terminate()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

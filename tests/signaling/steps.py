"""What tests of the hub do again and again: publish, answer, wait for the background."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.signaling.conftest import Site
from tests.signaling.fakes import Client, FakeWorker, answer, offer, tracks

AV = ("microphone", "camera")


async def publish(client: Client, *sources: str, **fields: Any) -> dict[str, Any]:
    """Publish these sources; the reply with ``ids`` by source."""
    kinds = ["audio" if source in ("microphone", "screen_audio", "whisper") else "video" for source in sources]
    reply = await client.ok("publish", sdp=offer(*kinds), tracks=tracks(*sources), **fields)
    reply["ids"] = {entry["source"]: entry["id"] for entry in reply["tracks"]}
    return reply


async def accept(client: Client, given: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Answer an offer."""
    return await client.ok(
        "answer", transport=given["transport"], version=given["version"], sdp=answer(given["sdp"], **options)
    )


async def settle(site: Site) -> FakeWorker:
    """Let background calls finish; the Worker in use."""
    for _ in range(20):
        await asyncio.sleep(0)
    return site.pool.all[0]

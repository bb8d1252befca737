"""A whole Node with one real Worker that counts what it holds: the other end of the soak.

Prints one JSON object per line: first ``{"port": ...}``, then its figures for each line that it reads. Ends with its
input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from media.api import GetStats
from signaling.app import Node
from signaling.config import load
from signaling.session import SessionLimits

ROOM = "soak"
KEY, SECRET = "soak", "only-for-the-soak-and-long-enough-for-that"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE


def descriptors(pid: int) -> int:
    """Open descriptors of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def figures(node: Node, *, types: bool) -> dict[str, Any]:
    """Everything that could grow; with ``types`` also how many objects of each type there are."""
    gc.collect()
    (worker,) = node.pool.workers.values()
    stats = await worker.call(GetStats())
    live = node.hub.rooms.get(ROOM)
    objects = gc.get_objects()
    found: dict[str, Any] = {
        "control plane rss (bytes)": resident_bytes(os.getpid()),
        "control plane descriptors": descriptors(os.getpid()),
        "control plane tasks": len(asyncio.all_tasks()),
        "control plane objects": len(objects),
        "peers": len(node.hub.peers),
        "transports known to the hub": len(node.hub._transports),
        "worker calls under way": len(node.hub._tasks),
        "invitations remembered": 0 if live is None else len(live.state.invites),
        "tracks of the room": 0 if live is None else len(live.producers),
        "people on stage": 0 if live is None else len(live.state.snapshot()["stage"]["places"]),
        "worker rss (bytes)": resident_bytes(stats.pid),
        "worker descriptors": descriptors(stats.pid),
        "worker transports": len(stats.transports),
        "worker producers": sum(len(transport.producers) for transport in stats.transports),
        "worker consumers": sum(len(transport.consumers) for transport in stats.transports),
        "worker refused, internal": stats.drops.get("internal", 0),
        "worker packets": stats.packets_in,
    }
    if types:
        found["types"] = Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in objects)
    return found


async def main() -> None:
    """Serve until the input ends."""
    flags: dict[tuple[str, str], Any] = {
        ("http", "host"): "127.0.0.1",
        ("http", "port"): 0,
        ("media", "host"): "127.0.0.1",
        ("media", "port"): 0,
        ("media", "workers"): 1,
        ("store", "url"): "sqlite://",
        ("auth", "keys"): {KEY: SECRET},
    }
    # One client does here in a second what people do in minutes.
    limits = SessionLimits(rate=10_000.0, burst=10_000.0)
    node = Node(load(environ={}, flags=flags), log_level="WARNING", limits=limits)
    await node.start()
    try:
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(json.dumps({"port": node.port}), flush=True)
        while line := await reader.readline():
            print(json.dumps(await figures(node, types=line.strip() == b"types")), flush=True)
    finally:
        await node.stop()


if __name__ == "__main__":
    asyncio.run(main())

"""A recorder's process, a Worker's end of its taps, and reading what it wrote."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from media import tap_wire
from media.api import Event
from recorder import api
from recorder.client import RecorderConfig, RecorderHandle, RecorderPool
from recorder.manifest import Manifest, load
from recorder.sealed import SealedReader
from recorder.track_log import Record, read_records
from recorder.vault import Vault

ID = "r0123456789abcdef"
FOLDER = f"2026/11/23/{ID}"


class Rig:
    """One recorder below ``base``."""

    def __init__(self, base: Path, root: Path | None = None) -> None:
        self.root = base / "recordings" if root is None else root
        self.keys = base / "keys.json"
        self.pool = RecorderPool(RecorderConfig(self.root, self.keys))
        self.events: list[Event] = []
        self.lines: list[socket.socket] = []
        self.pool.on_event = lambda _handle, event: self.events.append(event)

    @property
    def handle(self) -> RecorderHandle:
        assert self.pool.handle is not None
        return self.pool.handle

    async def begin(self, recording: str = ID, folder: str = FOLDER) -> None:
        now = time.time() * 1000
        await self.handle.call(api.StartRecording(recording, folder, "room", "stage", int(now), time.monotonic()))

    async def track(self, tap: int, track: str = "t1") -> None:
        await self.handle.call(api.AddTrack(ID, tap, track, "ann", "camera", "video", "VP8"))

    def line(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(5)
        made.connect(self.handle.socket)
        made.sendall(tap_wire.hello())
        self.lines.append(made)
        return made

    def manifest(self) -> Manifest:
        return load(self.root / FOLDER)

    def records(self, track: str = "t1") -> list[Record]:
        entry = self.manifest().track(track)
        assert entry is not None
        key = Vault.from_file(self.keys, create=False).open(entry.key)
        found: list[Record] = []
        for name in entry.logs:
            if not (self.root / FOLDER / name).exists():
                continue
            with SealedReader(self.root / FOLDER / name, key) as reader:
                found += read_records(reader.iterate())
        return found

    async def until(self, event: type[Event], **fields: object) -> Event:
        async with asyncio.timeout(15):
            while True:
                for seen in self.events:
                    if isinstance(seen, event) and all(getattr(seen, key) == value for key, value in fields.items()):
                        return seen
                await asyncio.sleep(0.02)


def packet(tap: int, number: int, size: int = 1000) -> bytes:
    """A frame with one packet, told by its number."""
    body = tap_wire.packets_body(time.monotonic(), [number.to_bytes(4, "big") * (size // 4)])
    return tap_wire.frame(tap_wire.PACKETS, tap, body)


def closed(tap: int) -> bytes:
    return tap_wire.frame(tap_wire.STATE, tap, tap_wire.state_body("closed", time.monotonic()))


def numbers(records: list[Record]) -> list[int]:
    return [
        int.from_bytes(data[:4], "big")
        for record in records
        if record.kind == tap_wire.PACKETS
        for data in tap_wire.read_packets(record.body)[1]
    ]


@asynccontextmanager
async def running(base: Path, root: Path | None = None) -> AsyncIterator[Rig]:
    rig = Rig(base, root)
    await rig.pool.start()
    try:
        yield rig
    finally:
        await rig.pool.close()
        for line in rig.lines:
            line.close()

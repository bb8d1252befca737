"""What live viewers notice of a recording: latency and loss at viewers, and the Worker's CPU, with and without taps.

One real Worker on loopback, one publisher of video, viewers that decrypt what they get, and a reader of the recorder's
socket in a process of its own. Phases with and without a tap alternate within one run, so that both see the same
machine. Every packet carries when it was sent. Run as ``python -m scripts.bench.record_load``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import secrets
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from media import api
from media.dtls import Certificate
from media.pool import PoolConfig, WorkerHandle, WorkerPool
from media.server_side import new_ice
from media.srtp import protect_copy
from scripts.bench.raw_peer import RawPeer, RemoteSide

_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack", "nack pli"), rtx_payload_type=97)
_KEYFRAME = b"\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"
_DELTA = b"\x10\x11\x02\x00"
_HEADER = struct.Struct("!BBHII")
_STAMP = struct.Struct("!d")
_SSRC = 0x1111
_VIEW_SSRC = 0xAAAA
_READER = """
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    while connection.recv(1 << 18):
        pass
"""


class Bench:
    """The Worker and its peers."""

    def __init__(self, worker: WorkerHandle, args: argparse.Namespace) -> None:
        self.worker = worker
        self.args = args
        self.viewers: list[RawPeer] = []
        self.sequence = 0
        self.certificate = Certificate.generateCertificate()

    async def open(self, direction: api.Direction, **more: object) -> RawPeer:
        """A connected peer."""
        peer = RawPeer(self.certificate, "127.0.0.1")
        ice, info = new_ice(), self.worker.info
        params = api.TransportParams(secrets.token_hex(4), "r", direction, ice, info.fingerprint)
        dtls = api.DtlsParams("client", (api.Fingerprint("sha-256", peer.certificate.fingerprint),))
        await self.worker.call(api.OpenTransport(params, dtls, **more))  # type: ignore[arg-type]
        fingerprint = api.Fingerprint("sha-256", info.fingerprint)
        await peer.connect(RemoteSide(ice.ufrag, ice.pwd, fingerprint, "active", ("127.0.0.1", info.udp_port)), "server")
        return peer

    async def prepare(self) -> None:
        """One publisher, and who watches."""
        encodings = (api.Encoding(None, _SSRC, None),)
        track = api.ProducerParams("v", "video", "camera", "0", (_VP8,), {}, encodings)
        self.publisher = await self.open("publish", producers=(track,))
        for index in range(self.args.viewers):
            consumer = api.ConsumerParams(f"c{index}", "v", "video", "0", _VIEW_SSRC, 0xCCCC, (_VP8,))
            viewer = await self.open("subscribe", consumers=(consumer,))
            viewer.keep = True
            self.viewers.append(viewer)

    async def phase(self, seconds: float) -> tuple[list[float], float, float]:
        """Send for so long; returns latencies (ms), the share lost, and the Worker's CPU in us per packet received."""
        for viewer in self.viewers:
            viewer.kept.clear()
        before = (await self.worker.call(api.GetStats())).cpu_s
        publisher, sent, got = self.publisher, 0, 0
        latencies: list[float] = []
        assert publisher.tx is not None
        began = due = time.monotonic()
        while due < began + seconds:
            due += 1 / 30
            for index in range(self.args.burst):
                keyframe = not index and not self.sequence // self.args.burst % 60
                payload = (_KEYFRAME if keyframe else _DELTA) + bytes(self.args.size - 8)
                marker = 0x80 if index == self.args.burst - 1 else 0
                head = _HEADER.pack(0x80, 96 | marker, self.sequence & 0xFFFF, int(due * 90_000) & 0xFFFFFFFF, _SSRC)
                sealed = protect_copy(publisher.tx.handle, head + payload + _STAMP.pack(time.monotonic()))
                assert sealed is not None
                publisher.sock.send(sealed)
                self.sequence += 1
                sent += 1
            # What a viewer got was read as it came: its time of arrival is that of the turn in which it was read.
            while (rest := due - time.monotonic()) > 0:
                await asyncio.sleep(min(rest, 0.001))
                got += self._collect(latencies)
        await asyncio.sleep(0.2)
        got += self._collect([])
        cpu = (await self.worker.call(api.GetStats())).cpu_s - before
        return latencies, 1 - got / (sent * len(self.viewers)), cpu / sent * 1e6

    def _collect(self, latencies: list[float]) -> int:
        now, got = time.monotonic(), 0
        for viewer in self.viewers:
            for data in viewer.kept:
                if data[8:12] == _VIEW_SSRC.to_bytes(4, "big"):
                    latencies.append((now - _STAMP.unpack(data[-8:])[0]) * 1000)
                    got += 1
            viewer.kept.clear()
        return got


async def _run(args: argparse.Namespace, path: str) -> None:
    pool = WorkerPool(PoolConfig(workers=1, host="127.0.0.1", log_level="WARNING"))
    pool.on_event = lambda _handle, event: print(event) if isinstance(event, api.TapLost) else None
    await pool.start()
    try:
        worker = pool.place()
        await worker.call(api.OpenRouter("r"))
        bench = Bench(worker, args)
        await bench.prepare()
        await bench.phase(1.0)
        results: dict[int, list[tuple[list[float], float, float]]] = {0: [], args.taps: []}
        for index in range(args.phases * 2):
            count = args.taps if index % 2 else 0
            numbers = tuple(range(1, count + 1))
            for number in numbers:
                await worker.call(api.OpenTap("r", number, "v", path))
            results[count].append(await bench.phase(args.seconds))
            await worker.call(api.CloseTaps(numbers))
        for count, phases in results.items():
            every = sorted(value for latencies, _, _ in phases for value in latencies)
            parts = statistics.quantiles(every, n=100)
            print(
                f"{count} taps: latency ms p50 {parts[49]:.2f}, p95 {parts[94]:.2f}, p99 {parts[98]:.2f}; "
                f"lost {statistics.mean(lost for _, lost, _ in phases) * 100:.4f} %; "
                f"Worker {statistics.median(cpu for _, _, cpu in phases):.1f} us per packet of the publisher"
            )
        for viewer in (*bench.viewers, bench.publisher):
            viewer.close()
    finally:
        await pool.close()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--taps", type=int, default=1)
    parser.add_argument("--phases", type=int, default=5, help="of each kind")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a phase")
    parser.add_argument("--burst", type=int, default=9, help="packets per frame, 30 frames a second")
    parser.add_argument("--size", type=int, default=1100, help="payload bytes")
    args = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Linux {platform.release()}, "
        f"Python {platform.python_version()}; loopback, {args.viewers} viewers, {args.burst * 30} packets/s of "
        f"{args.size} bytes, {args.phases} phases of {args.seconds:g} s of each kind"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "recorder.sock")
        with subprocess.Popen([sys.executable, "-c", _READER, path], stdout=subprocess.PIPE) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            try:
                asyncio.run(_run(args, path))
            finally:
                reader.kill()


if __name__ == "__main__":
    main()

"""The load client of bench_forward: runs in the clients' namespace, prints one JSON object per finished phase.

``python -m scripts.bench.load --server lianmai --url http://10.99.7.1:8080 --bind 10.99.7.2 --pids 12,13``
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import time
from typing import Any

from scripts.bench.drivers import Driver, JanusDriver, LianmaiDriver
from scripts.bench.raw_peer import RawPeer
from scripts.bench.sources import SSRC, PreparedSource

WARM_UP_S = 2.0
#: A viewer's TLS state is freed 5 s after its handshake.
SETTLE_S = 7.0
LOSS_BAR = 0.005
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of the processes so far, threads included."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def resident_kib(pids: list[int]) -> int:
    """Resident memory of the processes together, shared pages counted once each."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as smaps:
            total += sum(int(line.split()[1]) for line in smaps if line.startswith("Pss:"))
    return total


def emit(**fields: Any) -> None:
    """Print one result."""
    print(json.dumps(fields), flush=True)


class Load:
    """One run against one server."""

    def __init__(self, driver: Driver, pids: list[int], media_pids: list[int]) -> None:
        self.driver = driver
        self.pids = pids
        self.media_pids = media_pids
        self.viewers: list[RawPeer] = []
        self.source: PreparedSource | None = None
        self._reports: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Publish at a low rate."""
        publisher = await self.driver.publish()
        self.source = PreparedSource(publisher)
        self.source.packets_per_s = 60
        self.source.start()
        self._reports = asyncio.get_running_loop().create_task(self._report())
        await asyncio.sleep(1.0)

    async def _report(self) -> None:
        """Receiver reports once a second from every viewer, spread over the second."""
        while True:
            started = time.monotonic()
            for index, viewer in enumerate(list(self.viewers)):
                if viewer.tx is not None:
                    viewer.report([SSRC])
                if index % 20 == 19:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(max(0.05, 1.0 - (time.monotonic() - started)))

    async def join(self, count: int, per_s: float) -> dict[str, Any]:
        """``count`` viewers at a steady rate; seconds from asking until the first media packet."""
        times: list[float] = []
        failed: list[str] = []

        async def one() -> None:
            started = time.perf_counter()
            try:
                viewer = await self.driver.view()
            except (OSError, TimeoutError, ValueError) as exc:
                failed.append(repr(exc))
                return
            self.viewers.append(viewer)
            for _ in range(1000):
                if viewer.packets:
                    times.append(viewer.first_packet_at - started)
                    return
                await asyncio.sleep(0.01)
            failed.append("no media within 10 s")

        tasks = []
        due = time.monotonic()
        for _ in range(count):
            tasks.append(asyncio.create_task(one()))
            due += 1 / per_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*tasks)
        times.sort()
        rank = times[int(len(times) * 0.95)] if times else float("nan")
        return {
            "joined": len(times),
            "failed": len(failed),
            "first_failure": failed[0] if failed else "",
            "p50_s": round(times[len(times) // 2], 4) if times else None,
            "p95_s": round(rank, 4),
        }

    async def measure(self, packets_per_s: int, seconds: float) -> dict[str, Any]:
        """Forward at one rate: loss and CPU per forwarded packet."""
        assert self.source is not None
        self.source.packets_per_s = packets_per_s
        await asyncio.sleep(WARM_UP_S)
        sent, received = self.source.sent, sum(viewer.packets for viewer in self.viewers)
        cpu, media_cpu, started = cpu_seconds(self.pids), cpu_seconds(self.media_pids), time.perf_counter()
        own = time.process_time()
        await asyncio.sleep(seconds)
        elapsed = time.perf_counter() - started
        cpu, media_cpu = cpu_seconds(self.pids) - cpu, cpu_seconds(self.media_pids) - media_cpu
        own = time.process_time() - own
        sent = self.source.sent - sent
        self.source.packets_per_s = 0
        await asyncio.sleep(0.3)
        received_all = sum(viewer.packets for viewer in self.viewers) - received
        self.source.packets_per_s = 60
        expected = sent * len(self.viewers)
        return {
            "offered_per_s": round(packets_per_s * len(self.viewers)),
            "forwarded_per_s": round(received_all / elapsed),
            "loss": round(max(0.0, 1 - received_all / expected), 5) if expected else None,
            "cpu_us_per_packet": round(cpu / max(1, received_all) * 1e6, 2),
            "media_cpu_us_per_packet": round(media_cpu / max(1, received_all) * 1e6, 2),
            "server_cores": round(cpu / elapsed, 2),
            "client_cores": round(own / elapsed, 2),
        }


async def run(args: argparse.Namespace) -> None:
    """All phases in order."""
    pids = [int(pid) for pid in args.pids.split(",")]
    media = [int(pid) for pid in args.media_pids.split(",")] if args.media_pids else pids
    driver: Driver = (LianmaiDriver if args.server == "lianmai" else JanusDriver)(args.url, args.bind)
    load = Load(driver, pids, media)
    await load.start()
    emit(phase="join", **await load.join(args.viewers, args.join_rate))
    gc.collect()
    gc.freeze()
    # Steady forwarding is measured, not the wake of the joins (freed handshakes, first reports).
    await asyncio.sleep(SETTLE_S)
    for rate in args.rates:
        emit(phase="rate", packets_per_s=rate, viewers=len(load.viewers), **await load.measure(rate, args.seconds))
    best = 0
    for rate in args.ramp:
        result = await load.measure(rate, max(3.0, args.seconds / 2))
        emit(phase="ramp", packets_per_s=rate, **result)
        if result["loss"] is None or result["loss"] >= LOSS_BAR:
            break
        best = result["forwarded_per_s"]
    emit(phase="highest", forwarded_per_s=best)
    if args.crowd:
        before, media_before = resident_kib(pids), resident_kib(media)
        result = await load.join(args.crowd, args.crowd_rate)
        await asyncio.sleep(SETTLE_S)
        emit(
            phase="crowd",
            rate=args.crowd_rate,
            **result,
            kib_per_viewer=round((resident_kib(pids) - before) / args.crowd, 1),
            media_kib_per_viewer=round((resident_kib(media) - media_before) / args.crowd, 1),
        )
    for viewer in load.viewers:
        viewer.close()
    await driver.close()


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=["lianmai", "janus"], required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--pids", required=True, help="every process of the server, for CPU and memory")
    parser.add_argument("--media-pids", default="", help="those that touch packets")
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--join-rate", type=float, default=25.0)
    parser.add_argument("--rates", type=int, nargs="*", default=[200, 600])
    parser.add_argument("--ramp", type=int, nargs="*", default=[])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--crowd", type=int, default=0)
    parser.add_argument("--crowd-rate", type=float, default=25.0)
    args = parser.parse_args()
    try:
        import uvloop

        uvloop.install()
    except ImportError:
        pass
    asyncio.run(asyncio.wait_for(run(args), 600))


if __name__ == "__main__":
    main()

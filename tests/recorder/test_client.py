"""A recorder that is killed at any moment: what was there half a second before is readable, and the recording goes on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from recorder import api
from recorder.client import RecorderHandle
from tests.recorder.rig import FOLDER, ID, closed, numbers, packet, running

FLUSH_S = 0.5


async def test_killed_at_any_moment_it_loses_at_most_the_flush_interval(tmp_path: Path) -> None:
    dice = random.Random(20)
    async with running(tmp_path) as rig:
        ready: list[RecorderHandle] = []
        rig.pool.on_ready = ready.append
        await rig.begin()
        sent: list[tuple[int, float]] = []
        killed_at: list[tuple[int, float]] = []
        for moment in range(20):
            if moment:
                assert rig.handle.info.repaired == (FOLDER,)
                await rig.handle.call(api.ResumeRecording(ID, FOLDER))
            await rig.track(moment + 1)
            line = rig.line()
            until = time.monotonic() + dice.uniform(0, 0.8)
            while time.monotonic() < until:
                line.sendall(packet(moment + 1, len(sent), 200))
                sent.append((len(sent), time.monotonic()))
                await asyncio.sleep(0.004)
            ready.clear()
            killed_at.append((len(sent), time.monotonic()))
            os.kill(rig.handle.info.pid, signal.SIGKILL)
            line.close()
            async with asyncio.timeout(15):
                while not ready:
                    await asyncio.sleep(0.01)
        assert rig.manifest().state == "closed" and rig.manifest().tracks[0].state == "repaired"
        found = set(numbers(rig.records()))
        begin = 0
        for end, at in killed_at:
            lost = [when for number, when in sent[begin:end] if number not in found]
            assert not lost or at - min(lost) < FLUSH_S + 0.5, "more than the flush interval, on a loaded machine"
            begin = end
        assert sorted(found) == numbers(rig.records())
        assert len(found) > len(sent) // 4
        assert [gap.reason for gap in rig.manifest().gaps] == ["recorder"] * 19


async def test_terminated_it_completes_everything(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        await rig.track(1)
        line = rig.line()
        line.sendall(b"".join(packet(1, number) for number in range(50)))
        await asyncio.sleep(0.05)
    manifest = rig.manifest()
    assert (manifest.state, manifest.tracks[0].state) == ("closed", "closed")
    assert numbers(rig.records()) == list(range(50))


@pytest.mark.parametrize("full", [True, False])
async def test_a_full_disk_is_said_labelled_and_survived(tmp_path: Path, small_disk: Path, full: bool) -> None:
    """2 MiB of room; with ``full`` more comes than memory holds, too."""
    async with running(tmp_path, small_disk) as rig:
        await rig.begin()
        await rig.track(1)
        line = rig.line()
        filler = small_disk / "filler"
        filler.write_bytes(bytes(1_500_000))
        count = 20_000 if full else 2_000
        began = time.monotonic()
        for number in range(count):
            await asyncio.to_thread(line.sendall, packet(1, number))
            if number == 1_000:
                await rig.until(api.RecordingWarning, code="disk_full", recording=ID)
                assert time.monotonic() - began < 5
        if full:
            await rig.until(api.RecordingWarning, code="tap_overflow")
            os.system(f"mount -o remount,size=64m {small_disk}")
        else:
            os.system(f"mount -o remount,size=16m {small_disk}")
        filler.unlink()
        await rig.until(api.WarningOver, code="disk_full", recording=ID)
        if full:
            await rig.until(api.WarningOver, code="tap_overflow")
        line.sendall(packet(1, count) + closed(1))
        await rig.handle.call(api.StopRecording(ID))
        await rig.until(api.RecordingClosed)
        read = numbers(rig.records())
        gaps = [gap.reason for gap in rig.manifest().tracks[0].gaps]
        assert read[-1] == count and read[:1_000] == list(range(1_000))
        if full:
            assert gaps == ["disk"] and len(read) < count
            assert (await rig.handle.call(api.GetStats())).dropped == count + 1 - len(read)
        else:
            assert gaps == [] and read == list(range(count + 1))


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=2m tmpfs {place}"):
        pytest.skip("a small disk needs mount")
    yield place
    os.system(f"umount -l {place}")

"""The recorder's process: what goes in is on disk, sealed, complete; nothing is overwritten; what is erased is gone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from media import tap_wire
from media.rpc import RpcError
from recorder import api
from recorder.sealed import SealedReader
from recorder.vault import Vault
from tests.recorder.rig import FOLDER, ID, closed, numbers, packet, running


async def test_a_recording_from_beginning_to_end(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        await rig.track(7)
        line = rig.line()
        for number in range(300):
            line.sendall(packet(7, number) + packet(99, number))
        line.sendall(closed(7))
        await rig.handle.call(api.EndTrack(7))
        await rig.handle.call(api.AddEvents(ID, ({"t": 1.0, "kind": "joined", "identity": "ann"}, {"t": 2.0, "kind": "left"})))
        await rig.handle.call(api.MarkGap(ID, 0.5, 0.75, "paused"))
        await rig.handle.call(api.StopRecording(ID))
        await rig.until(api.RecordingClosed, recording=ID)
        stats = await rig.handle.call(api.GetStats())
        assert (stats.recordings, stats.held, stats.dropped, stats.stray) == (0, 0, 0, 300)
        manifest = rig.manifest()
        entry = manifest.tracks[0]
        assert (manifest.state, entry.state, entry.logs, entry.gaps) == ("closed", "closed", ("t1.log",), ())
        assert [gap.reason for gap in manifest.gaps] == ["paused"]
        assert numbers(rig.records()) == list(range(300))
        folder = rig.root / FOLDER
        with SealedReader(folder / "timeline.log", Vault.from_file(rig.keys).open(manifest.key)) as reader:
            lines = b"".join(reader.iterate()).splitlines()
            assert [json.loads(line)["kind"] for line in lines] == ["joined", "left"] and not reader.truncated
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        assert entry.log_bytes == (folder / "t1.log").stat().st_size
        assert not list((rig.root / ".open").iterdir())


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        await rig.track(1)
        before = (rig.root / FOLDER / "manifest.json").read_bytes()
        with pytest.raises(RpcError, match="recording_exists"):
            await rig.begin()
        with pytest.raises(RpcError, match="tap_exists"):
            await rig.track(1, "t2")
        assert (rig.root / FOLDER / "manifest.json").read_bytes()[:20] == before[:20]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (api.StartRecording(ID, f"../{FOLDER}", "r", "stage", 1, 1.0), "manifest_path"),
        (api.StartRecording(ID, FOLDER[:-1] + "0", "r", "stage", 1, 1.0), "bad_request"),
        (api.StartRecording(ID, FOLDER, "r", "stage", -1, 1.0), "manifest_value"),
        (api.AddTrack(ID, 1, "../../etc", "a", "camera", "video"), "manifest_path"),
        (api.AddTrack("r0000000000000000", 1, "t", "a", "camera", "video"), "recording_not_found"),
        (api.StopRecording("nope"), "recording_not_found"),
        (api.EraseRecording(ID, "/etc"), "manifest_path"),
        (api.EraseTracks(ID, FOLDER, ("..",)), "manifest_missing"),
        (api.ResumeRecording(ID, FOLDER), "manifest_missing"),
    ],
)
async def test_bad_requests_have_codes_and_change_nothing(tmp_path: Path, request_: Any, code: str) -> None:
    async with running(tmp_path) as rig:
        with pytest.raises(RpcError) as caught:
            await rig.handle.call(request_)
        assert caught.value.code in (code, "manifest_path")
        assert not [path for path in rig.root.rglob("*") if path.is_file()]


async def test_what_is_erased_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        await rig.track(1, "t1")
        await rig.track(2, "t2")
        line = rig.line()
        line.sendall(b"".join(packet(tap, number) for number in range(20) for tap in (1, 2)))
        await asyncio.sleep(0.6)
        (rig.root / FOLDER / "filmstrip").mkdir()
        (rig.root / FOLDER / "filmstrip" / "a").write_bytes(b"x")
        wrapped = rig.manifest().tracks[0].key
        await rig.handle.call(api.EraseTracks(ID, FOLDER, ("t1",)))
        line.sendall(packet(1, 21) + packet(2, 20))
        await rig.handle.call(api.StopRecording(ID))
        await rig.until(api.RecordingClosed)
        entry, other = rig.manifest().tracks
        assert (entry.state, entry.key, entry.logs) == ("erased", "", ())
        assert sorted(os.listdir(rig.root / FOLDER)) == ["manifest.json", "t2.log"]
        assert wrapped not in (rig.root / FOLDER / "manifest.json").read_text()
        assert numbers(rig.records("t2")) == list(range(21)) and other.state == "closed"
        await rig.handle.call(api.EraseRecording(ID, FOLDER))
        assert os.listdir(rig.root / FOLDER) == ["manifest.json"]
        assert (rig.manifest().state, rig.manifest().tracks, rig.manifest().key) == ("erased", (), "")


@pytest.mark.parametrize("data", [b"\0\0\0\5\1\0\0\0\0", b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2{]", b"\xff\xff\xff\xff{"])
async def test_strangers_are_hung_up_on(tmp_path: Path, data: bytes) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stranger.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(stranger, rig.handle.socket)
        await loop.sock_sendall(stranger, data)
        if data[4:5] != b"{":
            with suppress(ConnectionError):
                assert await asyncio.wait_for(loop.sock_recv(stranger, 100), 5) == b""
            assert (await rig.handle.call(api.GetStats())).recordings == 1
        stranger.close()


async def test_a_folder_that_vanishes_comes_back_with_a_gap(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.begin()
        await rig.track(1)
        line = rig.line()
        line.sendall(packet(1, 1))
        await asyncio.sleep(0.6)
        folder = rig.root / FOLDER
        for path in list(folder.iterdir()):
            path.unlink()
        folder.rmdir()
        await rig.until(api.RecordingWarning, code="disk_gone", recording=ID)
        await rig.until(api.WarningOver, code="disk_gone")
        line.sendall(packet(1, 2) + closed(1))
        await rig.handle.call(api.StopRecording(ID))
        await rig.until(api.RecordingClosed)
        assert numbers(rig.records()) == [2]
        assert [gap.reason for gap in rig.manifest().tracks[0].gaps] == ["disk"]
        assert tap_wire.GAP in [record.kind for record in rig.records()]

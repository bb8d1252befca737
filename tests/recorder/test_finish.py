"""Whole recordings: people in step with each other, a run that was killed, logs that are kept until all is well."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recorder.finish import FinishError, finish_recording
from recorder.manifest import Manifest, TrackEntry, load, save, update
from recorder.mux import Muxer
from recorder.sealed import SealedReader
from recorder.vault import Vault, write_keys
from tests.recorder.live_track import LiveTrack, decoded, number_in, pictures, sounds

VAULT = Vault({"m": bytes(32)}, "m")
STARTED = 100.0


def entry(track: str, identity: str, wrapped: str, kind: Any, codec: str) -> TrackEntry:
    return TrackEntry(track, identity, kind, kind, codec, wrapped, state="closed", logs=(f"{track}.log",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people with picture and sound; the guest comes 1 s later, from 100 ms away, with another clock."""
    folder = tmp_path / "r0123456789abcdef"
    folder.mkdir()
    tracks = []
    for identity, begin, delay, ntp in (("host", 101.0, 0.02, 3.9e9), ("guest", 102.0, 0.12, 3.7e9)):
        for kind, codec, rate, coded, interval in (
            ("video", "VP8", 90_000, pictures("VP8", 60), 1 / 30),
            ("audio", "opus", 48_000, sounds(100), 0.02),
        ):
            track = LiveTrack(codec, rate, delay_s=delay, ntp=ntp)
            track.format()
            track.play(coded, begin, interval)
            key, wrapped = VAULT.new_key()
            name = f"{identity}-{kind}"
            track.write(folder / f"{name}.log", key)
            tracks.append(entry(name, identity, wrapped, kind, codec))
    save(folder, Manifest(folder.name, "shop", None, "call", 0, STARTED, tracks=tuple(tracks), state="closed"))
    return folder


def content(folder: Path, manifest: Manifest) -> dict[str, bytes]:
    found = {}
    for track in manifest.tracks:
        assert track.file is not None
        with SealedReader(folder / track.file, VAULT.open(track.key)) as reader:
            found[track.file] = b"".join(reader.iterate())
    return found


def test_people_are_in_step(folder: Path) -> None:
    done: list[float] = []
    manifest = finish_recording(folder, VAULT, progress=done.append)
    assert manifest.state == "ready"
    assert load(folder) == manifest
    began = {track.id: track.began for track in manifest.tracks}
    assert began == {
        "host-video": pytest.approx(1.0, abs=0.002),
        "host-audio": pytest.approx(1.0, abs=0.002),
        "guest-video": pytest.approx(2.0, abs=0.002),
        "guest-audio": pytest.approx(2.0, abs=0.002),
    }
    for track in manifest.tracks:
        assert track.duration_s == pytest.approx(2.0, abs=0.01)
    video = manifest.tracks[0]
    assert (video.width, video.height) == (160, 96)
    with SealedReader(folder / "host-video.webm", VAULT.open(video.key)) as reader:
        assert [number_in(frame) for _, frame in decoded(reader.file())] == list(range(60))
    assert sorted(path.name for path in folder.iterdir()) == [
        "guest-audio.webm", "guest-video.webm", "host-audio.webm", "host-video.webm", "manifest.json",
    ]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert finish_recording(folder, VAULT) == manifest


@pytest.mark.parametrize("when", [0, 1, 2, 3])
def test_a_run_that_was_killed_is_repeated(folder: Path, when: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    honest = Muxer.finish
    calls = 0

    def deadly(muxer: Muxer) -> Path:
        nonlocal calls
        calls += 1
        if calls > when:
            # What a kill leaves: nobody tidies up.
            monkeypatch.setattr(Muxer, "abandon", lambda _muxer: None)
            raise Killed
        return honest(muxer)

    copy = folder.parent / "copy" / folder.name
    copy.parent.mkdir()
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True, timeout=10)
    monkeypatch.setattr(Muxer, "finish", deadly)
    with pytest.raises(Killed):
        finish_recording(folder, VAULT)
    monkeypatch.undo()
    assert len(list(folder.glob("*.log"))) == 4
    for name in ("host-video.webm.body", "host-video.webm.part", ".manifest.json.0123abcd"):
        (folder / name).write_bytes(b"half")
    manifest = finish_recording(folder, VAULT)
    assert manifest.state == "ready"
    assert content(folder, manifest) == content(copy, finish_recording(copy, VAULT))
    assert len(list(folder.iterdir())) == 5


def test_a_broken_log_stops_nobody_else(folder: Path) -> None:
    path = folder / "guest-audio.log"
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    manifest = finish_recording(folder, VAULT)
    assert manifest.state == "failed"
    assert [track.state for track in manifest.tracks] == ["finished", "finished", "finished", "failed"]
    # Logs stay as long as anything is not well.
    assert len(list(folder.glob("*.log"))) == 4


def test_nothing_readable_is_on_the_disk(folder: Path) -> None:
    finish_recording(folder, VAULT)
    coded = pictures("VP8", 60)
    for path in folder.iterdir():
        assert coded[0][10:60] not in path.read_bytes()


def test_a_track_without_pictures_is_no_failure(folder: Path) -> None:
    key, wrapped = VAULT.new_key()
    track = LiveTrack("VP8", 90_000)
    track.format()
    track.play(pictures("VP8", 8)[1:], 101.0, 1 / 30)
    track.write(folder / "empty.log", key)
    update(folder, lambda manifest: manifest.with_track(entry("empty", "host", wrapped, "video", "VP8")))
    manifest = finish_recording(folder, VAULT)
    assert manifest.state == "ready"
    found = manifest.track("empty")
    assert found is not None
    assert (found.state, found.file, found.index["error"]) == ("failed", None, "empty")


def test_what_was_erased_meanwhile_stays_so(folder: Path) -> None:
    def erase(manifest: Manifest) -> Manifest:
        former = manifest.track("host-video")
        assert former is not None
        return manifest.with_track(replace(former, state="erased", key=""))

    told = False

    def progress(_done: float) -> None:
        nonlocal told
        if not told:
            told = True
            update(folder, erase)

    manifest = finish_recording(folder, VAULT, progress=progress)
    assert manifest.state == "ready"
    assert not (folder / "host-video.webm").exists()
    assert (folder / "host-audio.webm").exists()


def test_an_unknown_master_key_changes_nothing(folder: Path) -> None:
    with pytest.raises(FinishError, match="key_unknown"):
        finish_recording(folder, Vault({"other": bytes(32)}, "other"))
    assert len(list(folder.glob("*.log"))) == 4


def test_the_process(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    write_keys(keys, {"m": bytes(32)}, "m", replace=False)
    command = [sys.executable, "-m", "recorder.finish", str(folder), "--keys", str(keys)]
    run = subprocess.run(command, capture_output=True, timeout=50, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert lines[-1] == {"state": "ready"}
    assert lines[-2] == {"progress": 1.0}
    run = subprocess.run([*command[:-1], str(tmp_path / "none")], capture_output=True, timeout=50, check=False)
    assert run.returncode == 2
    assert "error" in json.loads(run.stdout)

"""Manifests: whole, and not believed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recorder.manifest import (
    Gap,
    Manifest,
    ManifestError,
    PersonEntry,
    TrackEntry,
    check_folder,
    check_track_id,
    from_json,
    load,
    save,
    to_json,
    update,
)

ID = "r0123456789abcdef"
GAPS = (Gap(1.0, 2.5, "paused"), Gap(3.0, None, "disk", "ann"))
TRACK = TrackEntry("t1", "ann", "camera", "video", "VP8", "m.k.x", 0.5, 9.0, "closed", ("t1.log", "t1.1.log"), gaps=GAPS)
MANIFEST = Manifest(ID, "room", None, "stage", 1_700_000_000_000, 12.5, people=(PersonEntry("ann", "Ann", "shop"),),
                    tracks=(TRACK,), gaps=GAPS, timelines=("timeline.log",), policy={"a": [1]})


def folder(tmp_path: Path) -> Path:
    made = tmp_path / ID
    made.mkdir()
    return made


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    place = folder(tmp_path)
    save(place, MANIFEST, create=True)
    assert load(place) == MANIFEST
    assert json.loads((place / "manifest.json").read_text())["gaps"][0] == {"from": 1.0, "to": 2.5, "reason": "paused"}
    assert (place / "manifest.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ManifestError, match="manifest_exists"):
        save(place, MANIFEST, create=True)
    assert update(place, lambda manifest: replace(manifest, state="closed")).state == "closed" == load(place).state
    assert os.listdir(place) == ["manifest.json"]


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("id",), "r123", "manifest_id"),
        (("id",), "r0123456789abcdee", "manifest_id"),
        (("format",), 2, "manifest_format"),
        (("format",), 0, "manifest_format"),
        (("format",), "1", "manifest_broken"),
        (("state",), "fine", "manifest_broken"),
        (("unknown",), 1, "manifest_broken"),
        (("started",), -1, "manifest_value"),
        (("ended",), -1.0, "manifest_value"),
        (("timelines",), ["../timeline.log"], "manifest_path"),
        (("timelines",), ["t1.log"], "manifest_path"),
        (("gaps",), 3, "manifest_broken"),
        (("gaps",), [{"from": 3.0, "to": 2.0, "reason": "disk"}], "manifest_value"),
        (("tracks", 0, "id"), "../t1", "manifest_path"),
        (("tracks", 0, "id"), "manifest", "manifest_path"),
        (("tracks", 0, "logs"), ["/etc/passwd"], "manifest_path"),
        (("tracks", 0, "logs"), ["t2.log"], "manifest_path"),
        (("tracks", 0, "file"), "../../x.webm", "manifest_path"),
        (("tracks", 0, "file"), "t1.log", "manifest_path"),
        (("tracks", 0, "bytes"), -5, "manifest_value"),
        (("tracks", 0, "ended"), 0.1, "manifest_value"),
        (("tracks", 0, "state"), "finished", "manifest_value"),
        (("tracks",), [{}], "manifest_broken"),
        (("tracks",), "x", "manifest_broken"),
    ],
)
def test_lies_are_refused(tmp_path: Path, path: tuple[Any, ...], value: Any, code: str) -> None:
    place = folder(tmp_path)
    data = json.loads(to_json(MANIFEST))
    target = data
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    (place / "manifest.json").write_text(json.dumps(data))
    with pytest.raises(ManifestError) as caught:
        load(place)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "[]", "nul", '{"tracks": 5}', "[" * 100_000, '{"started": NaN}', "\x00"])
def test_junk_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="manifest_broken"):
        from_json(text)


def test_one_track_twice_is_refused() -> None:
    with pytest.raises(ManifestError, match="manifest_track"):
        from_json(to_json(replace(MANIFEST, tracks=(TRACK, TRACK))))


def test_a_finished_file_must_be_there_in_its_size(tmp_path: Path) -> None:
    place = folder(tmp_path)
    done = replace(TRACK, state="finished", file="t1.webm", bytes=5)
    save(place, replace(MANIFEST, tracks=(done,)))
    with pytest.raises(ManifestError, match="manifest_size"):
        load(place)
    (place / "t1.webm").write_bytes(b"1234")
    with pytest.raises(ManifestError, match="manifest_size"):
        load(place)
    (place / "t1.webm").write_bytes(b"12345")
    assert load(place).tracks[0].bytes == 5


def test_a_link_or_a_directory_is_no_manifest(tmp_path: Path) -> None:
    place = folder(tmp_path)
    with pytest.raises(ManifestError, match="manifest_missing"):
        load(place)
    (tmp_path / "real").write_text(to_json(MANIFEST))
    os.symlink(tmp_path / "real", place / "manifest.json")
    with pytest.raises(ManifestError, match="manifest_missing"):
        load(place)
    os.unlink(place / "manifest.json")
    os.mkfifo(place / "manifest.json")
    with pytest.raises(ManifestError, match="manifest_broken"):
        load(place)


@pytest.mark.parametrize("text", ["", "..", "a/b", "a.b", "a\0", "x" * 65, "名", "a\n", "timeline"])
def test_names_that_are_no_track(text: str) -> None:
    with pytest.raises(ManifestError):
        check_track_id(text)


@pytest.mark.parametrize("text", [f"2026/11/23/{ID}/", f"/2026/11/23/{ID}", f"2026/../23/{ID}", ID, f"2026/11/23/{ID}\n"])
def test_folders_that_are_none(text: str) -> None:
    assert check_folder(f"2026/11/23/{ID}")
    with pytest.raises(ManifestError):
        check_folder(text)

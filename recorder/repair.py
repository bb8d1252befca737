"""Which recordings are open, and closing those that a process left behind when it was killed.

``<root>/.open/<recording id>`` holds the folder of each open recording, so that starting does not read every manifest
there is. Logs are left as they are: whoever reads one stops before a torn end, and nothing is ever rewritten.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

from recorder.manifest import Manifest, ManifestError, TrackEntry, check_folder, check_recording_id, load, save
from recorder.sealed import SealedError, SealedReader
from recorder.vault import Vault

logger = logging.getLogger(__name__)
OPEN = ".open"


def mark_open(root: Path, recording: str, folder: str) -> None:
    """Before anything of it is written. Raises OSError."""
    (root / OPEN).mkdir(mode=0o700, parents=True, exist_ok=True)
    (root / OPEN / recording).write_text(folder, encoding="utf-8")


def unmark(root: Path, recording: str) -> None:
    """When all of it is written. Raises OSError."""
    (root / OPEN / recording).unlink(missing_ok=True)


def repair(root: Path, vault: Vault) -> tuple[str, ...]:
    """Close what was left open; returns the folders. What cannot be repaired stays as it is, and is logged."""
    repaired = []
    try:
        marks = sorted((root / OPEN).iterdir())
    except FileNotFoundError:
        return ()
    for mark in marks:
        try:
            folder = check_folder(mark.read_text(encoding="utf-8"))
            if Path(folder).name != check_recording_id(mark.name):
                raise ManifestError("manifest_id", "the mark is another recording's")
            _close(root / folder, vault)
            mark.unlink()
            repaired.append(folder)
        except (ManifestError, OSError, UnicodeDecodeError) as exc:
            logger.error("recording %s was left open and cannot be closed: %s", mark.name, exc)
    return tuple(repaired)


def _close(folder: Path, vault: Vault) -> None:
    manifest = load(folder, files=False)
    if manifest.state != "recording":
        return
    tracks = tuple(_closed(folder, manifest, entry, vault) for entry in manifest.tracks)
    ends = [_end(folder, manifest, manifest.timelines), *(entry.ended or 0.0 for entry in tracks)]
    save(folder, replace(manifest, tracks=tracks, state="closed", ended=max(ends)))


def _closed(folder: Path, manifest: Manifest, entry: TrackEntry, vault: Vault) -> TrackEntry:
    if entry.state != "recording":
        return entry
    size = 0
    for name in entry.logs:
        try:
            with SealedReader(folder / name, vault.open(entry.key)) as reader:
                size += reader.good_end
        except (SealedError, OSError) as exc:
            logger.error("%s of %s: %s", name, manifest.id, exc)
    ended = max(entry.began, _end(folder, manifest, entry.logs))
    return replace(entry, state="repaired", ended=ended, log_bytes=size)


def _end(folder: Path, manifest: Manifest, names: tuple[str, ...]) -> float:
    """When the last of these files was written to, seconds of the recording."""
    times = [0.0]
    for name in names:
        try:
            times.append(os.stat(folder / name).st_mtime - manifest.created_ms / 1000)
        except OSError:
            continue
    return round(max(times), 3)

"""After a recording ended (or after a crash): from its track logs to media files that play.

``python -m recorder.finish FOLDER --keys FILE`` runs in a process of its own at low priority and writes progress as JSON
lines. What is done is in the manifest after each Track, so a run that was killed is simply repeated; logs go last of all,
when every media file was read again and holds what it should.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from recorder.clock_fit import Line, fit
from recorder.finish_track import Media, TrackLogs, finish_track
from recorder.manifest import NAME, Gap, GapReason, Manifest, ManifestError, TrackEntry, load, locked, update
from recorder.mux import MuxError, unfinished
from recorder.sealed import SealedError
from recorder.track_reader import Survey
from recorder.vault import DataKey, Vault, VaultError

log = logging.getLogger(__name__)

NICE = 10
#: What the first reading costs, of all.
_SURVEY = 0.15
#: States of a Track whose log is to be read.
_READ = ("recording", "closed", "repaired", "failed", "finished")
_REASONS = get_args(GapReason)
#: Gaps of one reason that begin this near to each other are the same one, told twice.
_SAME_GAP_S = 0.1

Progress = Callable[[float], None]


class FinishError(Exception):
    """A recording cannot be finished. ``code``: ``key_unknown``, ``recording_erased``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(slots=True)
class _Job:
    entry: TrackEntry
    key: DataKey
    logs: TrackLogs
    number: int
    found: Survey = field(default_factory=Survey)
    lines: tuple[Line, ...] = ()


def finish_recording(folder: Path, vault: Vault, *, progress: Progress = lambda _done: None) -> Manifest:
    """Make the media files of a recording that has ended; returns its manifest, which says ``ready`` or ``failed``.

    ``progress`` is told 0-1. A Track that cannot be finished keeps its log and does not stop the others; one with nothing
    to show or to hear has no file, and is no failure. May be repeated at any time. Raises FinishError, ManifestError,
    OSError (a full disk: repeat it later).
    """
    manifest = load(folder, files=False)
    if manifest.state == "erased":
        raise FinishError("recording_erased", "there is nothing left of it")
    if manifest.state != "ready":
        _make(folder, vault, manifest, progress)
        manifest = update(folder, _concluded)
    if manifest.state == "ready":
        _tidy(folder, manifest)
    progress(1.0)
    return manifest


def _make(folder: Path, vault: Vault, manifest: Manifest, progress: Progress) -> None:
    jobs: list[_Job] = []
    meter = _Meter(progress)
    for number, entry in enumerate(manifest.tracks, 1):
        paths = [folder / name for name in entry.logs if (folder / name).exists()]
        if entry.state not in _READ or not paths:
            continue
        try:
            key = vault.open(entry.key)
        except SealedError as exc:
            raise FinishError("key_unknown", f"track {entry.id}: {exc.message}") from exc
        jobs.append(_Job(entry, key, TrackLogs(paths, key, meter.read), number))
    update(folder, lambda found: found if found.state == "erased" else replace(found, state="finishing"))
    meter.total = sum(job.logs.size for job in jobs)
    for people in _by_person(jobs):
        # All Tracks of a person, finished ones too: they share a clock, and a repeated run must find the same.
        meter.surveys()
        good = [job for job in people if _surveyed(folder, job)]
        lines = iter(fit([trace for job in good for trace in job.found.traces]))
        for job in good:
            job.lines = tuple(next(lines) for _ in job.found.traces)
        meter.media()
        for job in good:
            if job.entry.state == "finished" and job.entry.file and (folder / job.entry.file).exists():
                meter.read(job.logs.size)
            else:
                _finish(folder, job, manifest.started)


def _by_person(jobs: list[_Job]) -> Iterable[list[_Job]]:
    people: dict[str, list[_Job]] = {}
    for job in jobs:
        people.setdefault(job.entry.identity, []).append(job)
    return people.values()


def _surveyed(folder: Path, job: _Job) -> bool:
    try:
        job.found = job.logs.survey()
    except SealedError as exc:
        _fail(folder, job, exc)
        return False
    return True


def _finish(folder: Path, job: _Job, started: float) -> None:
    try:
        media = finish_track(
            folder, job.entry.id, job.logs, job.found, job.lines, job.key, started, number=job.number
        )
    except (MuxError, SealedError) as exc:
        _fail(folder, job, exc)
        return
    _write(folder, describe(job.entry, media))


def _fail(folder: Path, job: _Job, exc: MuxError | SealedError) -> None:
    log.error("track %s cannot be finished: %s", job.entry.id, exc.code)
    _write(folder, replace(job.entry, state="failed", index={"error": exc.code}))


def _write(folder: Path, entry: TrackEntry) -> None:
    """Put a Track's entry into the manifest, unless it was erased meanwhile: then its file goes, too."""

    def edit(manifest: Manifest) -> Manifest:
        present = manifest.track(entry.id)
        if manifest.state == "erased" or present is None or present.state == "erased":
            if entry.file:
                (folder / entry.file).unlink(missing_ok=True)
            return manifest
        return manifest.with_track(entry)

    update(folder, edit)


def describe(entry: TrackEntry, media: Media) -> TrackEntry:
    """A Track's entry with what its media file is. Without one it is ``failed`` with the error ``empty``."""
    index = media.index
    gaps = list(entry.gaps)
    for gap in index.gaps:
        reason: Any = gap.reason if gap.reason in _REASONS else "loss"
        told = any(
            other.reason == reason and abs(other.start - gap.start) < _SAME_GAP_S and other.end is not None for other in gaps
        )
        if not told:
            gaps.append(Gap(gap.start, gap.end, reason, entry.identity))
    gaps.sort(key=lambda gap: gap.start)
    details = index.as_json()
    if not media.file:
        return replace(entry, state="failed", gaps=tuple(gaps), index={**details, "error": "empty"})
    width, height = index.sizes[0][1:] if index.sizes else (0, 0)
    return replace(
        entry,
        state="finished",
        file=media.file,
        mime=index.mime,
        bytes=media.bytes,
        sha256=media.sha256,
        began=index.began,
        ended=index.ended,
        duration_s=round(index.ended - index.began, 3),
        width=width,
        height=height,
        gaps=tuple(gaps),
        index=details,
    )


def _concluded(manifest: Manifest) -> Manifest:
    if manifest.state == "erased":
        return manifest
    unwell = any(
        entry.state not in ("finished", "erased") and entry.index.get("error") != "empty" and entry.logs
        for entry in manifest.tracks
    )
    ends = [entry.ended for entry in manifest.tracks if entry.file and entry.ended is not None]
    ended = max(ends, default=0.0) if manifest.ended is None else manifest.ended
    return replace(manifest, state="failed" if unwell else "ready", ended=ended)


def _tidy(folder: Path, manifest: Manifest) -> None:
    """Delete logs, and what runs that were killed had begun."""
    for entry in manifest.tracks:
        for name in entry.logs:
            (folder / name).unlink(missing_ok=True)
        for path in unfinished(folder, entry.id):
            path.unlink(missing_ok=True)
    with locked(folder):
        for path in folder.glob(f".{NAME}.*"):
            path.unlink(missing_ok=True)


class _Meter:
    """Bytes read of all that will be, in two readings, as a share of the work."""

    def __init__(self, progress: Progress) -> None:
        self.total = 0
        self._progress = progress
        self._done = 0.0
        self._weight = _SURVEY

    def surveys(self) -> None:
        """What is read from here on is the first reading."""
        self._weight = _SURVEY

    def media(self) -> None:
        """What is read from here on is the second."""
        self._weight = 1 - _SURVEY

    def read(self, count: int) -> None:
        self._done += self._weight * count
        self._progress(min(0.999, self._done / max(self.total, 1)))


# --- the process -----------------------------------------------------------------------------------------------------


def _say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Finish one recording. Exit status 0: ready; 1: failed in part; 2: nothing could be done."""
    parser = argparse.ArgumentParser(prog="python -m recorder.finish", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the recording's folder")
    parser.add_argument("--keys", type=Path, required=True, help="file of master keys")
    options = parser.parse_args(arguments)
    with suppress(OSError):
        os.nice(NICE)
    told = 0.0

    def progress(done: float) -> None:
        nonlocal told
        if done - told >= 0.01 or done >= 1:
            told = done
            _say(progress=round(done, 3))

    try:
        manifest = finish_recording(options.folder, Vault.from_file(options.keys, create=False), progress=progress)
    except (FinishError, ManifestError, VaultError, OSError) as exc:
        _say(error=getattr(exc, "code", type(exc).__name__), message=str(exc))
        return 2
    _say(state=manifest.state)
    return 0 if manifest.state == "ready" else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""What a recording is made of: ``manifest.json`` in its folder, plain JSON, always whole.

:func:`load` believes nothing: the recording must be that of its folder, every name must be one that this module makes,
and finished files must have the size that is written here. :func:`update` is the only way to change one while other
processes may, too.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from media.wire_types import ShapeError, decode, encode

T = TypeVar("T")
FORMAT = 1
NAME = "manifest.json"
TIMELINE = "timeline.log"
MAX_BYTES = 16 * 1024 * 1024

GapReason = Literal["paused", "consent", "disk", "overflow", "muted", "loss", "recorder"]
RecordingState = Literal["recording", "closed", "finishing", "ready", "failed", "erased"]
TrackState = Literal["recording", "closed", "repaired", "finished", "failed", "erased"]

_RECORDING = re.compile(r"r[0-9a-f]{16}")
_TRACK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOG = re.compile(r"([A-Za-z0-9_-]{1,64})(?:\.[1-9][0-9]{0,3})?\.log")
_FOLDER = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}/(r[0-9a-f]{16})")


class ManifestError(Exception):
    """A manifest, or what it names, is not what it must be. ``code``:

    ``manifest_missing``, ``manifest_broken`` (no JSON of this shape), ``manifest_format`` (a later version's),
    ``manifest_id`` (another recording's), ``manifest_path`` (a name that is not allowed), ``manifest_track`` (one Track
    twice), ``manifest_value`` (a number that cannot be), ``manifest_size`` (a finished file is missing or has another
    size), ``manifest_exists``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing, or not all, was recorded from ``start`` to ``end`` (``from`` and ``to`` in JSON), seconds of the recording.

    ``end`` is None while it lasts, or if nobody knows. ``identity``: whose; None: everybody's.
    """

    start: float
    end: float | None
    reason: GapReason
    identity: str | None = None


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """Somebody who took part; ``side`` is ``shop`` or ``shopper``, as in the call."""

    identity: str
    name: str = ""
    side: str = ""


@dataclass(frozen=True, slots=True)
class TrackEntry:
    """One recorded Track.

    ``began`` and ``ended`` are seconds of the recording. ``logs``: the parts of its track log in order of time; a new
    one begins when the recorder was started anew or its folder came back. ``key``: its wrapped data key, empty when
    erased. ``file``: the finished media file, with ``bytes`` as stored, ``sha256`` (hex) of it as stored, ``mime``,
    ``duration_s``, ``width`` and ``height``; ``index`` is what finishing found out: keyframe times, sizes over time.
    """

    id: str
    identity: str
    source: str
    kind: Literal["audio", "video"]
    codec: str = ""
    key: str = ""
    began: float = 0.0
    ended: float | None = None
    state: TrackState = "recording"
    logs: tuple[str, ...] = ()
    log_bytes: int = 0
    file: str | None = None
    mime: str = ""
    gaps: tuple[Gap, ...] = ()
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    bytes: int = 0
    sha256: str = ""
    index: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One recording. ``id`` is ``r`` and 16 hex digits, its folder's name.

    ``created_ms`` is the time of day at t = 0, ``started`` the same moment on the machine's CLOCK_MONOTONIC, which means
    something only while ``boot_id`` is the machine's. ``key``: the wrapped key of everything that is not one Track's
    (timeline, export, pictures). ``extra``: what later steps keep here, by name of the step.
    """

    id: str
    room: str
    call: str | None
    kind: Literal["call", "stage"]
    created_ms: int
    started: float
    boot_id: str = ""
    key: str = ""
    people: tuple[PersonEntry, ...] = ()
    tracks: tuple[TrackEntry, ...] = ()
    state: RecordingState = "recording"
    ended: float | None = None
    gaps: tuple[Gap, ...] = ()
    timelines: tuple[str, ...] = ()
    policy: dict[str, Any] = field(default_factory=dict)
    consents: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def track(self, track_id: str) -> TrackEntry | None:
        """One Track's entry."""
        return next((entry for entry in self.tracks if entry.id == track_id), None)

    def with_track(self, entry: TrackEntry) -> Manifest:
        """The same with this entry in the place of the Track's former one, or added."""
        kept = tuple(entry if other.id == entry.id else other for other in self.tracks)
        return replace(self, tracks=kept if entry in kept else (*kept, entry))


def change(value: T, **values: Any) -> T:
    """``dataclasses.replace`` for manifests and what is in them."""
    return replace(value, **values)  # type: ignore[type-var]


# --- names -----------------------------------------------------------------------------------------------------------


def check_recording_id(text: str) -> str:
    """The same text. Raises ManifestError."""
    if not _RECORDING.fullmatch(text):
        raise ManifestError("manifest_id", "a recording is r and 16 hex digits")
    return text


def check_track_id(text: str) -> str:
    """The same text. Raises ManifestError: it is no file name, or one of ours."""
    if not _TRACK.fullmatch(text) or text in ("timeline", "export", "manifest", "filmstrip"):
        raise ManifestError("manifest_path", "a track's id is letters, digits, - and _, at most 64")
    return text


def check_folder(text: str) -> str:
    """``yyyy/mm/dd/<recording id>``. Raises ManifestError."""
    if not _FOLDER.fullmatch(text):
        raise ManifestError("manifest_path", "a recording's folder is yyyy/mm/dd/id")
    return text


def log_name(stem: str, part: int) -> str:
    """``<track>.log``, ``<track>.1.log``, ...; ``stem`` may also be ``timeline``."""
    return f"{stem}.log" if part == 0 else f"{stem}.{part}.log"


# --- JSON ------------------------------------------------------------------------------------------------------------


def to_json(manifest: Manifest) -> str:
    """As it is stored."""
    data = encode(manifest)
    for gaps in (data["gaps"], *(track["gaps"] for track in data["tracks"])):
        gaps[:] = [{_OUT.get(key, key): value for key, value in gap.items() if value is not None} for gap in gaps]
    return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1)


_OUT = {"start": "from", "end": "to"}
_IN = {"from": "start", "to": "end"}


def from_json(text: str) -> Manifest:
    """Read and check everything that can be checked without the files. Raises ManifestError."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise ManifestError("manifest_broken", "not an object")
        if type(data.get("format")) is int and data["format"] > FORMAT:
            raise ManifestError("manifest_format", f"format {data['format']} is a later version's")
        for holder in (data, *data.get("tracks", ())):
            holder["gaps"] = [
                {"end": None, **{_IN.get(key, key): value for key, value in gap.items()}} for gap in holder["gaps"]
            ]
        manifest = decode(Manifest, data)
    except (ShapeError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as exc:
        raise ManifestError("manifest_broken", str(exc)) from None
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if manifest.format != FORMAT:
        raise ManifestError("manifest_format", f"format {manifest.format}")
    check_recording_id(manifest.id)
    for name in manifest.timelines:
        found = _LOG.fullmatch(name)
        if found is None or found[1] != "timeline":
            raise ManifestError("manifest_path", "not the name of a timeline")
    seen: set[str] = set()
    for track in manifest.tracks:
        if check_track_id(track.id) in seen:
            raise ManifestError("manifest_track", f"{track.id} is there twice")
        seen.add(track.id)
        for name in track.logs:
            found = _LOG.fullmatch(name)
            if found is None or found[1] != track.id:
                raise ManifestError("manifest_path", f"a log of {track.id} has a foreign name")
        if track.file is not None and track.file not in (f"{track.id}.webm", f"{track.id}.mp4"):
            raise ManifestError("manifest_path", f"the media file of {track.id} has a foreign name")
        if track.state == "finished" and track.file is None:
            raise ManifestError("manifest_value", f"{track.id} is finished without a file")
    for name, number in _numbers(manifest):
        if not math.isfinite(number) or number < 0:
            raise ManifestError("manifest_value", f"{name} is {number}")
    for begin, end in _spans(manifest):
        if end is not None and end < begin:
            raise ManifestError("manifest_value", f"a span ends at {end}, before it begins at {begin}")


def _numbers(manifest: Manifest) -> Iterator[tuple[str, float]]:
    yield "created_ms", manifest.created_ms
    yield "started", manifest.started
    for track in manifest.tracks:
        for name in ("began", "log_bytes", "width", "height", "duration_s", "bytes"):
            yield f"{name} of {track.id}", getattr(track, name)
    for begin, end in _spans(manifest):
        yield "a time", begin
        yield "a time", begin if end is None else end


def _spans(manifest: Manifest) -> Iterator[tuple[float, float | None]]:
    yield 0.0, manifest.ended
    for gap in manifest.gaps:
        yield gap.start, gap.end
    for track in manifest.tracks:
        yield track.began, track.ended
        for gap in track.gaps:
            yield gap.start, gap.end


# --- files -----------------------------------------------------------------------------------------------------------


def load(folder: Path, *, files: bool = True) -> Manifest:
    """Read the manifest of ``folder`` and check it; with ``files``, also that finished files are there in that size.

    Raises ManifestError.
    """
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as exc:
        raise ManifestError("manifest_missing", f"no manifest in {folder.name}: {exc.strerror}") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise ManifestError("manifest_broken", "not a file of a reasonable size")
        try:
            text = file.read(MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError) as exc:
            raise ManifestError("manifest_broken", str(exc)) from None
    manifest = from_json(text)
    if manifest.id != folder.name:
        raise ManifestError("manifest_id", f"this is {manifest.id}, in the folder of {folder.name}")
    if files:
        _check_files(folder, manifest)
    return manifest


def _check_files(folder: Path, manifest: Manifest) -> None:
    for track in manifest.tracks:
        if track.state == "finished" and track.file is not None:
            try:
                status = os.lstat(folder / track.file)
            except OSError:
                raise ManifestError("manifest_size", f"{track.file} is missing") from None
            if not stat.S_ISREG(status.st_mode) or status.st_size != track.bytes:
                raise ManifestError("manifest_size", f"{track.file} has {status.st_size} bytes, not {track.bytes}")


def save(folder: Path, manifest: Manifest, *, create: bool = False) -> None:
    """Write it, whole or not at all, and for good. Raises ManifestError, OSError.

    ``create``: it must not be there yet. Otherwise only who owns the recording at present may call this; see
    :func:`update`.
    """
    _check(manifest)
    if manifest.id != folder.name:
        raise ManifestError("manifest_id", f"{manifest.id} does not belong into {folder.name}")
    temporary = folder / f".{NAME}.{secrets.token_hex(4)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(to_json(manifest).encode())
            file.flush()
            os.fsync(file.fileno())
        if create:
            os.link(temporary, folder / NAME)
        else:
            os.replace(temporary, folder / NAME)
        sync_folder(folder)
    except FileExistsError:
        raise ManifestError("manifest_exists", f"{folder.name} has a manifest") from None
    finally:
        temporary.unlink(missing_ok=True)


def update(folder: Path, edit: Callable[[Manifest], Manifest]) -> Manifest:
    """Load, change and save while no other process does. Returns what was saved. Raises ManifestError, OSError."""
    with locked(folder):
        manifest = edit(load(folder, files=False))
        save(folder, manifest)
        return manifest


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing this recording's manifest. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """See that names made or removed in a folder outlive a power failure. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The recorder's thread that writes: everything that touches the disk happens here, so that a disk that hangs stops
nothing else.

Frames are handed over under a lock that is never held while anything is written. A failing disk is tried again every two
seconds; meanwhile frames wait in memory, up to a bound, and what does not fit is counted and labelled as a gap.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from media import tap_wire
from media.api import Event
from media.rpc import RpcError
from recorder import api, track_log
from recorder.manifest import Gap, Manifest, ManifestError, TrackEntry, log_name, save
from recorder.repair import unmark
from recorder.sealed import SealedError, SealedWriter
from recorder.vault import DataKey, Vault

logger = logging.getLogger(__name__)
R = TypeVar("R")
FLUSH_S = 0.25
SYNC_S = 5.0
RETRY_S = 2.0
LOOK_S = 0.5
LINGER_S = 1.0
SLOW_S = 0.75
QUEUE_BYTES = 16 * 1024 * 1024
#: Records that are no media may exceed the bound by this much.
EXTRA_BYTES = 1024 * 1024
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


@dataclass(slots=True, eq=False)
class Sink:
    """A log being written: a Track's, or (``track`` empty) the timeline."""

    owner: Open
    stem: str
    key: DataKey
    track: str = ""
    out: SealedWriter | None = None
    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    taken: int = 0
    lost_from: float | None = None
    lost: int = 0
    ending: float | None = None
    finished: bool = False
    complete: bool = False
    named: str | None = None
    wrote_at: float = 0.0


@dataclass(slots=True, eq=False)
class Open:
    """A recording being made."""

    manifest: Manifest
    folder: str
    path: Path
    timeline: Sink = field(init=False)
    sinks: list[Sink] = field(default_factory=list)
    dirty: bool = False
    stopping: bool = False
    retry_at: float = 0.0
    trouble: api.WarningCode | None = None
    gaps: list[tuple[str, Gap]] = field(default_factory=list)


class Writer:
    """``report`` is called with events from this thread."""

    def __init__(self, root: Path, vault: Vault, report: Callable[[Event], None]) -> None:
        self.root = root
        self.vault = vault
        self.report = report
        self.open: dict[str, Open] = {}
        self.taps: dict[int, Sink] = {}
        self.lock = threading.Lock()
        self.held = 0
        self.written = 0
        self.dropped = 0
        self.stray = 0
        self.flush_max_s = 0.0
        self.full = False
        self.busy_since: float | None = None
        self._commands: list[Callable[[], None]] = []
        self._wake = threading.Event()
        self._stop = False
        self._syncer = ThreadPoolExecutor(1, "sync")
        self._syncing: Future[None] | None = None
        self._sync_at = self._look_at = 0.0
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """Complete every recording, as far as the disk lets it within that time."""
        self._stop = True
        self._wake.set()
        self._thread.join(timeout_s)
        self._syncer.shutdown(wait=False)

    # --- any thread ----------------------------------------------------------------------------------------------

    def submit(self, work: Callable[[], R]) -> Future[R]:
        """Do something in the writer's thread, in order."""
        future: Future[R] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(work())
            except Exception as exc:
                future.set_exception(_refusal(exc))

        with self.lock:
            self._commands.append(run)
        self._wake.set()
        return future

    def feed(self, frames: Iterable[tap_wire.Frame], now: float) -> None:
        """Take what a Worker sent. Never waits for the disk."""
        with self.lock:
            for kind, tap, body in frames:
                sink = self.taps.get(tap)
                if sink is None:
                    self.stray += 1
                    continue
                size = len(body) + track_log.HEAD.size
                media = kind == track_log.PACKETS
                if (self.full and media) or self.held + size > QUEUE_BYTES + (0 if media else EXTRA_BYTES):
                    self._drop(sink, kind, body, now)
                    continue
                if sink.lost_from is not None and not self.full:
                    self._label(sink, now)
                if kind == track_log.STATE and b'"closed"' in body:
                    sink.finished = True
                sink.parts += (track_log.HEAD.pack(kind, len(body)), body)
                sink.size += size
                self.held += size

    def _drop(self, sink: Sink, kind: int, body: bytes, now: float) -> None:
        if not self.full:
            self.full = True
            self.report(api.RecordingWarning(None, "tap_overflow", "the disk is too slow or full"))
        if sink.lost_from is None:
            sink.lost_from = now
        if kind == track_log.PACKETS:
            with suppress(tap_wire.WireError):
                count = len(tap_wire.read_packets(body)[1])
                sink.lost += count
                self.dropped += count

    def _label(self, sink: Sink, now: float) -> None:
        """What was lost is said in the log and in the manifest."""
        assert sink.lost_from is not None
        record = track_log.build(track_log.GAP, tap_wire.gap_body("disk", sink.lost_from, now, sink.lost))
        sink.parts.append(record)
        sink.size += len(record)
        self.held += len(record)
        started = sink.owner.manifest.started
        gap = Gap(max(0.0, round(sink.lost_from - started, 3)), max(0.0, round(now - started, 3)), "disk")
        sink.owner.gaps.append((sink.track, gap))
        sink.lost_from, sink.lost = None, 0

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop:
            self._wake.wait(FLUSH_S)
            self._wake.clear()
            self._turn(time.monotonic())
        for recording in self.open.values():
            self.stop(recording)
        while self.open:
            self._turn(time.monotonic(), last=True)
            if self.open:
                time.sleep(FLUSH_S)

    def _turn(self, now: float, *, last: bool = False) -> None:
        self.busy_since = now
        with self.lock:
            commands, self._commands = self._commands, []
        for command in commands:
            command()
        looking = now >= self._look_at
        if looking:
            self._look_at = now + LOOK_S
        for recording in list(self.open.values()):
            try:
                self._keep(recording, now, looking=looking, last=last)
            except Exception:
                # One recording's fault is not the others'.
                logger.exception("recording %s", recording.manifest.id)
        if now >= self._sync_at and (self._syncing is None or self._syncing.done()):
            self._sync_at = now + SYNC_S
            self._syncing = self._syncer.submit(_sync, self._duplicates())
        self.busy_since = None
        self.flush_max_s = max(self.flush_max_s, time.monotonic() - now)
        with self.lock:
            if self.full and self.held < QUEUE_BYTES // 2:
                self.full = False
                self.report(api.WarningOver(None, "tap_overflow"))

    def _duplicates(self) -> list[int]:
        """Of the open files; the originals may be closed while these are synced."""
        outs = [sink.out for recording in self.open.values() for sink in (*recording.sinks, recording.timeline)]
        return [os.dup(out.fileno()) for out in outs if out is not None and out.fileno() >= 0]

    def _keep(self, recording: Open, now: float, *, looking: bool, last: bool) -> None:
        if looking and recording.trouble != "disk_gone" and self._vanished(recording):
            self._gone(recording, now)
        if now < recording.retry_at and not last:
            return
        try:
            if recording.trouble == "disk_gone":
                recording.path.mkdir(mode=0o700, parents=True, exist_ok=True)
                recording.dirty = True
            for sink in (*recording.sinks, recording.timeline):
                self._flush(recording, sink, now)
                if sink.ending is not None and (sink.finished or last or now >= sink.ending):
                    self._complete(recording, sink, now)
            recording.sinks = [sink for sink in recording.sinks if not sink.complete]
            self._settle(recording, now)
        except OSError as exc:
            recording.retry_at = now + RETRY_S
            if recording.trouble is None:
                recording.trouble = "disk_full" if exc.errno in _FULL else "disk_gone"
                self.report(api.RecordingWarning(recording.manifest.id, recording.trouble, exc.strerror or str(exc)))
            return
        if recording.trouble is not None:
            self.report(api.WarningOver(recording.manifest.id, recording.trouble))
            recording.trouble = None

    def _flush(self, recording: Open, sink: Sink, now: float) -> None:
        if sink.out is not None and sink.out.held:
            sink.out.flush()
        self._written(sink)
        with self.lock:
            parts, sink.parts = sink.parts, []
            sink.taken, sink.size = sink.size, 0
        if not parts and not (sink.track and sink.out is None):
            return
        data = b"".join(parts)
        try:
            if sink.out is None:
                self._part(recording, sink)
            assert sink.out is not None
            sink.out.append(data)
        except OSError:
            with self.lock:
                sink.parts[:0] = [data]
                sink.size += sink.taken
                sink.taken = 0
            raise
        sink.out.flush()
        self._written(sink)
        sink.wrote_at = now

    def _written(self, sink: Sink) -> None:
        if sink.taken:
            with self.lock:
                self.held -= sink.taken
            self.written += sink.taken
            sink.taken = 0

    def _part(self, recording: Open, sink: Sink) -> None:
        """Begin a file: its name is in the manifest first, so that nothing is ever there that no manifest names."""
        if sink.named is None:
            part = 0
            while os.path.lexists(recording.path / log_name(sink.stem, part)):
                part += 1
            name = log_name(sink.stem, part)
            manifest = recording.manifest
            entry = manifest.track(sink.track) if sink.track else None
            if entry is not None:
                logs = entry.logs if name in entry.logs else (*entry.logs, name)
                manifest = manifest.with_track(replace(entry, logs=logs))
            elif name not in manifest.timelines:
                manifest = replace(manifest, timelines=(*manifest.timelines, name))
            save(recording.path, manifest)
            recording.manifest = manifest
            sink.named = name
        sink.out = SealedWriter(recording.path / sink.named, sink.key, chunk=0)
        sink.named = None

    def _complete(self, recording: Open, sink: Sink, now: float) -> None:
        with self.lock:
            if sink.parts:
                return
            for tap in [tap for tap, other in self.taps.items() if other is sink]:
                del self.taps[tap]
            if sink.lost_from is not None:
                self._label(sink, now)
                return
        if sink.out is not None:
            sink.out.close(sync=True)
        sink.complete = True
        entry = recording.manifest.track(sink.track)
        if entry is not None:
            size = entry.log_bytes + (sink.out.written if sink.out is not None else 0)
            ended = max(entry.began, round(now - recording.manifest.started, 3))
            entry = replace(entry, state="closed", ended=ended, log_bytes=size)
            recording.manifest = recording.manifest.with_track(entry)
            recording.dirty = True

    def _settle(self, recording: Open, now: float) -> None:
        """The manifest, and the end of the recording."""
        with self.lock:
            gaps, recording.gaps = recording.gaps, []
        manifest = recording.manifest
        for track, gap in gaps:
            entry = manifest.track(track)
            if entry is not None:
                manifest = manifest.with_track(replace(entry, gaps=(*entry.gaps, replace(gap, identity=entry.identity))))
            else:
                manifest = replace(manifest, gaps=(*manifest.gaps, gap))
        over = recording.stopping and not recording.sinks and recording.timeline.complete
        if over:
            ended = max(0.0, round(now - manifest.started, 3))
            manifest = replace(manifest, state="closed", ended=manifest.ended or ended)
        recording.manifest = manifest
        if gaps or over or recording.dirty:
            recording.dirty = True
            save(recording.path, manifest)
            recording.dirty = False
        if over:
            with suppress(OSError):
                unmark(self.root, manifest.id)
            del self.open[manifest.id]
            self.report(api.RecordingClosed(manifest.id, recording.folder))

    def _vanished(self, recording: Open) -> bool:
        for sink in (*recording.sinks, recording.timeline):
            if sink.out is not None and sink.out.fileno() >= 0 and os.fstat(sink.out.fileno()).st_nlink == 0:
                return True
        return not recording.path.is_dir()

    def _gone(self, recording: Open, now: float) -> None:
        """What was written is lost; go on in new files, and say since when."""
        recording.trouble = "disk_gone"
        self.report(api.RecordingWarning(recording.manifest.id, "disk_gone", "its files are not there any more"))
        for sink in (*recording.sinks, recording.timeline):
            if sink.out is not None:
                sink.out.abandon()
                sink.out = None
                self._written(sink)
            if sink.track:
                with self.lock:
                    sink.lost_from = sink.lost_from or sink.wrote_at or now
        recording.dirty = True

    # --- requests, in the thread ---------------------------------------------------------------------------------

    def found(self, recording: str) -> Open:
        """Raises RpcError."""
        try:
            return self.open[recording]
        except KeyError:
            raise RpcError("recording_not_found", "no such recording is open") from None

    def begin(self, manifest: Manifest, folder: str) -> Open:
        """Its manifest is saved."""
        made = Open(manifest, folder, self.root / folder)
        made.timeline = Sink(made, "timeline", self.vault.open(manifest.key))
        self.open[manifest.id] = made
        return made

    def add_track(self, request: api.AddTrack) -> None:
        """See :class:`recorder.api.AddTrack`."""
        recording = self.found(request.recording)
        if request.tap in self.taps:
            raise RpcError("tap_exists", "that tap is in use")
        now = time.monotonic()
        began = max(0.0, round(now - recording.manifest.started, 3))
        entry = recording.manifest.track(request.track)
        if entry is None:
            key, wrapped = self.vault.new_key()
            entry = TrackEntry(request.track, request.identity, request.source, request.kind, request.codec, wrapped, began)
        elif entry.state == "erased":
            raise RpcError("track_erased", "that track was erased")
        else:
            key = self.vault.open(entry.key)
            entry = replace(entry, state="recording", ended=None)
        recording.manifest = recording.manifest.with_track(entry)
        recording.dirty = True
        sink = Sink(recording, entry.id, key, entry.id, wrote_at=now)
        recording.sinks.append(sink)
        with self.lock:
            self.taps[request.tap] = sink

    def end_track(self, tap: int) -> None:
        """See :class:`recorder.api.EndTrack`; a tap that is not known has ended already."""
        sink = self.taps.get(tap)
        if sink is not None and sink.ending is None:
            sink.ending = time.monotonic() + LINGER_S

    def add_events(self, recording: str, events: Iterable[dict[str, Any]]) -> None:
        """See :class:`recorder.api.AddEvents`."""
        sink = self.found(recording).timeline
        data = b"".join(json.dumps(event, ensure_ascii=False).encode() + b"\n" for event in events)
        with self.lock:
            if self.held + len(data) > QUEUE_BYTES + EXTRA_BYTES:
                raise RpcError("disk_full", "too much waits to be written")
            sink.parts.append(data)
            sink.size += len(data)
            self.held += len(data)

    def stop(self, recording: Open) -> None:
        """See :class:`recorder.api.StopRecording`."""
        recording.stopping = True
        now = time.monotonic()
        for sink in recording.sinks:
            if sink.ending is None:
                sink.ending = now + LINGER_S
        recording.timeline.ending = now
        recording.timeline.finished = True

    def forget(self, recording: Open, tracks: Iterable[str] | None) -> None:
        """Nothing more of these Tracks (None: of anything) is taken or written, what waits included."""
        names = None if tracks is None else set(tracks)
        sinks = [*recording.sinks, recording.timeline] if names is None else [s for s in recording.sinks if s.track in names]
        with self.lock:
            for sink in sinks:
                self.held -= sink.size + sink.taken
                sink.parts, sink.size, sink.taken, sink.complete = [], 0, 0, True
                sink.lost_from = None
            for tap in [tap for tap, sink in self.taps.items() if sink in sinks]:
                del self.taps[tap]
        for sink in sinks:
            if sink.out is not None:
                sink.out.abandon()
        recording.sinks = [sink for sink in recording.sinks if not sink.complete]
        if names is None:
            self.open.pop(recording.manifest.id, None)


def _sync(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        try:
            os.fdatasync(descriptor)
        except OSError as exc:
            logger.warning("sync: %s", exc)
        finally:
            os.close(descriptor)


def _refusal(exc: Exception) -> RpcError:
    if isinstance(exc, RpcError):
        return exc
    if isinstance(exc, ManifestError | SealedError):
        return RpcError(exc.code, exc.message)
    if isinstance(exc, OSError):
        return RpcError("disk_full" if exc.errno in _FULL else "disk_error", exc.strerror or str(exc))
    logger.error("request failed", exc_info=exc)
    return RpcError("internal", repr(cast(Any, exc)))

"""The recorder's process: ``python -m recorder --socket PATH --root DIR --keys FILE``.

Listens on one Unix socket for the control plane (requests and events of :mod:`recorder.api`) and for Workers (frames of
:mod:`media.tap_wire`); the first byte behind the first length tells which. It ends, with everything complete, when the
control plane goes away or on SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import gc
import json
import logging
import os
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from media.api import Event, Request
from media.rpc import MAX_FRAME, RpcError, pack_frame
from media.tap_wire import HELLO, FrameReader, WireError
from media.wire_types import ShapeError, decode, encode
from recorder import api
from recorder.manifest import (
    Gap,
    Manifest,
    ManifestError,
    check_folder,
    check_track_id,
    load,
    locked,
    save,
    sync_folder,
)
from recorder.repair import mark_open, repair, unmark
from recorder.vault import Vault, VaultError
from recorder.writer import LOOK_S, SLOW_S, Writer

logger = logging.getLogger(__name__)
CLOSE_S = 5.0
MAX_PENDING = 4096
#: What outlives an erasure.
_KEPT = ("manifest.json",)
_LENGTH = struct.Struct("!I")
_REQUESTS = {cls.method: cls for cls in api.REQUESTS}


class Desk:
    """Carries out requests. Everything about files goes to the writer's thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._root = writer.root

    def handle(self, request: Request[Any]) -> Any:
        """The result, or a future of it. Raises RpcError."""
        writer = self._writer
        match request:
            case api.GetStats():
                return self._stats()
            case api.StartRecording():
                return writer.submit(lambda: self._start(request))
            case api.ResumeRecording(recording, place):
                return writer.submit(lambda: self._resume(recording, place))
            case api.AddTrack():
                check_track_id(request.track)
                return writer.submit(lambda: writer.add_track(request))
            case api.EndTrack(tap):
                return writer.submit(lambda: writer.end_track(tap))
            case api.AddEvents(recording, events):
                return writer.submit(lambda: writer.add_events(recording, events))
            case api.MarkGap():
                return writer.submit(lambda: self._mark_gap(request))
            case api.SetPeople():
                return writer.submit(lambda: self._people(request))
            case api.StopRecording(recording):
                return writer.submit(lambda: writer.stop(writer.found(recording)))
            case api.EraseTracks():
                folder = self._root / check_folder(request.folder)
                return writer.submit(lambda: _alone(folder, lambda: self._erase_tracks(request)))
            case api.EraseRecording():
                folder = self._root / check_folder(request.folder)
                return writer.submit(lambda: _alone(folder, lambda: self._erase(request)))
        raise RpcError("bad_request", f"{request.method} is not known")

    def _stats(self) -> api.RecorderStats:
        writer = self._writer
        slowest, writer.flush_max_s = writer.flush_max_s, 0.0
        recordings = list(writer.open.values())
        tracks = sum(len(recording.sinks) for recording in recordings)
        free = 0
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self._root).free
        return api.RecorderStats(
            len(recordings), tracks, writer.held, writer.written, writer.dropped, writer.stray, slowest, free
        )

    def _start(self, request: api.StartRecording) -> None:
        if Path(check_folder(request.folder)).name != request.id:
            raise RpcError("bad_request", "the folder is another recording's")
        path = self._root / request.folder
        _, wrapped = self._writer.vault.new_key()
        manifest = Manifest(
            request.id, request.room, request.call, request.kind, request.created_ms, request.started, boot_id(), wrapped,
            request.people, policy=request.policy, consents=request.consents,
        )  # fmt: skip
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            raise RpcError("recording_exists", "there is a recording of that id") from None
        try:
            mark_open(self._root, request.id, request.folder)
            save(path, manifest, create=True)
        except BaseException:
            with contextlib.suppress(OSError):
                unmark(self._root, request.id)
                path.rmdir()
            raise
        self._writer.begin(manifest, request.folder)

    def _resume(self, recording: str, folder: str) -> None:
        if recording in self._writer.open:
            raise RpcError("recording_exists", "it is open")
        path = self._root / check_folder(folder)
        manifest = load(path)
        if manifest.id != recording or manifest.state != "closed" or manifest.boot_id != boot_id():
            raise RpcError("recording_over", "it cannot be gone on with")
        now = max(0.0, round(time.monotonic() - manifest.started, 3))
        gap = Gap(min(now, manifest.ended or 0.0), now, "recorder")
        manifest = replace(manifest, state="recording", ended=None, gaps=(*manifest.gaps, gap))
        mark_open(self._root, recording, folder)
        save(path, manifest)
        self._writer.begin(manifest, folder)

    def _mark_gap(self, request: api.MarkGap) -> None:
        recording = self._writer.found(request.recording)
        gap = Gap(request.start, request.end, request.reason, request.identity)
        recording.manifest = replace(recording.manifest, gaps=(*recording.manifest.gaps, gap))
        recording.dirty = True

    def _people(self, request: api.SetPeople) -> None:
        recording = self._writer.found(request.recording)
        recording.manifest = replace(recording.manifest, people=request.people, consents=request.consents)
        recording.dirty = True

    def _erase_tracks(self, request: api.EraseTracks) -> None:
        path = self._root / check_folder(request.folder)
        names = {check_track_id(track) for track in request.tracks}
        recording = self._writer.open.get(request.recording)
        if recording is not None:
            self._writer.forget(recording, names)
        manifest = recording.manifest if recording is not None else load(path, files=False)
        if manifest.id != request.recording:
            raise RpcError("bad_request", "the folder is another recording's")
        for entry in [entry for entry in manifest.tracks if entry.id in names]:
            manifest = manifest.with_track(
                replace(entry, state="erased", key="", file=None, logs=(), gaps=(), index={}, bytes=0, sha256="")
            )
        save(path, replace(manifest, extra={}))
        if recording is not None:
            recording.manifest = replace(manifest, extra={})
        kept = tuple(f"{entry.id}." for entry in manifest.tracks if entry.id not in names)
        _delete(path, lambda name: name in (*_KEPT, *manifest.timelines) or name.startswith(kept))

    def _erase(self, request: api.EraseRecording) -> None:
        path = self._root / check_folder(request.folder)
        recording = self._writer.open.get(request.recording)
        if recording is not None:
            self._writer.forget(recording, None)
        manifest = recording.manifest if recording is not None else load(path, files=False)
        if manifest.id != request.recording:
            raise RpcError("bad_request", "the folder is another recording's")
        left = Manifest(
            manifest.id, manifest.room, manifest.call, manifest.kind, manifest.created_ms, manifest.started, state="erased"
        )
        save(path, left)
        _delete(path, lambda name: name in _KEPT)
        unmark(self._root, manifest.id)


def _alone(folder: Path, work: Callable[[], None]) -> None:
    """While nobody finishes it: what was just erased must not come back with what another process has read before."""
    if not folder.is_dir():
        raise ManifestError("manifest_missing", "there is no such recording")
    with locked(folder):
        work()


def _delete(folder: Path, keep: Callable[[str], bool]) -> None:
    for entry in list(os.scandir(folder)):
        if keep(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    sync_folder(folder)


def boot_id() -> str:
    """Of this run of the machine: CLOCK_MONOTONIC means something within one only."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Recorder:
    """The shell: sockets, the clock that watches the writer, the end."""

    def __init__(self, root: Path, vault: Vault) -> None:
        self.root = root
        self._vault = vault
        self._over = asyncio.Event()
        self._control: asyncio.Transport | None = None
        self._slow = False
        self.repaired: tuple[str, ...] = ()

    async def run(self, socket_path: str) -> None:
        """Serve until the control plane is gone."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.repaired = repair(self.root, self._vault)
        self.writer = Writer(self.root, self._vault, lambda event: _to_loop(loop, self.emit, event))
        self.desk = Desk(self.writer)
        self.writer.start()
        before = os.umask(0o177)
        try:
            server = await loop.create_unix_server(lambda: Connection(self), socket_path)
        finally:
            os.umask(before)
        loop.add_signal_handler(signal.SIGTERM, self._over.set)
        watch = loop.create_task(self._watch())
        gc.collect()
        gc.freeze()
        try:
            await self._over.wait()
        finally:
            watch.cancel()
            server.close()
            await asyncio.to_thread(self.writer.close, CLOSE_S)
            # What the writer reported last goes out before the connection ends.
            await asyncio.sleep(0)
            if self._control is not None:
                self._control.close()
                await asyncio.sleep(0.05)

    def take_control(self, transport: asyncio.Transport) -> None:
        """The control plane is there; a former one counts no more."""
        self._control = transport
        transport.write(pack_frame({"hello": encode(api.RecorderInfo(os.getpid(), self.repaired))}))

    def lost(self, transport: asyncio.BaseTransport | None) -> None:
        """A connection ended."""
        if transport is self._control:
            self._control = None
            self._over.set()

    def emit(self, event: Event) -> None:
        """Tell the control plane."""
        if self._control is not None and not self._control.is_closing():
            self._control.write(pack_frame({"event": event.event, "params": encode(event)}))

    async def _watch(self) -> None:
        """A disk that hangs is said by whoever does not wait for it."""
        calm = 0
        while True:
            await asyncio.sleep(LOOK_S / 2)
            since = self.writer.busy_since
            busy = since is not None and time.monotonic() - since > SLOW_S
            calm = 0 if busy else calm + 1
            if busy and not self._slow:
                self._slow = True
                self.emit(api.RecordingWarning(None, "disk_slow", "the disk does not answer"))
            elif self._slow and calm >= 8:
                self._slow = False
                self.emit(api.WarningOver(None, "disk_slow"))


class Connection(asyncio.Protocol):
    """A Worker's taps, or the control plane."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._frames: FrameReader | None = None
        self._control = False
        self._pending = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._recorder.lost(self._transport)

    def data_received(self, data: bytes) -> None:
        try:
            if self._frames is not None:
                self._recorder.writer.feed(self._frames.feed(data), time.monotonic())
                return
            self._buffer += data
            if not self._control:
                self._recognise()
            if self._control:
                self._read()
        except (WireError, ValueError) as exc:
            logger.error("a connection is given up: %s", exc)
            assert self._transport is not None
            self._transport.abort()

    def _recognise(self) -> None:
        if len(self._buffer) < 5:
            return
        if self._buffer[4] == HELLO:
            self._frames = FrameReader()
            data, self._buffer = bytes(self._buffer), bytearray()
            self._recorder.writer.feed(self._frames.feed(data), time.monotonic())
        elif self._buffer[4] == ord("{"):
            self._control = True
            assert self._transport is not None
            self._recorder.take_control(self._transport)
        else:
            raise WireError("neither a Worker nor the control plane")

    def _read(self) -> None:
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > MAX_FRAME:
                raise WireError(f"request of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            message = json.loads(bytes(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
            if not isinstance(message, dict):
                raise WireError("request is no object")
            if "hello" not in message:
                self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        call = message.get("id")
        try:
            if self._pending >= MAX_PENDING:
                raise RpcError("busy", "too many requests wait for the disk")
            request = decode(_REQUESTS[message["method"]], message["params"])
            result = self._recorder.desk.handle(request)
        except (KeyError, ShapeError) as exc:
            self._reply({"id": call, "error": {"code": "bad_request", "message": str(exc)}})
        except Exception as exc:
            self._reply({"id": call, "error": _error(exc)})
        else:
            if not isinstance(result, Future):
                self._reply({"id": call, "result": encode(result)})
                return
            self._pending += 1
            loop = asyncio.get_running_loop()
            result.add_done_callback(lambda done: _to_loop(loop, self._done, call, done))

    def _done(self, call: Any, future: Future[Any]) -> None:
        self._pending -= 1
        error = future.exception()
        if error is None:
            self._reply({"id": call, "result": encode(future.result())})
        else:
            self._reply({"id": call, "error": _error(error)})

    def _reply(self, message: dict[str, Any]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(pack_frame(message))


def _to_loop(loop: asyncio.AbstractEventLoop, work: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(work, *arguments)


def _error(exc: BaseException) -> dict[str, str]:
    code = getattr(exc, "code", None)
    if isinstance(code, str):
        return {"code": code, "message": getattr(exc, "message", str(exc))}
    logger.error("request failed", exc_info=exc)
    return {"code": "internal", "message": repr(exc)}


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description="Lianmai recorder (started by lianmai serve)")
    parser.add_argument("--socket", required=True, help="Unix socket to listen on")
    parser.add_argument("--root", required=True, type=Path, help="where recordings are kept")
    parser.add_argument("--keys", required=True, type=Path, help="file of master keys; made when it is missing")
    parser.add_argument("--log-level", default="INFO")
    options = parser.parse_args()
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s recorder %(name)s: %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        asyncio.run(Recorder(options.root, Vault.from_file(options.keys)).run(options.socket))
    except (OSError, VaultError) as exc:
        logger.error("%s", exc)
        sys.exit(1)


if __name__ == "__main__":
    main()

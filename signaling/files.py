"""Pictures and files of calls: kept in a folder per call, made safe by :mod:`signaling.file_check`, served to the call.

Checking takes up to a second of CPU, and a decoder may have worse days: it runs in a small pool of threads with a short
queue and a deadline. A thread that overruns keeps its place until it ends, so that stuck work cannot pile up.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, unquote

from aiohttp import web

from signaling.board import FileInfo
from signaling.chat_text import clean_text
from signaling.errors import ApiError
from signaling.file_check import EXTENSIONS, MAX_BYTES, PDF, Cleaned, clean
from signaling.http_common import bearer

MAX_NAME = 120
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SEPARATORS = re.compile(r"[/\\:]")

#: From a call's id and the bearer token to who asks. Raises ApiError when that person is not, and was not, in the call.
Access = Callable[[str, str | None], str]
#: Whether a call still takes files from this identity; raises ApiError ``call_ended`` and the like.
Open = Callable[[str, str], None]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileLimits:
    """Per call: ``files`` and ``bytes`` (frozen pictures count as well); deadlines in seconds; work of the whole Node."""

    files: int = 60
    bytes: int = 120 * 1024 * 1024
    read_s: float = 120.0
    check_s: float = 20.0
    threads: int = 2
    waiting: int = 8
    uploads: int = 32
    uploads_each: int = 3


@dataclass(slots=True)
class _Usage:
    files: int
    bytes: int


class FileStore:
    """The files of all calls, in ``root``; what is known of one lies beside it, so that a restart forgets none."""

    def __init__(self, root: Path, limits: FileLimits | None = None) -> None:
        self.limits = limits or FileLimits()
        self._root = root
        self._pool = ThreadPoolExecutor(self.limits.threads, thread_name_prefix="files")
        self._working = 0
        self._lock = threading.Lock()
        # Only of calls that somebody sends files in; guarded by the lock, for the threads change it.
        self._usage: dict[str, _Usage] = {}

    def close(self) -> None:
        """Take no more work; what runs ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # --- questions -----------------------------------------------------------------------------------------------

    def find(self, call_id: str, file_id: str) -> FileInfo | None:
        """What is known of one file, or None. Reads one small file."""
        record = self._record(call_id, file_id)
        return None if record is None else record[0]

    def path(self, call_id: str, file_id: str) -> tuple[Path, FileInfo]:
        """Where a file lies, and what it is. Raises ApiError ``file_not_found``."""
        info = self.find(call_id, file_id)
        if info is None:
            raise ApiError("file_not_found")
        return self._root / call_id / (info.id + EXTENSIONS[info.kind]), info

    def _record(self, call_id: str, file_id: str) -> tuple[FileInfo, str] | None:
        if not (_ID.fullmatch(call_id) and _ID.fullmatch(file_id)):
            return None
        try:
            data = json.loads((self._root / call_id / f"{file_id}.json").read_text(encoding="utf-8"))
            size = (None, None) if data["width"] is None else (int(data["width"]), int(data["height"]))
            info = FileInfo(file_id, str(data["name"]), str(data["type"]), int(data["bytes"]), *size)
            return (info, str(data["sha256"])) if info.kind in EXTENSIONS else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    # --- changes -------------------------------------------------------------------------------------------------

    async def add(self, call_id: str, identity: str, name: str, announced: str, data: bytes) -> FileInfo:
        """Check and keep a file; ``announced`` is its media type as the sender has it.

        The same file again, sent because no answer came, is the one that is there already. Raises ApiError
        ``file_type``, ``file_broken``, ``file_too_large``; ``file_limit`` when the call is full; ``rate_limited`` when
        too much is waiting; ``request_timeout``.
        """
        if not _ID.fullmatch(call_id):
            raise ApiError("call_not_found")
        cleaned = await self._run(lambda: clean(data, announced))
        info = FileInfo(secrets.token_urlsafe(12), file_name(name, cleaned.kind), cleaned.kind, len(cleaned.data))
        info = replace(info, width=cleaned.width, height=cleaned.height)
        return await self._run(lambda: self._keep(call_id, identity, info, cleaned))

    def forget(self, call_id: str) -> None:
        """The call is over: what it uses is counted anew if somebody asks. Waits for no thread."""
        self._usage.pop(call_id, None)

    async def delete_call(self, call_id: str) -> None:
        """Forget all files of a call. No error if there are none."""
        if _ID.fullmatch(call_id):
            await asyncio.to_thread(self._delete, call_id)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._working >= self.limits.threads + self.limits.waiting:
            raise ApiError("rate_limited", retry_after_s=2.0)
        self._working += 1
        loop = asyncio.get_running_loop()
        future: Future[T] = self._pool.submit(work)

        def ended(_: Future[T]) -> None:
            # The loop is closed when the Node goes down before a thread does.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._ended)

        future.add_done_callback(ended)
        try:
            async with asyncio.timeout(self.limits.check_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise ApiError("request_timeout") from None

    def _ended(self) -> None:
        self._working -= 1

    def _keep(self, call_id: str, identity: str, info: FileInfo, cleaned: Cleaned) -> FileInfo:
        folder = self._root / call_id
        digest = hashlib.sha256(cleaned.data).hexdigest()
        with self._lock:
            same = self._same(call_id, digest, info.name)
            if same is not None:
                return same
            usage = self._usage.setdefault(call_id, self._measure(folder))
            if usage.files >= self.limits.files or usage.bytes + info.bytes > self.limits.bytes:
                raise ApiError("file_limit")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(folder / (info.id + EXTENSIONS[info.kind]), cleaned.data)
            size = {"width": info.width, "height": info.height}
            record = {"name": info.name, "type": info.kind, "bytes": info.bytes, **size, "sha256": digest, "by": identity}
            # Last: whoever finds this finds the file as well.
            _write(folder / f"{info.id}.json", json.dumps(record, ensure_ascii=False).encode())
            usage.files += 1
            usage.bytes += info.bytes
        return info

    def _same(self, call_id: str, digest: str, name: str) -> FileInfo | None:
        for path in (self._root / call_id).glob("*.json"):
            record = self._record(call_id, path.stem)
            if record is not None and record[1] == digest and record[0].name == name:
                return record[0]
        return None

    def _measure(self, folder: Path) -> _Usage:
        sizes = [path.stat().st_size for path in folder.glob("*") if path.suffix in EXTENSIONS.values()]
        return _Usage(len(sizes), sum(sizes))

    def _delete(self, call_id: str) -> None:
        with self._lock:
            self._usage.pop(call_id, None)
            shutil.rmtree(self._root / call_id, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, also when the power goes."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def file_name(name: str, kind: str) -> str:
    """A name that is safe to show and to save under, of at most 120 characters, with the extension of what it is."""
    extension = EXTENSIONS[kind]
    base = clean_text(_SEPARATORS.split(name)[-1]).lstrip(". ")
    stem, dot, suffix = base.rpartition(".")
    if not dot or len(suffix) > 5:
        stem, suffix = base, ""
    if kind == "image/jpeg" and suffix.lower() == "jpeg":
        extension = f".{suffix}"
    stem = stem.rstrip(". ") or ("document" if kind == PDF else "picture")
    return stem[: MAX_NAME - len(extension)] + extension


# --- HTTP ------------------------------------------------------------------------------------------------------------

#: A file is what it says and nothing else, belongs to one person's browser, and never runs.
_GUARDS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=86400, immutable",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def routes(store: FileStore, access: Access, open_for: Open | None = None) -> web.RouteTableDef:
    """``/api/v1/calls/{call}/files`` for :meth:`aiohttp.web.Application.add_routes`.

    ``access`` says who asks, ``open_for`` whether the call still takes files, and from that person. Pages of other origins
    are let in by :func:`signaling.http_common.cors`.
    """
    table = web.RouteTableDef()
    uploads = _Uploads(store.limits)

    @table.post("/api/v1/calls/{call}/files")
    async def send(request: web.Request) -> web.Response:
        call_id = request.match_info["call"]
        identity = access(call_id, bearer(request))
        if open_for is not None:
            open_for(call_id, identity)
        async with uploads.slot(identity):
            data = await _read(request, store.limits.read_s)
            name = unquote(request.headers.get("X-File-Name", "")[: MAX_NAME * 12], errors="replace")
            announced = request.headers.get("Content-Type", "")
            info = await store.add(call_id, identity, name, announced, data)
        location = f"/api/v1/calls/{call_id}/files/{info.id}"
        return web.json_response({"file": info.to_wire()}, status=201, headers={"Location": location})

    @table.get("/api/v1/calls/{call}/files/{file}")
    async def fetch(request: web.Request) -> web.StreamResponse:
        call_id = request.match_info["call"]
        access(call_id, bearer(request))
        path, info = await asyncio.to_thread(store.path, call_id, request.match_info["file"])
        place = "inline" if info.is_picture else "attachment"
        headers = {
            **_GUARDS,
            "Content-Type": info.kind,
            "Content-Disposition": f"{place}; filename*=UTF-8''{quote(info.name, safe='')}",
        }
        # In pieces, with ETag: a slow network does not hold ten megabytes in memory.
        return web.FileResponse(path, headers=headers)

    return table


class _Uploads:
    """How many files are on their way: of everybody together, and of each person."""

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._by_identity: dict[str, int] = {}

    @contextlib.asynccontextmanager
    async def slot(self, identity: str) -> AsyncIterator[None]:
        """One of them. Raises ApiError ``rate_limited``."""
        own = self._by_identity.get(identity, 0)
        if own >= self._limits.uploads_each or sum(self._by_identity.values()) >= self._limits.uploads:
            raise ApiError("rate_limited", retry_after_s=2.0)
        self._by_identity[identity] = own + 1
        try:
            yield
        finally:
            self._by_identity[identity] -= 1
            if not self._by_identity[identity]:
                del self._by_identity[identity]


async def _read(request: web.Request, deadline_s: float) -> bytes:
    if (request.content_length or 0) > MAX_BYTES:
        raise ApiError("file_too_large")
    data = bytearray()
    try:
        async with asyncio.timeout(deadline_s):
            async for chunk in request.content.iter_chunked(64 * 1024):
                data += chunk
                if len(data) > MAX_BYTES:
                    raise ApiError("file_too_large")
    except TimeoutError:
        raise ApiError("request_timeout") from None
    return bytes(data)

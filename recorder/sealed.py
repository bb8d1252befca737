"""Encrypted files that are written in one go and read anywhere: AES-256-GCM in chunks.

Layout: ``LMSEAL1\\n``, u32 length, that many bytes of JSON ``{recording, file, key, chunk, salt}``, 16 bytes that tell
whether a key fits, then chunks. With ``chunk`` > 0 each holds that much of the content and the last one less or as much;
with ``chunk`` 0 (logs) each is ``[u32 length][sealed]`` and holds whatever was there when it was flushed.

Every file has a key of its own, HKDF-SHA256 of the data key over a random salt and the whole JSON header, so a file that
is renamed, moved to another recording or given another header does not open, and no nonce is ever used twice. Chunk number
*i* is sealed under *i* and a flag that only the last one has: chunks cannot be exchanged, and a complete file cannot be
cut short unnoticed. A file that was never completed (the recorder was killed) is ``truncated``, and is readable up to its
last whole chunk.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from recorder.vault import DataKey, SealedError

__all__ = ["CHUNK", "FileSource", "SealedError", "SealedFile", "SealedReader", "SealedWriter", "Source", "key_id_of"]

MAGIC = b"LMSEAL1\n"
#: Content per chunk of media files: seeking decrypts at least this much.
CHUNK = 65536
#: Content per chunk of logs at most.
MAX_CHUNK = 1 << 20
TAG = 16
_LENGTH = struct.Struct("!I")
_MAX_HEADER = 4096
_CHECK = 16


class Source(Protocol):
    """Random access to a sealed file that is kept elsewhere. ``read_at`` gives fewer bytes only at the end."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...

    def close(self) -> None: ...


class FileSource:
    """A file on this machine; a link is refused with OSError."""

    __slots__ = ("_descriptor", "size")

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer at the end. Threads may read at the same time."""
        parts = []
        while length > 0 and (data := os.pread(self._descriptor, length, offset)):
            parts.append(data)
            offset += len(data)
            length -= len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class _Cipher:
    """Seals and opens the chunks of one file."""

    __slots__ = ("_aead", "_bound", "check")

    def __init__(self, key: DataKey, header: bytes, fields: dict[str, Any]) -> None:
        salt = bytes.fromhex(fields["salt"])
        kdf = HKDF(algorithm=SHA256(), length=32 + _CHECK, salt=salt, info=b"lianmai sealed file\n" + header)
        derived = kdf.derive(key.secret)
        self._aead = AESGCM(derived[:32])
        self.check = derived[32:]
        self._bound = f"{fields['recording']}/{fields['file']}/".encode()

    def seal(self, index: int, last: bool, content: bytes) -> bytes:
        return self._aead.encrypt(_nonce(index, last), content, self._bound + b"%d/%d" % (index, last))

    def open(self, index: int, last: bool, sealed: bytes) -> bytes:
        return self._aead.decrypt(_nonce(index, last), sealed, self._bound + b"%d/%d" % (index, last))


def _nonce(index: int, last: bool) -> bytes:
    return struct.pack("!IQ", last, index)


# --- writing ---------------------------------------------------------------------------------------------------------


class SealedWriter:
    """Writes a new file (0600); one that exists is never touched: FileExistsError.

    ``chunk`` is 0 for a log. ``recording`` and ``name`` are what the file is, by default the names of its folder and
    itself. One thread at a time. After an OSError (a full disk) nothing is lost: what could not be written is kept, and
    the next call goes on exactly where the disk stopped.
    """

    def __init__(
        self, path: Path, key: DataKey, *, chunk: int = CHUNK, recording: str | None = None, name: str | None = None
    ) -> None:
        self.path = path
        self._chunk = chunk
        fields = {
            "recording": path.parent.name if recording is None else recording,
            "file": path.name if name is None else name,
            "key": key.id,
            "chunk": chunk,
            "salt": secrets.token_hex(16),
        }
        header = json.dumps(fields, separators=(",", ":")).encode()
        self._cipher = _Cipher(key, header, fields)
        self._content = bytearray()
        self._unwritten = bytearray(MAGIC + _LENGTH.pack(len(header)) + header + self._cipher.check)
        self._index = 0
        self._hash = hashlib.sha256()
        self._ended = False
        self.written = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)

    @property
    def held(self) -> int:
        """Bytes in memory that are not in the file yet."""
        return len(self._content) + len(self._unwritten)

    @property
    def sha256(self) -> str:
        """Of what is in the file now, in hex."""
        return self._hash.hexdigest()

    def fileno(self) -> int:
        """The open file; -1 after :meth:`close`."""
        return self._descriptor

    def append(self, content: bytes) -> None:
        """Add content. A log keeps it in memory until :meth:`flush`; a media file writes whole chunks. Raises OSError."""
        self._content += content
        if self._chunk and len(self._content) > self._chunk:
            # The last chunk is sealed differently, so a full one waits until it is known not to be the last.
            while len(self._content) > self._chunk:
                self._seal(self._chunk, last=False)
            self._write()

    def flush(self) -> None:
        """Write what can be: a log's content so far as one chunk. Raises OSError (and keeps the rest)."""
        if not self._chunk:
            while self._content:
                self._seal(MAX_CHUNK, last=False)
        self._write()

    def sync(self) -> None:
        """See that what was written outlives a power failure. Raises OSError."""
        os.fdatasync(self._descriptor)

    def close(self, *, sync: bool = False) -> None:
        """Complete the file. Raises OSError, and may be called again then; safe to call twice."""
        if self._descriptor < 0:
            return
        if not self._ended:
            while not self._chunk and len(self._content) > MAX_CHUNK:
                self._seal(MAX_CHUNK, last=False)
            self._seal(len(self._content), last=True)
            self._ended = True
        self._write()
        if sync:
            self.sync()
        self.abandon()

    def abandon(self) -> None:
        """Close without completing: what was flushed stays readable, and the file is ``truncated``."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        self._unwritten.clear()
        self._content.clear()

    def _seal(self, size: int, *, last: bool) -> None:
        sealed = self._cipher.seal(self._index, last, bytes(self._content[:size]))
        del self._content[:size]
        self._index += 1
        if not self._chunk:
            self._unwritten += _LENGTH.pack(len(sealed))
        self._unwritten += sealed

    def _write(self) -> None:
        if self._descriptor < 0:
            raise ValueError("the file is closed")
        while self._unwritten:
            with memoryview(self._unwritten) as view:
                count = os.write(self._descriptor, view)
                self._hash.update(view[:count])
            del self._unwritten[:count]
            self.written += count

    def __enter__(self) -> SealedWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


# --- reading ---------------------------------------------------------------------------------------------------------


def key_id_of(path: Path) -> str:
    """Which data key a file was made with. Raises SealedError, OSError."""
    source = FileSource(path)
    try:
        _, fields, _ = _read_header(source)
    finally:
        source.close()
    return str(fields["key"])


class SealedReader:
    """Reads a sealed file, at any place; several threads may.

    ``recording`` and ``name`` are what it must be (a file put in the place of another is ``file_broken``); by default
    the names of its folder and itself, and for a ``Source`` what it says. Raises SealedError here and in every read;
    OSError when the file cannot be read. ``truncated``: it was never completed, or lost its end.
    """

    def __init__(
        self, source: Path | Source, key: DataKey, *, recording: str | None = None, name: str | None = None
    ) -> None:
        if isinstance(source, Path):
            recording = source.parent.name if recording is None else recording
            name = source.name if name is None else name
            source = FileSource(source)
        self._source: Source = source
        self._lock = threading.Lock()
        self._cached: tuple[int, bytes] = (-1, b"")
        try:
            header, fields, self._start = _read_header(source)
            if fields["key"] != key.id:
                raise SealedError("wrong_key", f"made with key {fields['key']}, not {key.id}")
            self._cipher = _Cipher(key, header, fields)
            if source.read_at(self._start - _CHECK, _CHECK) != self._cipher.check:
                raise SealedError("file_broken", "the key does not fit the header")
            for given, said in ((recording, fields["recording"]), (name, fields["file"])):
                if given is not None and given != said:
                    raise SealedError("file_broken", f"this is {said}, not {given}")
            self.recording: str = fields["recording"]
            self.name: str = fields["file"]
            self.chunk: int = fields["chunk"]
            #: Of each chunk: where its sealed bytes are, how many, and where its content begins.
            self._places: list[tuple[int, int, int]] = []
            self._count = 0
            self.size = 0
            self.truncated = False
            #: Where the last good chunk ends.
            self.good_end = self._start
            if self.chunk:
                self._survey_fixed()
            else:
                self._survey_log()
        except BaseException:
            source.close()
            raise

    def _survey_fixed(self) -> None:
        """Find the last chunk: its flag tells whether the file is complete."""
        sealed = self.chunk + TAG
        whole, rest = divmod(self._source.size - self._start, sealed)
        self._count = whole + (rest > TAG or (rest == TAG and not whole))
        tail = rest if self._count > whole else sealed
        self.truncated = True
        if self._count:
            if self._opens(tail, last=True):
                if 0 < rest <= TAG and whole:
                    raise SealedError("file_broken", "something follows the end")
                self.truncated = False
            else:
                # A partial chunk: the writer was killed, or its end was changed; nothing could tell which.
                self._count = whole
        self.size = 0 if not self._count else (self._count - 1) * self.chunk + (
            self.chunk if self.truncated else len(self._cached[1])
        )
        self.good_end = self._start + (whole * sealed if self.truncated else self._source.size - self._start)

    def _survey_log(self) -> None:
        """Go along the lengths; look into the last whole chunk only."""
        position, end = self._start, self._source.size
        while position + _LENGTH.size <= end:
            (length,) = _LENGTH.unpack(self._source.read_at(position, _LENGTH.size))
            after = position + _LENGTH.size + length
            if length == 0 and not any(self._source.read_at(position, min(end - position, MAX_CHUNK))):
                break
            if not TAG <= length <= MAX_CHUNK + TAG:
                raise SealedError("file_broken", f"chunk {len(self._places)} cannot have {length} bytes")
            if after > end:
                break
            self._places.append((position + _LENGTH.size, length, self.size))
            self.size += length - TAG
            position = after
        self.truncated = True
        self._count = len(self._places)
        self.good_end = position
        if not self._count:
            return
        place, length, begins = self._places[-1]
        if self._opens(length, last=True):
            if position != end:
                raise SealedError("file_broken", "something follows the end")
            self.truncated = False
        elif not self._opens(length, last=False):
            if any(self._source.read_at(place + length - TAG, TAG)):
                raise SealedError("file_broken", f"chunk {self._count - 1} was changed")
            # A power failure leaves zeros where the disk had not got to.
            self._places.pop()
            self._count -= 1
            self.size = begins
            self.good_end = place - _LENGTH.size

    def _opens(self, length: int, *, last: bool) -> bool:
        """Whether the last chunk opens with that flag."""
        try:
            content = self._open(self._count - 1, length, last=last)
        except InvalidTag:
            return False
        self._cached = (self._count - 1, content)
        return True

    def _open(self, index: int, length: int, *, last: bool) -> bytes:
        place = self._places[index][0] if self._places else self._start + index * (self.chunk + TAG)
        return self._cipher.open(index, last, self._source.read_at(place, length))

    def _content(self, index: int) -> bytes:
        with self._lock:
            cached, content = self._cached
        if cached == index:
            return content
        final = index == self._count - 1
        if self._places:
            length = self._places[index][1]
        else:
            length = TAG + (self.size - index * self.chunk if final else self.chunk)
        try:
            content = self._open(index, length, last=final and not self.truncated)
        except InvalidTag:
            raise SealedError("file_broken", f"chunk {index} of {self.name} was changed") from None
        with self._lock:
            self._cached = (index, content)
        return content

    def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes of content from ``offset``, fewer at the end. Decrypts only the chunks concerned."""
        if offset < 0 or length < 0:
            raise ValueError("offset and length cannot be negative")
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            index = self._index_of(offset)
            begins = self._places[index][2] if self._places else index * self.chunk
            part = self._content(index)[offset - begins : end - begins]
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def _index_of(self, offset: int) -> int:
        if not self._places:
            return offset // self.chunk
        low, high = 0, len(self._places)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._places[middle][2] <= offset else (low, middle)
        # Chunks without content lie at the same offset as the one behind them.
        while low + 1 < len(self._places) and self._places[low][1] == TAG:
            low += 1
        return low

    def iterate(self) -> Iterator[bytes]:
        """The content from the beginning, chunk by chunk."""
        for index in range(self._count):
            if content := self._content(index):
                yield content

    def file(self) -> SealedFile:
        """The content as a binary file (for PyAV, OpenCV, zipfile). Closing it closes the reader."""
        return SealedFile(self)

    def close(self) -> None:
        """Safe to call twice."""
        self._source.close()

    def __enter__(self) -> SealedReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class SealedFile(io.RawIOBase):
    """A seekable read-only file over a :class:`SealedReader`."""

    def __init__(self, reader: SealedReader) -> None:
        super().__init__()
        self._reader = reader
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Raises ValueError before the beginning; beyond the end is allowed, and reads nothing."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._reader.size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            size = max(0, self._reader.size - self._position)
        data = self._reader.read(self._position, size)
        self._position += len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


def _read_header(source: Source) -> tuple[bytes, dict[str, Any], int]:
    """The header's bytes, what they say, and where the chunks begin. Raises SealedError."""
    head = source.read_at(0, len(MAGIC) + _LENGTH.size)
    if len(head) < len(MAGIC) + _LENGTH.size or not head.startswith(MAGIC):
        raise SealedError("file_broken", "not a sealed file")
    (length,) = _LENGTH.unpack(head[len(MAGIC) :])
    header = source.read_at(len(head), length + _CHECK) if length <= _MAX_HEADER else b""
    if len(header) < length + _CHECK:
        raise SealedError("file_broken", "the header is cut off")
    header = header[:length]
    try:
        fields = json.loads(header)
        texts = [fields[name] for name in ("recording", "file", "key", "salt")]
        chunk = fields["chunk"]
        bytes.fromhex(fields["salt"])
    except (ValueError, KeyError, TypeError):
        raise SealedError("file_broken", "the header is no JSON of ours") from None
    if not all(isinstance(text, str) for text in texts) or type(chunk) is not int or not 0 <= chunk <= MAX_CHUNK:
        raise SealedError("file_broken", "the header is not of the right shape")
    return header, fields, len(head) + length + _CHECK

"""Frames of one Track into a seekable, encrypted media file: WebM for VP8, VP9, AV1 and Opus, MP4 for H.264.

Both have their index in front (see :mod:`recorder.webm`, :mod:`recorder.mp4`), which is known only at the end. So the media
goes to a sealed file next to the final one first, and is copied behind the head. No plaintext ever reaches the disk, and
memory holds one cluster and 9 bytes a frame, however long the recording.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO, cast

import av

from recorder import mp4, webm
from recorder.codecs import VIDEO, Picture, opus
from recorder.container import Samples, Stream
from recorder.sealed import SealedReader, SealedWriter
from recorder.vault import DataKey

_PIECE = 1 << 20
_BODY, _PART = ".body", ".part"
#: What is shown of a picture when nothing says how long.
PICTURE_MS = 33


class MuxError(Exception):
    """A media file cannot be made. ``code``: ``codec_unknown``, ``empty`` (nothing to store), ``unverified``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


def unfinished(folder: Path, track: str) -> list[Path]:
    """What a Muxer that was killed may leave."""
    return [folder / f"{track}.{kind}{end}" for kind in ("webm", "mp4") for end in (_BODY, _PART)]


class Muxer:
    """Writes one media file: ``<track>.webm`` or ``<track>.mp4`` in ``folder``, under that name only when it is whole."""

    def __init__(self, folder: Path, track: str, codec: str, key: DataKey, *, channels: int = 1, number: int = 1) -> None:
        known = codec.upper()
        if known != "OPUS" and known not in VIDEO:
            raise MuxError("codec_unknown", f"{codec} cannot be stored")
        self._codec = known
        self._video = known != "OPUS"
        self._webm = known != "H264"
        self._key = key
        self._channels = channels
        self._number = number
        self.path = folder / f"{track}.{'webm' if self._webm else 'mp4'}"
        self._body_path = self.path.with_name(f"{self.path.name}{_BODY}")
        self._part_path = self.path.with_name(f"{self.path.name}{_PART}")
        for path in (self._body_path, self._part_path):
            path.unlink(missing_ok=True)
        self._body = SealedWriter(self._body_path, key)
        self._clusters = webm.Clusters(video=self._video)
        self._first: Picture | None = None
        self._varies = False
        self._check = 0
        self._last_ms = -1
        self.samples = Samples()
        self.sha256 = ""
        self.bytes = 0

    def add(self, picture: Picture, time_ms: int, duration_ms: int = PICTURE_MS) -> int:
        """The next frame at ``time_ms`` from the first one's; returns the time it got: later than the one before."""
        time_ms = max(time_ms, self._last_ms + 1)
        self._last_ms = time_ms
        if self._first is None:
            self._first = picture
        elif picture.private and picture.private != self._first.private:
            self._varies = True
        data = picture.data
        self._check = zlib.crc32(data, self._check)
        if self._webm:
            self._body.append(self._clusters.add(data, time_ms, picture.key))
        else:
            self._body.append(data)
        self.samples.add(time_ms, len(data), picture.key, duration_ms)
        return time_ms

    @property
    def mime(self) -> str:
        """The media type with its codec, as in ``canPlayType``."""
        if not self._video:
            return 'audio/webm; codecs="opus"'
        name = self._first.codec if self._first else ""
        if self._varies:
            name = name.replace("avc1", "avc3")
        return f'video/{"webm" if self._webm else "mp4"}; codecs="{name}"'

    def finish(self) -> Path:
        """Write the file, read all of it again, and give it its name. Raises MuxError, OSError."""
        first = self._first
        if first is None:
            self.abandon()
            raise MuxError("empty", "there is nothing to store")
        if self._webm:
            self._body.append(self._clusters.close())
        self._body.close()
        width, height = first.size or (0, 0)
        private = first.private if self._video else opus.head(self._channels)
        stream = Stream(self._codec, private, width, height, self._channels, self._varies, self._number)
        head = webm.head(stream, self.samples, self._clusters) if self._webm else mp4.head(stream, self.samples)
        with SealedWriter(self._part_path, self._key, name=self.path.name) as writer:
            writer.append(head)
            with SealedReader(self._body_path, self._key) as reader:
                for piece in reader.iterate():
                    writer.append(piece)
            writer.close(sync=True)
            self.sha256, self.bytes = writer.sha256, writer.written
        self._verify()
        self._part_path.replace(self.path)
        self._body_path.unlink()
        return self.path

    def _verify(self) -> None:
        samples = self.samples
        found = demux(self._part_path, self._key, self.path.name)
        if found != (len(samples), sum(samples.keys), self._check, samples.times[-1]):
            raise MuxError("unverified", f"{self.path.name} holds {found[0]} of {len(samples)} frames as they were")

    def abandon(self) -> None:
        """Forget everything that was begun."""
        self._body.abandon()
        for path in (self._body_path, self._part_path):
            path.unlink(missing_ok=True)


def demux(path: Path, key: DataKey, name: str) -> tuple[int, int, int, int]:
    """What another program finds in a media file: frames, keyframes, CRC-32 of their content, time of the last in ms."""
    count = keys = check = last = 0
    with (
        SealedReader(path, key, name=name) as reader,
        av.open(cast("BinaryIO", reader.file()), mode="r", buffer_size=_PIECE) as file,
    ):
        stream = file.streams[0]
        for packet in file.demux(stream):
            if packet.size == 0:
                continue
            count += 1
            keys += packet.is_keyframe
            check = zlib.crc32(packet, check)
            if packet.pts is not None and packet.time_base is not None:
                last = round(packet.pts * packet.time_base * 1000)
    return count, keys, check, last

"""From the logs of one Track to its media file, in two readings; the clocks come from in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.clock_fit import Line
from recorder.codecs import Picture
from recorder.depacketize import AudioDepacketizer, Frame, VideoDepacketizer
from recorder.media_index import Indexer, MediaIndex
from recorder.mux import PICTURE_MS, Muxer
from recorder.reorder import Packet, Reorder
from recorder.sealed import SealedReader
from recorder.sound_line import SoundLine
from recorder.track_log import Record, read_records
from recorder.track_reader import Cut, Survey, packets, survey
from recorder.vault import DataKey

#: How often progress is told.
_REPORT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Media:
    """A finished media file; ``file`` is empty when the log held nothing that can be shown or heard."""

    file: str
    bytes: int
    sha256: str
    index: MediaIndex


class TrackLogs:
    """The parts of a Track's log in order. ``on_bytes`` is told how far reading is, now and then."""

    def __init__(self, paths: Sequence[Path], key: DataKey, on_bytes: Callable[[int], None] = lambda _count: None) -> None:
        self.paths = tuple(paths)
        self.size = sum(path.stat().st_size for path in paths)
        self._key = key
        self._on_bytes = on_bytes

    def parts(self) -> Iterator[Iterator[Record]]:
        """The records of each part. Raises SealedError, OSError."""
        for path in self.paths:
            with SealedReader(path, self._key) as reader:
                yield read_records(self._counted(reader))

    def _counted(self, reader: SealedReader) -> Iterator[bytes]:
        unsaid = 0
        for piece in reader.iterate():
            yield piece
            unsaid += len(piece)
            if unsaid >= _REPORT_BYTES:
                self._on_bytes(unsaid)
                unsaid = 0
        self._on_bytes(unsaid)

    def survey(self) -> Survey:
        """The first reading."""
        return survey(self.parts())


def finish_track(
    folder: Path, track: str, logs: TrackLogs, found: Survey, lines: Sequence[Line], key: DataKey, started: float,
    *, number: int = 1,
) -> Media:
    """The second reading. ``lines``: one per stretch of ``found``. Raises MuxError, SealedError, OSError."""
    codec = str(found.format.get("codec", ""))
    red = codec.lower() == "red"
    video = not red and codec.lower() != "opus"
    indexer = Indexer(video=video)
    if not found.format or not found.packets:
        return Media("", 0, "", indexer.finish(found.missing, started, found.ended, 0))
    channels = 2 if found.format.get("channels") == 2 else 1
    muxer = Muxer(folder, track, "opus" if red else codec.upper(), key, channels=channels, number=number)
    try:
        frames = VideoDepacketizer(codec.upper()) if video else AudioDepacketizer(red=red)
        line = SoundLine(channels)
        first: float | None = None
        for frame in _frames(logs, frames):
            t = max(0.0, lines[frame.stretch].at(frame.stamp) - started)
            if first is None:
                # The file begins at a whole millisecond, like everything in it.
                first = round(t, 3)
            if video:
                at = muxer.add(frame.picture, max(0, round((t - first) * 1000)), PICTURE_MS)
                indexer.add(frame, first + at / 1000, PICTURE_MS / 1000)
                continue
            for sound in line.put(frame.picture.data, t - first, frame.duration):
                muxer.add(Picture(sound.payload, True), sound.time_ms, round(sound.duration_ms))
                if sound.real:
                    indexer.add(frame, first + sound.time_ms / 1000, sound.duration_ms / 1000)
        index = indexer.finish(found.missing, started, found.ended, frames.dropped)
        if first is None:
            muxer.abandon()
            return Media("", 0, "", index)
        index.mime = muxer.mime
        path = muxer.finish()
    except BaseException:
        muxer.abandon()
        raise
    return Media(path.name, muxer.bytes, muxer.sha256, index)


def _frames(logs: TrackLogs, frames: VideoDepacketizer | AudioDepacketizer) -> Iterator[Frame]:
    order = Reorder()
    for step in packets(logs.parts()):
        if isinstance(step, Cut):
            for packet in order.flush(known=step.known):
                yield from frames.put(packet)
            yield from frames.cut()
            continue
        ready: list[Packet] = order.put(step)
        for packet in ready:
            yield from frames.put(packet)

"""Sealed files: any place readable, any change noticed, a torn end survived."""

from __future__ import annotations

import contextlib
import os
import random
from pathlib import Path

import pytest

from recorder.sealed import CHUNK, SealedError, SealedReader, SealedWriter
from recorder.vault import DataKey

KEY = DataKey("k1", bytes(range(32)))


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def write(path: Path, data: bytes, chunk: int = CHUNK, pieces: int = 40_000) -> Path:
    with SealedWriter(path, KEY, chunk=chunk) as writer:
        for at in range(0, len(data), pieces):
            writer.append(data[at : at + pieces])
            writer.flush()
    return path


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 77])
@pytest.mark.parametrize("chunk", [CHUNK, 0])
def test_what_was_written_is_read(tmp_path: Path, size: int, chunk: int) -> None:
    data = content(size)
    path = write(tmp_path / "a.webm", data, chunk)
    assert path.stat().st_mode & 0o777 == 0o600
    with SealedReader(path, KEY) as reader:
        assert (reader.size, reader.truncated) == (size, False)
        assert b"".join(reader.iterate()) == data
        assert reader.file().read() == data
    with SealedReader(path, KEY) as reader:
        dice = random.Random(1)
        for _ in range(50):
            offset, length = dice.randrange(size + 10), dice.randrange(2 * CHUNK)
            assert reader.read(offset, length) == data[offset : offset + length]
    if size > 100:
        assert data[:100] not in path.read_bytes()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", b"first", 0)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        SealedWriter(path, KEY, chunk=0)
    assert path.read_bytes() == before


def test_a_log_torn_anywhere_in_its_last_chunk_is_read_up_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    writer = SealedWriter(path, KEY, chunk=0)
    for part in (b"one", b"two"):
        writer.append(part)
        writer.flush()
    before = path.stat().st_size
    writer.append(b"three" * 5)
    writer.flush()
    whole = path.read_bytes()
    writer.abandon()
    for end in range(before, len(whole) + 1):
        path.write_bytes(whole[:end])
        with SealedReader(path, KEY) as reader:
            assert reader.truncated
            assert b"".join(reader.iterate()) == (b"onetwo" + b"three" * 5 if end == len(whole) else b"onetwo")
            assert reader.good_end == (before if end < len(whole) else end)
    for zeros in (1, 20, 5000):
        path.write_bytes(whole[:before] + bytes(zeros))
        with SealedReader(path, KEY) as reader:
            assert reader.truncated and b"".join(reader.iterate()) == b"onetwo"


def test_a_media_file_cut_short_is_noticed(tmp_path: Path) -> None:
    data = content(3 * CHUNK)
    whole = write(tmp_path / "a.webm", data).read_bytes()
    for lost in (1, 16, 17, CHUNK, CHUNK + 16, CHUNK + 17, 2 * (CHUNK + 16)):
        path = tmp_path / "a.webm"
        path.write_bytes(whole[:-lost])
        with SealedReader(path, KEY) as reader:
            assert reader.truncated
            assert data.startswith(b"".join(reader.iterate()))


@pytest.mark.parametrize("chunk", [64, 0])
def test_any_flipped_bit_is_noticed(tmp_path: Path, chunk: int) -> None:
    data = content(500)
    path = write(tmp_path / "a.log", data, chunk, pieces=90)
    whole = path.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(changed)
        # Only the length of a chunk, or the last chunk of a media file, may look like a torn end instead.
        with contextlib.suppress(SealedError), SealedReader(path, KEY) as reader:
            assert data.startswith(b"".join(reader.iterate())) and reader.truncated


@pytest.mark.parametrize("chunk", [64, 0])
def test_chunks_cannot_change_places(tmp_path: Path, chunk: int) -> None:
    path = write(tmp_path / "a.log", content(64 * 4), chunk, pieces=64)
    whole = path.read_bytes()
    with SealedReader(path, KEY) as reader:
        start = reader._start
    step = 64 + 16 + (0 if chunk else 4)
    swapped = whole[:start] + whole[start + step : start + 2 * step] + whole[start : start + step] + whole[start + 2 * step :]
    path.write_bytes(swapped)
    with SealedReader(path, KEY) as reader, pytest.raises(SealedError, match="file_broken"):
        list(reader.iterate())


def test_files_cannot_change_places(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    a, b = write(tmp_path / "a.log", b"a", 0), tmp_path / "b.log"
    os.rename(a, b)
    with pytest.raises(SealedError, match="file_broken"):
        SealedReader(b, KEY)
    os.rename(b, tmp_path / "x" / "a.log")
    with pytest.raises(SealedError, match="file_broken"):
        SealedReader(tmp_path / "x" / "a.log", KEY)


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "file_broken"), (b"RIFF" * 100, "file_broken"), (b"LMSEAL1\n\xff\xff\xff\xff", "file_broken"),
     (b"LMSEAL1\n\0\0\0\2{}" + bytes(16), "file_broken"), (b"LMSEAL1\n\0\0\0\2[]" + bytes(16), "file_broken")],
)
def test_foreign_files_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(data)
    with pytest.raises(SealedError) as caught:
        SealedReader(path, KEY)
    assert caught.value.code == code


def test_another_key_is_told_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", b"a", 0)
    with pytest.raises(SealedError, match="wrong_key"):
        SealedReader(path, DataKey("k2", KEY.secret))
    with pytest.raises(SealedError, match="file_broken"):
        SealedReader(path, DataKey("k1", bytes(32)))


def test_a_link_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.log", b"a", 0)
    os.symlink(tmp_path / "a.log", tmp_path / "b.log")
    with pytest.raises(OSError):
        SealedReader(tmp_path / "b.log", KEY)


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = [150]
    real = os.write

    def scarce(descriptor: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        count = real(descriptor, data[: min(room[0], 7)])
        room[0] -= count
        return count

    writer = SealedWriter(tmp_path / "a.log", KEY, chunk=0)
    monkeypatch.setattr(os, "write", scarce)
    for _ in range(20):
        writer.append(b"x" * 10)
        try:
            writer.flush()
        except OSError:
            assert writer.held
            room[0] = 11
    room[0] = 10_000
    writer.close()
    with SealedReader(tmp_path / "a.log", KEY) as reader:
        assert (b"".join(reader.iterate()), reader.truncated) == (b"x" * 200, False)

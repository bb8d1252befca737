"""Records in a track log, however they come in pieces and wherever they end."""

from __future__ import annotations

import pytest

from recorder.track_log import GAP, PACKETS, STATE, Record, build, read_records

RECORDS = [Record(PACKETS, b"abc"), Record(GAP, b""), Record(STATE, b"{}" * 40), Record(77, b"later")]
WHOLE = b"".join(build(*record) for record in RECORDS)


@pytest.mark.parametrize("step", [1, 2, 5, 7, len(WHOLE)])
def test_pieces(step: int) -> None:
    assert list(read_records(WHOLE[at : at + step] for at in range(0, len(WHOLE), step))) == RECORDS


def test_an_end_anywhere() -> None:
    for end in range(len(WHOLE)):
        read = list(read_records([WHOLE[:end]]))
        assert read == RECORDS[: len(read)] and len(b"".join(build(*record) for record in read)) <= end


def test_a_length_that_cannot_be_ends_it() -> None:
    assert list(read_records([build(1, b"x") + b"\1\xff\xff\xff\xff" + b"y" * 50])) == [Record(1, b"x")]

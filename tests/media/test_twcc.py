from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp, twcc
from media.twcc import MAX_REPORTED, ArrivalRecorder, parse_feedback

STARTS = (0, 1, 65500, 65530, 65535)
REFERENCE_CYCLE_S = 0.064 * (1 << 24)


def read(packets: list[bytes]) -> list[tuple[int, float | None]]:
    result: list[tuple[int, float | None]] = []
    for data in packets:
        (packet,) = rtcp.parse_compound(data)
        assert isinstance(packet, rtcp.TransportFeedback)
        assert (packet.sender_ssrc, packet.media_ssrc) == (11, 22)
        arrivals = parse_feedback(packet.body)
        assert arrivals is not None
        result += [(arrival.sequence, arrival.arrival_s) for arrival in arrivals]
    return result


def assert_times(got: list[tuple[int, float | None]], expected: list[tuple[int, float | None]]) -> None:
    assert [sequence for sequence, _ in got] == [sequence for sequence, _ in expected]
    for (_, told), (_, real) in zip(got, expected, strict=True):
        assert (told is None) == (real is None)
        if told is not None and real is not None:
            # Told in ticks of 250 us, on a clock that wraps.
            assert (real - told + 1) % REFERENCE_CYCLE_S == pytest.approx(1, abs=0.0003)


def test_golden_packet() -> None:
    """Bytes worked out by hand from the draft's section 3.1."""
    recorder = ArrivalRecorder()
    # 1000 s are 4,000,000 ticks: reference 15625 (0x3d09), with nothing left over.
    recorder.received(5, 1000.0)
    recorder.received(6, 1000.001)
    recorder.received(9, 1000.501)
    (data,) = recorder.feedback(0x0B, 0x16, 1000.6)
    assert data == bytes.fromhex(
        "8fcd0006 0000000b 00000016"
        "0005 0005 003d09 00"  # base, count, reference time, number of this feedback
        "d420"  # two-bit symbols: small, small, missing, missing, large
        "00 04 07d0"  # 0 ms, 1 ms, 500 ms in ticks
        "0000"
    )


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("now", [0.0, 1234.5678, 536_870.9, 3e6])
def test_round_trip(start: int, now: float) -> None:
    recorder = ArrivalRecorder()
    expected: list[tuple[int, float | None]] = []
    for offset in range(100):
        number = (start + offset) & 0xFFFF
        if offset % 9 == 4:
            expected.append((number, None))
        else:
            recorder.received(number, now + offset * 0.003)
            expected.append((number, now + offset * 0.003))
    assert_times(read(recorder.feedback(11, 22, now + 1)), expected)
    assert recorder.feedback(11, 22, now + 1) == []


@pytest.mark.parametrize("start", STARTS)
def test_consecutive_reports_leave_no_hole(start: int) -> None:
    recorder = ArrivalRecorder()
    told: list[tuple[int, float | None]] = []
    for offset in range(300):
        # Lost around the edges of reports, too.
        if offset % 10 not in (0, 9):
            recorder.received((start + offset) & 0xFFFF, offset * 0.005)
        if offset % 10 == 9:
            told += read(recorder.feedback(11, 22, offset * 0.005))
    assert [number for number, _ in told] == [(start + offset) & 0xFFFF for offset in range(1, 299)]
    assert all((arrival is None) == ((number - start) % 0x10000 % 10 in (0, 9)) for number, arrival in told)


def test_feedback_is_numbered() -> None:
    recorder = ArrivalRecorder()
    numbers = []
    for offset in range(300):
        recorder.received(offset, offset * 0.05)
        (data,) = recorder.feedback(11, 22, offset * 0.05)
        numbers.append(data[19])
    assert numbers == [number & 0xFF for number in range(300)]


@pytest.mark.parametrize("start", STARTS)
def test_a_late_packet_is_told_again_with_its_neighbours(start: int) -> None:
    recorder = ArrivalRecorder()
    numbers = [(start + offset) & 0xFFFF for offset in range(6)]
    for index in (0, 1, 3):
        recorder.received(numbers[index], index * 0.01)
    assert_times(
        read(recorder.feedback(11, 22, 0.05)),
        [(numbers[0], 0.0), (numbers[1], 0.01), (numbers[2], None), (numbers[3], 0.03)],
    )
    recorder.received(numbers[4], 0.06)
    recorder.received(numbers[2], 0.07)
    assert_times(read(recorder.feedback(11, 22, 0.1)), [(numbers[2], 0.07), (numbers[3], 0.03), (numbers[4], 0.06)])


def test_the_first_packets_may_be_out_of_order() -> None:
    recorder = ArrivalRecorder()
    for number, now in ((2, 0.0), (0, 0.001), (1, 0.002)):
        recorder.received(number, now)
    assert_times(read(recorder.feedback(11, 22, 0.05)), [(0, 0.001), (1, 0.002), (2, 0.0)])


def test_duplicates_keep_the_first_arrival() -> None:
    recorder = ArrivalRecorder()
    recorder.received(1, 1.0)
    recorder.received(1, 1.1)
    assert_times(read(recorder.feedback(11, 22, 1.2)), [(1, 1.0)])
    recorder.received(1, 1.3)
    assert recorder.feedback(11, 22, 1.3) == []


def test_a_long_pause_starts_a_new_packet() -> None:
    recorder = ArrivalRecorder()
    recorder.received(1, 1.0)
    recorder.received(2, 60.0)
    recorder.received(3, 60.001)
    packets = recorder.feedback(11, 22, 60.1)
    assert len(packets) == 2
    assert_times(read(packets), [(1, 1.0), (2, 60.0), (3, 60.001)])


def test_large_reports_stay_below_a_datagram() -> None:
    recorder = ArrivalRecorder()
    for number in range(1500):
        recorder.received(number, number * 0.1)
    packets = recorder.feedback(11, 22, 150.0)
    assert max(map(len, packets)) <= 1200
    assert [number for number, _ in read(packets)] == list(range(1500))


def test_jumping_numbers_cost_a_bounded_report() -> None:
    recorder = ArrivalRecorder()
    for step in range(5000):
        recorder.received(step * 32_000 & 0xFFFF, step * 0.00001)
    packets = recorder.feedback(11, 22, 0.05)
    assert len(read(packets)) <= twcc.MAX_SPAN
    assert sum(map(len, packets)) < 5000


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", range(3))
def test_lossy_schedule(start: int, seed: int) -> None:
    """Loss, reordering and duplicates: in the end the last word on each number is right."""
    rng = random.Random(seed)
    recorder = ArrivalRecorder()
    schedule = []
    for offset in range(1000):
        if rng.random() > 0.08:
            schedule.append((offset * 0.004 + rng.random() * 0.02, offset))
            if rng.random() < 0.05:
                schedule.append((offset * 0.004 + 0.05, offset))
    schedule.sort()
    real: dict[int, float] = {}
    told: dict[int, float | None] = {}
    next_report = 0.0
    for now, offset in schedule:
        number = (start + offset) & 0xFFFF
        real.setdefault(number, now)
        recorder.received(number, now)
        if now >= next_report:
            told.update(read(recorder.feedback(11, 22, now)))
            next_report = now + 0.05
    told.update(read(recorder.feedback(11, 22, 5.0)))
    assert {number for number, arrival in told.items() if arrival is not None} == set(real)
    for number, arrival in real.items():
        assert told[number] == pytest.approx(arrival, abs=0.0003)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=200), st.integers(0, 65535))
def test_any_pattern_survives(symbols: list[int], start: int) -> None:
    recorder = ArrivalRecorder()
    now = 100.0
    expected: list[tuple[int, float | None]] = []
    for offset, symbol in enumerate([1, *symbols, 1]):
        number = (start + offset) & 0xFFFF
        now += (0, 0.001, 0.1)[symbol]
        if symbol:
            recorder.received(number, now)
        expected.append((number, now if symbol else None))
    assert_times(read(recorder.feedback(11, 22, now)), expected)


# --- the parser --------------------------------------------------------------------------------------------------


def body(count: int, chunks: str, deltas: str = "", reference: int = 0) -> bytes:
    head = struct.pack("!HH", 65534, count) + (reference & 0xFFFFFF).to_bytes(3, "big") + b"\0"
    return head + bytes.fromhex(chunks + deltas)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (body(0, ""), []),
        # Run lengths: three missing; two small.
        (body(3, "0003"), [None, None, None]),
        (body(2, "2002", "0408"), [0.001, 0.003]),
        # A run of large deltas, one of them backwards.
        (body(2, "4002", "0004 fffc"), [0.001, 0.0]),
        # One-bit vector 1010...; the symbols beyond the count are no packets.
        (body(4, "a800", "0404"), [0.001, None, 0.002, None]),
        # Two-bit vector: missing, large, small.
        (body(3, "c900", "0fa0 04"), [None, 1.0, 1.001]),
        # The reference time is signed, in 64 ms.
        (body(1, "2001", "00", -1), [-0.064]),
        # Trailing padding.
        (body(1, "2001", "04 000000"), [0.001]),
    ],
)
def test_parse(data: bytes, expected: list[float | None]) -> None:
    arrivals = parse_feedback(data)
    assert arrivals is not None
    assert [arrival.arrival_s for arrival in arrivals] == pytest.approx(expected)
    assert [arrival.sequence for arrival in arrivals] == [(65534 + index) & 0xFFFF for index in range(len(expected))]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(7),
        body(1, ""),
        body(8, "c000"),
        body(1, "2001"),
        body(1, "4001", "00"),
        body(2, "2002", "00"),
        # A run of length nothing would never end; symbol 3 is reserved.
        body(1, "0000"),
        body(1, "6001", "0000"),
        body(1, "f000", "0000"),
    ],
)
def test_malformed(data: bytes) -> None:
    assert parse_feedback(data) is None


def test_a_few_bytes_cannot_report_everything() -> None:
    arrivals = parse_feedback(body(MAX_REPORTED, "1000"))
    assert arrivals is not None and len(arrivals) == MAX_REPORTED
    assert parse_feedback(body(MAX_REPORTED + 1, "1001")) is None
    assert parse_feedback(body(0xFFFF, "1fff" * 9)) is None


@given(st.binary(max_size=80))
def test_junk_never_raises(data: bytes) -> None:
    parse_feedback(data)

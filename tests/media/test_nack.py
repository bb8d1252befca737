from __future__ import annotations

import heapq
import random
from itertools import pairwise

import pytest

from media import nack
from media.nack import NackGenerator, NackResponder

STARTS = (0, 1, 65520, 65533, 65535, 65536, 131070, 2**32 - 2)


def after_gap(start: int, gap: int, now: float = 0.0) -> NackGenerator:
    generator = NackGenerator()
    generator.received(start, now)
    generator.received(start + gap + 1, now)
    return generator


@pytest.mark.parametrize("start", STARTS)
def test_nothing_lost_nothing_asked(start: int) -> None:
    generator = NackGenerator()
    for offset in range(300):
        generator.received(start + offset, offset * 0.01)
        assert generator.due(offset * 0.01, 0.05) == []
    assert (generator.sent, generator.recovered, generator.lost, generator.missing) == (0, 0, 0, 0)
    assert not generator.take_overflow()


@pytest.mark.parametrize("start", STARTS)
def test_asks_once_per_round_trip_and_backs_off(start: int) -> None:
    generator = after_gap(start, 2)
    lost = [(start + 1) & 0xFFFF, (start + 2) & 0xFFFF]
    times = []
    for step in range(2000):
        now = step * 0.001
        if (due := generator.due(now, 0.05)) != []:
            assert due == lost
            times.append(now)
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == pytest.approx(nack.REORDER_WAIT_S, abs=0.002)
    assert waits[0] == pytest.approx(0.0625, abs=0.002)
    assert waits == sorted(waits)
    assert max(waits) <= nack.MAX_INTERVAL_S + 0.002
    assert times[-1] <= nack.MAX_AGE_S
    assert generator.sent == 2 * len(times)
    assert generator.lost == 2
    assert generator.missing == 0


@pytest.mark.parametrize("start", STARTS)
def test_reordering_is_not_loss(start: int) -> None:
    generator = after_gap(start, 1)
    assert generator.due(0.0, 0.05) == []
    generator.received(start + 1, 0.001)
    assert generator.due(5.0, 0.05) == []
    assert (generator.sent, generator.recovered, generator.lost) == (0, 0, 0)


@pytest.mark.parametrize("start", STARTS)
def test_two_later_packets_end_the_wait(start: int) -> None:
    generator = after_gap(start, 1)
    generator.received(start + 3, 0.0)
    assert generator.due(0.0, 0.05) == [(start + 1) & 0xFFFF]


def test_recovery_is_counted_once() -> None:
    generator = after_gap(100, 2)
    assert generator.due(0.1, 0.05) == [101, 102]
    generator.received(101, 0.15)
    generator.received(101, 0.16)
    assert generator.due(0.2, 0.05) == [102]
    assert generator.recovered == 1
    assert generator.missing == 1


def test_tries_are_limited() -> None:
    generator = after_gap(100, 1)
    asked = sum(len(generator.due(step * 0.001, 0.0)) for step in range(1200))
    assert 0 < asked <= nack.MAX_TRIES
    assert generator.lost == 1
    assert generator.take_overflow()
    assert not generator.take_overflow()


@pytest.mark.parametrize("start", STARTS)
def test_a_large_gap_asks_for_a_keyframe_instead(start: int) -> None:
    generator = after_gap(start, nack.MAX_MISSING + 1)
    assert generator.due(1.0, 0.05) == []
    assert generator.take_overflow()
    assert generator.lost == nack.MAX_MISSING + 1
    # It goes on from there.
    newest = start + nack.MAX_MISSING + 2
    generator.received(newest + 2, 1.0)
    assert generator.due(1.1, 0.05) == [(newest + 1) & 0xFFFF]


def test_many_small_gaps_are_bounded_too() -> None:
    generator = NackGenerator()
    for sequence in range(0, 2 * nack.MAX_MISSING + 10, 2):
        generator.received(sequence, 0.0)
        assert generator.missing <= nack.MAX_MISSING
    assert generator.take_overflow()


def test_one_request_is_bounded() -> None:
    generator = after_gap(0, 200)
    seen: list[int] = []
    for _ in range(10):
        due = generator.due(0.1, 0.5)
        assert len(due) <= nack.MAX_PER_REQUEST
        seen += due
    assert seen == list(range(1, 201))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", range(3))
def test_lossy_link(start: int, seed: int) -> None:
    """10 % loss either way, 40-70 ms round trip, reordering: nearly all comes back, within bounds."""
    rng = random.Random(seed)
    generator = NackGenerator()
    got: set[int] = set()
    arriving: list[tuple[float, int]] = []
    for step in range(6000):
        now = step * 0.001
        if step % 5 == 0 and step < 5000 and rng.random() > 0.1:
            heapq.heappush(arriving, (now + 0.02 + rng.random() * 0.015, start + step // 5))
        while arriving and arriving[0][0] <= now:
            sequence = heapq.heappop(arriving)[1]
            got.add(sequence)
            generator.received(sequence, now)
        wanted = generator.due(now, 0.06)
        if wanted and rng.random() > 0.1:
            for number in wanted:
                newest = max(got)
                if rng.random() > 0.1:
                    heapq.heappush(arriving, (now + 0.04 + rng.random() * 0.03, newest - ((newest - number) & 0xFFFF)))
    expected = set(range(min(got), max(got) + 1))
    assert len(expected - got) <= 2
    assert generator.missing == 0
    assert generator.lost == len(expected - got)
    assert generator.recovered > 50
    assert generator.sent < 3 * generator.recovered


# --- towards viewers ---------------------------------------------------------------------------------------------


def test_at_most_once_per_round_trip() -> None:
    responder = NackResponder()
    sent = [step for step in range(1000) if responder.allow(7, step * 0.001, 0.1)]
    assert sent[0] == 0
    assert all(later - earlier >= 90 for earlier, later in pairwise(sent))
    assert len(sent) >= 10


def test_different_packets_are_independent() -> None:
    responder = NackResponder()
    assert all(responder.allow(sequence, 0.0, 0.1) for sequence in range(100))
    assert not any(responder.allow(sequence, 0.01, 0.1) for sequence in range(100))


@pytest.mark.parametrize("seed", range(3))
def test_storm_is_held_to_the_budget(seed: int) -> None:
    rng = random.Random(seed)
    responder = NackResponder(rate_per_s=400, burst=200)
    allowed = sum(responder.allow(rng.randrange(2000), step * 0.0001, 0.02) for step in range(50_000))
    assert 200 + 5 * 400 * 0.95 <= allowed <= 200 + 5 * 400 + 1


def test_budget_comes_back() -> None:
    responder = NackResponder(rate_per_s=100, burst=10)
    assert [responder.allow(sequence, 0.0, 0.05) for sequence in range(12)] == [True] * 10 + [False] * 2
    assert [responder.allow(sequence, 0.05, 0.01) for sequence in range(20, 28)] == [True] * 5 + [False] * 3
    assert sum(responder.allow(sequence, 100.0, 0.05) for sequence in range(100, 200)) == 10


def test_a_refused_repeat_costs_no_budget() -> None:
    responder = NackResponder(rate_per_s=0, burst=2)
    assert responder.allow(1, 0.0, 0.1)
    assert not any(responder.allow(1, 0.01, 0.1) for _ in range(50))
    assert responder.allow(2, 0.02, 0.1)

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.packet_cache import PacketCache

STARTS = (0, 1, 63, 64, 65530, 65535, 65536, 2**32 - 3, 2**48)


def filled(start: int, count: int, capacity: int = 64) -> PacketCache[int]:
    cache = PacketCache[int](capacity, 3.0)
    for offset in range(count):
        assert cache.put(start + offset, offset, 0.0, offset == 0)
    return cache


@pytest.mark.parametrize("start", STARTS)
def test_keeps_the_newest(start: int) -> None:
    cache = filled(start, 100)
    assert cache.newest == start + 99
    assert [cache.get(start + offset) for offset in (35, 36, 99, 100)] == [None, 36, 99, None]


@pytest.mark.parametrize("start", STARTS)
def test_refuses_duplicates_and_what_is_too_old(start: int) -> None:
    cache = filled(start, 1)
    assert cache.put(start + 70, 70, 0.0, False)
    assert not cache.put(start + 70, 71, 0.0, False)
    assert not cache.put(start, 71, 0.0, True)
    assert not cache.put(start + 6, 71, 0.0, True)
    assert cache.put(start + 7, 7, 0.0, False)
    assert not cache.put(start + 7, 71, 0.0, False)
    assert cache.get(start + 70) == 70
    assert cache.get(start + 7) == 7
    assert cache.newest == start + 70


@pytest.mark.parametrize("start", STARTS)
def test_keyframe_with_holes(start: int) -> None:
    cache = PacketCache[str](64, 3.0)
    assert cache.since_keyframe() is None
    cache.put(start, "delta", 0.0, False)
    cache.put(start + 1, "delta", 0.0, False)
    assert cache.since_keyframe() is None
    cache.put(start + 3, "key", 0.0, True)
    # What is missing before the keyframe does not matter.
    assert cache.since_keyframe() == start + 3
    cache.put(start + 6, "delta", 0.0, False)
    assert cache.since_keyframe() is None
    assert cache.since_keyframe(1) is None
    assert cache.since_keyframe(2) == start + 3
    cache.put(start + 4, "late", 0.0, False)
    assert cache.since_keyframe(1) == start + 3
    cache.put(start + 2, "late, before the keyframe", 0.0, False)
    assert cache.since_keyframe() is None
    cache.put(start + 5, "late", 0.0, False)
    assert cache.since_keyframe() == start + 3


def test_a_keyframe_may_come_late() -> None:
    cache = PacketCache[str](64, 3.0)
    cache.put(10, "old key", 0.0, True)
    for sequence in (13, 14, 16):
        cache.put(sequence, "delta", 0.0, False)
    assert cache.put(12, "key", 0.0, True)
    assert cache.since_keyframe() is None
    assert cache.since_keyframe(1) == 12
    cache.put(15, "late", 0.0, False)
    assert cache.since_keyframe() == 12
    # One even older comes too late to be of interest, and 11 lies before the newest keyframe.
    cache.put(11, "key", 0.0, True)
    assert cache.since_keyframe() == 12


def test_a_keyframe_is_lost_with_its_slot() -> None:
    cache = filled(5, 64)
    assert cache.since_keyframe() == 5
    cache.put(69, 64, 0.0, False)
    assert cache.since_keyframe() is None


def test_packets_age() -> None:
    cache = PacketCache[str](64, 3.0)
    cache.put(1, "key", 10.0, True)
    cache.put(2, "delta", 13.0, False)
    assert cache.get(1) == "key"
    assert cache.since_keyframe() == 1
    cache.put(3, "delta", 13.1, False)
    assert cache.get(1) is None
    assert cache.get(2) == "delta"
    assert cache.since_keyframe() is None


@pytest.mark.parametrize("capacity", [0, -1, 3, 100])
def test_misuse(capacity: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        PacketCache[int](capacity, 1.0)


@given(
    st.sampled_from(STARTS),
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=60),
)
def test_behaves_like_a_dictionary(start: int, steps: list[tuple[int, bool]]) -> None:
    cache = PacketCache[int](16, 3.0)
    model: dict[int, int] = {}
    keyframe: int | None = None
    for value, (offset, key) in enumerate(steps):
        sequence = start + offset
        newest = max(model, default=sequence)
        expected = sequence not in model and sequence > newest - 16
        assert cache.put(sequence, value, 0.0, key) is expected
        if not expected:
            continue
        # A number is kept until a newer one takes its place in the ring.
        model = {number: item for number, item in model.items() if (number - sequence) % 16}
        model[sequence] = value
        if key and (keyframe is None or sequence > keyframe):
            keyframe = sequence
        assert cache.newest == max(model)
        for number in range(start, start + 61):
            assert cache.get(number) == model.get(number)
        whole = keyframe in model and all(number in model for number in range(keyframe or 0, max(model)))
        assert cache.since_keyframe() == (keyframe if whole else None)


def test_a_jump_of_the_numbers_forgets_the_past() -> None:
    cache = filled(0, 64)
    assert cache.put(1_000_000, 1, 0.0, False)
    assert cache.newest == 1_000_000
    assert all(cache.get(sequence) is None for sequence in range(64) if sequence & 63 == 1_000_000 & 63)
    assert cache.since_keyframe() is None


@pytest.mark.parametrize("seed", range(4))
def test_lossy_schedule(seed: int) -> None:
    rng = random.Random(seed)
    cache = PacketCache[int](256, 3.0)
    late: list[int] = []
    lost = set()
    for sequence in range(2000):
        now = sequence * 0.005
        fate = rng.random()
        if fate < 0.05:
            late.append(sequence)
        elif fate < 0.06:
            lost.add(sequence)
        else:
            assert cache.put(sequence, sequence, now, sequence % 100 == 0)
        if late and rng.random() < 0.2:
            again = late.pop(0)
            assert cache.put(again, again, now, again % 100 == 0)
        newest = cache.newest
        assert newest is not None
        start = cache.since_keyframe()
        if start is not None:
            assert start % 100 == 0
            assert all(cache.get(number) == number for number in range(start, newest + 1))
        missing = set(late) | lost
        present = [number for number in range(max(0, newest - 255), newest + 1) if number not in missing]
        assert all(cache.get(number) == number for number in present)

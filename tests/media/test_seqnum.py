from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.seqnum import Unwrapper, seq_diff, seq_newer


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (0, 1, -1),
        (0, 65535, 1),
        (65535, 0, -1),
        (32767, 0, 32767),
        (32768, 0, -32768),
        (0, 32768, -32768),
        (10, 65530, 16),
    ],
)
def test_diff(a: int, b: int, expected: int) -> None:
    assert seq_diff(a, b) == expected
    assert seq_newer(a, b) is (expected > 0)


@given(st.integers(0, 65535), st.integers(-32767, 32767))
def test_diff_undoes_addition(b: int, step: int) -> None:
    assert seq_diff((b + step) & 0xFFFF, b) == step


@pytest.mark.parametrize("bits", [8, 16, 32])
@given(st.data())
def test_unwrap_follows_any_steps_below_half_a_cycle(bits: int, data: st.DataObject) -> None:
    half = 1 << (bits - 1)
    first = data.draw(st.integers(0, 2 * half - 1))
    unwrapper = Unwrapper(bits)
    base = unwrapper.unwrap(first)
    offset = highest = 0
    for _ in range(data.draw(st.integers(0, 12))):
        offset = highest + data.draw(st.integers(-half, half - 1))
        value = unwrapper.unwrap((first + offset) & (2 * half - 1))
        highest = max(highest, offset)
        assert value == base + offset
        assert value >= 0
        assert unwrapper.highest == base + highest


def test_low_bits_stay() -> None:
    unwrapper = Unwrapper()
    for value in (65534, 65535, 0, 1, 65535, 2):
        assert unwrapper.unwrap(value) & 0xFFFF == value


def test_nothing_seen() -> None:
    assert Unwrapper().highest == -1

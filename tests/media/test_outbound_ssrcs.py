"""SSRCs towards viewers: shared by all who see a Track, never twice on one Transport, and little is remembered."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import outbound_ssrcs
from media.api import next_producer_number
from media.outbound_ssrcs import ATTEMPTS, REMEMBERED, OutboundSsrcs
from media.sdp import MAX_MEDIA


def numbers(count: int) -> list[int]:
    return [next_producer_number() for _ in range(count)]


def test_viewers_share_what_they_see_as_often() -> None:
    first, second = OutboundSsrcs(), OutboundSsrcs()
    one, two = numbers(2)
    for _ in range(ATTEMPTS):
        assert first.deal(one) == second.deal(one)
    # From then on each goes its own way.
    assert first.deal(one) != second.deal(one)
    # The order in which Tracks are seen makes no difference.
    assert first.deal(two) == second.deal(two)


@given(st.lists(st.integers(0, 150)))
def test_no_ssrc_comes_back(places: list[int]) -> None:
    """In whatever order Tracks come, go and come back."""
    base = next_producer_number()
    known = [base, *numbers(150)]
    viewer = OutboundSsrcs()
    dealt = [ssrc for place in [*places, *places] for ssrc in viewer.deal(known[place])]
    assert len({*dealt}) == len(dealt)
    assert len(viewer) <= REMEMBERED
    assert all(1 < ssrc < 1 << 32 for ssrc in dealt)


def test_guests_come_and_go_without_growth() -> None:
    viewer = OutboundSsrcs()
    dealt: list[int] = []
    for number in numbers(20_000):
        dealt += viewer.deal(number)
    assert len({*dealt}) == 40_000
    assert len(viewer) == REMEMBERED


def test_one_offer_fits_into_what_is_remembered() -> None:
    """Else a viewer of many Tracks would get SSRCs of its own, and packets of its own."""
    rng = random.Random(7)
    known = numbers(MAX_MEDIA)
    rng.shuffle(known)
    newcomer, other = OutboundSsrcs(), OutboundSsrcs()
    dealt = {number: newcomer.deal(number) for number in known}
    assert dealt == {number: other.deal(number) for number in sorted(known)}


@pytest.mark.parametrize("place", range(ATTEMPTS * 2))
@pytest.mark.parametrize("reserved", [0, 1])
def test_reserved_ssrcs_are_passed_over(monkeypatch: pytest.MonkeyPatch, place: int, reserved: int) -> None:
    number = next_producer_number()
    start = reserved - (number * ATTEMPTS * 2 + place) * outbound_ssrcs._STEP
    monkeypatch.setattr(outbound_ssrcs, "_START", start & 0xFFFFFFFF)
    viewer = OutboundSsrcs()
    dealt = [ssrc for _ in range(ATTEMPTS + 1) for ssrc in viewer.deal(number)]
    assert min(dealt) > 1
    assert len({*dealt}) == len(dealt)

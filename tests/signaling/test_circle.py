"""Circles: who hears whom, who may share what, and whose tracks belong where."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from signaling.circle import CIRCLE_SOURCES, Circle, Seat, hears
from signaling.circles import Circles

MODES: tuple[Any, ...] = ("ring", "full", "hold", "listen", "whisper")
SIDES: tuple[Any, ...] = ("shopper", "agent", "supervisor")
#: For each mode of the sender, which modes of a shopper and of an agent get it.
TO_SHOPPER = {"ring": "ring full listen whisper", "full": "ring full listen whisper"}
TO_AGENT = {**TO_SHOPPER, "whisper": "ring full listen whisper"}


@pytest.mark.parametrize(("sender", "receiver"), list(product(MODES, MODES)))
def test_who_hears_whom(sender: Any, receiver: Any) -> None:
    for side in SIDES:
        table = TO_AGENT if side == "agent" else TO_SHOPPER
        wanted = receiver in table.get(sender, "").split()
        for own in SIDES:
            assert hears(Seat(own, sender), Seat(side, receiver)) is wanted, (own, side)


@pytest.mark.parametrize(
    ("mode", "sources"),
    [
        ("ring", CIRCLE_SOURCES),
        ("full", CIRCLE_SOURCES),
        ("hold", CIRCLE_SOURCES),
        ("listen", frozenset()),
        ("whisper", frozenset(("microphone",))),
    ],
)
def test_what_may_be_shared(mode: Any, sources: frozenset[Any]) -> None:
    seat = Seat("agent", mode)
    everything: tuple[Any, ...] = ("microphone", "camera", "screen", "screen_audio", "whisper")
    assert {source for source in everything if seat.publishes(source)} == sources


def circle(name: str = "c", opened: bool = True, **seats: Any) -> Circle:
    """``a="agent full"`` gives ``a`` that seat."""
    made = {who: Seat(*text.split()) for who, text in seats.items()}
    return Circle(name, made, opened)


def test_nobody_hears_themselves_or_outsiders() -> None:
    call = circle(s="shopper full", a="agent full")
    assert call.hears("s", "a") and call.hears("a", "s")
    assert not (call.hears("s", "s") or call.hears("s", "x") or call.hears("x", "s"))


def test_what_is_held_and_who_waits() -> None:
    waiting = circle(opened=False, s="shopper full", a="agent ring")
    assert waiting.holds("s") and waiting.holds("a") and not waiting.waits("a")
    transfer = circle(s="shopper full", a="agent full", b="agent ring")
    assert not transfer.holds("s") and transfer.holds("b") and transfer.holds("x")
    assert transfer.waits("b") and not transfer.waits("a") and not transfer.waits("x")


def test_a_track_belongs_to_the_seat_entered_last_that_may_share_it() -> None:
    circles = Circles()
    circles.put(circle("one", a="agent full", s="shopper full"))
    circles.put(circle("two", a="supervisor listen", t="shopper full"))
    found = circles.home("a", "camera")
    assert found is not None and found.id == "one"
    circles.put(circle("two", a="supervisor full", t="shopper full"))
    found = circles.home("a", "camera")
    assert found is not None and found.id == "two"
    assert circles.home("a", "whisper") is None and circles.home("x", "camera") is None
    circles.end("two")
    assert [entry.id for entry in circles.of("a")] == ["one"] and circles.of("t") == ()


def test_who_knows_of_whom() -> None:
    circles = Circles()
    circles.put(circle(s="shopper full", a="agent full", l="supervisor listen", w="supervisor whisper", b="agent ring"))
    assert circles.knowing("s") == {"s", "a", "l", "w", "b"}
    assert circles.knowing("l") == {"l"}, "nobody sees who listens"
    assert circles.knowing("w") == {"w", "a", "b"}
    assert circles.knowing("b") == set(), "who is rung is not there yet"
    assert circles.known_to("s") == {"s", "a"}
    assert circles.known_to("x") == set()


def test_who_left_is_forgotten() -> None:
    circles = Circles()
    circles.put(circle(s="shopper full", a="agent full"))
    circles.air("c", {"s": frozenset(("microphone",))})
    assert circles.airs("c", "s", "microphone") and not circles.airs("c", "s", "camera")
    assert circles.aired_with("s") == "c" and circles.aired_with("a") is None
    circles.put(circle(a="agent full"))
    assert circles.of("s") == () and not circles.talks("s") and circles.talks("a")
    circles.end("c")
    assert circles.ground("c") is None and len(circles) == 0

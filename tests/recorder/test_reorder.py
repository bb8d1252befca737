from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.reorder import CAPACITY, Packet, Reorder


def packet(number: int, arrival: float = 0.0) -> Packet:
    return Packet(number & 0xFFFF, number * 3000, str(number).encode(), arrival=arrival)


def run(numbers: list[int], step_s: float = 0.02) -> tuple[list[int], Reorder]:
    order = Reorder()
    ready: list[Packet] = []
    for index, number in enumerate(numbers):
        ready += order.put(packet(number, index * step_s))
    ready += order.flush()
    return [int(found.payload) for found in ready], order


@given(st.integers(0, 65_535), st.randoms(use_true_random=False))
def test_any_order_within_the_window_comes_out_straight(base: int, chance: object) -> None:
    numbers = [base + index for index in range(80)]
    random = chance
    mixed = sorted(numbers, key=lambda number: number + random.uniform(0, 9))  # type: ignore[attr-defined]
    mixed += [mixed[5], mixed[40]]
    found, order = run(mixed)
    assert found == numbers
    assert order.lost == 0


def test_numbers_wrap() -> None:
    found, _ = run(list(range(65_000, 65_000 + 140_000)), 0.001)
    assert found == list(range(65_000, 65_000 + 140_000))


def test_a_hole_is_counted_where_it_is() -> None:
    order = Reorder()
    ready = []
    for index, number in enumerate([*range(10), *range(13, 300)]):
        ready += order.put(packet(number, index * 0.02))
    ready += order.flush()
    assert [(int(found.payload), found.lost) for found in ready if found.lost] == [(13, 3)]
    assert len(ready) == 297


def test_a_repeat_after_it_was_given_up_is_left_out() -> None:
    found, order = run([*range(10), *range(11, 300), 10])
    assert 10 not in found
    assert (order.lost, order.late) == (1, 1)


def test_what_is_held_is_bounded() -> None:
    order = Reorder()
    for number in range(20):
        order.put(packet(number, number * 0.02))
    given_out = sum(len(order.put(packet(number, 1.0))) for number in range(21, 21 + 2 * CAPACITY))
    assert given_out >= CAPACITY


def test_behind_a_cut_numbers_go_on_or_not() -> None:
    for known, lost in ((True, 1), (False, 0)):
        order = Reorder()
        for number in range(20):
            order.put(packet(number, number * 0.02))
        order.flush(known=known)
        ready = []
        for index in range(200):
            ready += order.put(packet(21 + index, 1 + index * 0.02))
        assert len(ready) == 200 or not known
        assert sum(found.lost for found in ready) == lost


def test_a_numbering_that_begins_anew_is_followed() -> None:
    found, _ = run([*range(30_000, 30_100), *range(10, 400)])
    assert found[:100] == list(range(30_000, 30_100))
    assert found[-250:] == list(range(150, 400))

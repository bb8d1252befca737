from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from signaling.alarms import Alarms


def test_one_time_for_each_name() -> None:
    alarms = Alarms()
    assert alarms.next() is None
    alarms.set("a", 5.0)
    alarms.set("b", 3.0)
    alarms.set("a", 1.0)
    assert alarms.next() == 1.0
    assert alarms.take(0.9) == []
    assert alarms.take(5.0) == ["a", "b"]
    assert alarms.next() is None


def test_what_is_left_comes_next_time() -> None:
    alarms = Alarms()
    for number in range(5):
        alarms.set(str(number), 1.0 + number)
    assert alarms.take(10.0, 2) == ["0", "1"]
    assert alarms.next() == 3.0
    alarms.set("2", None)
    assert alarms.take(10.0) == ["3", "4"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=40))
def test_as_the_plainest_books_would(steps: list[tuple[str, int | None]]) -> None:
    alarms, books = Alarms(), dict[str, float]()
    for name, due in steps:
        alarms.set(name, due)
        if due is None:
            books.pop(name, None)
        else:
            books[name] = due
        assert alarms.next() == min(books.values(), default=None)
        assert (name in alarms) is (name in books)
    assert sorted(alarms.take(4.0)) == sorted(name for name, due in books.items() if due <= 4)
    assert sorted(alarms.take(9.0)) == sorted(name for name, due in books.items() if due > 4)

"""Working hours: how they are written, over midnight, when the clocks change, on holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import hours as h

NEW_YORK = "America/New_York"


def at(text: str, zone: str = "", fold: int = 0) -> float:
    """2026 is meant; the 23rd of November is a Monday."""
    naive = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 gets its zone next
    return naive.replace(tzinfo=ZoneInfo(zone) if zone else UTC, fold=fold).timestamp()


OFFICE = "Mon-Fri 09:00-18:00, Sat 10:00-16:00"


@pytest.mark.parametrize(
    "text, when, expected, change",
    [
        (OFFICE, "11-23 08:59", False, "11-23 09:00"),
        (OFFICE, "11-23 09:00", True, "11-23 18:00"),
        (OFFICE, "11-23 17:59", True, "11-23 18:00"),
        (OFFICE, "11-23 18:00", False, "11-24 09:00"),
        (OFFICE, "11-27 20:00", False, "11-28 10:00"),
        (OFFICE, "11-28 15:59", True, "11-28 16:00"),
        (OFFICE, "11-29 12:00", False, "11-30 09:00"),
        ("22:00-02:00", "11-23 01:59", True, "11-23 02:00"),
        ("22:00-02:00", "11-23 02:00", False, "11-23 22:00"),
        ("22:00-02:00", "11-23 23:59", True, "11-24 02:00"),
        ("Sun 22:00-02:00", "11-23 01:00", True, "11-23 02:00"),
        ("Mon 22:00-02:00", "11-23 01:00", False, "11-23 22:00"),
        ("00:00-24:00", "11-23 00:00", True, None),
        ("00:00-12:00, 12:00-24:00", "11-23 00:00", True, None),
        ("Mon 00:00-24:00, Tue 00:00-06:00", "11-23 05:00", True, "11-24 06:00"),
        ("Mon 09:00-12:00 13:00-18:00", "11-23 12:30", False, "11-23 13:00"),
        ("Mon, Wed 09:00-12:00", "11-24 10:00", False, "11-25 09:00"),
        ("Sat-Mon 9:00-12:00", "11-23 10:00", True, "11-23 12:00"),
        ("mon - fri 09:00 – 18:00", "11-23 10:00", True, "11-23 18:00"),
        ("周一-周五 09:00-18:00，星期六 10:00-16:00", "11-28 11:00", True, "11-28 16:00"),
        ("", "11-23 03:00", True, None),
        ("   ", "11-23 03:00", True, None),
        (OFFICE + ", closed 2026-11-24", "11-23 19:00", False, "11-25 09:00"),
        (OFFICE + ", closed 2026-11-24-2026-11-29", "11-23 19:00", False, "11-30 09:00"),
        ("22:00-02:00, closed 2026-11-24", "11-24 01:00", True, "11-24 02:00"),
        ("22:00-02:00, closed 2026-11-24", "11-24 23:00", False, "11-25 22:00"),
        (OFFICE + ", 2026-11-24 12:00-13:00", "11-24 10:00", False, "11-24 12:00"),
        (OFFICE + "; 2026-11-29 12:00-13:00", "11-29 12:30", True, "11-29 13:00"),
        ("2026-11-24 12:00-13:00", "11-23 12:30", False, "11-24 12:00"),
        ("closed 2026-11-24", "11-24 12:00", False, "11-25 00:00"),
        ("2026-11-20 12:00-13:00", "11-23 12:30", False, None),
    ],
)
def test_open_and_until_when(text: str, when: str, expected: bool, change: str | None) -> None:
    hours, moment = h.parse(text), at(when)
    assert hours.is_open(moment) is expected
    assert (hours.closes_at(moment) if expected else hours.opens_at(moment)) == (change and at(change))
    assert (hours.opens_at(moment) if expected else hours.closes_at(moment)) is None


def test_closed_days_alone_leave_all_others_open() -> None:
    hours = h.parse("closed 2026-11-24")
    assert hours.is_open(at("11-23 12:00"))
    assert hours.closes_at(at("11-23 12:00")) == at("11-24 00:00")


def test_holidays_are_closed() -> None:
    hours = h.parse(OFFICE, "Asia/Shanghai", (date(2026, 11, 24), date(2026, 11, 25)))
    assert hours.opens_at(at("11-23 18:00", "Asia/Shanghai")) == at("11-26 09:00", "Asia/Shanghai")


@dataclass(frozen=True)
class Spec:
    hours: str = OFFICE
    timezone: str = "Asia/Shanghai"


def test_hours_of_a_queue() -> None:
    moment = at("11-23 09:30", "Asia/Shanghai")
    assert h.is_open(Spec(), moment)
    assert h.closes_at(Spec(), moment) == at("11-23 18:00", "Asia/Shanghai")
    assert not h.is_open(Spec(timezone=NEW_YORK), moment)
    assert h.opens_at(Spec(timezone=NEW_YORK), moment) == at("11-23 09:00", NEW_YORK)


# In New York the clocks go from 02:00 to 03:00 on March 8th and from 02:00 back to 01:00 on November 1st, 2026.
@pytest.mark.parametrize(
    "text, begin, end",
    [
        ("01:00-05:00", at("03-08 01:00", NEW_YORK), at("03-08 05:00", NEW_YORK)),
        ("02:30-05:00", at("03-08 03:00", NEW_YORK), at("03-08 05:00", NEW_YORK)),
        ("01:00-02:30", at("03-08 01:00", NEW_YORK), at("03-08 03:00", NEW_YORK)),
        ("02:30-03:10", at("03-08 03:00", NEW_YORK), at("03-08 03:10", NEW_YORK)),
        ("22:00-02:30", at("03-07 22:00", NEW_YORK), at("03-08 03:00", NEW_YORK)),
        ("01:30-05:00", at("11-01 01:30", NEW_YORK), at("11-01 05:00", NEW_YORK)),
        ("00:00-01:30", at("11-01 00:00", NEW_YORK), at("11-01 01:30", NEW_YORK, fold=1)),
        ("22:00-02:00", at("10-31 22:00", NEW_YORK), at("11-01 02:00", NEW_YORK)),
    ],
)
def test_the_day_the_clocks_change(text: str, begin: float, end: float) -> None:
    hours = h.parse(text, NEW_YORK)
    assert hours.opens_at(begin - 1) == begin
    assert hours.closes_at(begin) == end
    assert not hours.is_open(end)
    assert all(hours.is_open(begin + share * (end - begin)) for share in (0.0, 0.25, 0.5, 0.75, 0.999))


def test_a_span_in_the_hour_that_is_skipped_is_empty_that_day() -> None:
    hours = h.parse("02:10-02:50", NEW_YORK)
    assert hours.opens_at(at("03-08 00:00", NEW_YORK)) == at("03-09 02:10", NEW_YORK)


@pytest.mark.parametrize(
    "text, part",
    [
        ("Mon-Fri", "Mon-Fri"),
        ("Mon 09:00-18:00, Sat", "Sat"),
        ("Mun 09:00-18:00", "mun"),
        ("Mon-Tue-Wed 09:00-18:00", "mon-tue-wed"),
        ("Mon 09:00", "09:00"),
        ("Mon 9-18", "9-18"),
        ("Mon 09:00-25:00", "09:00-25:00"),
        ("Mon 24:00-25:00", "24:00-25:00"),
        ("Mon 09:60-10:00", "09:60-10:00"),
        ("Mon 09:00-09:00", "09:00-09:00"),
        ("Mon 09:00-18:00 Tue", "tue"),
        ("closed", "closed"),
        ("closed Monday", "closed Monday"),
        ("closed 2026-13-01", "2026-13-01"),
        ("2026-02-30 09:00-18:00", "2026-02-30"),
        ("closed 2026-10-07-2026-10-01", "closed 2026-10-07-2026-10-01"),
        ("closed 2020-10-07-2026-10-01", "closed 2020-10-07-2026-10-01"),
        ("x" * 1001, "1000"),
    ],
)
def test_bad_text_names_the_part(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part.replace("+", r"\+")):
        h.parse(text)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "Asia", "\0", "x" * 300])
def test_a_bad_time_zone_is_named(zone: str) -> None:
    with pytest.raises(ValueError, match="time zone"):
        h.parse(OFFICE, zone)


@given(st.text(alphabet="MonTueSatclosed 0123456789:-,;周一\n", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        hours = h.parse(text)
    except ValueError:
        return
    hours.is_open(0.0)
    hours.opens_at(0.0)


SPANS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(0, 1440)).filter(lambda span: span[1] != span[2]),
    min_size=1,
    max_size=6,
)


@given(
    SPANS, st.integers(0, 366 * 24 * 60), st.sampled_from(["UTC", NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu"])
)
def test_the_next_change_is_the_next_change(spans: list[tuple[int, int, int]], minute: int, zone: str) -> None:
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    text = ",".join(f"{days[day]} {b // 60:02}:{b % 60:02}-{e // 60:02}:{e % 60:02}" for day, b, e in spans)
    hours, moment = h.parse(text, zone), at("01-01 00:00") + minute * 60.0
    is_open = hours.is_open(moment)
    change = hours.closes_at(moment) if is_open else hours.opens_at(moment)
    if change is None:
        assert is_open, "a week has a span, so it opens"
        return
    assert change > moment
    assert hours.is_open(change) is not is_open
    assert all(hours.is_open(moment + share / 40 * (change - moment)) is is_open for share in range(40))

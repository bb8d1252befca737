"""Working hours, written as people write them, in the time zone of those who work. Pure: the time is an argument.

``Mon-Fri 09:00-18:00, Sat 10:00-16:00`` is a list of parts, separated by commas, semicolons or lines. A part is days and
one or more spans of time; without days it holds daily, and days alone take the times of the next part (``Mon, Wed
10:00-12:00``). Days are ``Mon`` to ``Sun`` or 周一 to 周日, a range may go over the weekend (``Sat-Mon``). A span that ends
before it begins goes over midnight and belongs to the day on which it begins; ``24:00`` is the end of the day. A date
(``2026-10-01 10:00-14:00``) has those times instead of its weekday's; ``closed 2026-10-01-2026-10-07``, like a holiday,
has none: no span begins on such a day, but one that began on the day before is finished. An empty text is: always.

When the clocks change, a time that does not exist is the moment of the change, and of a time that comes twice a span
begins at the first and ends at the second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

MAX_TEXT = 1000
MAX_CLOSED_DAYS = 366
#: How far ahead the next opening is looked for.
HORIZON_DAYS = 400
MINUTES = 24 * 60
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_OF = {
    **{name: index for index, name in enumerate(_DAYS)},
    **{f"{week}{name}": index for index, name in enumerate("一二三四五六日") for week in ("周", "星期")},
    "周天": 6,
    "星期天": 6,
}
_DATE = r"\d{4}-\d\d-\d\d"
_CLOSED = re.compile(rf"closed ({_DATE})(?:-({_DATE}))?$")
_SPAN = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$")
_DASH = re.compile(r"\s*[-–—~～]\s*")

#: Minutes from midnight at which it opens, and at which it closes: up to a day later.
Span = tuple[int, int]


class HasHours(Protocol):
    """Of :class:`signaling.help_model.QueueSpec`, what counts here."""

    @property
    def hours(self) -> str:
        """The text, or nothing: always."""

    @property
    def timezone(self) -> str:
        """A name of the IANA database, or nothing: UTC."""


@dataclass(frozen=True, slots=True)
class Hours:
    """``week``: the spans of Monday to Sunday; ``dates``: what differs, with no spans where it stays closed."""

    week: tuple[tuple[Span, ...], ...]
    zone: tzinfo
    dates: tuple[tuple[date, tuple[Span, ...]], ...] = ()
    always: bool = False

    def is_open(self, epoch_s: float) -> bool:
        """Whether somebody works at that moment (seconds since 1970)."""
        return self.always or any(begin <= epoch_s < end for begin, end in self._around(epoch_s))

    def opens_at(self, epoch_s: float) -> float | None:
        """When it opens next; None if it is open, or stays closed for more than a year."""
        if self.is_open(epoch_s):
            return None
        today = datetime.fromtimestamp(epoch_s, self.zone).date()
        for ahead in range(-1, HORIZON_DAYS):
            later = [begin for begin, _ in self._spans(today + timedelta(ahead)) if begin > epoch_s]
            if later:
                return min(later)
        return None

    def closes_at(self, epoch_s: float) -> float | None:
        """When it closes next; None if it is closed, or stays open for more than a week."""
        if self.always or not self.is_open(epoch_s):
            return None
        until = epoch_s
        for _ in range(8 * 8):
            reached = max((end for begin, end in self._around(until) if begin <= until < end), default=until)
            if reached == until:
                return until
            until = reached
            if until - epoch_s > 7 * 86400:
                return None
        return None

    def _around(self, epoch_s: float) -> Iterator[tuple[float, float]]:
        today = datetime.fromtimestamp(epoch_s, self.zone).date()
        # A span lasts for a day at most, and the one of yesterday may go over midnight.
        for ahead in (-1, 0):
            yield from self._spans(today + timedelta(ahead))

    def _spans(self, day: date) -> tuple[tuple[float, float], ...]:
        return _spans(self, day)


@lru_cache(2048)
def _spans(hours: Hours, day: date) -> tuple[tuple[float, float], ...]:
    spans = dict(hours.dates).get(day, hours.week[day.weekday()])
    moments = ((_moment(hours.zone, day, begin, False), _moment(hours.zone, day, end, True)) for begin, end in spans)
    return tuple((begin, end) for begin, end in moments if begin < end)


def _moment(zone: tzinfo, day: date, minutes: int, last: bool) -> float:
    """When the clocks show ``minutes`` from the midnight that begins ``day``; of two such times the first or last."""
    naive = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001 the clock on the wall
    first, second = (naive.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    if first <= second:
        return second if last else first
    # The clocks jump over it, somewhere between: look for the moment when the offset changes.
    early, late = second, first
    before = datetime.fromtimestamp(early, zone).utcoffset()
    while late - early > 0.5:
        middle = (early + late) / 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == before:
            early = middle
        else:
            late = middle
    return float(round(late))


# --- of a queue ------------------------------------------------------------------------------------------------------


def is_open(spec: HasHours, epoch_s: float) -> bool:
    """Whether the queue takes calls at that moment. Raises ValueError as :func:`parse`."""
    return parse(spec.hours, spec.timezone).is_open(epoch_s)


def opens_at(spec: HasHours, epoch_s: float) -> float | None:
    """When the queue opens next (seconds since 1970); None if it is open, or stays closed for more than a year."""
    return parse(spec.hours, spec.timezone).opens_at(epoch_s)


def closes_at(spec: HasHours, epoch_s: float) -> float | None:
    """When the queue closes next; None if it is closed, or stays open for more than a week."""
    return parse(spec.hours, spec.timezone).closes_at(epoch_s)


# --- reading ---------------------------------------------------------------------------------------------------------


@lru_cache(256)
def parse(text: str, timezone: str = "", holidays: tuple[date, ...] = ()) -> Hours:
    """Read working hours. Raises ValueError with the part that is wrong, and why."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"working hours are at most {MAX_TEXT} characters")
    zone = _zone(timezone)
    week: list[list[Span]] = [[] for _ in _DAYS]
    dates: dict[date, list[Span]] = {}
    days: list[int | date] = []
    written = [part for part in re.split("[,，;；、\n]", text) if part.strip()]
    last = ""
    for part in written:
        last = part.strip()
        words = _DASH.sub("-", last.lower()).split()
        if words[0] == "closed":
            closed = list(_closed(" ".join(words), last))
            dates.update((day, []) for day in closed)
            continue
        while words and not _SPAN.match(words[0]):
            days += _days(words.pop(0), last)
        if not words:
            continue
        spans = [_span(word, last) for word in words]
        for day in days or list(range(7)):
            (week[day] if isinstance(day, int) else dates.setdefault(day, [])).extend(spans)
        days = []
    if days:
        raise ValueError(f"{last!r} has no time, such as 09:00-18:00")
    dates.update((day, []) for day in holidays)
    frozen = tuple((day, tuple(spans)) for day, spans in sorted(dates.items()))
    whole: list[list[Span]] = [[(0, MINUTES)]] * 7
    given = any(week) or any(spans for _, spans in frozen)
    # Nothing but closed days: open on all others.
    return Hours(tuple(map(tuple, week if given else whole)), zone, frozen, always=not given and not frozen)


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone of the IANA database, such as Asia/Shanghai") from None


def _days(word: str, part: str) -> Iterable[int | date]:
    if re.match(_DATE + "$", word):
        return (_date(word, part),)
    ends = [_DAY_OF.get(name) for name in word.split("-")]
    if len(ends) > 2 or None in ends:
        raise ValueError(f"{part!r}: {word!r} is neither days (Mon-Fri), a date, nor a time (09:00-18:00)")
    first, last = ends[0] or 0, ends[-1] or 0
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _date(word: str, part: str) -> date:
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{part!r}: {word!r} is no date") from None


def _closed(words: str, part: str) -> Iterable[date]:
    match = _CLOSED.match(words)
    if match is None:
        raise ValueError(f"{part!r}: closed on which date? such as 'closed 2026-10-01'")
    first = _date(match[1], part)
    last = first if match[2] is None else _date(match[2], part)
    if not 0 <= (last - first).days < MAX_CLOSED_DAYS:
        raise ValueError(f"{part!r}: closed for no days at all, or for more than a year")
    return (first + timedelta(step) for step in range((last - first).days + 1))


def _span(word: str, part: str) -> Span:
    match = _SPAN.match(word)
    if match is None:
        raise ValueError(f"{part!r}: {word!r} is no time, such as 09:00-18:00")
    numbers = [int(number) for number in match.groups()]
    begin, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if numbers[1] > 59 or numbers[3] > 59 or begin >= MINUTES or end > MINUTES:
        raise ValueError(f"{part!r}: {word!r} is past the end of the day")
    if begin == end:
        raise ValueError(f"{part!r}: {word!r} begins when it ends; a whole day is 00:00-24:00")
    return begin, end if end > begin else end + MINUTES

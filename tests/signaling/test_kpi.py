"""The key figures against a brute-force count, on SQLite and PostgreSQL, in time zones with odd days."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from signaling import kpi
from signaling.call_records import CallbackRecord, CallRecord, Entry, Outcome, QueueRecord, Rating
from signaling.kpi import BY, FIGURES, Group, Question, Report, Tally
from signaling.store import Store

WEEK_S = 7 * 86400.0
ZONES = [
    # Day light saving ends, begins, begins at midnight (which then does not exist), and a day that never was.
    ("America/New_York", date(2025, 10, 28), date(2025, 11, 6)),
    ("Europe/Berlin", date(2026, 3, 26), date(2026, 4, 2)),
    ("America/Sao_Paulo", date(2018, 11, 1), date(2018, 11, 8)),
    ("Pacific/Apia", date(2011, 12, 28), date(2012, 1, 3)),
    ("Asia/Shanghai", date(2026, 11, 8), date(2026, 11, 14)),
]


def moment(day: date, zone: str, hour: int = 0) -> float:
    """Seconds since the epoch."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    store = Store(database_url, lambda: NOW)
    await store.open()
    yield store
    await store.close()


NOW = moment(date(2026, 11, 15), "Asia/Shanghai")


def made_up(seed: int, begin: float, end: float, number: int = 250) -> list[CallRecord]:
    """Calls of all kinds, some before and after, on a grid of half seconds so that limits are hit exactly."""
    dice = random.Random(seed)
    records = []
    for index in range(number):
        created = begin + dice.randrange(-4 * 86400, int(end - begin) + 4 * 86400) + dice.choice((0.0, 0.5))
        wait = dice.choice((0.5, 4.5, 5.0, 12.0, 29.5, 30.0, 30.5, 300.0))
        call = CallRecord(
            f"c{index}",
            dice.choice(("demo", "demo", "help")),
            f"shopper{dice.randrange(60)}",
            created,
            direction=dice.choice(("in", "in", "in", "link", "out")),
            entry=dice.choice(get_args(Entry)),
            queue=dice.choice(("", "default", "vip")),
            transfers=dice.choice((0, 0, 0, 1, 2)),
            escalations=dice.choice((0, 0, 1)),
        )
        fate = dice.choice(("waiting", "ringing", *["missed"] * 3, "active", "wrap_up", *["ended"] * 6))
        if fate in ("waiting", "ringing"):
            call = replace(call, state=fate)
        elif fate == "missed":
            call = replace(call, state="ended", ended=created + wait, outcome=dice.choice((*get_args(Outcome), None)))
        else:
            agent = dice.choice(("kim", "lee", "=cmd()"))
            call = replace(call, state="active", agent=agent, agent_name=agent.title(), answered=created + wait)
            if fate != "active":
                call = replace(call, state=fate, hold_s=dice.choice((0.0, 5.5)), ended=created + wait + 60.0, outcome="completed")
            if fate == "ended":
                wrapped = None if dice.random() < 0.3 else created + wait + 75.5
                score = dice.choice((None, None, 1, 2, 3, 4, 5))
                call = replace(call, wrapped=wrapped, rating=None if score is None else Rating(score))
        records.append(call)
    return records


def mean(numbers: Iterable[float]) -> float | None:
    """None of nothing."""
    numbers = list(numbers)
    return fmean(numbers) if numbers else None


def share(part: list[Any], whole: list[Any]) -> float | None:
    """None of nothing."""
    return len(part) / len(whole) if whole else None


def brute(calls: list[CallRecord], everybody: list[CallRecord], open_callbacks: int) -> dict[str, float | None]:
    """Each figure as its definition reads."""
    asked = [c for c in calls if c.direction != "out"]
    answered = [c for c in asked if c.answered is not None]
    waits = [(c.answered or c.ended or NOW) - c.created for c in asked]
    in_time = [c for c in answered if c.answered is not None and c.answered - c.created <= 30]
    missed = [c for c in asked if c.answered is None and c.ended is not None]
    gone = [c for c in missed if c.outcome == "abandoned"]
    short = [c for c in gone if c.ended is not None and c.ended - c.created < 5]
    abandoned = [c for c in gone if c not in short]
    waiting = [c for c in asked if c.answered is None and c.ended is None]
    decided = [c for c in asked if c not in short and c not in waiting]
    handled = [c for c in calls if c.answered is not None and c.state == "ended"]
    spans = [((c.answered or 0), (c.ended or 0), c.hold_s, (c.wrapped or c.ended or 0)) for c in handled]
    over = [c for c in answered if c.ended is not None]
    resolved = [
        c for c in over
        if not any(
            d.id != c.id and d.shopper == c.shopper and d.direction != "out"
            and c.created < d.created <= (c.ended or 0) + WEEK_S
            for d in everybody
        )
    ]
    scores = [c.rating.score for c in calls if c.rating is not None]
    return {
        "asked": len(asked),
        "answered": len(answered),
        "answered_in_time": len(in_time),
        "service_level": share(in_time, decided),
        "asa_s": mean((c.answered or 0) - c.created for c in answered),
        "longest_wait_s": max(waits, default=None),
        "abandoned": len(abandoned),
        "short_abandoned": len(short),
        "abandon_rate": share(abandoned, decided),
        "left_callback": len([c for c in missed if c.outcome == "callback"]),
        "unserved": len([c for c in missed if c.outcome not in ("abandoned", "callback")]),
        "waiting": len(waiting),
        "outgoing": len(calls) - len(asked),
        "handled": len(handled),
        "aht_s": mean(wrapped - answered for answered, _, _, wrapped in spans),
        "talk_s": mean(ended - answered - hold for answered, ended, hold, _ in spans),
        "hold_s": mean(hold for _, _, hold, _ in spans),
        "wrap_s": mean(wrapped - ended for _, ended, _, wrapped in spans),
        "fcr": share(resolved, over),
        "ratings": len(scores),
        "csat": mean(scores),
        "csat_good": share([score for score in scores if score >= 4], scores),
        "transfers": sum(c.transfers for c in calls),
        "escalations": sum(c.escalations for c in calls),
        "callbacks_open": open_callbacks,
    }


def same(found: dict[str, float | None], wanted: dict[str, float | None]) -> None:
    """As far as JSON is rounded."""
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        assert found[key] == (value if value is None else pytest.approx(value, abs=6e-4)), key


def local_day(at: float, zone: str) -> str:
    """On which day that was, there."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).date().isoformat()


@pytest.mark.parametrize(("zone", "first", "last"), ZONES)
async def test_against_a_brute_force_count(store: Store, zone: str, first: date, last: date) -> None:
    begin, end = moment(first, zone), moment(last, zone, 23)
    records = made_up(7, begin, end)
    # Around every midnight, where a day could be missed.
    for n, day in enumerate({local_day(begin + 3600.0 * hour, zone) for hour in range(int(end - begin) // 3600)}):
        edge = moment(date.fromisoformat(day), zone)
        records += [CallRecord(f"e{n}{d}", "demo", f"edge{n}{d}", edge + d, state="ended", ended=edge + d + 9.0) for d in (-1, 0)]
    callbacks = [
        CallbackRecord(f"b{n}", "ann", call.created, 0.0, call.room, queue=call.queue, call=call.id, done=1.0 if n % 3 == 0 else None)
        for n, call in enumerate(records) if call.outcome == "callback"
    ]
    await store.calls.save_calls(records)
    for callback in callbacks:
        await store.calls.save_callback(callback)
    await store.calls.save_callback(CallbackRecord("loose", "bob", begin + 1.0, 0.0, "demo", queue="vip"))
    callbacks.append(CallbackRecord("loose", "bob", begin + 1.0, 0.0, "demo", queue="vip"))
    entries = {call.id: call.entry for call in records}
    keys: dict[str, tuple[Callable[[CallRecord], str], Callable[[CallbackRecord], str]]] = {
        "day": (lambda c: local_day(c.created, zone), lambda b: local_day(b.created, zone)),
        "queue": (lambda c: c.queue, lambda b: b.queue),
        "agent": (lambda c: c.agent, lambda b: ""),
        "entry": (lambda c: c.entry, lambda b: entries.get(b.call, "")),
        "none": (lambda c: "", lambda b: ""),
    }
    for by in BY:
        for room, queue in ((None, None), ("demo", None), ("demo", "vip")):
            report = (await store.kpi.report(Question(first, last, zone, by, room, queue))).to_wire("en")
            chosen = [
                c for c in records
                if first.isoformat() <= local_day(c.created, zone) <= last.isoformat()
                and room in (None, c.room) and queue in (None, c.queue)
            ]
            pending = [
                b for b in callbacks
                if b.done is None and first.isoformat() <= local_day(b.created, zone) <= last.isoformat()
                and room in (None, b.room) and queue in (None, b.queue)
            ]
            groups: dict[str, list[CallRecord]] = defaultdict(list)
            left: dict[str, int] = defaultdict(int)
            for call in chosen:
                groups[keys[by][0](call)].append(call)
            for callback in pending:
                left[keys[by][1](callback)] += 1
            rows = {row.pop("key"): row for row in report["rows"]}
            if by == "day":
                assert list(rows) == sorted(rows) and rows.keys() >= groups.keys()
            elif by == "none":
                assert not rows
            else:
                assert rows.keys() == groups.keys() | left.keys()
            for key, row in rows.items():
                row.pop("label")
                same(row, brute(groups[key], records, left[key]))
            same(report["total"], brute(chosen, records, len(pending)))


async def test_an_empty_database(store: Store) -> None:
    report = await store.kpi.report(Question(date(2026, 1, 1), date(2026, 1, 3), "Asia/Shanghai"))
    assert [group.key for group in report.groups] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert report.total == Tally()
    assert report.to_wire("zh-CN")["total"]["csat"] is None


async def test_labels_and_order(store: Store) -> None:
    at = moment(date(2026, 11, 10), "Asia/Shanghai")
    calls = [CallRecord(f"c{n}", "demo", "ann", at + n, queue=queue) for n, queue in enumerate(("", "", "", "a", "b", "b"))]
    await store.calls.save_calls(calls)
    await store.calls.save_call(CallRecord("k", "demo", "ann", at, queue="b", agent="kim", agent_name="Kim"))
    await store.calls.save_queue(QueueRecord("b", "贵宾"))
    day = date(2026, 11, 10)
    by_queue = await store.kpi.report(Question(day, day, "Asia/Shanghai", "queue"))
    assert [(group.key, group.label) for group in by_queue.groups] == [("b", "贵宾"), ("a", ""), ("", "")]
    by_agent = await store.kpi.report(Question(day, day, "Asia/Shanghai", "agent"))
    assert [(group.key, group.label) for group in by_agent.groups] == [("kim", "Kim"), ("", "")]


@pytest.mark.parametrize(
    ("first", "last", "zone"),
    [
        (date(2026, 1, 2), date(2026, 1, 1), "UTC"),
        (date(2025, 1, 1), date(2026, 2, 5), "UTC"),
        *[(date(2026, 1, 1), date(2026, 1, 1), zone) for zone in ("Nowhere/At_all", "", "../etc/passwd", "/etc/passwd", "a\0b")],
    ],
)
async def test_wrong_questions(store: Store, first: date, last: date, zone: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|days"):
        await store.kpi.report(Question(first, last, zone))


def report(*groups: Group, by: Any = "agent") -> Report:
    """Made up."""
    return Report(Question(date(2026, 1, 1), date(2026, 1, 1), "UTC", by), groups, Tally(asked=3))


def test_csv() -> None:
    evil = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "＝1", '=cmd|"/c calc"!A1', "a,b", 'a"b', "正常", "-"]
    text = report(*(Group(name, name, Tally(asked=2, answered=1, answer_s=1.5)) for name in evil)).to_csv("en")
    assert text.startswith("\ufeff") and text.encode().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert all(len(row) == len(FIGURES) + 2 for row in rows)
    assert rows[0][:4] == ["Agent", "Name", "Asked (calls)", "Answered (calls)"]
    assert rows[1][:2] == ["Definition", ""] and rows[1][2] == "Calls that shoppers began, by link included"
    assert rows[-1][:3] == ["Total", "", "3"]
    for name, row in zip(evil, rows[2:-1], strict=True):
        assert row[0] == row[1] == (name if name in ("a,b", 'a"b', "正常") else f"'{name}")
        assert row[2:6] == ["2", "1", "0", "0.0"] and row[6] == "1.5"
    assert "求助次数 (次)" in report(by="day").to_csv("zh-CN")


def test_every_figure_is_defined_in_both_languages() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    for locale in ("zh-CN", "en"):
        told = kpi.definitions(locale)
        assert len({entry["title"] for entry in told}) == len(FIGURES)
        assert all(entry["formula"] and entry["unit"] for entry in told)


def test_the_handbook_has_the_same_definitions() -> None:
    units = {"calls": "calls", "s": "s", "share": "0 to 1", "score": "1 to 5"}
    handbook = (Path(__file__).parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
    for figure in FIGURES:
        row = f"| `{figure.key}` | {figure.title_en} · {figure.title_zh} | {units[figure.unit]} | {figure.formula_en} |"
        assert row in handbook.splitlines()

"""The key figures of one-to-one help: what each means, in one table, and how they are told as JSON and CSV.

:mod:`signaling.kpi_query` counts. A call belongs to the day on which it was created, to the agent who had it last, and to
the queue that it was last in. Calls that an agent began count as ``outgoing`` and nowhere else in the first block.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Literal, get_args

from signaling.errors import Locale

By = Literal["day", "queue", "agent", "entry", "none"]
BY: tuple[By, ...] = get_args(By)
SERVICE_S = 30.0
SHORT_S = 5.0
REPEAT_S = 7 * 86400.0
GOOD = 4
# A spreadsheet takes what begins with one of these for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted in one group; sums of spans in seconds. All add up but ``longest_s``."""

    asked: int = 0
    answered: int = 0
    answered_in_time: int = 0
    answer_s: float = 0.0
    longest_s: float = 0.0
    abandoned: int = 0
    short: int = 0
    left_callback: int = 0
    unserved: int = 0
    waiting: int = 0
    outgoing: int = 0
    handled: int = 0
    talk_s: float = 0.0
    hold_s: float = 0.0
    wrap_s: float = 0.0
    resolvable: int = 0
    resolved: int = 0
    ratings: int = 0
    score: int = 0
    good: int = 0
    transfers: int = 0
    escalations: int = 0
    callbacks_open: int = 0

    def __add__(self, other: Tally) -> Tally:
        sums = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        return Tally(**{**sums, "longest_s": max(self.longest_s, other.longest_s)})

    @property
    def decided(self) -> int:
        """Calls that could have been answered and are not still waiting."""
        return self.asked - self.short - self.waiting


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure. ``unit``: ``calls``, ``s``, ``share`` (0 to 1) or ``score`` (1 to 5)."""

    key: str
    unit: Literal["calls", "s", "share", "score"]
    title_zh: str
    title_en: str
    formula_zh: str
    formula_en: str
    value: Callable[[Tally], float | None]

    def title(self, locale: Locale) -> str:
        """What it is called."""
        return self.title_en if locale == "en" else self.title_zh

    def formula(self, locale: Locale) -> str:
        """How it is computed."""
        return self.formula_en if locale == "en" else self.formula_zh


def _over(part: float, whole: int) -> float | None:
    return part / whole if whole else None


FIGURES: tuple[Figure, ...] = (
    Figure("asked", "calls", "求助次数", "Asked", "顾客发起的求助（含通过链接）", "Calls that shoppers began, by link included",
           lambda t: t.asked),
    Figure("answered", "calls", "接听次数", "Answered", "其中由客服接听的", "Of those, answered by an agent",
           lambda t: t.answered),
    Figure("answered_in_time", "calls", "30 秒内接听", "Answered within 30 s", "其中 30 秒以内（含）接听的",
           "Of those, answered within 30 s of asking", lambda t: t.answered_in_time),
    Figure("service_level", "share", "30 秒接听率", "Service level",
           "30 秒内接听 ÷（求助次数 − 5 秒内放弃 − 仍在等待）", "Answered within 30 s ÷ (asked − short abandons − still waiting)",
           lambda t: _over(t.answered_in_time, t.decided)),
    Figure("asa_s", "s", "平均应答时间", "Average speed of answer", "从求助到接听的平均时间，只计已接听的",
           "Mean time from asking to the answer, of the answered calls", lambda t: _over(t.answer_s, t.answered)),
    Figure("longest_wait_s", "s", "最长等待", "Longest wait", "从求助到接听、放弃或此刻的最长时间",
           "Longest time from asking to the answer, the end or now", lambda t: t.longest_s if t.asked else None),
    Figure("abandoned", "calls", "放弃次数", "Abandoned", "等待 5 秒以上、未接听就离开的", "Gone before an answer, after 5 s or more",
           lambda t: t.abandoned),
    Figure("short_abandoned", "calls", "5 秒内放弃", "Short abandons", "等待不到 5 秒就离开的，不计入比率",
           "Gone within less than 5 s; left out of the rates", lambda t: t.short),
    Figure("abandon_rate", "share", "放弃率", "Abandon rate", "放弃次数 ÷（求助次数 − 5 秒内放弃 − 仍在等待）",
           "Abandoned ÷ (asked − short abandons − still waiting)", lambda t: _over(t.abandoned, t.decided)),
    Figure("left_callback", "calls", "改约回电", "Chose a callback", "未接听而预约了回电的", "Not answered, and a callback was left instead",
           lambda t: t.left_callback),
    Figure("unserved", "calls", "未能服务", "Not served", "因等待超时或故障而未接听的", "Ended unanswered for another reason: waited too long, or failed",
           lambda t: t.unserved),
    Figure("waiting", "calls", "仍在等待", "Still waiting", "此刻还没有接听的", "Not answered yet, now", lambda t: t.waiting),
    Figure("outgoing", "calls", "客服呼出", "Outgoing", "客服发起的通话", "Calls that agents began", lambda t: t.outgoing),
    Figure("handled", "calls", "处理完成", "Handled", "接通并已结束（含记录）的通话，含呼出", "Answered calls that are over, notes included; outgoing ones too",
           lambda t: t.handled),
    Figure("aht_s", "s", "平均处理时间", "Average handle time", "（通话 + 保持 + 记录）÷ 处理完成",
           "(talk + hold + wrap-up) ÷ handled", lambda t: _over(t.talk_s + t.hold_s + t.wrap_s, t.handled)),
    Figure("talk_s", "s", "平均通话时间", "Average talk time", "接听到结束，减去保持", "From the answer to the end, less the holds",
           lambda t: _over(t.talk_s, t.handled)),
    Figure("hold_s", "s", "平均保持时间", "Average hold time", "所有保持时间之和 ÷ 处理完成", "All holds ÷ handled",
           lambda t: _over(t.hold_s, t.handled)),
    Figure("wrap_s", "s", "平均记录时间", "Average wrap-up time", "结束到记录完成", "From the end to the notes' end",
           lambda t: _over(t.wrap_s, t.handled)),
    Figure("fcr", "share", "一次解决率", "First-contact resolution",
           "已接听的求助中，同一人在结束后 7 天内没有再次求助的比例；不满 7 天的按至今计",
           "Of the answered calls of shoppers that ended, the share whose shopper did not ask again within 7 days; the last days count as known so far",
           lambda t: _over(t.resolved, t.resolvable)),
    Figure("ratings", "calls", "评价数", "Ratings", "有评分的通话", "Calls with a score", lambda t: t.ratings),
    Figure("csat", "score", "满意度", "CSAT", "评分平均值（1 到 5）", "Mean score, 1 to 5", lambda t: _over(t.score, t.ratings)),
    Figure("csat_good", "share", "满意率", "Satisfied", "4 分和 5 分 ÷ 评价数", "Scores of 4 and 5 ÷ ratings",
           lambda t: _over(t.good, t.ratings)),
    Figure("transfers", "calls", "转接次数", "Transfers", "完成的转接，计在最后的客服名下", "Transfers that came about, under the last agent",
           lambda t: t.transfers),
    Figure("escalations", "calls", "上台次数", "Escalations", "通话被带上直播舞台的次数", "Times that a call came on the live stage",
           lambda t: t.escalations),
    Figure("callbacks_open", "calls", "待回电", "Callbacks open", "这段时间内预约、尚未完成的回电；按客服不分", "Callbacks left in this time and not made yet; belong to no agent",
           lambda t: t.callbacks_open),
)
_DIGITS = {"calls": 0, "s": 3, "share": 4, "score": 3}
_UNITS = {"calls": ("次", "calls"), "s": ("秒", "s"), "share": ("0–1", "0–1"), "score": ("1–5", "1–5")}
_BY_TITLES: Mapping[By, tuple[str, str]] = {
    "day": ("日期", "Day"),
    "queue": ("队列", "Queue"),
    "agent": ("客服", "Agent"),
    "entry": ("入口", "Entry point"),
    "none": ("范围", "Range"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """``first`` to ``last`` are days in ``timezone`` (IANA), both included; ``room`` and ``queue`` None: all."""

    first: date
    last: date
    timezone: str
    by: By = "day"
    room: str | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One row: ``key`` is an ISO day, a queue's name, an agent's identity or an entry point, empty for none."""

    key: str
    label: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a question. ``truncated``: there are more groups; ``total`` has them all."""

    question: Question
    groups: tuple[Group, ...]
    total: Tally
    truncated: bool = False

    def to_wire(self, locale: Locale) -> dict[str, Any]:
        """As JSON has it: the definitions, one object per group, and the total."""
        question = self.question
        return {
            "from": question.first.isoformat(),
            "to": question.last.isoformat(),
            "timezone": question.timezone,
            "by": question.by,
            "room": question.room,
            "queue": question.queue,
            "figures": definitions(locale),
            "rows": [{"key": group.key, "label": group.label, **values(group.tally)} for group in self.groups],
            "total": values(self.total),
            "truncated": self.truncated,
        }

    def to_csv(self, locale: Locale) -> str:
        """RFC 4180 with a byte order mark, for spreadsheets: titles, the definition under each, the groups, the total."""
        en = locale == "en"
        text = io.StringIO()
        text.write("\ufeff")
        writer = csv.writer(text, lineterminator="\r\n")
        titles = [f"{figure.title(locale)} ({_UNITS[figure.unit][en]})" for figure in FIGURES]
        named = self.question.by in ("agent", "queue")
        writer.writerow([_BY_TITLES[self.question.by][en], *([_NAME[en]] if named else []), *titles])
        writer.writerow([_DEFINITION[en], *([""] if named else []), *(figure.formula(locale) for figure in FIGURES)])
        for group in self.groups:
            label = [as_cell(group.label)] if named else []
            writer.writerow([as_cell(group.key), *label, *_cells(group.tally)])
        writer.writerow([_TOTAL[en], *([""] if named else []), *_cells(self.total)])
        return text.getvalue()


_NAME = ("名称", "Name")
_DEFINITION = ("定义", "Definition")
_TOTAL = ("合计", "Total")


def definitions(locale: Locale) -> list[dict[str, str]]:
    """Every figure with its title, its formula and its unit."""
    return [
        {"key": figure.key, "unit": figure.unit, "title": figure.title(locale), "formula": figure.formula(locale)}
        for figure in FIGURES
    ]


def values(tally: Tally) -> dict[str, float | None]:
    """Every figure; None where there is nothing to divide by."""
    return {figure.key: _rounded(figure, tally) for figure in FIGURES}


def as_cell(value: str) -> str:
    """A text from somebody else that no spreadsheet computes."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _rounded(figure: Figure, tally: Tally) -> float | None:
    value = figure.value(tally)
    return None if value is None else round(value, _DIGITS[figure.unit] or None)


def _cells(tally: Tally) -> Sequence[float | str]:
    return ["" if value is None else value for value in values(tally).values()]


def as_tally(row: Mapping[str, Any]) -> Tally:
    """What a database says: a sum over nothing is null there, and a sum of integers may be a Decimal."""
    kinds = asdict(Tally())
    return Tally(**{name: type(zero)(row.get(name) or 0) for name, zero in kinds.items()})

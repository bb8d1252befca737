"""Scorecards: what a template asks, which answers it takes, and what they come to. Pure.

A template is never changed: another version follows it, and a review stays on the version that it began with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

CommentRule = Literal["optional", "low", "always"]
COMMENT_RULES: tuple[CommentRule, ...] = ("optional", "low", "always")
ReviewState = Literal["draft", "submitted", "acknowledged", "appealed", "resolved"]
MAX_QUESTIONS = 50
MAX_POINTS = 10
MAX_WEIGHT = 100.0
MAX_SPANS = 16
MAX_COMMENT = 2000
#: An agent may appeal for so long after the review was submitted, seconds.
APPEAL_S = 14 * 86400.0
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class ScorecardError(Exception):
    """``code``: ``template_invalid``, ``template_changed``, ``answer_invalid``, ``comment_required``,
    ``review_submitted`` or ``review_not_yours``; ``field`` names the question or part."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(f"{code}: {field}")
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Question:
    """``points`` 1 to 10 are the best answer (1: yes or no). ``na``: it may not apply; ``auto_fail``: 0 points fail the
    whole. ``comment``: ``low`` asks for one below half of the points."""

    id: str
    text: str
    text_en: str = ""
    points: int = 1
    weight: float = 1.0
    na: bool = True
    auto_fail: bool = False
    comment: CommentRule = "optional"


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a scorecard. ``pass_score`` is 0 to 100, or None: nobody passes or fails."""

    id: str
    version: int
    title: str
    title_en: str = ""
    questions: tuple[Question, ...] = ()
    pass_score: float | None = None
    retired: bool = False
    author: str = ""
    at: float = 0.0

    def question(self, name: str) -> Question | None:
        """By id."""
        return next((question for question in self.questions if question.id == name), None)


@dataclass(frozen=True, slots=True)
class Answer:
    """``value`` 0 to the question's points, or None: it does not apply. ``spans`` are seconds of the recording."""

    question: str
    value: int | None
    comment: str = ""
    spans: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """``score`` 0 to 100, None when nothing applies; ``failed``: by a question that fails the whole."""

    score: float | None
    failed: bool = False
    passed: bool | None = None


def check_template(template: Template) -> Template:
    """The same, or :class:`ScorecardError` ``template_invalid`` naming what is wrong."""
    if not valid_name(template.id):
        raise ScorecardError("template_invalid", "id")
    if not template.title.strip():
        raise ScorecardError("template_invalid", "title")
    if template.pass_score is not None and not 0 <= template.pass_score <= 100:
        raise ScorecardError("template_invalid", "pass_score")
    if not 1 <= len(template.questions) <= MAX_QUESTIONS:
        raise ScorecardError("template_invalid", "questions")
    seen: set[str] = set()
    for index, question in enumerate(template.questions):
        where = f"questions[{index}]"
        if not valid_name(question.id) or question.id in seen:
            raise ScorecardError("template_invalid", f"{where}.id")
        seen.add(question.id)
        if not question.text.strip():
            raise ScorecardError("template_invalid", f"{where}.text")
        if not 1 <= question.points <= MAX_POINTS:
            raise ScorecardError("template_invalid", f"{where}.points")
        if not (math.isfinite(question.weight) and 0 < question.weight <= MAX_WEIGHT):
            raise ScorecardError("template_invalid", f"{where}.weight")
        if question.comment not in COMMENT_RULES:
            raise ScorecardError("template_invalid", f"{where}.comment")
    return template


def valid_name(value: str) -> bool:
    """1 to 64 plain characters."""
    return 0 < len(value) <= 64 and _NAME.issuperset(value)


def next_version(former: Template | None, base: int, wanted: Template) -> Template:
    """What is kept when ``wanted`` was made from version ``base`` (0: from nothing). Raises ``template_changed`` when
    somebody else was faster, or ``template_invalid``."""
    if base != (0 if former is None else former.version):
        raise ScorecardError("template_changed", wanted.id)
    return check_template(replace(wanted, version=base + 1))


def check_answers(template: Template, answers: Sequence[Answer], duration_s: float) -> dict[str, Answer]:
    """By question; some may be missing still. Raises ``answer_invalid``."""
    found: dict[str, Answer] = {}
    for answer in answers:
        question = template.question(answer.question)
        if question is None or answer.question in found:
            raise ScorecardError("answer_invalid", answer.question)
        fits = question.na if answer.value is None else 0 <= answer.value <= question.points
        cited = len(answer.spans) <= MAX_SPANS and all(
            0 <= start <= end <= duration_s + 1.0 for start, end in answer.spans
        )
        if not fits or not cited or len(answer.comment) > MAX_COMMENT:
            raise ScorecardError("answer_invalid", answer.question)
        found[answer.question] = answer
    return found


def missing(template: Template, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """The questions that still want an answer or a comment."""
    return tuple(
        question.id
        for question in template.questions
        if question.id not in answers or _wants_comment(question, answers[question.id])
    )


def require_complete(template: Template, answers: Mapping[str, Answer]) -> None:
    """Raises ``answer_invalid`` or ``comment_required`` for the first question that is not done."""
    for question in template.questions:
        answer = answers.get(question.id)
        if answer is None:
            raise ScorecardError("answer_invalid", question.id)
        if _wants_comment(question, answer):
            raise ScorecardError("comment_required", question.id)


def _wants_comment(question: Question, answer: Answer) -> bool:
    if answer.comment.strip() or answer.value is None:
        return False
    low = question.comment == "low" and answer.value < question.points / 2
    return low or question.comment == "always"


def result(template: Template, answers: Mapping[str, Answer]) -> Result:
    """Of the answers that are there."""
    total = weights = 0.0
    failed = False
    for question in template.questions:
        answer = answers.get(question.id)
        if answer is None or answer.value is None:
            continue
        total += question.weight * answer.value / question.points
        weights += question.weight
        failed = failed or (question.auto_fail and answer.value == 0)
    if weights == 0:
        return Result(None)
    score = 0.0 if failed else round(100 * total / weights, 2)
    return Result(score, failed, None if template.pass_score is None else not failed and score >= template.pass_score)


# --- the life of a review --------------------------------------------------------------------------------------------

#: What may be done with a review in which state, and what it becomes.
STEPS: Mapping[str, tuple[frozenset[ReviewState], ReviewState]] = {
    "save": (frozenset(("draft",)), "draft"),
    "submit": (frozenset(("draft",)), "submitted"),
    "acknowledge": (frozenset(("submitted", "resolved")), "acknowledged"),
    "appeal": (frozenset(("submitted", "acknowledged")), "appealed"),
    "resolve": (frozenset(("appealed",)), "resolved"),
}


def step(what: str, state: ReviewState, *, by: str, reviewer: str, agent: str, leads: bool = False) -> ReviewState:
    """The state after ``what`` by somebody. The reviewer writes, the agent answers, and whoever leads, but neither of
    the two, decides about an appeal. Raises ``review_not_yours`` or ``review_submitted`` (not at this point)."""
    if what in ("save", "submit"):
        mine = by == reviewer
    elif what == "resolve":
        mine = leads and by not in (reviewer, agent)
    else:
        mine = by == agent
    if not mine:
        raise ScorecardError("review_not_yours")
    before, after = STEPS[what]
    if state not in before:
        raise ScorecardError("review_submitted")
    return after


def default_template() -> Template:
    """``call``, version 1: confirm the problem, calm, offer a solution, close the loop."""
    return Template(
        "call",
        1,
        "客服通话质检",
        "Service call",
        (
            Question("confirm", "复述并确认顾客的问题", "Confirmed the problem in own words", 5, 3.0, False, False, "low"),
            Question("calm", "态度平和，安抚情绪", "Stayed calm and calmed the shopper", 5, 2.0, True, False, "low"),
            Question("solution", "给出可行的解决方案", "Offered a solution that works", 5, 3.0, True, False, "low"),
            Question("close", "确认问题已解决并说明后续", "Closed the loop: solved, or what comes next", 5, 2.0, True, False, "low"),
            Question("privacy", "没有索要或泄露隐私信息", "Asked for and gave away nothing private", 1, 1.0, False, True, "low"),
        ),
        80.0,
    )


def from_json(data: Mapping[str, Any]) -> Template:
    """A template as :func:`to_json` wrote it."""
    questions = tuple(Question(**question) for question in data["questions"])
    return Template(**{**data, "questions": questions})


def to_json(template: Template) -> dict[str, Any]:
    """Plain values."""
    fields = {name: getattr(template, name) for name in Template.__dataclass_fields__}
    names = Question.__dataclass_fields__
    return {**fields, "questions": [{name: getattr(q, name) for name in names} for q in template.questions]}

"""How far the reviewers of a calibration agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from recorder.review.agreement import alpha, kappa
from recorder.review.scorecard import Template
from signaling.review_store import ReviewRecord


def _said(template: Template, reviews: Sequence[ReviewRecord]) -> dict[str, list[int | None]]:
    """By question, what each reviewer said; None: it does not apply."""
    values = [{answer.question: answer.value for answer in review.answers} for review in reviews]
    return {question.id: [given.get(question.id) for given in values] for question in template.questions}


def _shares(template: Template, reviews: Sequence[ReviewRecord]) -> list[list[float | None]]:
    points = {question.id: question.points for question in template.questions}
    return [
        [None if value is None else value / points[name] for value in values]
        for name, values in _said(template, reviews).items()
    ]


def agreement(template: Template, reviews: Sequence[ReviewRecord]) -> dict[str, Any]:
    """Alpha over the questions, kappa of each pair, and where they differ most."""
    said, shares = _said(template, reviews), _shares(template, reviews)
    names = [review.reviewer for review in reviews]
    pairs = [
        {"reviewers": [names[a], names[b]], "kappa": _rounded(kappa([u[a] for u in shares], [u[b] for u in shares]))}
        for a, b in combinations(range(len(names)), 2)
    ]
    questions = []
    for question, unit in zip(template.questions, shares, strict=True):
        given = [share for share in unit if share is not None]
        spread = round(max(given) - min(given), 4) if given else None
        values = dict(zip(names, said[question.id], strict=True))
        questions.append({"question": question.id, "values": values, "spread": spread})
    return {"alpha": _rounded(alpha(shares)), "metric": "interval", "kappa": pairs, "questions": questions}


def overall(template: Template, groups: Sequence[Sequence[ReviewRecord]]) -> dict[str, Any]:
    """Alpha over all questions of all calibrations on one template."""
    units = [unit for reviews in groups for unit in _shares(template, reviews)]
    return {"alpha": _rounded(alpha(units)), "calibrations": len(groups)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)

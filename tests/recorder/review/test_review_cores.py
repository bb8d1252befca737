"""Scores, draws, agreement and the audit's chain, against published examples and by laws."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from recorder.review.agreement import alpha, kappa
from recorder.review.audit import GENESIS, Chain, Entry, clip, follow, merge
from recorder.review.retention import DAY_S, Retention, verdict
from recorder.review.sampling import Candidate, RiskRules, allocate, draw, margin, wilson
from recorder.review.scorecard import (
    Answer,
    ScorecardError,
    check_answers,
    default_template,
    from_json,
    missing,
    next_version,
    require_complete,
    result,
    step,
    to_json,
)
from recorder.review.search import rating_range, recording_id, words

# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section E: four observers, twelve units.
OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
UNITS = [
    [None if said == "." else float(said) for said in unit]
    for unit in zip(*(line.split() for line in OBSERVERS), strict=True)
]


@pytest.mark.parametrize("metric, expected", [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(metric: str, expected: float) -> None:
    found = alpha(UNITS, metric)  # type: ignore[arg-type]
    assert found is not None and round(found, 3) == expected


def test_alpha_is_undefined_without_variation() -> None:
    assert alpha([]) is alpha([[1.0, 1.0], [1.0, None]]) is alpha([[1.0], [2.0]]) is None
    assert alpha([[0, 0], [1, 1]]) == 1.0


def test_kappa_of_the_textbook() -> None:
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    first, second = zip(*pairs, strict=True)
    found = kappa(first, second)
    assert found is not None and round(found, 9) == 0.4
    assert kappa((1, 1), (1, 1)) is None
    assert kappa((1, 2, 3, None), (1, 2, 3, 1), "quadratic", (1, 2, 3)) == 1.0
    with pytest.raises(ValueError):
        kappa((1,), (9,), "linear", (1, 2))


def full(**values: int | None) -> list[Answer]:
    given = {"confirm": 5, "calm": 5, "solution": 5, "close": 5, "privacy": 1, **values}
    return [Answer(name, value) for name, value in given.items()]


def score(*answers: Answer) -> tuple[float | None, bool, bool | None]:
    found = result(default_template(), check_answers(default_template(), answers, 60.0))
    return found.score, found.failed, found.passed


def test_scores() -> None:
    assert score(*full()) == (100.0, False, True)
    assert score(*full(calm=None)) == (100.0, False, True)
    assert score(*full(confirm=0)) == (72.73, False, False)
    assert score(*full(privacy=0)) == (0.0, True, False)
    assert score() == (None, False, None)


@pytest.mark.parametrize(
    "answer",
    [Answer("nothing", 1), Answer("confirm", 6), Answer("confirm", -1), Answer("confirm", None),
     Answer("calm", 1, "", ((5.0, 4.0),)), Answer("calm", 1, "", ((0.0, 99.0),)), Answer("calm", 1, "x" * 2001)],
)
def test_wrong_answers_are_named(answer: Answer) -> None:
    with pytest.raises(ScorecardError, match=f"answer_invalid: {answer.question}"):
        check_answers(default_template(), [answer], 60.0)


def test_what_is_missing() -> None:
    card = default_template()
    answers = check_answers(card, full(calm=2)[1:], 60.0)
    assert missing(card, answers) == ("confirm", "calm")
    with pytest.raises(ScorecardError, match="answer_invalid: confirm"):
        require_complete(card, answers)
    with pytest.raises(ScorecardError, match="comment_required: calm"):
        require_complete(card, check_answers(card, full(calm=2), 60.0))
    require_complete(card, check_answers(card, full(), 60.0))


def test_versions_follow_each_other() -> None:
    card = default_template()
    assert from_json(to_json(card)) == card
    assert next_version(card, 1, card).version == 2
    assert next_version(None, 0, card).version == 1
    for former, base in ((card, 0), (card, 2), (None, 1)):
        with pytest.raises(ScorecardError, match="template_changed"):
            next_version(former, base, card)
    with pytest.raises(ScorecardError, match=r"template_invalid: questions\[0\].weight"):
        next_version(card, 1, replace(card, questions=(replace(card.questions[0], weight=float("nan")),)))


def test_the_life_of_a_review() -> None:
    who: Any = {"reviewer": "rita", "agent": "kim"}
    assert step("submit", "draft", by="rita", **who) == "submitted"
    assert step("appeal", "submitted", by="kim", **who) == "appealed"
    assert step("resolve", "appealed", by="boss", leads=True, **who) == "resolved"
    assert step("acknowledge", "resolved", by="kim", **who) == "acknowledged"
    for what, state, by, leads in (("save", "draft", "kim", False), ("appeal", "submitted", "rita", False),
                                   ("resolve", "appealed", "rita", True), ("resolve", "appealed", "boss", False)):
        with pytest.raises(ScorecardError, match="review_not_yours"):
            step(what, state, by=by, leads=leads, **who)  # type: ignore[arg-type]
    with pytest.raises(ScorecardError, match="review_submitted"):
        step("save", "submitted", by="rita", **who)


MANY = [Candidate(f"r{n}", f"a{n % 7}", f"q{n % 2}", rating=1 + n % 5, escalations=n % 3 == 0) for n in range(200)]


def test_a_draw_can_be_repeated() -> None:
    first = draw(MANY, "random", 20, "s")
    assert draw(MANY[::-1], "random", 20, "s") == first
    assert draw(MANY, "random", 20, "t") != first
    assert (len(first.drawn), first.population) == (20, 200)


def test_strata_get_their_share() -> None:
    found = draw(MANY, "stratified", 20, "s", by=("agent", "queue"))
    assert len(found.strata) == 14 and all(stratum.sampled >= 1 for stratum in found.strata)
    assert sum(stratum.sampled for stratum in found.strata) == len(found.drawn) == 20
    assert allocate({"a": 1, "b": 0, "c": 99}, 10, "s") == {"a": 1, "b": 0, "c": 9}
    assert sum(allocate({"a": 1, "b": 2, "c": 3}, 100, "s").values()) == 6
    assert sum(allocate({"a": 5, "b": 5, "c": 5}, 2, "s").values()) == 2


def test_risk_says_why() -> None:
    found = draw(MANY, "risk", 200, "s", rules=RiskRules(rating_at_most=1, escalated=True))
    assert found.drawn[0].why == ("rating", "escalated") and found.drawn[-1].why in (("rating",), ("escalated",))
    with pytest.raises(ValueError):
        draw(MANY, "risk", 5, "s", rules=RiskRules())
    with pytest.raises(ValueError):
        draw(MANY, "stratified", 5, "s")


def test_intervals() -> None:
    # Wilson's interval of 81 in 263 (Newcombe 1998, table I) and of nothing in 20.
    assert [round(end, 4) for end in wilson(81, 263)] == [0.2553, 0.3662]
    assert [round(end, 4) for end in wilson(0, 20)] == [0.0, 0.1611]
    assert wilson(0, 0) == (0.0, 1.0)
    assert margin(100, 100) == 0.0 and margin(5, 0) is None


def chain(length: int = 6) -> list[Entry]:
    lines: list[Entry] = []
    for n in range(1, length + 1):
        previous = lines[-1].hash if lines else GENESIS
        detail = {"spans": [[n, n + 1]]}
        lines.append(follow(n, previous, at=n / 3, actor="rita", name="丽", action="heard", recording="r", detail=detail))
    return lines


def faults(lines: list[Entry], head: Entry) -> list[tuple[int, str]]:
    found = Chain()
    found.feed(lines)
    return [(fault.number, fault.problem) for fault in found.close(head.number, head.hash)]


def test_the_chain_shows_which_line_is_wrong() -> None:
    lines = chain()
    head = lines[-1]
    assert faults(lines, head) == []
    assert faults([*lines[:2], replace(lines[2], actor="eve"), *lines[3:]], head) == [(3, "changed")]
    assert faults([*lines[:2], *lines[3:]], head) == [(3, "removed")]
    assert faults(lines[:-1], head) == [(6, "removed")]
    swapped = [replace(lines[2], number=2), replace(lines[1], number=3)]
    assert [n for n, _ in faults([lines[0], *swapped, *lines[3:]], head)] == [2, 3]
    forged = follow(3, GENESIS, at=1, actor="eve", name="", action="heard", recording="r", detail={})
    assert faults([*lines[:2], forged, *lines[3:]], head)[0] == (3, "inserted")
    extra = follow(7, head.hash, at=1, actor="eve", name="", action="heard", recording="r", detail={})
    assert faults([*lines, extra], head) == [(7, "inserted")]


def test_spans() -> None:
    assert merge([(3, 4), (0, 1), (1, 2), (3.5, 6)]) == ((0, 2), (3, 6))
    assert clip([[-1, 2], [50, 99], [70, 80], [5, 5]], 60.0) == ((0.0, 2.0), (50.0, 60.0))
    with pytest.raises(ValueError):
        clip([[2, 1]], 60.0)


def test_search_words() -> None:
    assert words("退货 “blue chair” AB ab") == ("退货", "blue chair", "ab")
    assert recording_id(" R0123456789abcdef ") == "r0123456789abcdef" and recording_id("r1") is None
    assert rating_range("1-3") == (1, 3) and rating_range("5") == (5, 5)
    for wrong in ("x", "a " * 9, "z" * 65):
        with pytest.raises(ValueError):
            words(wrong)
    with pytest.raises(ValueError):
        rating_range("3-1")


def test_retention() -> None:
    assert Retention(1, 2).expires("call", 10, 5) == 15 + DAY_S
    for fields, expected in (({}, "erase"), ({"hold": True}, "held"), ({"appealed": True}, "appealed"),
                             ({"state": "recording"}, "not_over"), ({"now": 1.0}, "keep"), ({"expires": None}, "keep")):
        given = {"expires": 5.0, "now": 6.0, "state": "ready", "hold": False, "appealed": False, **fields}
        assert verdict(**given) == expected  # type: ignore[arg-type]

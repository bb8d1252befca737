"""The range that a waiter is told: its form, its honesty, what widens it; and who is let in."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from heapq import heapreplace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import estimate as e
from signaling.admission import admission
from signaling.desk import Desk
from signaling.errors import ApiError
from signaling.help_queue import HelpQueue, Waiter
from signaling.outlook import Outlook


@dataclass(frozen=True)
class Spec:
    name: str = "setup"
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    max_wait_s: float = 1800.0
    priority: int = 0
    hours: str = ""
    timezone: str = ""
    max_waiting: int = 3


def known(*seconds: float, now: float = 0.0) -> e.Moments:
    estimator = e.Estimator()
    for each in seconds:
        estimator.handled(each, now)
    return estimator.moments(now)


# --- the range -------------------------------------------------------------------------------------------------------


def test_nothing_is_said_when_nothing_is_known() -> None:
    assert e.wait_range(1, 5, known()) is None
    assert e.wait_range(1, 0, known(60, 60)) is None
    assert e.wait_range(1, 5, known(0, -5, float("nan"), float("inf"))) is None
    assert e.Estimator().moments(0.0).mean_s == 0.0


@pytest.mark.parametrize(
    "position, agents, samples, expected",
    [
        (1, 10, [300] * 50, (0, 60)),
        (10, 10, [300] * 50, (180, 450)),
        (100, 10, [300] * 50, (2100, 3960)),
        (0.2, 10, [300] * 50, (0, 60)),
        (10, 10, [300], (20, 720)),
    ],
)
def test_ranges(position: float, agents: int, samples: list[float], expected: tuple[int, int]) -> None:
    assert e.wait_range(position, agents, known(*samples)) == expected


def test_on_the_wire() -> None:
    assert e.Range(30, 60).to_wire() == {"low_s": 30, "high_s": 60}


def test_those_who_leave_and_those_who_overtake_widen_it() -> None:
    plain = e.wait_range(50, 10, known(*[300] * 50))
    left = e.wait_range(50, 10, known(*[300] * 50), given_up=0.5)
    passed = e.wait_range(50, 10, known(*[300] * 50), overtaking=20.0)
    assert plain is not None and left is not None and passed is not None
    assert left.low_s < plain.low_s and left.high_s == plain.high_s
    assert passed.low_s == plain.low_s and passed.high_s > plain.high_s


def width(found: e.Range | None) -> float:
    assert found is not None
    return (found.high_s - found.low_s) / found.high_s


def test_little_knowledge_is_admitted() -> None:
    widths = [width(e.wait_range(40, 8, known(*[240, 360] * pairs))) for pairs in (1, 3, 10, 50)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > widths[-1]
    even, uneven = known(*[300] * 50), known(*[30, 570] * 25)
    assert width(e.wait_range(10, 8, uneven)) > width(e.wait_range(10, 8, even))


def test_memory_is_bounded_and_short() -> None:
    estimator = e.Estimator()
    for number in range(1000):
        estimator.handled(100.0 + number, float(number))
    assert estimator.moments(1000.0).samples == e.SAMPLES
    assert estimator.moments(1000.0).mean_s > 900
    assert estimator.moments(999.0 + e.MAX_AGE_S).samples == 1
    assert estimator.moments(1000.0 + e.MAX_AGE_S).samples == 0
    estimator.handled(1e9, 1e6)
    assert estimator.moments(1e6).mean_s == e.MAX_HANDLE_S


def test_merged() -> None:
    assert e.merged([known(10, 20), known(), known(30)]) == known(10, 20, 30)
    assert e.merged([]) == e.Moments()


@given(
    st.floats(1, 2000), st.integers(1, 300), st.lists(st.floats(0.5, 20000), min_size=1, max_size=30), st.floats(1, 500)
)
def test_laws(position: float, agents: int, samples: list[float], further: float) -> None:
    moments = known(*samples)
    here, behind = e.wait_range(position, agents, moments), e.wait_range(position + further, agents, moments)
    assert here is not None and behind is not None
    assert 0 <= here.low_s < here.high_s
    assert here.low_s % 10 == 0 and here.high_s % 10 == 0
    mean = max(position, 1) * moments.mean_s / agents
    assert here.low_s <= mean, "the mean is never too short for the range"
    assert behind.high_s >= here.high_s and behind.low_s >= here.low_s, "who is further behind is told no less"


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0, 50.0])
@pytest.mark.parametrize("position, agents", [(1, 3), (4, 8), (30, 8), (200, 40)])
def test_most_waits_end_within(shape: float, position: int, agents: int) -> None:
    """Agents who have been at work for long, handle times as random as real ones and as regular as machines."""
    rng = random.Random(f"{shape} {position}")
    inside = 0
    for _ in range(200):
        draw = [rng.gammavariate(shape, 300 / shape) for _ in range(30)]
        # A long warm-up, so that the moment is any: the ends of calls lie side by side.
        ends = [rng.uniform(0, 600) for _ in range(agents)]
        ends.sort()
        for _ in range(agents * 4):
            heapreplace(ends, ends[0] + rng.gammavariate(shape, 300 / shape))
        begin = ends[0]
        for _ in range(position - 1):
            heapreplace(ends, ends[0] + rng.gammavariate(shape, 300 / shape))
        waited = ends[0] - begin if position > 1 else rng.expovariate(agents / 300)
        found = e.wait_range(position, agents, known(*draw))
        assert found is not None
        inside += found.low_s <= waited <= found.high_s
    assert 0.7 <= inside / 200 <= 1.0


# --- over several queues ---------------------------------------------------------------------------------------------


def desk_of(**agents: str) -> Desk:
    desk = Desk()
    for number, (name, skills) in enumerate(agents.items()):
        desk.attend(name, name, skills.split(), "*", float(number))
    return desk


def queue_of(name: str, waiting: int, **spec: object) -> HelpQueue:
    queue = HelpQueue(replace(Spec(name), **spec))  # type: ignore[arg-type]
    for number in range(waiting):
        queue.add(Waiter(f"{name}{number}", number + 0.5 * (name == "sales"), "demo"))
    return queue


def learned(*names: str) -> dict[str, e.Estimator]:
    estimators = {name: e.Estimator() for name in names}
    for estimator in estimators.values():
        for _ in range(50):
            estimator.handled(300.0, 0.0)
    return estimators


def test_an_outlook_counts_those_who_share_the_agents() -> None:
    alone, both = queue_of("tv", 4, skills=("tv",)), queue_of("sales", 4, skills=("sales",))
    estimators = learned("tv", "sales")
    desk = desk_of(ann="tv", bob="tv sales")
    for name in ("ann", "bob"):
        desk.reserve_call(name, f"other-{name}", "demo", 3.0)
    look = Outlook([alone, both], estimators, desk, 5.0)
    assert (look.agents(alone), look.agents(both)) == (2, 1)
    known_times = known(*[300] * 100)
    assert look.of(alone, "tv0", 15) == e.wait_range(1, 2, known_times)
    assert look.of(alone, "tv2", 15) == e.wait_range(3 + 2, 2, known_times), "both of sales before want bob"
    assert look.of(both, "sales2", 15) == e.wait_range(3 + 3 / 2, 1, known_times), "ann takes half of the others"
    assert look.of(both, "nobody", 15) is None
    assert look.newcomer(alone, 15) == e.wait_range(9, 2, known_times)
    alone.offered("tv0", "ann")
    assert look.of(alone, "tv0", 15) == (0, 30)


def test_an_outlook_knows_its_limits() -> None:
    queue, estimators = queue_of("tv", 1, skills=("tv",)), learned("tv")
    nobody = Outlook([queue], estimators, desk_of(eve="other"), 5.0)
    assert nobody.agents(queue) == 0
    assert nobody.of(queue, "tv0", 15) is None and nobody.newcomer(queue, 15) is None
    desk = desk_of(ann="tv", bob="tv")
    assert Outlook([queue], {}, desk, 5.0).of(queue, "tv0", 15) is None, "nothing measured"
    look = Outlook([queue], estimators, desk, 5.0)
    assert look.newcomer(queue, 15) == (0, 30), "one before, two free"
    desk.reserve_call("ann", "x", "demo", 5.0)
    desk.set_presence("bob", "break", None, 5.0)
    look = Outlook([queue], estimators, desk, 5.0)
    assert look.agents(queue) == 1, "who is on a break does not help, who is in a call will"
    assert look.newcomer(queue, 15) == e.wait_range(2, 1, known(*[300] * 50))


def test_an_outlook_sees_what_is_special() -> None:
    queue = HelpQueue(Spec("tv", languages=("zh", "en")))
    queue.add(Waiter("zh", 0.0, "demo", language="zh-CN"))
    queue.add(Waiter("en", 1.0, "demo", language="en"))
    queue.add(Waiter("bob", 2.0, "demo", only="bob"))
    desk = desk_of(ann="zh", bob="zh", eve="zh en")
    for name in ("ann", "bob", "eve"):
        desk.reserve_call(name, f"other-{name}", "demo", 3.0)
    look, times = Outlook([queue], learned("tv"), desk, 5.0), known(*[300] * 50)
    assert look.of(queue, "zh", 15) == e.wait_range(1, 3, times)
    assert look.of(queue, "en", 15) == e.wait_range(1 + 1 / 3, 1, times)
    assert look.of(queue, "bob", 15) == e.wait_range(1 + 1 / 3, 1, times)


# --- who is let in ---------------------------------------------------------------------------------------------------

NINE = 9 * 3600.0


def test_closed_hours() -> None:
    spec = Spec(hours="09:00-18:00")
    found = admission(spec, 0, None, NINE - 60)
    assert (found.open, found.opens_at, found.full, found.retry_after_s) == (False, NINE, False, 60.0)
    with pytest.raises(ApiError) as caught:
        found.check()
    assert (caught.value.code, caught.value.arguments["opens_at"]) == ("queue_closed", round(NINE * 1000))
    admission(spec, 0, None, NINE).check()
    never = admission(Spec(hours="2020-01-01 09:00-18:00"), 0, None, 1.8e9)
    assert (never.open, never.opens_at, never.retry_after_s) == (False, None, None)
    with pytest.raises(ApiError) as caught:
        never.check()
    assert caught.value.arguments["opens_at"] is None


@pytest.mark.parametrize(
    "waiting, estimate, retry_after_s",
    [
        (0, None, None),
        (2, e.Range(100, 5000), None),
        (3, None, 30.0),
        (3, e.Range(0, 15), 30.0),
        (3, e.Range(400, 600), 100.0),
        (1, e.Range(1799, 1900), None),
        (1, e.Range(1800, 1900), 450.0),
        (1, e.Range(18000, 19000), 600.0),
    ],
)
def test_a_full_queue(waiting: int, estimate: e.Range | None, retry_after_s: float | None) -> None:
    found = admission(Spec(), waiting, estimate, 0.0)
    assert (found.full, found.retry_after_s) == (retry_after_s is not None, retry_after_s)
    if found.full:
        with pytest.raises(ApiError) as caught:
            found.check()
        assert (caught.value.code, caught.value.retry_after_s) == ("queue_full", retry_after_s)
    else:
        found.check()

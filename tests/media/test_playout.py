from __future__ import annotations

import random
from itertools import pairwise

import pytest

from media import playout
from media.playout import LEVELS, PlayoutPolicy


def run(policy: PlayoutPolicy, start: float, seconds: int, jitter_s: float, loss: float = 0.0) -> list[tuple[int, int]]:
    return [policy.update(jitter_s, loss, start + second) for second in range(seconds)]


def test_levels_are_what_libwebrtc_needs() -> None:
    # It smooths nothing when the minimum is 0 and the maximum at most 500 ms.
    assert LEVELS[0] == (0, 0)
    assert all(low >= 10 and high > low for low, high in LEVELS[1:])
    assert all(low % 10 == high % 10 == 0 for low, high in LEVELS)
    assert [low for low, _ in LEVELS] == sorted({low for low, _ in LEVELS})


@pytest.mark.parametrize("jitter_s", [0.0, 0.002, 0.012, 0.025])
def test_clean_network_stays_immediate(jitter_s: float) -> None:
    """Also where the sender spreads each frame over a part of its interval, which browsers report as jitter."""
    assert set(run(PlayoutPolicy(), 0.0, 600, jitter_s)) == {(0, 0)}


@pytest.mark.parametrize("seed", range(5))
def test_noise_on_a_clean_network_stays_immediate(seed: int) -> None:
    rng = random.Random(seed)
    policy = PlayoutPolicy()
    assert {policy.update(0.002 + rng.random() * 0.012, 0.0, second) for second in range(600)} == {(0, 0)}


def test_one_lost_packet_is_no_reason() -> None:
    policy = PlayoutPolicy()
    levels = [policy.update(0.004, 0.02 if second % 20 == 5 else 0.0, second) for second in range(200)]
    assert set(levels) == {(0, 0)}


@pytest.mark.parametrize(
    ("jitter_s", "low"),
    [(0.020, 50), (0.030, 100), (0.045, 100), (0.060, 200), (0.150, 400), (1.0, 400)],
)
def test_jitter_widens_at_the_first_report(jitter_s: float, low: int) -> None:
    policy = PlayoutPolicy()
    run(policy, 0.0, 10, 0.003)
    level = policy.update(jitter_s, 0.0, 10.0)
    assert level == (low, 2000)
    assert level[0] >= 1000 * jitter_s or low == LEVELS[-1][0]


@pytest.mark.parametrize("loss", [0.05, 0.3, 1.0])
def test_loss_widens_at_the_first_report(loss: float) -> None:
    policy = PlayoutPolicy()
    run(policy, 0.0, 10, 0.003)
    assert policy.update(0.003, loss, 10.0) == LEVELS[1]


def test_bad_from_the_start() -> None:
    levels = run(PlayoutPolicy(), 0.0, 10, 0.060)
    assert levels[0] == (0, 0)
    assert levels[-1] == (100, 2000)


def test_the_replay_to_a_new_viewer_is_not_jitter() -> None:
    policy = PlayoutPolicy()
    assert policy.update(0.040, 0.0, 100.0) == (0, 0)
    assert policy.update(0.030, 0.0, 101.0) == (0, 0)
    assert policy.update(0.010, 0.0, 102.0) == (0, 0)


def test_narrows_slowly_one_level_at_a_time() -> None:
    policy = PlayoutPolicy()
    run(policy, 0.0, 10, 0.003)
    assert policy.update(0.150, 0.0, 10.0) == LEVELS[5]
    levels = run(policy, 11.0, 90, 0.003)
    changes = [second for second in range(1, 90) if levels[second] != levels[second - 1]]
    assert [levels[second] for second in changes] == list(reversed(LEVELS[:5]))
    assert changes == [10, 20, 30, 40, 50]


def test_a_relapse_while_narrowing_starts_the_wait_anew() -> None:
    policy = PlayoutPolicy()
    run(policy, 0.0, 10, 0.003)
    policy.update(0.030, 0.0, 10.0)
    run(policy, 11.0, 9, 0.003)
    assert policy.update(0.030, 0.0, 20.0) == LEVELS[3]
    assert set(run(policy, 21.0, 10, 0.003)) == {LEVELS[3]}
    assert policy.update(0.003, 0.0, 31.0) == LEVELS[2]


def test_an_unsteady_network_is_given_ever_longer() -> None:
    policy = PlayoutPolicy()
    run(policy, 0.0, 10, 0.003)
    now = 10.0
    waits = []
    for _ in range(6):
        assert policy.update(0.021, 0.0, now) == LEVELS[2]
        wait = 0
        while policy.update(0.003, 0.0, now + 1 + wait) == LEVELS[2]:
            wait += 1
        waits.append(wait)
        now += 2 + wait
    assert waits == sorted(waits)
    assert waits[0] == playout.NARROW_AFTER_S
    assert waits[-1] == playout.NARROW_AFTER_MAX_S


def test_hysteresis() -> None:
    """Jitter that is not enough to widen is not little enough to begin narrowing, either."""
    between = 0.003 + (playout.WIDEN_JITTER_S + playout.CLEAN_JITTER_S) / 2
    narrowed = {}
    for after in (0.003, between):
        policy = PlayoutPolicy()
        run(policy, 0.0, 10, 0.003)
        assert set(run(policy, 10.0, 5, between)) == {LEVELS[0]}
        assert policy.update(0.021, 0.0, 15.0) == LEVELS[2]
        narrowed[after] = run(policy, 16.0, 60, after).index(LEVELS[1])
    assert narrowed[0.003] == playout.NARROW_AFTER_S
    assert narrowed[between] > playout.NARROW_AFTER_S


def test_changes_are_few() -> None:
    """A change moves a viewer to another group; a rough hour must not make it a habit."""
    rng = random.Random(7)
    policy = PlayoutPolicy()
    levels = [policy.update(0.004 + rng.expovariate(1 / 0.010), 0.0, second) for second in range(3600)]
    changes = sum(earlier != later for earlier, later in pairwise(levels))
    assert changes < 250

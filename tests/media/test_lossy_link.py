"""The virtual link does what it says, the same each time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from tests.media.lossy_link import LossyLink


def play(link: LossyLink, count: int = 1000, gap: float = 0.01, size: int = 100) -> list[tuple[float, int]]:
    """Send numbered packets at a steady pace; (time, number) of the arrivals."""
    arrived: list[tuple[float, int]] = []

    def collect(until: float) -> None:
        while (at := link.next_at) is not None and at <= until:
            arrived.extend((at, int.from_bytes(data[:4], "big")) for data in link.receive(at))

    for number in range(count):
        collect(number * gap)
        link.send(number.to_bytes(4, "big") + bytes(size - 4), number * gap)
    collect(math.inf)
    return arrived


def test_plain_link_delays_only() -> None:
    arrived = play(LossyLink(1, delay_s=0.5), 50)
    assert [number for _, number in arrived] == list(range(50))
    assert all(math.isclose(at - number * 0.01, 0.5) for at, number in arrived)


def test_same_seed_same_arrivals() -> None:
    settings: dict[str, Any] = {
        "delay_s": 0.03, "jitter_s": 0.02, "loss": 0.1, "reorder": 0.1, "duplicate": 0.1, "rate_bps": 2e5
    }  # fmt: skip
    assert play(LossyLink(7, **settings)) == play(LossyLink(7, **settings))
    assert play(LossyLink(7, **settings)) != play(LossyLink(8, **settings))


def test_properties_do_not_disturb_each_other() -> None:
    numbers = {number for _, number in play(LossyLink(3, loss=0.2))}
    also = {number for _, number in play(LossyLink(3, loss=0.2, jitter_s=0.05, reorder=0.3, duplicate=0.3))}
    assert numbers == also


def test_jitter_spreads_without_overtaking() -> None:
    arrived = play(LossyLink(1, delay_s=0.1, jitter_s=0.05))
    assert [number for _, number in arrived] == list(range(1000))
    delays = [at - number * 0.01 for at, number in arrived]
    assert 0.1 <= min(delays) < 0.11
    assert 0.13 < max(delays) <= 0.15 + 1e-9


@pytest.mark.parametrize("loss", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("burst", [1.0, 4.0])
def test_loss_share_and_bursts(loss: float, burst: float) -> None:
    link = LossyLink(5, loss=loss, burst=burst)
    arrived = {number for _, number in play(link, 20_000, gap=0.001)}
    lost = [number not in arrived for number in range(20_000)]
    assert abs(sum(lost) / 20_000 - loss) < loss * 0.3
    runs = [len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost]
    expected = burst if burst > 1 else 1 / (1 - loss)
    assert abs(sum(runs) / len(runs) - expected) < expected * 0.25
    assert link.counts["lost"] == sum(lost)


@pytest.mark.parametrize("loss,expected", [(0.0, 100), (1.0, 0)])
def test_loss_of_none_and_all(loss: float, expected: int) -> None:
    assert len(play(LossyLink(1, loss=loss), 100)) == expected


def test_reordered_packets_come_later_and_all_come() -> None:
    link = LossyLink(2, delay_s=0.01, reorder=0.05, reorder_s=0.035)
    order = [number for _, number in play(link)]
    assert sorted(order) == list(range(1000))
    moved = sum(1 for before, after in itertools.pairwise(order) if after < before)
    assert 0 < moved <= link.counts["reordered"]
    assert max(position - number for position, number in enumerate(order)) <= 4


def test_duplicates_come_twice() -> None:
    link = LossyLink(2, duplicate=0.2)
    order = [number for _, number in play(link)]
    assert sorted(set(order)) == list(range(1000))
    assert len(order) == 1000 + link.counts["duplicated"] == link.counts["delivered"]
    assert 150 < link.counts["duplicated"] < 250


def test_bottleneck_spaces_packets() -> None:
    """100-byte packets on 80 kbit/s take 10 ms each, whatever pace they come at."""
    link = LossyLink(1, rate_bps=80_000, queue_s=10)
    arrived = play(link, 100, gap=0.001)
    assert all(math.isclose(at, (number + 1) * 0.01) for at, number in arrived)


def test_full_queue_drops_the_newest() -> None:
    link = LossyLink(1, rate_bps=80_000, queue_s=0.05)
    arrived = play(link, 1000, gap=0.005)
    assert math.isclose(len(arrived), 500, rel_tol=0.03)
    assert link.counts["overflow"] == 1000 - len(arrived)
    assert max(at - number * 0.005 for at, number in arrived) <= 0.05 + 0.01 + 1e-9


def test_outage_loses_everything_within() -> None:
    link = LossyLink(1)
    link.outage(1.0, 2.0)
    numbers = [number for _, number in play(link, 300)]
    assert numbers == [*range(100), *range(200, 300)]
    assert link.counts["outage"] == 100


def test_receive_takes_only_what_is_due() -> None:
    link = LossyLink(1, delay_s=1.0)
    link.send(b"a", 0.0)
    link.send(b"b", 0.5)
    assert link.receive(0.99) == []
    assert link.receive(1.0) == [b"a"]
    assert (link.in_flight, link.next_at) == (1, 1.5)
    assert link.receive(9.0) == [b"b"]
    assert (link.in_flight, link.next_at) == (0, None)


@pytest.mark.parametrize(
    "settings",
    [{"loss": 1.5}, {"reorder": -0.1}, {"delay_s": -1.0}, {"rate_bps": 0.0}, {"burst": 0.5}, {"loss": 0.9, "burst": 2}],
)
def test_impossible_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        LossyLink(1, **settings)


def test_time_must_not_go_back() -> None:
    link = LossyLink(1)
    link.send(b"a", 1.0)
    with pytest.raises(ValueError):
        link.send(b"b", 0.5)

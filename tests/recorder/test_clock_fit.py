"""Two hours of drifting clocks, a bad network and odd reports: what belongs together stays together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from recorder.clock_fit import Line, Trace, fit

HOURS_2 = 7200.0
LIMIT_S = 0.040


@dataclass(frozen=True)
class Sender:
    """A person's clocks: NTP drift in ppm, one-way delay, when and how far NTP is set, and what the reports do."""

    start: float
    ntp_ppm: float
    delay_s: float
    ntp_steps: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Source:
    rate: int
    ppm: float
    every_s: float
    report_s: float
    lead_s: float
    base: int = 0
    reports: bool = True
    lie_every: int = 0
    all_lie: bool = False
    rtp_steps: tuple[tuple[float, float], ...] = ()


AUDIO = Source(48_000, 100, 0.2, 5.0, 0.005, base=4_000_000_000)
VIDEO = Source(90_000, -100, 0.2, 1.0, 0.012)


def simulate(sender: Sender, source: Source, seconds: float, seed: int) -> tuple[Trace, Callable[[float], int]]:
    """The Trace of a source, and its timestamps by true time. Jitter of 300 ms comes in bursts of up to a minute."""
    random = np.random.default_rng(seed)

    def stamp_of(true: float) -> int:
        jump = sum(size for at, size in source.rtp_steps if true >= at)
        return source.base + round(((true - sender.start) * (1 + source.ppm * 1e-6) + jump) * source.rate)

    def ntp_of(true: float) -> float:
        step = sum(size for at, size in sender.ntp_steps if true >= at)
        return 3.9e9 + (true - sender.start) * (1 + sender.ntp_ppm * 1e-6) + step

    burst_at = random.uniform(0, seconds, int(seconds / 200) + 1) + sender.start
    burst_for = random.uniform(5, 60, len(burst_at))

    def delay(true: float) -> float:
        extra = random.exponential(0.004)
        if np.any((burst_at <= true) & (true < burst_at + burst_for)):
            extra += random.uniform(0.0, 0.3)
        return sender.delay_s + extra

    events = [(true, False) for true in np.arange(sender.start, sender.start + seconds, source.every_s)]
    if source.reports:
        events += [(true, True) for true in np.arange(sender.start + 0.7, sender.start + seconds, source.report_s)]
    arriving = sorted((true + delay(true), true, is_report) for true, is_report in events)
    trace = Trace(source.rate)
    count = 0
    for arrival, true, is_report in arriving:
        if not is_report:
            trace.packet(arrival + source.lead_s, stamp_of(true))
            continue
        count += 1
        ntp = int((ntp_of(true) + random.normal(0, 0.002)) * (1 << 32))
        stamp = stamp_of(true)
        if source.all_lie:
            stamp += 40 * source.rate
        elif source.lie_every and count % source.lie_every == 0:
            ntp += int(random.choice((-3.0, 0.3, 2.0)) * (1 << 32))
        trace.report(arrival, ntp, stamp, 2 * sender.delay_s + random.exponential(0.01))
    return trace, stamp_of


def errors(line: Line, stamp_of: Callable[[float], int], start: float, seconds: float, skip: tuple[float, ...] = ()) -> list[float]:
    moments = [true for true in np.linspace(start, start + seconds, 500) if all(abs(true - at) > 0.6 for at in skip)]
    return [line.at(stamp_of(true)) - true for true in moments]


def worst(*lines: list[float]) -> float:
    """How far lines are apart at most, at the same moment."""
    table = np.asarray(lines)
    return float(np.max(table.max(axis=0) - table.min(axis=0)))


HOST = Sender(1000.0, 100, 0.030)
GUEST = Sender(1003.0, -100, 0.080, ntp_steps=((3000.0, 0.7), (5500.0, -3600.0)))

CASES: dict[str, tuple[Source, Source]] = {
    "honest": (AUDIO, VIDEO),
    "one report in seven lies": (replace(AUDIO, lie_every=7), replace(VIDEO, lie_every=7)),
    "audio jumps": (replace(AUDIO, rtp_steps=((2500.0, 0.5), (6000.0, 30.0))), VIDEO),
    "no reports of audio": (replace(AUDIO, reports=False), VIDEO),
    "no reports": (replace(AUDIO, reports=False), replace(VIDEO, reports=False)),
    "video reports another clock": (AUDIO, replace(VIDEO, all_lie=True)),
}


@pytest.mark.parametrize("case", CASES)
def test_two_hours_stay_together(case: str) -> None:
    sources = CASES[case]
    found = []
    for number, sender in enumerate((HOST, GUEST)):
        pairs = [simulate(sender, source, HOURS_2, 10 * number + index) for index, source in enumerate(sources)]
        lines = fit([trace for trace, _ in pairs])
        skip = tuple(at for source in sources for at, _ in source.rtp_steps)
        found += [
            errors(line, stamp_of, GUEST.start, HOURS_2 - 10, skip)
            for line, (_, stamp_of) in zip(lines, pairs, strict=True)
        ]
    assert worst(*found[:2]) < LIMIT_S
    assert worst(*found[2:]) < LIMIT_S
    if not any(source.reports for source in sources):
        # How long the shortest way takes cannot be known then.
        return
    assert worst(*found) < LIMIT_S
    assert np.max(np.abs(found)) < LIMIT_S


def test_ten_seconds_are_enough() -> None:
    found = []
    for number, sender in enumerate((HOST, GUEST)):
        pairs = [simulate(sender, source, 10.0, 99 + 7 * number + index) for index, source in enumerate((AUDIO, VIDEO))]
        lines = fit([trace for trace, _ in pairs])
        found += [
            errors(line, stamp_of, sender.start, 9.0) for line, (_, stamp_of) in zip(lines, pairs, strict=True)
        ]
    assert worst(*found[:2]) < LIMIT_S
    assert worst(*found[2:]) < LIMIT_S


def test_reports_that_are_only_carried_on_add_nothing() -> None:
    trace = Trace(48_000)
    for second in range(5):
        trace.report(100.0 + second, (5_000 + second) << 32, 48_000 * second, 0.05)
    assert len(trace.reports) == 1
    trace.report(105.0, 5_005 << 32, 48_000 * 5 + 10, 0.05)
    trace.report(106.0, 0, 48_000 * 6, 0.05)
    assert len(trace.reports) == 2


def test_nothing_known_is_no_error() -> None:
    (line,) = fit([Trace(90_000)])
    assert line.at(90_000) == pytest.approx(1.0)
    assert fit([]) == []

"""When each RTP timestamp really was, on the machine's clock: fitted with the whole recording known. Pure.

Three clocks run apart: a Track's RTP clock, its person's NTP clock, and ours. Sender reports tie the first two together
without any network in between, so lip sync hangs on them; arrival less NTP, at its lowest, ties the second to ours. Clocks
drift slowly and networks only ever delay: each tie is a line with a slope, and a lower envelope around it.

A step in the reports is one of the NTP clock or of the RTP clock; packets say which (arrival less RTP stays where only NTP
stepped). Reports that no later ones confirm are left out, and all of a Track's when they contradict its packets. Then, and
without reports, the earliest arrivals have to do.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: One sighting of a packet is kept for so long: the one that was delayed least.
SIGHTING_S = 0.25
#: Reports may differ by this much from what the last one says: rounding, a late encoder, drift.
STEP_S = 0.08
DRIFT = 1e-3
#: A report whose timestamp is this far from the packets around it is about something else.
LIE_S = 1.0
#: Envelopes: lowest value per window, then lowest of a window and two on each side.
WINDOW_S = 60.0
REACH = 2
#: Tracks whose clocks differ by more than this are not of one sender.
SAME_S = 0.06
_MAX_SLOPE = 5e-4
_NTP_UNIT = float(1 << 32)
_SHORT_S = 10.0


@dataclass(slots=True)
class Trace:
    """What is known about one RTP clock: sightings (arrival, seconds of RTP time) and reports. ``rate`` in Hz."""

    rate: int
    arrivals: array[float] = field(default_factory=lambda: array("d"))
    stamps: array[float] = field(default_factory=lambda: array("d"))
    #: (arrival, NTP in s, RTP time in s, round trip in s)
    reports: list[tuple[float, float, float, float]] = field(default_factory=list)

    def packet(self, arrival: float, stamp: int) -> None:
        """A packet with its unwrapped timestamp, in order of arrival."""
        x = stamp / self.rate
        if self.arrivals and int(arrival / SIGHTING_S) == int(self.arrivals[-1] / SIGHTING_S):
            if arrival - x < self.arrivals[-1] - self.stamps[-1]:
                self.arrivals[-1], self.stamps[-1] = arrival, x
        else:
            self.arrivals.append(arrival)
            self.stamps.append(x)

    def report(self, arrival: float, ntp: int, stamp: int, rtt_s: float) -> None:
        """A sender report. One that only carries on the last by our own clock adds nothing, and is left out."""
        if ntp == 0:
            return
        seconds, x = ntp / _NTP_UNIT, stamp / self.rate
        if self.reports:
            last = self.reports[-1]
            if (
                abs((arrival - seconds) - (last[0] - last[1])) < 2e-6
                and abs((seconds - x) - (last[1] - last[2])) < 1.5 / self.rate + 2e-6
            ):
                return
        self.reports.append((arrival, seconds, x, rtt_s if 0 < rtt_s < 5 else 0.0))


class Line:
    """RTP timestamps of one Trace as seconds of CLOCK_MONOTONIC."""

    __slots__ = ("_low", "_rate", "_slopes", "_xs", "_ys")

    def __init__(self, rate: int, xs: Floats, ys: Floats) -> None:
        slopes = np.ones(len(xs))
        if len(xs) > 1:
            slopes[:-1] = np.diff(ys) / np.maximum(np.diff(xs), 1e-9)
            slopes[-1] = slopes[-2] if abs(slopes[-2] - 1) < _MAX_SLOPE else 1.0
        self._rate = rate
        self._xs: list[float] = xs.tolist()
        self._ys: list[float] = ys.tolist()
        self._slopes: list[float] = slopes.tolist()
        self._low = 0

    def at(self, stamp: int) -> float:
        """The moment of an unwrapped timestamp; fast when called in order."""
        x = stamp / self._rate
        xs, low = self._xs, self._low
        if not (xs[low] <= x and (low + 1 == len(xs) or x < xs[low + 1])):
            low = self._low = max(bisect_right(xs, x) - 1, 0)
        slope = self._slopes[low]
        if x < xs[0] and abs(slope - 1) > _MAX_SLOPE:
            slope = 1.0
        return self._ys[low] + (x - xs[low]) * slope


def fit(traces: Sequence[Trace]) -> list[Line]:
    """The lines of all Traces of one person, in the same order."""
    clocks = [_Clock(trace) for trace in traces]
    told = [clock for clock in clocks if clock.pieces]
    half = min((clock.rtt for clock in told), default=0.0) / 2
    for group in _groups(told):
        offsets = np.concatenate([clock.offsets for clock in group])
        times = np.concatenate([clock.ntp for clock in group])
        order = np.argsort(times, kind="stable")
        knots, levels = envelope(times[order], offsets[order])
        for clock in group:
            clock.tie(knots, levels)
    return [clock.line(half) for clock in clocks]


# --- one Track -------------------------------------------------------------------------------------------------------


class _Clock:
    """One Trace: its reports sorted out, as pieces of RTP time to a NTP time that has no steps any more."""

    def __init__(self, trace: Trace) -> None:
        self.rate = trace.rate
        self.arrivals = np.frombuffer(trace.arrivals) if trace.arrivals else np.zeros(0)
        self.stamps = np.frombuffer(trace.stamps) if trace.stamps else np.zeros(0)
        self.delays = self.arrivals - self.stamps
        #: (RTP time from which it holds, RTP times, NTP less RTP)
        self.pieces: list[tuple[float, Floats, Floats]] = []
        self.rtt = 0.0
        self.ntp = self.offsets = np.zeros(0)
        self._knots: list[tuple[Floats, Floats]] = []
        reports = self._believed(np.asarray(trace.reports, np.float64).reshape(-1, 4))
        if len(reports):
            self._relate(reports)

    def _believed(self, reports: Floats) -> Floats:
        """Leave out reports that contradict packets, or each other."""
        if not len(reports) or not len(self.arrivals):
            return reports[:0]
        reports = reports[np.argsort(reports[:, 0], kind="stable")]
        near = np.asarray([self._level(arrival, _SHORT_S) for arrival in reports[:, 0]])
        off = reports[:, 0] - reports[:, 2] - near
        reports = reports[np.abs(off - np.clip(np.median(off), -0.1, LIE_S / 2)) < LIE_S]
        return reports[_confirmed(reports)] if len(reports) > 1 else reports

    def _level(self, arrival: float, reach_s: float, *, after: bool = True, before: bool = True) -> float:
        """The lowest arrival less RTP time around ``arrival``; of the nearest packet where there is none."""
        low = int(np.searchsorted(self.arrivals, arrival - reach_s)) if before else int(np.searchsorted(self.arrivals, arrival))
        high = int(np.searchsorted(self.arrivals, arrival + reach_s)) if after else int(np.searchsorted(self.arrivals, arrival))
        if low < high:
            return float(self.delays[low:high].min())
        return float(self.delays[min(low, len(self.delays) - 1)])

    def _relate(self, reports: Floats) -> None:
        arrival, ntp, x, rtt = (reports[:, column].copy() for column in range(4))
        known = rtt[rtt > 0]
        self.rtt = float(known.min()) if len(known) else 0.0
        relation = ntp - x
        steps = [
            index
            for index in range(1, len(relation))
            if abs(relation[index] - relation[index - 1]) > STEP_S + DRIFT * (arrival[index] - arrival[index - 1])
        ]
        cuts: list[tuple[int, float]] = [(0, -np.inf)]
        for index in steps:
            end = next((later for later in steps if later > index), len(relation))
            begin = max((earlier for earlier in steps if earlier < index), default=0)
            before = float(np.median(relation[max(begin, index - 5) : index]))
            step = float(np.median(relation[index : min(end, index + 5)])) - before
            left, right = arrival[index - 1], arrival[index]
            shown = self._level(right, _SHORT_S, before=False) - self._level(left, _SHORT_S, after=False)
            if abs(shown) < abs(step) / 2:
                ntp[index:] -= step
                relation[index:] -= step
            else:
                cuts.append((index, self._moment(left, right, step, x[index])))
        bounds = [index for index, _ in cuts[1:]] + [len(relation)]
        for (begin, starts), end in zip(cuts, bounds, strict=True):
            self.pieces.append((starts, x[begin:end], _smooth(x[begin:end], relation[begin:end])))
        self.ntp, self.offsets = ntp, arrival - ntp

    def _moment(self, left: float, right: float, step: float, otherwise: float) -> float:
        """The RTP time with which a step of the RTP clock begins: packets from there on are nearer to the new level."""
        base = self._level(left, _SHORT_S, after=False)
        # Reports carried on say the old relation until the sender's next one.
        low, high = np.searchsorted(self.arrivals, (left - 5.0, right + SIGHTING_S))
        moved = np.abs(self.delays[low:high] - base - step) < np.abs(self.delays[low:high] - base)
        # Where the fewest are on the wrong side: a burst of jitter makes some look as if they were not moved.
        wrong = np.concatenate(([0], np.cumsum(np.where(moved, 1, -1))))
        first = int(low) + int(np.argmin(wrong))
        return float(self.stamps[first]) - 1e-6 if first < high else otherwise

    def tie(self, knots: Floats, levels: Floats) -> None:
        """Join the pieces with what ties NTP to our clock: the knots of the line."""
        for _, x, relation in self.pieces:
            begin, end = x[0] + relation[0], x[-1] + relation[-1]
            inner = knots[(knots > begin) & (knots < end)]
            extra = np.interp(inner, x + relation, x)
            every = np.unique(np.concatenate((x, extra)))
            ntp = every + np.interp(every, x, relation)
            self._knots.append((every, ntp + _along(ntp, knots, levels)))

    def line(self, half_rtt: float) -> Line:
        """The result. ``half_rtt``: the shortest way between the person and us, in s."""
        if not self._knots:
            return self._by_arrival(half_rtt)
        xs, ys = [], []
        for index, (starts, _, _) in enumerate(self.pieces):
            x, y = self._knots[index]
            ends = self.pieces[index + 1][0] if index + 1 < len(self.pieces) else np.inf
            if np.isfinite(starts) and starts < x[0]:
                x, y = np.insert(x, 0, starts), np.insert(y, 0, y[0] - (x[0] - starts))
            keep = x < ends
            if np.isfinite(ends) and np.any(keep):
                last = int(np.flatnonzero(keep)[-1])
                closing = ends - 1e-7
                x, y = np.append(x[keep], closing), np.append(y[keep], y[last] + closing - x[last])
            xs.append(x)
            ys.append(y - half_rtt)
        x, y = np.concatenate(xs), np.concatenate(ys)
        order = np.argsort(x, kind="stable")
        return Line(self.rate, x[order], y[order])

    def _by_arrival(self, half_rtt: float) -> Line:
        """Without reports: the earliest arrivals, apart where RTP time jumped."""
        if not len(self.arrivals):
            return Line(self.rate, np.zeros(1), np.zeros(1))
        xs, ys = [], []
        for low, high in _levels(self.arrivals, self.delays):
            knots, levels = envelope(self.arrivals[low:high], self.delays[low:high])
            x = np.unique(np.concatenate((knots - levels, self.stamps[[low]], self.stamps[[high - 1]])))
            xs.append(x)
            ys.append(x + _along(x, knots - levels, levels) - half_rtt)
        x, y = np.concatenate(xs), np.concatenate(ys)
        order = np.argsort(x, kind="stable")
        return Line(self.rate, x[order], y[order])


def _confirmed(reports: Floats) -> NDArray[np.bool_]:
    """Which reports agree with the one before, or begin something that the two after them agree with."""
    relation, arrival = reports[:, 1] - reports[:, 2], reports[:, 0]
    good = np.zeros(len(reports), bool)
    last: int | None = None
    for index in range(len(reports)):
        def agree(one: int, other: int) -> bool:
            limit = STEP_S + DRIFT * abs(arrival[one] - arrival[other])
            return bool(abs(relation[one] - relation[other]) <= limit)

        following = [later for later in (index + 1, index + 2) if later < len(reports)]
        if (last is not None and agree(last, index)) or (following and all(agree(index, later) for later in following)):
            good[index] = True
            last = index
    return good


def _levels(arrivals: Floats, delays: Floats) -> list[tuple[int, int]]:
    """Stretches between jumps of RTP time: the lowest delays before and after one lie apart, and stay so."""
    starts = [0]
    index = 1
    count = len(delays)
    jumps = np.flatnonzero(np.abs(np.diff(delays)) > 0.4) + 1
    for index in jumps.tolist():
        if index - starts[-1] < 1:
            continue
        before = delays[max(starts[-1], index - 40) : index].min()
        after = delays[index : min(count, index + 40)].min()
        # Downwards a network cannot jump below what it ever was; upwards it must last.
        if abs(after - before) > 0.4:
            starts.append(index)
    return [*zip(starts, [*starts[1:], count], strict=True)]


# --- lines -----------------------------------------------------------------------------------------------------------


def _slope(x: Floats, y: Floats) -> float:
    """The median slope of pairs half the length apart (Theil, Sen): up to a quarter of outliers do not move it."""
    half = len(x) // 2
    if half < 2 or x[-1] - x[0] < 2 * WINDOW_S:
        return 0.0
    run = np.maximum(x[half:] - x[: len(x) - half], 1e-9)
    return float(np.clip(np.median((y[half:] - y[: len(y) - half]) / run), -_MAX_SLOPE, _MAX_SLOPE))


def _smooth(x: Floats, y: Floats) -> Floats:
    """The running median of 9 around the slope, narrower towards the ends."""
    slope = _slope(x, y)
    flat = y - slope * (x - x[0])
    count = len(flat)
    smooth = flat.copy()
    if count >= 9:
        smooth[4 : count - 4] = np.median(np.lib.stride_tricks.sliding_window_view(flat, 9), axis=1)
    for index in (*range(min(4, count)), *range(max(4, count - 4), count)):
        smooth[index] = np.median(flat[max(0, index - 4) : index + 5])
    return np.asarray(smooth + slope * (x - x[0]))


def envelope(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The lower envelope of ``y`` over sorted ``x``, as knots and their levels; the slope is followed, bursts are not."""
    window = np.floor((x - x[0]) / WINDOW_S).astype(np.int64)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(window)) + 1))
    best = np.asarray([
        begin + int(np.argmin(y[begin:end]))
        for begin, end in zip(starts, np.concatenate((starts[1:], [len(x)])), strict=True)
    ])
    slope = _slope(x[best], y[best])
    flat = y[best] - slope * (x[best] - x[0])
    # Once more with the slope known: in a window, drift lowers one end of it.
    all_flat = y - slope * (x - x[0])
    flat = np.minimum.reduceat(all_flat, starts)
    padded = np.pad(flat, REACH, mode="edge")
    flat = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1).min(axis=1)
    knots = x[0] + (window[starts] + 0.5) * WINDOW_S
    if len(knots) == 1:
        knots, flat = np.asarray((x[0], x[0] + WINDOW_S)), np.repeat(flat, 2)
    return knots, flat + slope * (knots - x[0])


def _along(x: Floats, knots: Floats, levels: Floats) -> Floats:
    """Interpolated, and carried on at both ends by the overall slope."""
    inside = np.interp(x, knots, levels)
    slope = (levels[-1] - levels[0]) / max(knots[-1] - knots[0], 1e-9)
    return np.asarray(inside + slope * (np.minimum(x - knots[0], 0) + np.maximum(x - knots[-1], 0)))


def _groups(clocks: Sequence[_Clock]) -> list[list[_Clock]]:
    """Tracks that share a sender's clock: where arrival less NTP is the same at its lowest."""
    groups: list[list[_Clock]] = []
    for clock in sorted(clocks, key=lambda clock: -len(clock.ntp)):
        for group in groups:
            if abs(_apart(group[0], clock)) < SAME_S:
                group.append(clock)
                break
        else:
            groups.append([clock])
    return groups


def _apart(one: _Clock, other: _Clock) -> float:
    low, high = max(one.ntp[0], other.ntp[0]), min(one.ntp[-1], other.ntp[-1])
    first, second = (
        clock.offsets[(clock.ntp >= low - WINDOW_S) & (clock.ntp <= high + WINDOW_S)] for clock in (one, other)
    )
    if not len(first) or not len(second) or low > high + WINDOW_S:
        return float("inf") if abs(float(one.offsets.min() - other.offsets.min())) > SAME_S else 0.0
    if high - low > 2 * WINDOW_S:
        knots_one, levels_one = envelope(one.ntp, one.offsets)
        knots_two, levels_two = envelope(other.ntp, other.offsets)
        at = np.linspace(low, high, 32)
        return float(np.median(_along(at, knots_one, levels_one) - _along(at, knots_two, levels_two)))
    return float(first.min() - second.min())

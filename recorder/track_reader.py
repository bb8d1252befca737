"""The records of one track log, read twice: once for its clocks and gaps, once for its packets. Pure.

A log may have several parts (the recorder was started again), each with numbers and timestamps of its own. A *stretch* is
what one clock fit covers: a part, or what follows a change of the forwarded Layer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from media import tap_wire
from media.header_extensions import VIDEO_ORIENTATION
from media.rtp_wire import iter_extensions, parse_header
from media.tap_wire import FORMAT, GAP, PACKETS, REPORT, STATE, WireError
from recorder.clock_fit import Trace
from recorder.reorder import Packet
from recorder.track_log import Record

Parts = Iterable[Iterable[Record]]

#: What the recorder itself writes as the reason of a gap: numbers go on behind a hole.
_HOLE_REASONS = ("disk", "recorder")
_SPANS = {"paused": ("paused", "resumed"), "muted": ("muted", "unmuted")}
_ROTATIONS = (0, 90, 180, 270)
_STAMP_AT = struct.Struct("!I")


class Missing(NamedTuple):
    """From ``start`` to ``end`` (CLOCK_MONOTONIC seconds) nothing was recorded; None: until the log's end."""

    start: float
    end: float | None
    reason: str
    packets: int = 0


class Cut(NamedTuple):
    """No packet from before comes any more. ``known``: the next number follows the last one."""

    known: bool


@dataclass(slots=True)
class Survey:
    """What the first reading finds. ``traces``: one per stretch. ``ended``: the last arrival."""

    format: dict[str, Any] = field(default_factory=dict)
    traces: list[Trace] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    packets: int = 0
    broken: int = 0
    began: float | None = None
    ended: float | None = None


class _Clock:
    """Unwraps the timestamps of one stretch by the time that has passed, so a silence of hours does no harm."""

    __slots__ = ("_arrival", "_rate", "_stamp")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._stamp: int | None = None
        self._arrival = 0.0

    def unwrap(self, stamp: int, arrival: float) -> int:
        if self._stamp is None:
            self._stamp, self._arrival = stamp + (1 << 32), arrival
            return self._stamp
        near = self.near(stamp, arrival)
        if near > self._stamp:
            self._stamp, self._arrival = near, arrival
        return near

    def near(self, stamp: int, arrival: float) -> int:
        """The same, without believing it: a report may lie."""
        expected = (self._stamp or 0) + int((arrival - self._arrival) * self._rate)
        return expected + ((stamp - expected + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class _Formats:
    """Follows FORMAT records through one part."""

    __slots__ = ("current", "orientation", "rate")

    def __init__(self) -> None:
        self.current: dict[str, Any] | None = None
        self.rate = 90_000
        self.orientation: int | None = None

    def take(self, body: bytes) -> bool:
        """Whether a new stretch begins. Raises WireError."""
        value = tap_wire.read_json(body)
        rate = value.get("clock_rate")
        if type(rate) is not int or not 0 < rate <= 192_000 or not isinstance(value.get("codec"), str):
            raise WireError("a format without codec and clock rate")
        former, self.current, self.rate = self.current, value, rate
        extensions = value.get("extensions")
        self.orientation = None
        if isinstance(extensions, dict):
            for ext_id, uri in extensions.items():
                if uri == VIDEO_ORIENTATION and str(ext_id).isdecimal():
                    self.orientation = int(ext_id)
        return former is not None and (former.get("layer"), former["clock_rate"]) != (value.get("layer"), rate)


def survey(parts: Parts) -> Survey:
    """Read a log for its clocks, gaps and format. Records that make no sense are counted and left out."""
    found = Survey()
    open_spans: dict[str, float] = {}
    for part in parts:
        formats = _Formats()
        trace: Trace | None = None
        clock = _Clock(90_000)
        for kind, body in part:
            try:
                if kind == FORMAT:
                    if formats.take(body) or trace is None:
                        trace, clock = Trace(formats.rate), _Clock(formats.rate)
                        found.traces.append(trace)
                    found.format = found.format or dict(formats.current or {})
                elif kind == PACKETS and trace is not None:
                    _sight(found, trace, clock, body)
                elif kind == REPORT and trace is not None and len(trace.arrivals):
                    report = tap_wire.read_report(body)
                    stamp = clock.near(report.rtp, _moment(report.arrival))
                    trace.report(report.arrival, report.ntp, stamp, report.rtt_s)
                elif kind == GAP:
                    found.missing.append(_missing(body))
                elif kind == STATE:
                    _state(found, open_spans, body)
            except (WireError, struct.error):
                found.broken += 1
    found.missing += [Missing(start, None, reason) for reason, start in open_spans.items()]
    found.missing.sort(key=lambda gap: gap.start)
    return found


def _moment(value: object) -> float:
    """A time as it can be on any machine: up to 300 years after it was started. Raises WireError."""
    if not isinstance(value, int | float) or not 0 <= value < 1e10:
        raise WireError("not a time")
    return float(value)


def _sight(found: Survey, trace: Trace, clock: _Clock, body: bytes) -> None:
    if len(body) < 22:
        raise WireError("packets record too short")
    arrival = _moment(struct.unpack_from("!d", body)[0])
    (stamp,) = _STAMP_AT.unpack_from(body, 14)
    trace.packet(arrival, clock.unwrap(stamp, arrival))
    found.packets += 1
    found.began = arrival if found.began is None else found.began
    found.ended = arrival


def _missing(body: bytes) -> Missing:
    value = tap_wire.read_json(body)
    start, end, reason, packets = (value.get(name) for name in ("from", "to", "reason", "packets"))
    if not isinstance(reason, str):
        raise WireError("a gap without a reason")
    start = _moment(start)
    return Missing(start, max(start, _moment(end)), reason, packets if isinstance(packets, int) else 0)


def _state(found: Survey, open_spans: dict[str, float], body: bytes) -> None:
    value = tap_wire.read_json(body)
    state, at = value.get("state"), _moment(value.get("at"))
    for reason, (begins, ends) in _SPANS.items():
        if state == begins:
            open_spans.setdefault(reason, at)
        elif state == ends and (start := open_spans.pop(reason, None)) is not None:
            found.missing.append(Missing(start, max(start, at), reason))


def packets(parts: Parts) -> Iterator[Packet | Cut]:
    """Read the same log again, for its packets as they were recorded. Stretches are numbered as in :func:`survey`."""
    stretch = -1
    for part in parts:
        formats = _Formats()
        clock = _Clock(90_000)
        began = False
        for kind, body in part:
            try:
                if kind == PACKETS and began:
                    arrival, several = tap_wire.read_packets(body)
                    _moment(arrival)
                    for data in several:
                        packet = _packet(data, arrival, clock, formats.orientation)
                        if packet is not None:
                            packet.stretch = stretch
                            yield packet
                elif kind == FORMAT:
                    if formats.take(body) or not began:
                        clock = _Clock(formats.rate)
                        stretch += 1
                    began = True
                elif kind == GAP:
                    yield Cut(known=_missing(body).reason not in _HOLE_REASONS)
                elif kind == STATE and tap_wire.read_json(body).get("state") in ("resumed", "unmuted"):
                    yield Cut(known=True)
            except WireError:
                continue
        yield Cut(known=False)


def _packet(data: bytes, arrival: float, clock: _Clock, orientation: int | None) -> Packet | None:
    header = parse_header(data)
    if header is None:
        return None
    rotation = None
    if orientation is not None and header.ext_profile:
        for ext_id, value in iter_extensions(data, header):
            if ext_id == orientation and value:
                rotation = _ROTATIONS[value[0] & 3]
    end = len(data) - header.padding
    return Packet(
        header.sequence,
        clock.unwrap(header.timestamp, arrival),
        data[header.payload_offset : end],
        marker=header.marker,
        arrival=arrival,
        rotation=rotation,
    )

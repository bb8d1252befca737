"""One Track's copy for a recording: which packets are written, in which numbers, and what is said beside them.

Pure: a Producer hands bursts over, :meth:`Tap.flush` writes them to a :class:`Sink` some milliseconds later, so that
viewers never wait for it. What is written is described in :mod:`media.tap_wire`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from media import header_extensions as hx
from media import tap_wire
from media.api import Codec
from media.codecs import opus
from media.packet import Packet
from media.rtp_wire import build_extensions

if TYPE_CHECKING:
    from media.producer import Producer

REPORT_INTERVAL_S = 1.0
#: Packets that came together share a record; those of one record arrived within this time.
SAME_ARRIVAL_S = 0.001
#: Packets per record at most; about 1.5 MB, far below MAX_FRAME.
MAX_RECORD_PACKETS = 1024
#: For so long after a pause, timestamps are looked at as well as numbers: what a network holds back comes within it, and
#: a sender whose timestamps have jumped is not shut out for longer.
DOUBT_S = 3.0
#: A timestamp this far off is no delay but another clock.
JUMP_S = 5.0
#: A publisher's clock may run slower than ours by this much; the reference follows it.
_DRIFT = 2e-4
#: Header extensions that say something about the content.
EXTENSIONS = {
    uri: hx.CANONICAL[uri] for uri in (hx.AUDIO_LEVEL, hx.VIDEO_ORIENTATION, hx.ABS_CAPTURE_TIME)
}
_OPUS = Codec("opus", 111, 48_000, 2)
#: The length of a packet and its RTP header.
_HEAD = struct.Struct("!HBBHII")


class Sink(Protocol):
    """Where records go. ``full``: only what is not media is taken."""

    @property
    def full(self) -> bool:
        """Whether the reader is too far behind."""
        ...

    def offer(self, data: bytes) -> bool:
        """Take a frame of media, or refuse it."""
        ...

    def put(self, data: bytes) -> None:
        """Take a frame that must not be missing."""
        ...


class Tap:
    """``keyframe_s`` and ``given`` (for FORMAT) as in :class:`media.api.OpenTap`; ``rtt_s()`` to the publisher, seconds."""

    __slots__ = (
        "_after",
        "_codec",
        "_doubt_until",
        "_first",
        "_floor",
        "_format",
        "_given",
        "_highest",
        "_keyframe_s",
        "_lost",
        "_lost_since",
        "_pending",
        "_reference",
        "_report_at",
        "_reported",
        "_rtt_s",
        "_shift",
        "_since",
        "_ssrc",
        "cut",
        "live",
        "number",
        "packets",
        "producer",
        "sink",
    )

    def __init__(
        self,
        number: int,
        producer: Producer,
        sink: Sink,
        now: float,
        *,
        given: dict[str, str],
        keyframe_s: float,
        rtt_s: Callable[[], float],
        replay: bool = True,
        cut: bool = False,
    ) -> None:
        self.number = number
        self.producer = producer
        self.sink = sink
        self.cut = cut
        self.live = False
        self.packets = 0
        self._given = given
        self._keyframe_s = keyframe_s
        self._rtt_s = rtt_s
        self._ssrc = number & 0xFFFFFFFF
        self._pending: list[list[Packet]] = []
        self._format: tuple[int, str | None] | None = None
        self._codec = _recorded(producer.params.codecs[0] if producer.params.codecs else _OPUS, producer)
        #: Numbers up to here are never written; what comes first must follow.
        self._after = producer.next_sequence - 1
        self._since = now
        self._floor: int | None = None
        self._doubt_until = now
        self._reference: tuple[float, int] | None = None
        self._first = 0
        self._shift = 0
        self._highest: int | None = None
        self._lost = 0
        self._lost_since = 0.0
        self._report_at = -1e9
        self._reported: tuple[float, int, int] | None = None
        for sequence in range(max(0, self._after - 255), self._after + 1):
            if (packet := producer.cache.get(sequence)) is not None:
                self._observe(packet)
        self._write_format()
        if producer.paused:
            self._state("muted", now)
        if cut:
            self._state("paused", now)
            return
        start = producer.replay_start(now) if replay and producer.kind == "video" else None
        if start is not None:
            self._go_live(start, -1e9, now)
        else:
            self._begin_anew(now)

    # --- the Producer's side -------------------------------------------------------------------------------------

    def take(self, burst: list[Packet]) -> None:
        """Note what just went out to viewers. Costs next to nothing; the rest is done by :meth:`flush`."""
        if self.cut:
            self._observe(burst[-1])
        else:
            self._pending.append(burst)

    def flush(self, now: float) -> None:
        """Write what was taken since the last call."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        self._write_format()
        if self.sink.full:
            for burst in pending:
                self._lose(burst)
            return
        for burst in pending:
            self._observe(burst[-1])
            if self.live:
                self._write(burst)
            elif (start := self._start(burst)) is not None:
                # From the cache, where all that is pending lies as well: what overtook the start is not lost.
                self._go_live(start, self._since, now)
                return
            elif self._lost_since:
                self._lose(burst)

    def tick(self, now: float) -> None:
        """About every 20 ms: write, report the publisher's clock, see that there are keyframes."""
        self.flush(now)
        if self.cut or self.sink.full:
            return
        self._report(now)
        producer = self.producer
        if producer.kind != "video" or producer.paused or not producer.flowing:
            return
        if not self.live or now - producer.keyframe_at >= self._keyframe_s:
            producer.refresh(now)

    # --- where it begins and ends --------------------------------------------------------------------------------

    def set_cut(self, cut: bool, now: float) -> None:
        """Write nothing more of what comes, or go on with what belongs to the time from now on."""
        if cut == self.cut:
            return
        self.flush(now)
        self.cut = cut
        self._state("paused" if cut else "resumed", now)
        self.live = False
        self._pending = []
        if not cut:
            self._begin_anew(now)

    def _begin_anew(self, now: float) -> None:
        """Wait for a place to begin, of which nothing is from before ``now``."""
        self.live = False
        self._since = now
        self._after = self.producer.next_sequence - 1
        self._report_at = -1e9
        self._floor = self._expected(now)
        self._doubt_until = now + DOUBT_S
        self.producer.request_keyframe(now)

    def _observe(self, packet: Packet) -> None:
        """Keep the packet that took the shortest way as the reference of timestamps to arrivals."""
        expected = self._expected(packet.arrival)
        if expected is not None:
            lead = _signed(packet.timestamp - expected)
            if lead < 0 and lead > -JUMP_S * self._codec.clock_rate:
                return
        self._reference = (packet.arrival, packet.timestamp)

    def _expected(self, now: float) -> int | None:
        """The timestamp of what would arrive at ``now`` on the shortest way: older ones belong to before."""
        if self._reference is None:
            return None
        arrival, timestamp = self._reference
        return (timestamp + int((now - arrival) * self._codec.clock_rate * (1 - _DRIFT))) & 0xFFFFFFFF

    def _start(self, burst: Sequence[Packet]) -> int | None:
        for packet in burst:
            if packet.sequence <= self._after or (self.producer.kind == "video" and not packet.keyframe):
                continue
            old = self._floor is not None and _signed(packet.timestamp - self._floor) < 0
            if not (old and packet.arrival < self._doubt_until):
                return packet.sequence
        return None

    def _go_live(self, start: int, since: float, now: float) -> None:
        """Begin with number ``start``, from the cache; it follows the last one written."""
        if self._lost_since:
            first = self.producer.cache.get(start)
            end = first.arrival if first is not None else now
            self.sink.put(self._frame(tap_wire.GAP, tap_wire.gap_body("overflow", self._lost_since, end, self._lost)))
            self._lost_since = 0.0
            self._lost = 0
        if self._highest is not None:
            self._shift = self._highest + 1 - start
        self._first = start
        self._highest = start - 1 + self._shift
        self.live = True
        cache = self.producer.cache
        newest = cache.newest if cache.newest is not None else start - 1
        cached = (cache.get(sequence) for sequence in range(start, newest + 1))
        self._write([packet for packet in cached if packet is not None and packet.arrival >= since])

    def _lose(self, burst: Sequence[Packet]) -> None:
        """The recorder is too slow: begin again with a keyframe, when there is room."""
        if not self._lost_since:
            if not self.live:
                self._after = max(self._after, *(packet.sequence for packet in burst))
                return
            self._lost_since = burst[0].arrival
            self._floor = None
        self.live = False
        self._lost += len(burst)
        if self.sink.full:
            self._after = max(self._after, *(packet.sequence for packet in burst))

    # --- records -------------------------------------------------------------------------------------------------

    def _write(self, packets: Sequence[Packet]) -> None:
        # What precedes the packets is known last.
        parts: list[bytes] = [b""]
        count = 0
        arrival = 0.0
        written: list[Packet] = []
        first, shift, ssrc = self._first, self._shift, self._ssrc
        highest = self._highest if self._highest is not None else first - 1 + shift
        codec, payload_type = self._codec.name, self._codec.payload_type
        pack = _HEAD.pack
        for packet in packets:
            sequence = packet.sequence
            if sequence < first:
                continue
            if count and (abs(packet.arrival - arrival) > SAME_ARRIVAL_S or count >= MAX_RECORD_PACKETS):
                if not self._offer(parts, arrival, written):
                    return
                parts, written, count = [b""], [], 0
            if not count:
                arrival = packet.arrival
            if packet.codec != codec and (packet.codec != "red" or codec != "opus"):
                if count and not self._offer(parts, arrival, written):
                    return
                parts, written, count = [b""], [], 0
                self._change_codec(packet.codec)
                codec, payload_type = self._codec.name, self._codec.payload_type
                arrival = packet.arrival
            payload = packet.payload
            number = sequence + shift
            if packet.codec == "red":
                repaired = self._red(packet, number, highest, parts)
                if repaired is None:
                    continue
                payload = repaired
            block = _extensions(packet.extensions) if packet.extensions else b""
            parts.append(
                pack(
                    12 + len(block) + len(payload),
                    0x90 if block else 0x80,
                    payload_type | 0x80 if packet.marker else payload_type,
                    number & 0xFFFF,
                    packet.timestamp,
                    ssrc,
                )
            )
            if block:
                parts.append(block)
            parts.append(payload)
            written.append(packet)
            count += 1
            if number > highest:
                highest = self._highest = number
        if count:
            self._offer(parts, arrival, written)

    def _offer(self, parts: list[bytes], arrival: float, written: list[Packet]) -> bool:
        parts[0] = tap_wire.packets_head(self.number, sum(map(len, parts)), arrival)
        if not self.sink.offer(b"".join(parts)):
            self._lose(written)
            return False
        self.packets += len(written)
        return True

    def _red(self, packet: Packet, number: int, highest: int, parts: list[bytes]) -> bytes | None:
        """The plain frame of a RED packet; what it repeats of packets that are missing goes to ``parts`` first."""
        blocks = opus.red_blocks(packet.payload)
        if not blocks:
            return None
        if number > highest + 1:
            # As receivers do it: the n-th block before the last is the n-th packet before this one.
            for back, (offset, block) in reversed(list(enumerate(reversed(blocks)))):
                if back and block and highest < number - back >= self._first + self._shift:
                    stamp = (packet.timestamp - offset) & 0xFFFFFFFF
                    code = self._codec.payload_type
                    parts += (_HEAD.pack(12 + len(block), 0x80, code, (number - back) & 0xFFFF, stamp, self._ssrc), block)
        return blocks[-1][1]

    def _change_codec(self, name: str) -> None:
        codec = next((one for one in self.producer.params.codecs if one.name == name), self._codec)
        self._codec = _recorded(codec, self.producer)
        self._write_format()

    def _write_format(self) -> None:
        """Say what the packets are, unless it was said."""
        codec, layer = self._codec, self.producer.layer
        if self._format == (codec.payload_type, layer):
            return
        self._format = (codec.payload_type, layer)
        body = {
            **self._given,
            "codec": codec.name,
            "clock_rate": codec.clock_rate,
            "channels": codec.channels,
            "parameters": codec.parameters,
            "payload_type": codec.payload_type,
            "extensions": {str(ext_id): uri for uri, ext_id in EXTENSIONS.items()},
            "layer": layer,
        }
        self.sink.put(self._frame(tap_wire.FORMAT, tap_wire.json_body(body)))

    def _report(self, now: float) -> None:
        newest = self.producer.newest_report
        if newest is not None and newest != self._reported and newest[0] >= self._since:
            self._reported = newest
            arrival, ntp, rtp = newest
        elif now - self._report_at >= REPORT_INTERVAL_S and (mapping := self.producer.clock_at(now)) is not None:
            arrival, (ntp, rtp) = now, mapping
        else:
            return
        self._report_at = now
        report = tap_wire.Report(arrival, ntp, rtp, self._rtt_s())
        self.sink.offer(self._frame(tap_wire.REPORT, tap_wire.report_body(report)))

    def state(self, state: tap_wire.TapState, now: float) -> None:
        """Write what became of the Track, behind everything that came before."""
        self.flush(now)
        self._state(state, now)

    def _state(self, state: tap_wire.TapState, now: float) -> None:
        self.sink.put(self._frame(tap_wire.STATE, tap_wire.state_body(state, now)))

    def _frame(self, kind: int, body: bytes) -> bytes:
        return tap_wire.frame(kind, self.number, body)


def _signed(difference: int) -> int:
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def _recorded(codec: Codec, producer: Producer) -> Codec:
    """The codec in which a Track is written: never RED."""
    if codec.name != "red":
        return codec
    return next((one for one in producer.params.codecs if one.name == "opus"), _OPUS)


def _extensions(values: dict[str, bytes]) -> bytes:
    known: Iterable[tuple[int, bytes]] = (
        (EXTENSIONS[uri], value) for uri, value in values.items() if uri in EXTENSIONS
    )
    found = list(known)
    return build_extensions(found) if found else b""

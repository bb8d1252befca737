"""The inbound half of a Track: streams in, one numbered stream of packets out to Groups of viewers.

Packets keep their timestamps; sequence numbers are shifted so that a mute leaves no hole and, with simulcast, so that
a change of Layer continues the stream. The shift is made here once, not per viewer, and the cache holds what came out.
"""

from __future__ import annotations

from collections.abc import Callable

from media import codecs
from media.api import Codec, ProducerParams, ProducerStats
from media.consumer import Consumer
from media.fanout import Group, Layout
from media.inbound import InboundStream
from media.packet import Packet
from media.packet_cache import PacketCache
from media.tap import Tap

#: Replay at most this much of the past to a new viewer: longer, and catching up costs more than a new keyframe.
REPLAY_MAX_AGE_S = 2.0
REPLAY_MAX_PACKETS = 400
#: Holes that upstream retransmission is still filling do not keep a viewer waiting.
REPLAY_MAX_MISSING = 8
#: At most one keyframe request per source in this time; later ones are sent when it is over.
KEYFRAME_INTERVAL_S = 0.3
#: A new viewer asks for a keyframe only if the last one is older: many viewers joining must not starve the picture.
FRESH_KEYFRAME_S = 1.0
_KEYFRAME_REPEAT_S = 0.5
#: While nothing of a source has come since it was opened or released, requests go out after these times: an encoder that
#: does not run yet is deaf to the first, and what it begins with may be sent before its path is up.
DEAF_REPEATS_S = (0.1, 0.2)
_FLOW_TIMEOUT_S = 2.0
_LAYER_SILENT_S = 0.6
#: Outbound numbers begin here: in the second cycle, so that packets which come late are not negative, and far from
#: where 16 bits wrap (see :mod:`media.consumer`).
FIRST_SEQUENCE = 0x10000 + 0x2000
MAX_STREAMS = 8


class Producer:
    """One Track as a Worker receives it.

    ``ask_keyframe(ssrc)`` sends PLI or FIR to the publisher; ``on_flow(flowing)`` reports that packets began or
    stopped.
    """

    def __init__(
        self,
        params: ProducerParams,
        now: float,
        ask_keyframe: Callable[[int], None],
        on_flow: Callable[[bool], None],
    ) -> None:
        self.params = params
        self.id = params.id
        self.kind = params.kind
        self.paused = params.paused
        self.codec_by_type: dict[int, Codec] = {codec.payload_type: codec for codec in params.codecs}
        self.rtx_types: dict[int, int] = {
            codec.rtx_payload_type: codec.payload_type for codec in params.codecs if codec.rtx_payload_type is not None
        }
        self.streams: dict[int, InboundStream] = {}
        self.cache = PacketCache[Packet](2048 if params.kind == "video" else 256, 3.0)
        self.consumers: dict[str, Consumer] = {}
        self.taps: tuple[Tap, ...] = ()
        self.keyframes = 0
        self.plis_sent = 0
        self.width = 0
        self.height = 0
        self.audio_level: int | None = None
        self.bitrate_bps = 0
        self.flowing = False
        self._heard_at = now
        self._ask_keyframe = ask_keyframe
        self._on_flow = on_flow
        self._groups: dict[tuple[object, ...], Group] = {}
        self._burst: list[Packet] = []
        self._waiting: dict[Consumer, None] = {}
        self._catching_up: dict[Consumer, None] = {}
        self._selected: InboundStream | None = None
        self._shift = 0
        self._timestamp_shift = 0
        self._first_valid = 0
        self._resume = False
        self._newest_out = FIRST_SEQUENCE - 1
        self._newest_timestamp = 0
        self._newest_arrival = now
        self._keyframe_at = -1e9
        self._keyframe_asked_at = -1e9
        self._keyframe_wanted = False
        self._silent = True
        self._asked_in_silence = 0
        self._rate_bytes = 0
        self._rate_since = now

    # --- inbound -------------------------------------------------------------------------------------------------

    def add_stream(self, ssrc: int, rid: str | None, payload_type: int | None) -> InboundStream | None:
        """Bind an SSRC to this Producer, or None when it has too many already."""
        if len(self.streams) >= MAX_STREAMS:
            return None
        codec = self.codec_by_type.get(payload_type, self.params.codecs[0]) if payload_type else self.params.codecs[0]
        stream = InboundStream(ssrc, codec.clock_rate, rid, "nack" in codec.feedback and self.kind == "video")
        self.streams[ssrc] = stream
        return stream

    def receive(
        self,
        stream: InboundStream,
        extended: int,
        timestamp: int,
        marker: bool,
        codec: Codec,
        payload: bytes,
        extensions: dict[str, bytes] | None,
        now: float,
    ) -> None:
        """Take one decrypted packet; it leaves with :meth:`flush`."""
        self._heard_at = now
        if not self.flowing:
            self.flowing = True
            self._on_flow(True)
        depacketizer = codecs.by_name(codec.name)
        keyframe = self.kind == "video" and bool(payload) and depacketizer.is_keyframe_start(payload)
        if stream is not self._selected and not self._select(stream, extended, timestamp, keyframe, now):
            return
        if self.paused:
            # Numbers skipped while muted are closed up, so that viewers do not ask for what never comes.
            self._resume = True
            return
        self._silent = False
        if self._resume:
            if extended < stream.highest or (self.kind == "video" and not keyframe):
                # Late, or a repeat: what followed it was muted. And as no hole is left to see, decoders would take
                # what refers to a muted picture for whole.
                return
            self._resume = False
            self._first_valid = extended
            self._shift = self._newest_out + 1 - extended
        if extended < self._first_valid:
            return
        sequence = extended + self._shift
        packet = Packet(
            sequence,
            (timestamp + self._timestamp_shift) & 0xFFFFFFFF,
            marker,
            codec.name,
            payload,
            extensions,
            keyframe,
            now,
        )
        if not self.cache.put(sequence, packet, now, keyframe):
            return
        if sequence > self._newest_out:
            self._newest_out = sequence
            self._newest_timestamp = packet.timestamp
            self._newest_arrival = now
        if keyframe:
            self.keyframes += 1
            self._keyframe_at = now
            self._keyframe_wanted = False
            self._asked_in_silence = 0
            size = depacketizer.dimensions(payload)
            if size is not None:
                self.width, self.height = size
        self._burst.append(packet)

    def _select(self, stream: InboundStream, extended: int, timestamp: int, keyframe: bool, now: float) -> bool:
        """Whether ``stream`` is, or now becomes, the one that goes out. Switches only at a keyframe (simulcast)."""
        current = self._selected
        if current is None:
            self._shift = FIRST_SEQUENCE - extended
        else:
            silent = now - current.last_arrival > _LAYER_SILENT_S
            if not silent and self._rank(stream) <= self._rank(current):
                return False
            # A keyframe that comes late is no place to begin: what followed it was passed over.
            if self.kind == "video" and not (keyframe and extended == stream.highest):
                if silent or now - self._keyframe_asked_at > _KEYFRAME_REPEAT_S:
                    self.request_keyframe(now, stream.ssrc)
                return False
            elapsed = max(1, int((now - self._newest_arrival) * stream.clock_rate))
            self._shift = self._newest_out + 1 - extended
            self._timestamp_shift = (self._newest_timestamp + elapsed - timestamp) & 0xFFFFFFFF
            self._first_valid = extended
        self._selected = stream
        return True

    def _rank(self, stream: InboundStream) -> int:
        """Simulcast Layers in the order the SDP lists them; the last is the best."""
        for index, encoding in enumerate(self.params.encodings):
            if encoding.rid == stream.rid:
                return index
        return -1

    def flush(self, now: float) -> None:
        """Send what came in since the last call to all viewers, then let those in who wait and now can begin."""
        burst = self._burst
        if not burst:
            return
        self._burst = []
        for group in self._groups.values():
            group.send(burst, now)
        for tap in self.taps:
            tap.take(burst)
        if self._waiting and (self.kind == "audio" or self.replay_start(now) is not None):
            for consumer in list(self._waiting):
                self.admit(consumer, now)

    def pause(self, paused: bool, now: float) -> None:
        """Drop packets from now on, or let them through again.

        What is cached is not sent either while paused: no repeats, and viewers that catch up wait for what comes.
        """
        resumed = self.paused and not paused
        self.paused = paused
        self._heard_at = now
        if paused:
            for consumer in list(self._catching_up):
                consumer.leave()
                self._waiting[consumer] = None
        if resumed:
            # At once: the answer to the last request may have been among what was dropped.
            self._keyframe_asked_at = -1e9
            self._silent = True
            self._asked_in_silence = 0
            self.request_keyframe(now)

    # --- viewers -------------------------------------------------------------------------------------------------

    def add_consumer(self, consumer: Consumer, now: float) -> None:
        """Register a viewer; it starts as soon as its path is up and there is something to start from."""
        self.consumers[consumer.id] = consumer
        self.admit(consumer, now)

    def remove_consumer(self, consumer: Consumer) -> None:
        """Forget a viewer."""
        self.part(consumer)
        self.consumers.pop(consumer.id, None)

    def admit(self, consumer: Consumer, now: float) -> None:
        """Let a viewer begin, or note that it waits, and have a keyframe sent.

        One without SRTP keys does not wait: it is admitted again when it has them. Until then it must not cost all
        others a keyframe every 300 ms, least of all one whose network never lets it through.
        """
        if consumer.begin(now):
            self._waiting.pop(consumer, None)
            if consumer.catching_up:
                self._catching_up[consumer] = None
        elif consumer.transport.tx_handle is None:
            self.prepare_viewer(now)
        elif consumer.waiting:
            self._waiting[consumer] = None
            self.request_keyframe(now)

    def join(self, consumer: Consumer, layout: Layout) -> None:
        """Put a viewer into the Group for its layout, moving it if it is in another."""
        group = self._groups.get(layout.key)
        if group is None:
            group = self._groups[layout.key] = Group(layout)
        if consumer.group is group:
            return
        if consumer.group is not None:
            self._leave_group(consumer)
        group.members[consumer] = None
        consumer.group = group

    def part(self, consumer: Consumer) -> None:
        """Take a viewer out of its Group and off every list."""
        self._waiting.pop(consumer, None)
        self._catching_up.pop(consumer, None)
        if consumer.group is not None:
            self._leave_group(consumer)

    def _leave_group(self, consumer: Consumer) -> None:
        group = consumer.group
        assert group is not None
        group.members.pop(consumer, None)
        consumer.group = None
        if not group.members:
            self._groups.pop(group.layout.key, None)

    def replay_start(self, now: float) -> int | None:
        """Where a new viewer can begin: the newest keyframe, if what followed is cached and recent enough."""
        if self.paused:
            return None
        start = self.cache.since_keyframe(REPLAY_MAX_MISSING)
        newest = self.cache.newest
        if start is None or newest is None or newest - start > REPLAY_MAX_PACKETS:
            return None
        return start if now - self._keyframe_at <= REPLAY_MAX_AGE_S else None

    # --- keyframes -----------------------------------------------------------------------------------------------

    def prepare_viewer(self, now: float) -> None:
        """A viewer is connecting: have a fresh keyframe under way by the time it is ready."""
        if self.kind == "video" and now - self._keyframe_at > FRESH_KEYFRAME_S:
            self.request_keyframe(now)

    def request_keyframe(self, now: float, ssrc: int | None = None) -> None:
        """Ask the publisher for a keyframe, at most every KEYFRAME_INTERVAL_S; a request within it is kept.

        Sooner, by DEAF_REPEATS_S, if the last one may have been heard by nobody.
        """
        if self.kind != "video" or self.paused:
            return
        self._keyframe_wanted = True
        if now - self._keyframe_asked_at < (self._deaf_repeat_s or KEYFRAME_INTERVAL_S):
            return
        target = ssrc if ssrc is not None else self._selected.ssrc if self._selected else None
        if target is None:
            target = next(iter(self.streams), None)
        if target is not None:
            self._keyframe_asked_at = now
            self._asked_in_silence = self._asked_in_silence + 1 if self._silent else 0
            self.plis_sent += 1
            self._ask_keyframe(target)

    def refresh(self, now: float) -> None:
        """Have a keyframe sent, unless one is under way: it is only time for one."""
        if not self._keyframe_wanted and now - self._keyframe_asked_at >= KEYFRAME_INTERVAL_S:
            self.request_keyframe(now)

    @property
    def keyframe_at(self) -> float:
        """When the last keyframe came."""
        return self._keyframe_at

    @property
    def _deaf_repeat_s(self) -> float | None:
        """When to repeat a request that was sent before the source was heard, or None once that is of no use."""
        asked = self._asked_in_silence
        if not asked or (self._silent and asked > len(DEAF_REPEATS_S)):
            return None
        return DEAF_REPEATS_S[min(asked, len(DEAF_REPEATS_S)) - 1]

    # --- time ----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Every few milliseconds: viewers that catch up, keyframes not yet come, Tracks that fell silent."""
        for consumer in list(self._catching_up):
            consumer.catch_up(now)
            if not consumer.catching_up:
                self._catching_up.pop(consumer, None)
        # One that was wanted after the last one came need only keep the interval; one under way is given more time.
        arrived = self._keyframe_at >= self._keyframe_asked_at
        patience = self._deaf_repeat_s or (KEYFRAME_INTERVAL_S if arrived else _KEYFRAME_REPEAT_S)
        if self._keyframe_wanted and now - self._keyframe_asked_at >= patience:
            if self.consumers or self.taps:
                self.request_keyframe(now)
            else:
                self._keyframe_wanted = False
        elif self._waiting and now - max(self._keyframe_at, self._keyframe_asked_at) >= FRESH_KEYFRAME_S:
            # The last keyframe has more holes than a viewer can begin with, and nothing is filling them.
            self.request_keyframe(now)
        if self.flowing and not self.paused and self.kind == "video" and now - self._heard_at > _FLOW_TIMEOUT_S:
            self.flowing = False
            self._on_flow(False)

    def wants(self, stream: InboundStream) -> bool:
        """Whether losses on this stream are worth a repeat: not while paused, nor on a Layer that does not go out.

        Both begin at a keyframe, so what is missing before it will not be missed.
        """
        return stream is self._selected and not self.paused

    @property
    def next_sequence(self) -> int:
        """The outbound number that follows the newest."""
        return self._newest_out + 1

    @property
    def busy(self) -> bool:
        """Whether a viewer is catching up and :meth:`tick` should come again within milliseconds."""
        return bool(self._catching_up)

    def clock_at(self, now: float) -> tuple[int, int] | None:
        """The publisher's NTP time and this Track's outbound RTP timestamp at ``now``."""
        if self._selected is None:
            return None
        mapping = self._selected.clock.ntp_at(now)
        return None if mapping is None else (mapping[0], (mapping[1] + self._timestamp_shift) & 0xFFFFFFFF)

    @property
    def newest_report(self) -> tuple[float, int, int] | None:
        """The publisher's last sender report: arrival, NTP time, this Track's outbound RTP timestamp."""
        newest = None if self._selected is None else self._selected.clock.newest
        return None if newest is None else (newest[0], newest[1], (newest[2] + self._timestamp_shift) & 0xFFFFFFFF)

    @property
    def layer(self) -> str | None:
        """The simulcast Layer (rid) that goes out."""
        return None if self._selected is None else self._selected.rid

    def measure(self, now: float) -> None:
        """Update the bitrate; called about once a second."""
        total = sum(stream.bytes for stream in self.streams.values())
        elapsed = now - self._rate_since
        if elapsed > 0:
            self.bitrate_bps = int((total - self._rate_bytes) * 8 / elapsed)
        self._rate_bytes = total
        self._rate_since = now

    def close(self) -> None:
        """Let go of every viewer."""
        for consumer in list(self.consumers.values()):
            self.remove_consumer(consumer)

    def stats(self, rtt_s: float | None) -> ProducerStats:
        """This Track's inbound figures."""
        streams = list(self.streams.values())
        nacks = [stream.nack for stream in streams if stream.nack is not None]
        return ProducerStats(
            id=self.id,
            kind=self.kind,
            codec=self.params.codecs[0].name if self.params.codecs else "",
            packets=sum(stream.packets for stream in streams),
            bytes=sum(stream.bytes for stream in streams),
            bitrate_bps=self.bitrate_bps,
            loss=round(max((stream.loss for stream in streams), default=0.0), 4),
            lost=sum(nack.lost for nack in nacks),
            jitter_ms=round(max((stream.jitter_s for stream in streams), default=0.0) * 1000, 2),
            rtt_ms=None if rtt_s is None else round(rtt_s * 1000, 2),
            nacks_sent=sum(nack.sent for nack in nacks),
            recovered=sum(nack.recovered for nack in nacks),
            plis_sent=self.plis_sent,
            keyframes=self.keyframes,
            width=self.width,
            height=self.height,
            audio_level_db=None if self.audio_level is None else -self.audio_level,
            paused=self.paused,
        )

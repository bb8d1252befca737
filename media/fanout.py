"""The hot loop: one burst of packets to many viewers.

Viewers whose packets look alike (same payload types, extension ids, SSRC, playout delay) form a :class:`Group`. A
burst is written out once per Group as one blob with room for the authentication tags; per viewer there is then one
copy of the blob, one in-place encryption per packet, and one queued message per run of equal sizes. Nothing else is
done per viewer, and nothing is allocated.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from media import header_extensions as hx
from media.codecs import opus
from media.packet import Packet
from media.rtp_wire import build_extensions
from media.srtp import OK, length_pointer, protect
from media.udp import MAX_RUN_BYTES, MAX_SEGMENTS, UdpPath, UdpSocket

if TYPE_CHECKING:
    from media.consumer import Consumer

_HEADER = struct.Struct("!BBHII")
_ONE_BYTE_PROFILE = b"\xbe\xde"
_FLUSH_BYTES = 65_536


class Layout:
    """How packets look to a Group of viewers; equal layouts share one Group.

    ``shift`` is added to sequence numbers: a viewer that was paused goes on where it stopped. A hole of more than
    32768 numbers would make its SRTP index guess wrong (RFC 3711 section 3.3.1). Packets before ``first`` are not for
    these viewers: shifted, a late one would have the number of another that they got before the pause, and AES-GCM must
    not see one number with two contents.
    """

    __slots__ = ("extensions", "first", "key", "mid", "payload_types", "playout_delay", "shift", "ssrc", "tag_length")

    def __init__(
        self,
        payload_types: dict[str, int],
        extensions: dict[str, int],
        ssrc: int,
        tag_length: int,
        mid: str | None,
        playout_delay: tuple[int, int] | None,
        shift: int,
        first: int = 0,
    ) -> None:
        self.payload_types = payload_types
        self.extensions = extensions
        self.ssrc = ssrc
        self.tag_length = tag_length
        self.mid = mid
        self.playout_delay = playout_delay
        self.shift = shift
        self.first = first
        self.key = (
            tuple(sorted(payload_types.items())),
            tuple(sorted(extensions.items())),
            ssrc,
            tag_length,
            mid,
            playout_delay,
            shift,
            first,
        )

    def extension_block(self, packet: Packet, now: float) -> bytes:
        """The header extensions of one packet. transport-cc comes first, as zeros, so that its place is known."""
        ids = self.extensions
        if not ids:
            return b""
        values: list[tuple[int, bytes]] = []
        if (ext_id := ids.get(hx.TRANSPORT_CC)) is not None:
            values.append((ext_id, b"\0\0"))
        if (ext_id := ids.get(hx.ABS_SEND_TIME)) is not None:
            values.append((ext_id, hx.build_abs_send_time(now)))
        if self.mid is not None and (ext_id := ids.get(hx.MID)) is not None:
            values.append((ext_id, self.mid.encode()))
        if self.playout_delay is not None and (ext_id := ids.get(hx.PLAYOUT_DELAY)) is not None:
            values.append((ext_id, hx.build_playout_delay(*self.playout_delay)))
        if packet.extensions:
            for uri, value in packet.extensions.items():
                if (ext_id := ids.get(uri)) is not None:
                    values.append((ext_id, value))
        return build_extensions(values) if values else b""

    def write(self, packet: Packet, now: float) -> bytes | None:
        """One packet as these viewers get it, before encryption; None when it is not for them or not in their codecs."""
        if packet.sequence < self.first:
            return None
        payload = packet.payload
        payload_type = self.payload_types.get(packet.codec)
        if payload_type is None:
            if packet.codec != "red" or (payload_type := self.payload_types.get("opus")) is None:
                return None
            primary = opus.primary_payload(payload)
            if primary is None:
                return None
            payload = primary
        elif packet.codec == "red" and (block_type := self.payload_types.get("opus")) is not None:
            payload = opus.with_block_type(payload, block_type)
        block = self.extension_block(packet, now)
        header = _HEADER.pack(
            0x90 if block else 0x80,
            payload_type | 0x80 if packet.marker else payload_type,
            (packet.sequence + self.shift) & 0xFFFF,
            packet.timestamp,
            self.ssrc,
        )
        return header + block + payload


class Burst:
    """Packets written for one Layout: ``blob`` with a gap for the tag behind each, where they are, and how they run."""

    __slots__ = ("blob", "cuts", "payload_bytes", "runs", "transport_cc")

    def __init__(self, layout: Layout, packets: Sequence[Packet], now: float) -> None:
        gap = bytes(layout.tag_length)
        parts: list[bytes] = []
        cuts: list[tuple[int, int]] = []
        sizes: list[int] = []
        offset = payload_bytes = 0
        self.transport_cc: list[int] | None = [] if hx.TRANSPORT_CC in layout.extensions else None
        for packet in packets:
            written = layout.write(packet, now)
            if written is None:
                continue
            length = len(written)
            cuts.append((offset, length))
            if self.transport_cc is not None:
                self.transport_cc.append(offset + (17 if written[12:14] == _ONE_BYTE_PROFILE else 18))
            parts.append(written)
            parts.append(gap)
            payload_bytes += len(packet.payload)
            size = length + layout.tag_length
            sizes.append(size)
            offset += size
        self.blob = b"".join(parts)
        self.cuts = cuts
        self.runs = segment_runs(sizes)
        self.payload_bytes = payload_bytes


def segment_runs(sizes: Sequence[int]) -> list[tuple[int, int, int]]:
    """Cut packet sizes into runs for segmentation offload: ``(offset, total, segment)``.

    Within a run all packets have the size ``segment`` but the last, which may be shorter (udp(7), UDP_SEGMENT).
    """
    runs: list[tuple[int, int, int]] = []
    start = offset = count = 0
    segment = last = 0
    for size in sizes:
        fits = count and last == segment and size <= segment and count < MAX_SEGMENTS
        if not fits or offset - start + size > MAX_RUN_BYTES:
            if count:
                runs.append((start, offset - start, segment))
            start, segment, count = offset, size, 0
        count += 1
        last = size
        offset += size
    if count:
        runs.append((start, offset - start, segment))
    return runs


class Group:
    """Viewers of one Producer that share a Layout."""

    __slots__ = ("layout", "members")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.members: dict[Consumer, None] = {}

    def send(self, packets: Sequence[Packet], now: float) -> None:
        """Write a burst once and send it to every member."""
        burst = Burst(self.layout, packets, now)
        if burst.cuts:
            send_burst(burst, self.members, now)


def send_burst(burst: Burst, members: dict[Consumer, None] | Sequence[Consumer], now: float) -> None:
    """Copy, encrypt and queue one burst for each member. Members whose path is gone are passed over."""
    blob, cuts, runs, transport_cc = burst.blob, burst.cuts, burst.runs, burst.transport_cc
    size, count, payload_bytes = len(blob), len(cuts), burst.payload_bytes
    length = length_pointer
    queued = 0
    udp = None
    for consumer in members:
        transport = consumer.transport
        path = transport.path
        session = transport.tx_handle
        if path is None or session is None:
            continue
        if path.protocol != "udp":
            _send_stream(burst, consumer)
            continue
        assert isinstance(path, UdpPath)
        udp = path.socket
        base = udp.reserve(size)
        view = udp.arena_view
        view[base : base + size] = blob
        if transport_cc is not None:
            for offset in transport_cc:
                transport.stamp_transport_cc(view, base + offset, now)
        pointer = udp.arena + base
        refused: list[int] | None = None
        for offset, packet_length in cuts:
            length[0] = packet_length
            if protect(session, pointer + offset, length) != OK:
                refused = [*(refused or ()), offset]
        if refused is None:
            for offset, total, segment in runs:
                udp.add(path, base + offset, total, segment)
        else:
            _add_others(burst, udp, path, base, refused)
            transport.protect_failed += len(refused)
        consumer.packets += count
        consumer.bytes += payload_bytes
        queued += size
        if queued >= _FLUSH_BYTES:
            # The first viewers' packets leave, and warm cache lines stay warm, while the others are still written.
            udp.flush()
            queued = 0


def _add_others(burst: Burst, udp: UdpSocket, path: UdpPath, base: int, refused: list[int]) -> None:
    """Queue a burst without the packets that libsrtp refused: they lie in the arena as they are, not encrypted."""
    ends = [offset for offset, _ in burst.cuts[1:]] + [len(burst.blob)]
    for (offset, _), end in zip(burst.cuts, ends, strict=True):
        if offset not in refused:
            udp.add(path, base + offset, end - offset, end - offset)


def _send_stream(burst: Burst, consumer: Consumer) -> None:
    """The same for a viewer on ICE-TCP: one framed write per packet into a bounded buffer."""
    transport = consumer.transport
    path = transport.path
    if path is None:
        return
    for offset, packet_length in burst.cuts:
        transport.send_rtp(path, burst.blob[offset : offset + packet_length])
    consumer.packets += len(burst.cuts)
    consumer.bytes += burst.payload_bytes

"""RTCP packets: one frozen dataclass each, that builds itself and is read by :func:`parse_compound`.

RFC 3550 (SR, RR, SDES, BYE), RFC 4585 (NACK, PLI), RFC 5104 (FIR), draft-alvestrand-rmcat-remb-03 (REMB),
draft-holmer-rmcat-transport-wide-cc-extensions-01 (transport-cc, in :mod:`media.twcc`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206
FMT_NACK, FMT_TRANSPORT_CC = 1, 15
FMT_PLI, FMT_FIR, FMT_AFB = 1, 4, 15
NTP_EPOCH = 2_208_988_800
_HEADER = struct.Struct("!BBH")
_BLOCK = struct.Struct("!IIIIII")
_SENDER = struct.Struct("!IQIII")
_CNAME = 1
_REMB = b"REMB"
#: The count field of the common header has five bits.
_MAX_COUNT = 31


def ntp_from_unix(unix_s: float) -> int:
    """Seconds since 1970 as a 64-bit NTP timestamp (32.32 fixed point since 1900)."""
    return int((unix_s + NTP_EPOCH) * (1 << 32))


def ntp_middle32(ntp: int) -> int:
    """The middle 32 bits, as LSR fields carry them: 1/65536 s."""
    return (ntp >> 16) & 0xFFFFFFFF


def unix_from_ntp(ntp: int) -> float:
    """Seconds since 1970 of a 64-bit NTP timestamp, to about a microsecond."""
    return ntp / (1 << 32) - NTP_EPOCH


def _packet(count: int, packet_type: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return _HEADER.pack(0x80 | count, packet_type, len(body) // 4) + body


def _blocks(reports: Sequence[ReportBlock]) -> bytes:
    return b"".join(block.build() for block in reports)


def _further_reports(ssrc: int, reports: Sequence[ReportBlock]) -> bytes:
    """What does not fit the five-bit count of the first report follows in receiver reports (RFC 3550 section 6.1)."""
    parts = (reports[start : start + _MAX_COUNT] for start in range(0, len(reports), _MAX_COUNT))
    return b"".join(_packet(len(part), RR, ssrc.to_bytes(4, "big") + _blocks(part)) for part in parts)


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """``fraction_lost`` in 1/256, ``packets_lost`` signed 24 bits, ``jitter`` in timestamp units, ``dlsr`` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int

    def build(self) -> bytes:
        """24 bytes."""
        loss = (self.fraction_lost & 0xFF) << 24 | (self.packets_lost & 0xFFFFFF)
        return _BLOCK.pack(
            self.ssrc, loss, self.highest_sequence, self.jitter & 0xFFFFFFFF, self.lsr, self.dlsr & 0xFFFFFFFF
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """``ntp`` is the 64-bit NTP time at which ``rtp_timestamp`` is sampled."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        """The packet."""
        sender = _SENDER.pack(
            self.ssrc,
            self.ntp & 0xFFFFFFFFFFFFFFFF,
            self.rtp_timestamp & 0xFFFFFFFF,
            self.packet_count & 0xFFFFFFFF,
            self.octet_count & 0xFFFFFFFF,
        )
        first = self.reports[:_MAX_COUNT]
        return _packet(len(first), SR, sender + _blocks(first)) + _further_reports(self.ssrc, self.reports[_MAX_COUNT:])


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Report blocks without sender information; more than 31 are built as several packets."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def build(self) -> bytes:
        """The packet."""
        first = self.reports[:_MAX_COUNT]
        head = _packet(len(first), RR, self.ssrc.to_bytes(4, "big") + _blocks(first))
        return head + _further_reports(self.ssrc, self.reports[_MAX_COUNT:])


@dataclass(frozen=True, slots=True)
class Sdes:
    """``chunks`` of ``(ssrc, cname)``, a name of at most 255 bytes; other items are passed over.

    More than 31 chunks are built as several packets.
    """

    chunks: tuple[tuple[int, bytes], ...]

    def build(self) -> bytes:
        """The packet."""
        packets = []
        for start in range(0, max(1, len(self.chunks)), _MAX_COUNT):
            part = self.chunks[start : start + _MAX_COUNT]
            body = b""
            for ssrc, cname in part:
                chunk = ssrc.to_bytes(4, "big") + bytes((_CNAME, len(cname))) + cname + b"\0"
                body += chunk + bytes(-len(chunk) % 4)
            packets.append(_packet(len(part), SDES, body))
        return b"".join(packets)


@dataclass(frozen=True, slots=True)
class Bye:
    """Up to 31 SSRCs that stop sending; a reason is passed over."""

    ssrcs: tuple[int, ...]

    def build(self) -> bytes:
        """The packet."""
        return _packet(len(self.ssrcs), BYE, b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


@dataclass(frozen=True, slots=True)
class Nack:
    """Generic NACK: ``lost`` sequence numbers of ``media_ssrc`` (RFC 4585 section 6.2.1)."""

    sender_ssrc: int
    media_ssrc: int
    lost: tuple[int, ...]

    def build(self) -> bytes:
        """The packet. Numbers are packed in the order given, neighbours within 16 share an entry."""
        entries: list[tuple[int, int]] = []
        for sequence in self.lost:
            if entries and 0 < (distance := (sequence - entries[-1][0]) & 0xFFFF) <= 16:
                entries[-1] = (entries[-1][0], entries[-1][1] | 1 << (distance - 1))
            else:
                entries.append((sequence & 0xFFFF, 0))
        body = struct.pack("!II", self.sender_ssrc, self.media_ssrc)
        return _packet(FMT_NACK, RTPFB, body + b"".join(struct.pack("!HH", *entry) for entry in entries))


@dataclass(frozen=True, slots=True)
class Pli:
    """Picture loss indication (RFC 4585 section 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def build(self) -> bytes:
        """The packet."""
        return _packet(FMT_PLI, PSFB, struct.pack("!II", self.sender_ssrc, self.media_ssrc))


@dataclass(frozen=True, slots=True)
class Fir:
    """Full intra request: ``entries`` of ``(ssrc, command sequence)`` (RFC 5104 section 4.3.1)."""

    sender_ssrc: int
    entries: tuple[tuple[int, int], ...]

    def build(self) -> bytes:
        """The packet."""
        body = struct.pack("!II", self.sender_ssrc, 0)
        return _packet(
            FMT_FIR, PSFB, body + b"".join(struct.pack("!IB3x", ssrc, seq & 0xFF) for ssrc, seq in self.entries)
        )


@dataclass(frozen=True, slots=True)
class Remb:
    """Receiver estimated maximum bitrate for ``ssrcs``, bits per second."""

    sender_ssrc: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]

    def build(self) -> bytes:
        """The packet; the bitrate keeps 18 significant bits."""
        exponent = max(0, self.bitrate_bps.bit_length() - 18)
        mantissa = self.bitrate_bps >> exponent
        body = struct.pack("!II4sB", self.sender_ssrc, 0, _REMB, len(self.ssrcs))
        body += (exponent << 18 | mantissa).to_bytes(3, "big")
        return _packet(FMT_AFB, PSFB, body + b"".join(ssrc.to_bytes(4, "big") for ssrc in self.ssrcs))


@dataclass(frozen=True, slots=True)
class TransportFeedback:
    """transport-cc feedback; ``body`` is the part that :func:`media.twcc.parse_feedback` reads."""

    sender_ssrc: int
    media_ssrc: int
    body: bytes

    def build(self) -> bytes:
        """The packet."""
        return _packet(FMT_TRANSPORT_CC, RTPFB, struct.pack("!II", self.sender_ssrc, self.media_ssrc) + self.body)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A well-framed packet of a kind that is not used here."""

    packet_type: int
    count: int
    body: bytes

    def build(self) -> bytes:
        """The packet."""
        return _packet(self.count, self.packet_type, self.body)


RtcpPacket = SenderReport | ReceiverReport | Sdes | Bye | Nack | Pli | Fir | Remb | TransportFeedback | Unknown


def parse_compound(data: bytes) -> list[RtcpPacket]:
    """Every packet of a compound (or reduced-size) datagram.

    One that does not parse is passed over; wrong framing ends the list. Never raises.
    """
    packets: list[RtcpPacket] = []
    position, size = 0, len(data)
    while position + 4 <= size:
        first, packet_type, words = _HEADER.unpack_from(data, position)
        end = position + 4 + 4 * words
        if first & 0xC0 != 0x80 or end > size:
            break
        body_end = end
        if first & 0x20 and words:
            body_end -= data[end - 1]
        body = data[position + 4 : max(position + 4, body_end)]
        position = end
        with suppress(struct.error, IndexError, ValueError):
            packets.append(_parse_one(first & 0x1F, packet_type, body))
    return packets


def _parse_one(count: int, packet_type: int, body: bytes) -> RtcpPacket:
    if packet_type == SR:
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        return SenderReport(ssrc, ntp, timestamp, packets, octets, _parse_blocks(body, 24, count))
    if packet_type == RR:
        return ReceiverReport(struct.unpack_from("!I", body)[0], _parse_blocks(body, 4, count))
    if packet_type == SDES:
        return Sdes(_parse_chunks(body, count))
    if packet_type == BYE:
        return Bye(struct.unpack_from(f"!{count}I", body))
    if packet_type == RTPFB:
        return _parse_rtpfb(count, body)
    if packet_type == PSFB:
        return _parse_psfb(count, body)
    return Unknown(packet_type, count, body)


def _parse_blocks(body: bytes, offset: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for index in range(count):
        ssrc, loss, highest, jitter, lsr, dlsr = _BLOCK.unpack_from(body, offset + index * _BLOCK.size)
        lost = loss & 0xFFFFFF
        blocks.append(
            ReportBlock(ssrc, loss >> 24, lost - (1 << 24) if lost & 0x800000 else lost, highest, jitter, lsr, dlsr)
        )
    return tuple(blocks)


def _parse_chunks(body: bytes, count: int) -> tuple[tuple[int, bytes], ...]:
    chunks: list[tuple[int, bytes]] = []
    position = 0
    for _ in range(count):
        (ssrc,) = struct.unpack_from("!I", body, position)
        position += 4
        while body[position]:
            kind, length = body[position], body[position + 1]
            value = body[position + 2 : position + 2 + length]
            if len(value) != length:
                raise ValueError("SDES item is cut off")
            if kind == _CNAME:
                chunks.append((ssrc, value))
            position += 2 + length
        position += 4 - position % 4
    return tuple(chunks)


def _parse_rtpfb(fmt: int, body: bytes) -> RtcpPacket:
    sender, media = struct.unpack_from("!II", body)
    if fmt == FMT_NACK:
        lost: list[int] = []
        for position in range(8, len(body) - 3, 4):
            sequence, mask = struct.unpack_from("!HH", body, position)
            lost.append(sequence)
            lost.extend((sequence + bit + 1) & 0xFFFF for bit in range(16) if mask >> bit & 1)
        return Nack(sender, media, tuple(lost))
    if fmt == FMT_TRANSPORT_CC:
        return TransportFeedback(sender, media, body[8:])
    return Unknown(RTPFB, fmt, body)


def _parse_psfb(fmt: int, body: bytes) -> RtcpPacket:
    sender, media = struct.unpack_from("!II", body)
    if fmt == FMT_PLI:
        return Pli(sender, media)
    if fmt == FMT_FIR:
        return Fir(sender, tuple(struct.unpack_from("!IB", body, position) for position in range(8, len(body) - 7, 8)))
    if fmt == FMT_AFB and body[8:12] == _REMB:
        number = int.from_bytes(body[13:16], "big")
        bitrate_bps = (number & 0x3FFFF) << (number >> 18)
        if bitrate_bps >> 63:
            raise ValueError("no link is that fast")
        return Remb(sender, bitrate_bps, struct.unpack_from(f"!{body[12]}I", body, 16))
    return Unknown(PSFB, fmt, body)


def build_compound(packets: Sequence[RtcpPacket]) -> bytes:
    """Packets one after the other, as one datagram."""
    return b"".join(packet.build() for packet in packets)

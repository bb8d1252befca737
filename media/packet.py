"""One RTP packet on its way from a Producer to its Consumers."""

from __future__ import annotations


class Packet:
    """Made once per inbound packet, shared by every viewer, kept by the retransmission cache.

    ``sequence`` is the unwrapped outbound sequence number (its low 16 bits go on the wire); ``codec`` the name of the
    payload format; ``extensions`` the values to pass on, by URI; ``keyframe`` is True on the first packet of a
    keyframe; ``arrival`` is monotonic seconds.
    """

    __slots__ = ("arrival", "codec", "extensions", "keyframe", "marker", "payload", "sequence", "timestamp")

    def __init__(
        self,
        sequence: int,
        timestamp: int,
        marker: bool,
        codec: str,
        payload: bytes,
        extensions: dict[str, bytes] | None,
        keyframe: bool,
        arrival: float,
    ) -> None:
        self.sequence = sequence
        self.timestamp = timestamp
        self.marker = marker
        self.codec = codec
        self.payload = payload
        self.extensions = extensions
        self.keyframe = keyframe
        self.arrival = arrival

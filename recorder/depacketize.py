"""Ordered packets to pictures and sounds. Pure.

Video: what follows a loss shows damage until the next keyframe, so it is left out until then. Audio: a packet is a sound,
and what is missing stays missing.
"""

from __future__ import annotations

from media.codecs.opus import primary_payload
from recorder.codecs import VIDEO, Picture, opus
from recorder.reorder import Packet


class Frame:
    """One picture or sound. ``stamp``, ``stretch``, ``arrival`` as of its first packet; ``duration`` of sounds in units.

    ``lost``: packets are missing before it (and, for video, pictures were left out for it); how many.
    """

    __slots__ = ("arrival", "duration", "lost", "packets", "picture", "rotation", "stamp", "stretch")

    def __init__(self, packet: Packet, picture: Picture) -> None:
        self.stamp = packet.stamp
        self.stretch = packet.stretch
        self.arrival = packet.arrival
        self.picture = picture
        self.rotation: int | None = None
        self.lost = 0
        self.packets = 1
        self.duration = 0


class VideoDepacketizer:
    """``codec`` by its IANA name; raises KeyError for one that cannot be stored."""

    __slots__ = ("_assemble", "_missing", "_open", "_waiting", "dropped")

    def __init__(self, codec: str) -> None:
        self._assemble = VIDEO[codec].assemble
        self._open: list[Packet] = []
        self._waiting = True
        self._missing = 0
        self.dropped = 0

    def put(self, packet: Packet) -> list[Frame]:
        """The next packet in order; return the pictures that are complete with it."""
        frames: list[Frame] = []
        if packet.lost:
            # Whether the loss took the end of the open picture or the beginning of this one, nobody knows.
            self._open.clear()
            self._waiting = True
            self._missing += packet.lost
        current = self._open
        if current and current[0].stamp != packet.stamp:
            frames += self._close()
            current = self._open
        if not packet.payload:
            return frames
        current.append(packet)
        if packet.marker:
            frames += self._close()
        return frames

    def cut(self) -> list[Frame]:
        """Packets that would follow were not recorded: complete what can be, and go on with a keyframe."""
        frames = self._close()
        self._waiting = True
        return frames

    def _close(self) -> list[Frame]:
        packets, self._open = self._open, []
        if not packets:
            return []
        picture = self._assemble([packet.payload for packet in packets])
        if picture is None or (self._waiting and not picture.key):
            self.dropped += 1
            self._waiting = True
            return []
        self._waiting = False
        frame = Frame(packets[0], picture)
        frame.packets = len(packets)
        frame.lost, self._missing = self._missing, 0
        for packet in packets:
            if packet.rotation is not None:
                frame.rotation = packet.rotation
        return [frame]


class AudioDepacketizer:
    """Opus, plain or as the newest part of RED."""

    __slots__ = ("_red", "dropped")

    def __init__(self, *, red: bool = False) -> None:
        self._red = red
        self.dropped = 0

    def put(self, packet: Packet) -> list[Frame]:
        """The next packet in order."""
        payload = packet.payload
        if self._red:
            payload = primary_payload(payload) or b""
        duration = opus.samples(payload)
        if not duration:
            self.dropped += bool(payload)
            return []
        frame = Frame(packet, Picture(payload, True))
        frame.lost = packet.lost
        frame.duration = duration
        return [frame]

    def cut(self) -> list[Frame]:
        """Nothing is open between packets."""
        return []

"""RFC 4571 framing of packets on a stream: two bytes of length in front of each (as RFC 6544 wants for ICE-TCP)."""

from __future__ import annotations

from typing import Final

MAX_FRAME: Final = 2048
_LENGTH_SIZE: Final = 2


class FramingError(Exception):
    """The stream cannot be followed any further; the caller closes the connection. ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Deframer:
    """Cuts a byte stream into packets. Keeps at most one incomplete packet (``max_frame`` + 2 bytes).

    A frame over ``max_frame`` bytes is refused: none of STUN, DTLS and RTP makes one, and it would let a stranger
    decide how much is buffered. So is the empty frame, which RFC 4571 section 2 allows: no agent sends it, and it
    would let a stranger keep us busy for two bytes each.
    """

    __slots__ = ("_broken", "_max_frame", "_rest")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._max_frame = max_frame
        self._rest = b""
        self._broken: FramingError | None = None

    @property
    def buffered(self) -> int:
        """Bytes of the incomplete packet that are kept."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that ``data`` completes, in order, each of 1 to ``max_frame`` bytes.

        Raises FramingError (codes ``frame_empty``, ``frame_too_large``), and again on every later call; packets in
        front of the bad frame are lost with the connection.
        """
        if self._broken is not None:
            raise self._broken
        if self._rest:
            data = self._rest + data
        frames: list[bytes] = []
        offset, end = 0, len(data)
        while end - offset >= _LENGTH_SIZE:
            length = (data[offset] << 8) | data[offset + 1]
            if length == 0:
                raise self._fail("frame_empty", "an empty frame")
            if length > self._max_frame:
                raise self._fail("frame_too_large", f"a frame of {length} bytes, over {self._max_frame}")
            following = offset + _LENGTH_SIZE + length
            if following > end:
                break
            frames.append(data[offset + _LENGTH_SIZE : following])
            offset = following
        self._rest = data[offset:]
        return frames

    def _fail(self, code: str, message: str) -> FramingError:
        self._rest = b""
        self._broken = FramingError(code, message)
        return self._broken


def frame(data: bytes) -> bytes:
    """``data`` with its length in front. Raises ValueError unless it has 1 to 65535 bytes."""
    if not 0 < len(data) <= 0xFFFF:
        raise ValueError(f"{len(data)} bytes do not fit a frame")
    return len(data).to_bytes(_LENGTH_SIZE, "big") + data

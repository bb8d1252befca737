"""One coded picture."""

from __future__ import annotations

from typing import NamedTuple


class Picture(NamedTuple):
    """``data`` as the container stores it; ``size`` and ``private`` (decoder configuration) with keyframes only.

    ``codec`` is the RFC 6381 name that goes with ``private``.
    """

    data: bytes
    key: bool
    size: tuple[int, int] | None = None
    private: bytes = b""
    codec: str = ""

"""Which payload type a codec gets in our own offers to one viewer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

from media.api import Codec

#: Chromium's usual numbers, so that most viewers of a Track share one packet layout.
_USUAL = {"opus": 111, "red": 63, "VP8": 96, "VP9": 98, "H264": 102, "AV1": 45}
#: RFC 3551 section 6 dynamic types, then those that RFC 5761 section 4 leaves free beside muxed RTCP.
_POOL = (*range(104, 128), *range(100, 104), *range(96, 100), *range(35, 64))

_Key = tuple[str, tuple[tuple[str, str], ...], tuple[str, ...], bool]


class Assigned(NamedTuple):
    """Payload types of a codec and of its RTX."""

    payload_type: int
    rtx_payload_type: int | None


class PayloadTypes:
    """Gives equal formats equal numbers and different formats different ones, as BUNDLE asks (RFC 9143 section 9.1).

    A number keeps its meaning until the space is used up; then those that ``in_use`` does not name are given out again.
    """

    __slots__ = ("_assigned",)

    def __init__(self) -> None:
        self._assigned: dict[_Key, Assigned] = {}

    def assign(self, codecs: Sequence[Codec], rtx: bool, in_use: Collection[int]) -> tuple[Codec, ...] | None:
        """The codecs of one m-line under our numbers; None when all numbers are in use."""
        result: list[Codec] = []
        for codec in codecs:
            with_rtx = rtx and codec.name != "red"
            key = (codec.name, tuple(codec.parameters.items()), codec.feedback, with_rtx)
            assigned = self._assigned.get(key)
            if assigned is None:
                assigned = self._next(codec.name, with_rtx, {*in_use, *(item.payload_type for item in result)})
                if assigned is None:
                    return None
                self._assigned[key] = assigned
            result.append(
                replace(codec, payload_type=assigned.payload_type, rtx_payload_type=assigned.rtx_payload_type)
            )
        return tuple(result)

    def _next(self, name: str, rtx: bool, in_use: Collection[int]) -> Assigned | None:
        free = self._free()
        if len(free) < 1 + rtx:
            self._assigned = {
                key: item
                for key, item in self._assigned.items()
                if item.payload_type in in_use or item.rtx_payload_type in in_use
            }
            free = self._free()
        usual = _USUAL[name]
        if usual in free and (not rtx or usual + 1 in free):
            return Assigned(usual, usual + 1 if rtx else None)
        if len(free) < 1 + rtx:
            return None
        return Assigned(free[0], free[1] if rtx else None)

    def _free(self) -> list[int]:
        taken = {number for item in self._assigned.values() for number in item}
        return [number for number in _POOL if number not in taken]

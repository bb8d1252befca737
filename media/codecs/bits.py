"""Reading bit fields from codec headers."""

from __future__ import annotations


class BitReader:
    """Most significant bit first. Reading past the end raises ValueError."""

    __slots__ = ("_data", "_position", "_size")

    def __init__(self, data: bytes) -> None:
        self._data = int.from_bytes(data, "big")
        self._size = 8 * len(data)
        self._position = 0

    def read(self, count: int) -> int:
        """The next ``count`` bits as an unsigned number."""
        end = self._position + count
        if end > self._size:
            raise ValueError("header is cut off")
        self._position = end
        return (self._data >> (self._size - end)) & ((1 << count) - 1)

    def exp_golomb(self) -> int:
        """ue(v) of H.264 section 9.1; at most 31 leading zeros."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 31:
                raise ValueError("exp-Golomb code is too long")
        return (1 << zeros) - 1 + self.read(zeros)

    def signed_exp_golomb(self) -> int:
        """se(v) of H.264 section 9.1.1."""
        value = self.exp_golomb()
        return (value + 1) // 2 if value & 1 else -(value // 2)

"""What people write into the search field, as words to look for. Pure."""

from __future__ import annotations

import re

MAX_WORDS = 8
MAX_WORD = 64
MIN_WORD = 2
_ID = re.compile(r"r[0-9a-f]{16}")
_PIECES = re.compile(r'"([^"]*)"|(\S+)')


def recording_id(text: str) -> str | None:
    """The id, if that is what was written."""
    found = text.strip().lower()
    return found if _ID.fullmatch(found) else None


def words(text: str) -> tuple[str, ...]:
    """Lower case, each once; what stands in quotes is one. Raises ValueError for too many, or one that is too short or
    too long: one character would be found nearly everywhere."""
    pieces = (quoted or plain for quoted, plain in _PIECES.findall(text.replace("“", '"').replace("”", '"')))
    found = tuple(dict.fromkeys(filter(None, (piece.strip(' "').lower() for piece in pieces))))
    if len(found) > MAX_WORDS or any(not MIN_WORD <= len(word) <= MAX_WORD for word in found):
        raise ValueError("q")
    return found


def rating_range(text: str) -> tuple[int, int]:
    """``2`` or ``1-3``, of 1 to 5. Raises ValueError."""
    match = re.fullmatch(r"([1-5])(?:-([1-5]))?", text)
    if match is None:
        raise ValueError("rating")
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high:
        raise ValueError("rating")
    return low, high

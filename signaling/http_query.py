"""Reads the query of an address, field by field; a wrong one is ``bad_message`` naming it, as with a JSON body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar

from signaling.errors import bad_message

T = TypeVar("T", bound=str)
MAX_MS = 4_102_444_800_000  # the year 2100
MAX_TEXT = 128


class Query:
    """What is absent or empty is the default. Every method raises ApiError ``bad_message``."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None) -> str | None:
        """Up to 128 characters."""
        value = self._values.get(name)
        if not value:
            return default
        if len(value) > MAX_TEXT or "\x00" in value:
            raise bad_message(name, "range")
        return value

    def choice(self, name: str, choices: Sequence[T], default: T) -> T:
        """One of ``choices``."""
        value = self._values.get(name) or default
        for choice in choices:
            if value == choice:
                return choice
        raise bad_message(name, "choice")

    def flag(self, name: str) -> bool | None:
        """``true``, ``false``, or None for whatever."""
        value = self.choice(name, ("", "true", "false"), "")
        return None if not value else value == "true"

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number."""
        value = self._values.get(name)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or len(value) > 15:
            raise bad_message(name, "type")
        if not low <= int(value) <= high:
            raise bad_message(name, "range")
        return int(value)

    def moment(self, name: str) -> float | None:
        """Milliseconds since the epoch, given back as seconds."""
        return self.number(name, 0, MAX_MS, 0) / 1000 if self._values.get(name) else None

    def day(self, name: str, default: date) -> date:
        """``2026-11-11``."""
        value = self._values.get(name)
        if not value:
            return default
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise bad_message(name, "type") from None
        if not 2000 <= day.year < 2100:
            raise bad_message(name, "range")
        return day

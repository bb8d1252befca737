"""The chain of the audit: each line's hash holds the one before, so that no line can be changed unseen. Pure.

A line is hashed as SHA-256 over the former hash, a newline and the line's canonical JSON (sorted keys, no spaces, UTF-8).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

GENESIS = "0" * 64
Problem = Literal["changed", "removed", "inserted", "moved"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. ``at`` is seconds since the epoch, whole milliseconds; ``detail`` is the JSON text as it is kept."""

    number: int
    at: float
    actor: str
    name: str
    action: str
    recording: str
    detail: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong about the line ``number`` (or from it on)."""

    number: int
    problem: Problem


def canonical(value: Any) -> str:
    """JSON that is the same for the same value. Raises ValueError for what JSON cannot say."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(entry: Entry) -> str:
    """What the hash of a line should be."""
    fields = ("number", "at", "actor", "name", "action", "recording", "detail")
    body = canonical({name: getattr(entry, name) for name in fields})
    return hashlib.sha256(f"{entry.previous}\n{body}".encode("utf-8", "surrogatepass")).hexdigest()


def follow(
    number: int, previous: str, *, at: float, actor: str, name: str, action: str, recording: str, detail: Mapping[str, Any]
) -> Entry:
    """The next line after the one with the hash ``previous``."""
    draft = Entry(number, round(at, 3), actor, name, action, recording, canonical(detail), previous, "")
    return replace(draft, hash=digest(draft))


class Chain:
    """Verifies lines in the order of their numbers, page by page."""

    def __init__(self) -> None:
        self.number = 0
        self.hash = GENESIS
        self.faults: list[Fault] = []
        self._broken = False

    def feed(self, entries: Iterable[Entry]) -> None:
        """The next ones."""
        for entry in entries:
            self._feed(entry)

    def _feed(self, entry: Entry) -> None:
        sound = digest(entry) == entry.hash
        if entry.number > self.number + 1:
            for lost in range(self.number + 1, min(entry.number, self.number + 101)):
                self.faults.append(Fault(lost, "removed"))
        elif entry.number <= self.number:
            self.faults.append(Fault(entry.number, "moved"))
        elif not sound:
            self.faults.append(Fault(entry.number, "changed"))
        elif entry.previous != self.hash and not self._broken:
            # It is whole in itself and follows something else: whoever wrote it did not know the line before.
            self.faults.append(Fault(entry.number, "inserted"))
        # What follows a broken line is judged by itself.
        self._broken = not sound or entry.previous != self.hash
        self.number, self.hash = max(self.number, entry.number), entry.hash

    def close(self, number: int, head: str) -> Sequence[Fault]:
        """All faults, given where the audit should end: its ``number`` and hash."""
        for lost in range(self.number + 1, min(number, self.number + 100) + 1):
            self.faults.append(Fault(lost, "removed"))
        if self.number > number:
            self.faults.append(Fault(number + 1, "inserted"))
        elif self.number == number and head != self.hash:
            self.faults.append(Fault(number, "changed"))
        return tuple(dict.fromkeys(self.faults))


def merge(spans: Iterable[tuple[float, float]], gap_s: float = 0.0) -> tuple[tuple[float, float], ...]:
    """Spans in order, those that touch or are closer than ``gap_s`` made one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + gap_s:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def clip(spans: Iterable[Sequence[float]], duration_s: float) -> tuple[tuple[float, float], ...]:
    """What of the spans lies within the recording. Raises ValueError for a span that ends before it begins."""
    kept = []
    for span in spans:
        start, end = span
        if not start <= end:
            raise ValueError("span")
        start, end = max(0.0, float(start)), min(duration_s, float(end))
        if start < end:
            kept.append((round(start, 3), round(end, 3)))
    return tuple(kept)

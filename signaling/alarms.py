"""Who is to be looked at when: one time for each name. Pure; setting and taking cost the logarithm of how many there are."""

from __future__ import annotations

from heapq import heappop, heappush


class Alarms:
    """Times are seconds, monotonic."""

    __slots__ = ("_at", "_heap")

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        # Also what was changed or taken back since; that is recognised by its time, and skipped.
        self._heap: list[tuple[float, str]] = []

    def __contains__(self, name: str) -> bool:
        return name in self._at

    def set(self, name: str, due: float | None) -> None:
        """Instead of whatever was set before; None: not at all."""
        if due is None:
            self._at.pop(name, None)
        elif self._at.get(name) != due:
            self._at[name] = due
            heappush(self._heap, (due, name))

    def take(self, now: float, most: int | None = None) -> list[str]:
        """Those that are due, the longest first, and not set any more; the rest of more than ``most`` next time."""
        taken: list[str] = []
        while self._heap and self._heap[0][0] <= now and (most is None or len(taken) < most):
            due, name = heappop(self._heap)
            if self._at.get(name) == due:
                del self._at[name]
                taken.append(name)
        return taken

    def next(self) -> float | None:
        """When somebody is due."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

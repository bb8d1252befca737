"""What the two sides of a call write and draw for each other: messages, marks on the picture, a frozen picture, a checklist.

Pure: ``now`` is seconds (monotonic), ``at_ms`` the wall clock (since the epoch). Each change returns the event to relay
(:class:`Relay`); a refusal is an ApiError, and then nothing has changed but what the limits count. Whether somebody is
in the call at all is decided by the caller; which side may do what is decided here.

Marks are vectors in the *displayed* frame: 0 to 1 from its upper left corner, after the rotation that the decoder
applies, so that they land on the same spot whatever the window's size. Each belongs to one picture, its ``target``: a
track, or the file of a frozen frame. Whoever shows another picture does not show it.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.help_messages import Article, CallDevice, CallDeviceState, CallSay, Checklist, Frame, Pointer
from signaling.limits import Limiter

Side = Literal["shopper", "agent", "supervisor"]
Kind = Literal["free", "arrow", "ring", "step", "text"]

MAX_MESSAGES = 100
MAX_MARKS = 200
#: Of all marks together: the whole board must fit into one message to whoever comes back.
MAX_ALL_POINTS = 8000
MAX_FRAMES = 32
MAX_STEPS = 20
MAX_LABEL = 40
MIN_WIDTH, MAX_WIDTH = 0.001, 0.05
#: How many points a mark of this kind has, at least and at most.
POINTS: Final[Mapping[str, tuple[int, int]]] = {
    "free": (2, 512),
    "arrow": (2, 2),
    "ring": (2, 2),
    "step": (1, 1),
    "text": (1, 1),
}
#: A hundred thousandth of the frame is a sixth of a pixel at 16384.
PRECISION = 5
#: Per person and second, and at once.
MARK_RATE, MARK_BURST = 20.0, 40.0
POINTER_RATE, POINTER_BURST = 25.0, 25.0
SAY_RATE, SAY_BURST = 2.0, 10.0
DEVICE_RATE, DEVICE_BURST = 10.0, 20.0
MAX_WRITERS = 64

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Writer:
    """Who does it, as the others are told."""

    identity: str
    name: str
    side: Side

    def to_wire(self) -> dict[str, Any]:
        """As PROTOCOL.md has it."""
        return {"identity": self.identity, "name": self.name, "side": self.side}


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file of a call as it is kept: ``kind`` is its media type, ``bytes`` its size, the rest pixels of a picture."""

    id: str
    name: str
    kind: str
    bytes: int
    width: int | None = None
    height: int | None = None

    @property
    def is_picture(self) -> bool:
        """Whether it can be shown in place."""
        return self.width is not None

    def to_wire(self) -> dict[str, Any]:
        """As PROTOCOL.md has it."""
        size = {} if self.width is None else {"width": self.width, "height": self.height}
        return {"id": self.id, "name": self.name, "type": self.kind, "bytes": self.bytes, **size}


@dataclass(frozen=True, slots=True)
class Mark:
    """One drawing; ``width`` in parts of the frame's width, ``at`` milliseconds since the epoch."""

    id: str
    by: str
    kind: str
    color: str
    width: float
    target: str
    points: tuple[tuple[float, float], ...]
    label: str
    n: int | None
    at: int

    def to_wire(self) -> dict[str, Any]:
        """As PROTOCOL.md has it."""
        result: dict[str, Any] = {
            "id": self.id,
            "by": self.by,
            "kind": self.kind,
            "color": self.color,
            "width": self.width,
            "target": self.target,
            "points": [list(point) for point in self.points],
            "at": self.at,
        }
        if self.label:
            result["label"] = self.label
        if self.n is not None:
            result["n"] = self.n
        return result


@dataclass(frozen=True, slots=True)
class Relay:
    """An event for the people of the call: all of them, the author too, or one side of it only."""

    type: str
    fields: dict[str, Any]
    to: Literal["all", "shopper", "agents"] = "all"


def _ids() -> Callable[[], str]:
    prefix, numbers = secrets.token_urlsafe(9), count(1)
    return lambda: f"{prefix}-{next(numbers)}"


class Board:
    """The board of one call."""

    __slots__ = (
        "_asks",
        "_checklist",
        "_device",
        "_done",
        "_draws",
        "_frame",
        "_frames",
        "_marks",
        "_messages",
        "_new_id",
        "_points",
        "_says",
    )

    def __init__(self) -> None:
        self._new_id = _ids()
        self._messages: deque[dict[str, Any]] = deque(maxlen=MAX_MESSAGES)
        self._marks: dict[str, Mark] = {}
        self._frame: dict[str, Any] | None = None
        self._frames: deque[str] = deque(maxlen=MAX_FRAMES)
        self._checklist: Checklist | None = None
        self._done: list[bool] = []
        self._device: dict[str, Any] | None = None
        self._draws = Limiter(MARK_RATE, MARK_BURST, MAX_WRITERS)
        self._points = Limiter(POINTER_RATE, POINTER_BURST, MAX_WRITERS)
        self._says = Limiter(SAY_RATE, SAY_BURST, MAX_WRITERS)
        self._asks = Limiter(DEVICE_RATE, DEVICE_BURST, MAX_WRITERS)

    def restore(self, messages: Iterable[dict[str, Any]]) -> None:
        """What was written before this board was made, the oldest first; as :meth:`say` made it."""
        self._messages.extendleft(reversed(list(messages)[-MAX_MESSAGES:]))

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Oldest first."""
        return tuple(self._marks.values())

    @property
    def frame(self) -> dict[str, Any] | None:
        """The frozen picture, as PROTOCOL.md has it."""
        return self._frame

    def snapshot(self) -> dict[str, Any]:
        """``messages``, ``marks``, ``frame``, ``checklist`` and ``device`` of the call, for who comes back."""
        return {
            "messages": list(self._messages),
            "marks": [mark.to_wire() for mark in self._marks.values()],
            "frame": self._frame,
            "checklist": self._checklist_wire(),
            "device": self._device,
        }

    # --- messages ------------------------------------------------------------------------------------------------

    def say(self, by: Writer, request: CallSay, file: FileInfo | None, *, now: float, at_ms: int) -> Relay:
        """Write a text, an article or a file; ``file`` is the call's file of that id, if there is one.

        Raises ApiError ``bad_message``: not exactly one of them, nothing readable, or an article that is no web page;
        ``file_not_found``; ``chat_too_fast``.
        """
        given = [name for name in ("text", "article", "file") if getattr(request, name) is not None]
        if len(given) != 1:
            raise bad_message("text", "missing" if not given else "choice")
        if request.file is not None and (file is None or file.id != request.file):
            raise ApiError("file_not_found")
        text = None if request.text is None else clean_text(request.text, newlines=True)
        if text == "":
            raise bad_message("text", "range")
        article = None if request.article is None else _article(request.article)
        if wait := self._says.wait(by.identity, now):
            raise ApiError("chat_too_fast", retry_after_s=wait)
        message = {
            "id": self._new_id(),
            "by": by.to_wire(),
            "at": at_ms,
            "text": text,
            "article": article,
            "file": None if request.file is None or file is None else file.to_wire(),
        }
        self._messages.append(message)
        return Relay("call_message", {"message": message})

    # --- marks ---------------------------------------------------------------------------------------------------

    def add_mark(
        self,
        by: Writer,
        mark: Mapping[str, Any],
        *,
        now: float,
        at_ms: int,
        targets: Collection[str] | None = None,
    ) -> Relay:
        """Draw. A mark whose ``id`` its author has used already replaces the former: that is how a stroke grows.

        ``targets`` are the ids of the tracks that can be drawn on, None: any. Frozen frames always can be,
        also the one that somebody thawed while this was being drawn.
        Raises ApiError ``mark_invalid`` or ``mark_limit``.
        """
        made = _read_mark(by.identity, mark, at_ms, self._new_id)
        former = self._marks.get(made.id)
        if former is not None and former.by != by.identity:
            raise ApiError("mark_invalid")
        if targets is not None and made.target not in targets and made.target not in self._frames:
            raise ApiError("mark_invalid")
        if wait := self._draws.wait(by.identity, now):
            raise ApiError("mark_limit", retry_after_s=wait)
        if former is None and len(self._marks) >= MAX_MARKS:
            raise ApiError("mark_limit")
        others = sum(len(other.points) for other in self._marks.values() if other is not former)
        if others + len(made.points) > MAX_ALL_POINTS:
            raise ApiError("mark_limit")
        self._marks[made.id] = made
        return Relay("call_mark", {"mark": made.to_wire()})

    def clear(self, by: Writer, mark_id: str | None) -> Relay | None:
        """Rub out one mark, or all of them, whoever made them; None when there was nothing to rub out."""
        if mark_id is None:
            if not self._marks:
                return None
            self._marks.clear()
        elif self._marks.pop(mark_id, None) is None:
            return None
        return Relay("call_clear", {"mark": mark_id, "by": by.identity})

    def point(self, by: Writer, pointer: Pointer | None, *, now: float) -> Relay | None:
        """Move the laser pointer, or put it away; None: too soon, the next one will do. Nothing of it is kept."""
        # Putting it away is what must not be lost; the session's own limit bounds how often.
        if self._points.wait(by.identity, now) and pointer is not None:
            return None
        place = None if pointer is None else {"x": pointer.x, "y": pointer.y, "target": pointer.target}
        return Relay("call_pointer", {"by": by.identity, "pointer": place})

    def freeze(self, by: Writer, frame: Frame | None, picture: FileInfo | None, *, now: float, at_ms: int) -> Relay:
        """Show everybody the same still ``picture`` (the call's file of that id), or let it move again.

        Its marks stay with it: they are seen again when it is. Raises ApiError ``file_not_found``; ``file_type`` for
        what is no picture; ``mark_limit`` for too many at once.
        """
        if frame is not None and (picture is None or picture.id != frame.file):
            raise ApiError("file_not_found")
        if picture is not None and frame is not None and not picture.is_picture:
            raise ApiError("file_type")
        if wait := self._draws.wait(by.identity, now):
            raise ApiError("mark_limit", retry_after_s=wait)
        if frame is None or picture is None:
            self._frame = None
        else:
            # The size is the file's own: what was sent may have been scaled down since.
            size = {"width": picture.width, "height": picture.height}
            self._frames.append(frame.file)
            self._frame = {"file": frame.file, "target": frame.target, **size, "at": at_ms}
        return Relay("call_freeze", {"frame": self._frame, "by": by.identity})

    # --- steps to repeat -----------------------------------------------------------------------------------------

    def set_checklist(self, by: Writer, checklist: Checklist | None) -> Relay:
        """Show steps, none ticked yet, or no checklist. Raises ApiError ``forbidden`` or ``bad_message``."""
        _require_staff(by)
        if checklist is not None:
            if not 1 <= len(checklist.steps) <= MAX_STEPS:
                raise bad_message("checklist.steps", "range")
            cleaned = Checklist(clean_text(checklist.title), tuple(clean_text(step) for step in checklist.steps))
            if not cleaned.title or not all(cleaned.steps):
                raise bad_message("checklist", "range")
            checklist = cleaned
        self._checklist = checklist
        self._done = [False] * (0 if checklist is None else len(checklist.steps))
        return Relay("call_checklist", {"checklist": self._checklist_wire()})

    def tick(self, by: Writer, step: int, done: bool) -> Relay:
        """Tick a step, counted from 0, or take it back. Raises ApiError ``forbidden`` or ``bad_message``."""
        _require_staff(by)
        if not 0 <= step < len(self._done):
            raise bad_message("step", "range")
        self._done[step] = done
        return Relay("call_checklist", {"checklist": self._checklist_wire()})

    def _checklist_wire(self) -> dict[str, Any] | None:
        if self._checklist is None:
            return None
        steps = [{"text": text, "done": done} for text, done in zip(self._checklist.steps, self._done, strict=True)]
        return {"title": self._checklist.title, "steps": steps}

    # --- the shopper's device ------------------------------------------------------------------------------------

    def ask_device(self, by: Writer, request: CallDevice, *, now: float) -> Relay:
        """Ask something of the shopper's device; its page does it, or does not.

        Raises ApiError ``forbidden``; ``wrong_state`` for what the device said it cannot do; ``bad_message``;
        ``rate_limited``.
        """
        _require_staff(by)
        if request.ask == "zoom" and request.value is None:
            raise bad_message("value", "missing")
        if self._device is not None and request.ask not in self._device["can"]:
            raise ApiError("wrong_state")
        if wait := self._asks.wait(by.identity, now):
            raise ApiError("rate_limited", retry_after_s=wait)
        return Relay("call_device", {"ask": request.ask, "value": request.value}, "shopper")

    def set_device(self, by: Writer, state: CallDeviceState, *, now: float) -> Relay:
        """What the shopper's device can do and does. Raises ApiError ``forbidden``, ``bad_message``, ``rate_limited``."""
        if by.side != "shopper":
            raise ApiError("forbidden")
        zoom = state.zoom
        if zoom is not None and not zoom.min <= zoom.value <= zoom.max:
            raise bad_message("zoom.value", "range")
        if wait := self._asks.wait(by.identity, now):
            raise ApiError("rate_limited", retry_after_s=wait)
        self._device = {
            "facing": state.facing,
            "torch": state.torch,
            "zoom": None if zoom is None else asdict(zoom),
            "can": sorted(set(state.can)),
        }
        return Relay("call_device_state", dict(self._device), "agents")


def _require_staff(by: Writer) -> None:
    if by.side == "shopper":
        raise ApiError("forbidden")


def _article(article: Article) -> dict[str, Any]:
    title = clean_text(article.title)
    if not title:
        raise bad_message("article.title", "range")
    url = article.url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        raise bad_message("article.url", "choice") from None
    # Anything but a web page, a script above all, would run when it is clicked.
    if parts.scheme not in ("http", "https") or not parts.netloc or any(char.isspace() for char in url):
        raise bad_message("article.url", "choice")
    return {"title": title, "url": url}


def _read_mark(by: str, data: Mapping[str, Any], at_ms: int, new_id: Callable[[], str]) -> Mark:
    """From what a client sent; one without ``id`` gets one. Raises ApiError ``mark_invalid``."""
    kind, points = data.get("kind"), data.get("points")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(points, list):
        raise ApiError("mark_invalid")
    least, most = POINTS[kind]
    label, number = data.get("label"), data.get("n")
    text = clean_text(label) if isinstance(label, str) and len(label) <= MAX_LABEL else ""
    width = _number(data.get("width"))
    target, color = _text(data.get("target")), _text(data.get("color"))
    mark_id = new_id() if data.get("id") is None else _text(data["id"])
    valid = (
        least <= len(points) <= most
        and _ID.fullmatch(mark_id) is not None
        and 1 <= len(target) <= 64
        and _COLOR.fullmatch(color) is not None
        and MIN_WIDTH <= width <= MAX_WIDTH
        and (label is None or label == "" or bool(text))
        and (kind != "text" or bool(text))
        and ((number is None and kind != "step") or (type(number) is int and 1 <= number <= 99))
    )
    if not valid:
        raise ApiError("mark_invalid")
    places = tuple(_point(point) for point in points)
    return Mark(mark_id, by, kind, color.lower(), round(width, PRECISION), target, places, text, number, at_ms)


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ApiError("mark_invalid")
    x, y = (_number(part) for part in value)
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ApiError("mark_invalid")
    return round(x, PRECISION), round(y, PRECISION)


def _number(value: Any) -> float:
    """Out of every range if it is none; a whole number may be too large for a float."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -1 <= value <= 100:
        return -1.0
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value

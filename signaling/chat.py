"""The two conversations of a Room: :class:`Chat`, which all can read, and :class:`BackChannel`, for the staff only.

Pure state machines: ``now`` is seconds (monotonic, never going back), ``at_ms`` the wall clock (since the epoch). They check limits,
mutes and texts; who may write, delete or mute at all is decided by the caller. A refusal is an ApiError, and then
nothing has changed: no token is spent and nobody new is remembered.

State is kept by identity, so leaving and joining again wins nothing, and forgotten once it could no longer refuse
anything. The limit of the whole room is thereby also the limit of what a Chat remembers.

A message's id is a random prefix of this conversation (72 bits) and a counter: unique on every Node and after every
restart, and not to be guessed from another room. Within the room it is no secret.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from signaling.chat_text import clean_text
from signaling.errors import ApiError, bad_message
from signaling.limits import TokenBucket

KEPT = 200
SHOWN = 50
MAX_TEXT = 300
MAX_BACK_TEXT = 500
RATE, BURST = 1.0, 5.0
ROOM_RATE, ROOM_BURST = 20.0, 40.0
BACK_RATE, BACK_BURST = 2.0, 10.0
REPEAT_S = 10.0
MAX_SLOW_S = 300.0
MAX_MUTES = 1000
MAX_ACKS = 100


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message to all; ``at`` is milliseconds since the epoch."""

    id: str
    identity: str
    name: str
    role: str
    text: str
    at: int

    def to_wire(self) -> dict[str, Any]:
        """As PROTOCOL.md has it."""
        return {
            "id": self.id,
            "identity": self.identity,
            "name": self.name,
            "role": self.role,
            "text": self.text,
            "at": self.at,
        }


@dataclass(frozen=True, slots=True)
class BackChannelMessage:
    """One message among the staff; ``acked`` are the (identity, name) of who has read it, in that order."""

    id: str
    identity: str
    name: str
    role: str
    text: str
    urgent: bool
    at: int
    acked: tuple[tuple[str, str], ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """As PROTOCOL.md has it."""
        return {
            "id": self.id,
            "from": {"identity": self.identity, "name": self.name, "role": self.role},
            "text": self.text,
            "urgent": self.urgent,
            "at": self.at,
            "acked": [{"identity": identity, "name": name} for identity, name in self.acked],
        }


def _ids() -> Callable[[], str]:
    prefix, numbers = secrets.token_urlsafe(9), count(1)
    return lambda: f"{prefix}-{next(numbers)}"


@dataclass(slots=True)
class _Buckets:
    """One token bucket for each identity; a full one is forgotten, for a new one starts full."""

    rate: float
    burst: float
    entries: dict[str, TokenBucket] = field(default_factory=dict)

    def take(self, identity: str, now: float) -> float:
        """As :meth:`TokenBucket.take`."""
        self._forget(now)
        bucket = self.entries.get(identity) or TokenBucket(self.rate, self.burst, now)
        wait = bucket.take(now)
        if not wait:
            # Who took last stands last, so that the first are the first to be full again.
            self.entries.pop(identity, None)
            self.entries[identity] = bucket
        return wait

    def put_back(self, identity: str) -> None:
        """Undo the take that just succeeded."""
        bucket = self.entries[identity]
        bucket.level += 1.0
        if bucket.level >= bucket.burst:
            del self.entries[identity]

    def _forget(self, now: float) -> None:
        while self.entries:
            identity, bucket = next(iter(self.entries.items()))
            if bucket.level + (now - bucket.updated_at) * bucket.rate < bucket.burst:
                return
            del self.entries[identity]


def _forget_oldest(kept: dict[str, Any]) -> None:
    while len(kept) > KEPT:
        del kept[next(iter(kept))]


def _forget_before(times: dict[Any, float], limit: float) -> None:
    while times:
        first = next(iter(times))
        if times[first] > limit:
            return
        del times[first]


def _read(text: str, limit: int, *, newlines: bool = False) -> str:
    cleaned = clean_text(text, newlines=newlines) if len(text) <= limit else ""
    if not cleaned:
        raise bad_message("text", "range")
    return cleaned


class Chat:
    """What all in the room write and read: the last 200 messages, of which who joins is shown 50."""

    __slots__ = ("_buckets", "_messages", "_mutes", "_new_id", "_room", "_said", "_slow_s", "_spoke")

    def __init__(self) -> None:
        self._new_id = _ids()
        self._messages: dict[str, ChatMessage] = {}
        self._slow_s = 0.0
        self._mutes: dict[str, float] = {}
        self._buckets = _Buckets(RATE, BURST)
        self._room = TokenBucket(ROOM_RATE, ROOM_BURST, 0.0)
        # When each person last spoke, and what was said lately; the longest ago first.
        self._spoke: dict[str, float] = {}
        self._said: dict[tuple[str, str], float] = {}

    # --- questions -----------------------------------------------------------------------------------------------

    @property
    def slow_s(self) -> float:
        """Seconds between two messages of one person; 0 without slow mode."""
        return self._slow_s

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """What is kept, oldest first."""
        return tuple(self._messages.values())

    @property
    def remembered(self) -> int:
        """How many entries about people are kept, mutes included."""
        return len(self._buckets.entries) + len(self._spoke) + len(self._said) + len(self._mutes)

    def muted_until(self, identity: str, now: float) -> float | None:
        """When this person may write again (on the scale of ``now``), or None when they may now."""
        until = self._mutes.get(identity)
        return until if until is not None and until > now else None

    def snapshot(self) -> dict[str, Any]:
        """``messages`` and ``slow_s`` for one who joins; the caller adds ``muted_until`` in wall-clock time."""
        return {"messages": [message.to_wire() for message in self.messages[-SHOWN:]], "slow_s": self._slow_s}

    # --- changes -------------------------------------------------------------------------------------------------

    def say(
        self, identity: str, name: str, role: str, text: str, *, now: float, at_ms: int, moderator: bool = False
    ) -> ChatMessage:
        """Write to all. A ``moderator`` need not wait in slow mode; every other limit holds for them as well.

        Raises ApiError ``chat_muted``; ``bad_message`` when nothing readable is left of ``text`` or it is over 300
        characters; ``chat_slow_mode``; ``chat_too_fast`` for too many messages of this person or of all together, and
        for the same text again within 10 s.
        """
        self._forget(now)
        if self.muted_until(identity, now) is not None:
            raise ApiError("chat_muted")
        cleaned = _read(text, MAX_TEXT)
        slow_until = self._spoke.get(identity, now - MAX_SLOW_S) + self._slow_s
        if slow_until > now and not moderator:
            raise ApiError("chat_slow_mode", retry_after_s=slow_until - now)
        if (identity, cleaned) in self._said:
            raise ApiError("chat_too_fast", retry_after_s=self._said[identity, cleaned] + REPEAT_S - now)
        if wait := self._buckets.take(identity, now):
            raise ApiError("chat_too_fast", retry_after_s=wait)
        if wait := self._room.take(now):
            self._buckets.put_back(identity)
            raise ApiError("chat_too_fast", retry_after_s=wait)
        self._spoke.pop(identity, None)
        self._spoke[identity] = now
        self._said[identity, cleaned] = now
        message = ChatMessage(self._new_id(), identity, name, role, cleaned, at_ms)
        self._messages[message.id] = message
        _forget_oldest(self._messages)
        return message

    def delete(self, message_id: str) -> ChatMessage:
        """Take a message out; returns it. Raises ApiError ``message_not_found``, also the second time."""
        message = self._messages.pop(message_id, None)
        if message is None:
            raise ApiError("message_not_found")
        return message

    def mute(self, identity: str, until: float | None, now: float) -> None:
        """Refuse what this person writes until then (on the scale of ``now``); None lifts it.

        Of more than 1000 mutes the one that would end first is lifted.
        """
        self._mutes.pop(identity, None)
        if until is None or until <= now:
            return
        self._mutes = {other: end for other, end in self._mutes.items() if end > now}
        if len(self._mutes) >= MAX_MUTES:
            del self._mutes[min(self._mutes, key=self._mutes.__getitem__)]
        self._mutes[identity] = until

    def set_slow(self, seconds: float) -> bool:
        """Let everybody write once in so many seconds, 0 to 300; returns whether that is new.

        It binds at once, also those who wrote just before. Raises ApiError ``bad_message``.
        """
        if not 0.0 <= seconds <= MAX_SLOW_S:
            raise bad_message("seconds", "range")
        changed = seconds != self._slow_s
        self._slow_s = seconds
        return changed

    def _forget(self, now: float) -> None:
        for times, keep_s in ((self._spoke, MAX_SLOW_S), (self._said, REPEAT_S)):
            _forget_before(times, now - keep_s)


class BackChannel:
    """What the staff write among themselves during the show: the last 200 messages, and who has read them.

    There is no limit for all together: nobody's "stop" may wait because others write much.
    """

    __slots__ = ("_buckets", "_messages", "_new_id")

    def __init__(self) -> None:
        self._new_id = _ids()
        self._messages: dict[str, BackChannelMessage] = {}
        self._buckets = _Buckets(BACK_RATE, BACK_BURST)

    @property
    def messages(self) -> tuple[BackChannelMessage, ...]:
        """What is kept, oldest first."""
        return tuple(self._messages.values())

    @property
    def remembered(self) -> int:
        """How many entries about people are kept."""
        return len(self._buckets.entries)

    def snapshot(self) -> list[dict[str, Any]]:
        """The last 50, oldest first."""
        return [message.to_wire() for message in self.messages[-SHOWN:]]

    def say(
        self, identity: str, name: str, role: str, text: str, *, urgent: bool = False, now: float, at_ms: int
    ) -> BackChannelMessage:
        """Write to the staff; up to 5 line breaks are kept. Raises ApiError ``bad_message`` or ``chat_too_fast``."""
        cleaned = _read(text, MAX_BACK_TEXT, newlines=True)
        if wait := self._buckets.take(identity, now):
            raise ApiError("chat_too_fast", retry_after_s=wait)
        message = BackChannelMessage(self._new_id(), identity, name, role, cleaned, urgent, at_ms)
        self._messages[message.id] = message
        _forget_oldest(self._messages)
        return message

    def ack(self, message_id: str, identity: str, name: str) -> bool:
        """Somebody has read it; returns whether that is news: it is not the second time, nor from its author.

        A message names at most 100 readers. Raises ApiError ``message_not_found``.
        """
        message = self._messages.get(message_id)
        if message is None:
            raise ApiError("message_not_found")
        known = {reader for reader, _ in message.acked} | {message.identity}
        if identity in known or len(message.acked) >= MAX_ACKS:
            return False
        self._messages[message_id] = replace(message, acked=(*message.acked, (identity, name)))
        return True

"""The ICE-lite agent of one Transport (RFC 8445): it answers checks and learns from them where the peer is.

It sends no checks and needs no remote candidates; the peer's addresses are those that authenticated checks come from.
Nothing is stored for a source before MESSAGE-INTEGRITY has passed, so strangers cost no memory.

**Which path.** The controlling peer says so with USE-CANDIDATE, but in two styles. Chromium (towards a lite agent),
Firefox and aioice nominate only the pair they chose, and later another one if they change their mind; older agents
nominate aggressively: every check on every pair carries USE-CANDIDATE. Following the latest one would suit the first
and make the second flap between paths several times a second. The rules, for a check from a source that is not the
path now (``_Source`` holds what they look at):

1. No path yet, or the connection it used is gone: any authentic check makes one, *provisional* unless it nominates.
   RFC 8445 section 12 would have a lite agent wait for the nomination; not waiting saves the round trip between the
   first check and the first nominating one. It is safe: until DTLS is up only its handshake goes there.
2. The path is provisional: the first nominating check takes it.
3. The peer's last check on the path did not nominate: it chose once and now chooses anew; a nominating check wins.
4. Both nominate (aggressive): a source with a higher PRIORITY wins, as in RFC 5245 section 8.1.1.2, but only if it
   was not nominated and left before. One that was has been left for a reason, and a check of its own that is late
   must not lead back to a dead network.
5. Otherwise the path must have been silent for longer than its own checks were apart: 1.25 times its last interval,
   within 1 to 6 s. A hand-over from a dead network is followed at the new path's next check after that.
6. A source that nominated but lost takes over, even with a plain check, once the path has been silent for 7 s.

**Restart** (RFC 8445 section 9). Old credentials work until a check with the new ones nominates; that check always
wins the path. Before it, a plain check with the new ones does if the path is silent (rule 5).

**Replay.** MESSAGE-INTEGRITY does not cover the source address: a recorded check sent from elsewhere would validate
that address and, nominating, have a Room's video sent to it. A transaction id that was seen before is therefore
refused from a source that is not validated. From one that is, it is a retransmission (RFC 8489 section 6.3.1): it is
answered again, and changes nothing, not even how long the peer counts as alive. The last 512 ids are kept as hashes
in 2 KiB, at Chromium's pace of one check in 2.5 s those of 21 minutes.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from media import stun
from media.api import IceParams

MAX_SOURCES: Final = 8
#: Agents check consent every 4 to 6 s (RFC 7675 section 5.1): a little more than one interval.
STALLED_AFTER_S: Final = 7.0
EXPIRED_AFTER_S: Final = 30.0

_SILENCE_FACTOR: Final = 1.25
_SILENCE_MIN_S: Final = 1.0
_SILENCE_MAX_S: Final = 6.0
_SEEN_BYTES: Final = 512 * 4


@dataclass(frozen=True, slots=True)
class IceResult:
    """What one datagram means to the caller, who acts in this order.

    ``evicted``: forget this source, another took its place. ``validated``: accept DTLS and SRTP from the source now.
    ``response``: send it to the source. ``nominated``: the path changed, and the source is now the one to send to.
    ``retired``: old credentials ended, see :meth:`IceAgent.take_retired`. ``drop``: why nothing (or only an error
    response) came of it: ``malformed``, ``not_request``, ``unauthenticated``, ``unauthorized``, ``unknown_attribute``,
    ``role_conflict``, ``replay``.
    """

    response: bytes | None = None
    validated: bool = False
    nominated: bool = False
    drop: str | None = None
    evicted: Hashable | None = None
    retired: bool = False


_MALFORMED = IceResult(drop="malformed")
_NOT_REQUEST = IceResult(drop="not_request")
_REPLAY = IceResult(drop="replay")


@dataclass(frozen=True, slots=True)
class _Credentials:
    ufrag: str
    key: bytes
    generation: int


class _Source:
    """An address (or connection) that a check with our password came from."""

    __slots__ = ("generation", "heard_at", "interval", "last_nominates", "nominated", "priority", "was_path")

    def __init__(self, generation: int, now: float) -> None:
        self.generation = generation
        self.heard_at = now
        self.interval = 0.0
        self.priority = 0
        self.nominated = False  # by any check since it last lost the path
        self.last_nominates = False
        self.was_path = False

    def heard(self, generation: int, priority: int, nominates: bool, now: float) -> None:
        """Note one new check."""
        if generation != self.generation:
            self.generation = generation
            self.nominated = self.was_path = False
        self.interval = now - self.heard_at
        self.heard_at = now
        self.priority = priority
        self.last_nominates = nominates
        self.nominated = self.nominated or nominates

    def silent(self, now: float) -> bool:
        """Rule 5: its next check is overdue."""
        overdue = min(max(self.interval * _SILENCE_FACTOR, _SILENCE_MIN_S), _SILENCE_MAX_S)
        return now - self.heard_at > overdue


class IceAgent:
    """Answers checks for one Transport. Pure: ``now`` is monotonic seconds, a source is any hashable value.

    ``last_heard`` is when the last authentic check came (at first: when the agent was made). The caller may raise it
    for authentic media, which then keeps the path from counting as stalled; consent (:meth:`expired`) comes from
    checks alone (RFC 7675 section 5.1).
    """

    __slots__ = ("_generations", "_last_check", "_retired", "_seen", "_seen_at", "_selected", "_sources", "last_heard")

    def __init__(self, params: IceParams, now: float) -> None:
        self.last_heard = now
        self._last_check = now
        self._generations = [_Credentials(params.ufrag, params.pwd.encode(), 0)]
        self._retired: list[str] = []
        self._sources: dict[Hashable, _Source] = {}
        self._selected: Hashable | None = None
        self._seen = bytearray()
        self._seen_at = 0

    # --- for the caller ------------------------------------------------------------------------------------------

    @property
    def ufrags(self) -> tuple[str, ...]:
        """Every ufrag that the caller may still route here: those answered, newest last, and those retired."""
        return (*self._retired, *(credentials.ufrag for credentials in self._generations))

    @property
    def sources(self) -> tuple[Hashable, ...]:
        """The validated sources, at most MAX_SOURCES."""
        return tuple(self._sources)

    @property
    def selected(self) -> Hashable | None:
        """The source that is the path; None before the first check and after :meth:`forget` of it."""
        return self._selected

    def restart(self, params: IceParams) -> None:
        """Answer checks with new credentials too (RFC 8445 section 9); the path stays until they nominate one.

        Of several restarts without a nomination only the newest and the one that has the path stay valid. With the
        ufrag in use the password is replaced at once.
        """
        newest = self._generations[-1]
        key = params.pwd.encode()
        if newest.ufrag == params.ufrag and newest.key == key:
            return
        kept = self._generations[0]
        self._retired += [old.ufrag for old in self._generations[1:] if old.ufrag != params.ufrag]
        fresh = _Credentials(params.ufrag, key, newest.generation + 1)
        self._generations = [fresh] if kept.ufrag == params.ufrag else [kept, fresh]

    def take_retired(self) -> tuple[str, ...]:
        """The ufrags that are no longer answered, each told once: the caller may stop routing them here."""
        retired = tuple(self._retired)
        self._retired.clear()
        return retired

    def forget(self, source: Hashable) -> None:
        """A source cannot be used any more (its TCP connection ended)."""
        self._sources.pop(source, None)
        if self._selected == source:
            self._selected = None

    def stalled(self, now: float) -> bool:
        """Nothing was heard for 7 s; the peer may come back."""
        return now - self.last_heard > STALLED_AFTER_S

    def expired(self, now: float) -> bool:
        """No authentic check for 30 s: the peer no longer consents to be sent to (RFC 7675)."""
        return now - self._last_check > EXPIRED_AFTER_S

    # --- a datagram ----------------------------------------------------------------------------------------------

    def handle(self, data: bytes, source: Hashable, now: float, mapped: tuple[str, int]) -> IceResult:
        """Judge one datagram from ``source``, whose (literal address, port) is ``mapped``. Never raises for ``data``."""
        message = stun.parse(data)
        if message is None:
            return _MALFORMED
        if message.kind != stun.BINDING_REQUEST:
            return _NOT_REQUEST
        username = message.username
        tid = message.transaction_id
        if username is None or not message.integrity_at:
            return IceResult(stun.error(tid, 400), drop="unauthenticated")
        credentials = self._find(username[0])
        if credentials is None or not message.verify(credentials.key):
            return IceResult(stun.error(tid, 401), drop="unauthorized")
        key = credentials.key
        if message.not_understood:
            return IceResult(stun.error(tid, 420, key, message.not_understood), drop="unknown_attribute")
        if stun.ICE_CONTROLLED in message.attributes:
            # A lite agent is always controlled (RFC 8445 section 6.1.1), so tie-breakers are not compared.
            return IceResult(stun.error(tid, 487, key), drop="role_conflict")
        if self._seen_before(tid):
            return IceResult(stun.success(tid, mapped, key)) if source in self._sources else _REPLAY
        self.last_heard = self._last_check = now
        response = stun.success(tid, mapped, key)
        entry, evicted = self._entry(source, credentials.generation, now)
        entry.heard(credentials.generation, message.priority, message.use_candidate, now)
        nominated = source != self._selected and self._takes_over(entry, now)
        if nominated:
            self._select(source)
        retired = message.use_candidate and self._retire_before(credentials)
        return IceResult(response, True, nominated, None, evicted, retired)

    def _find(self, ufrag: str) -> _Credentials | None:
        for credentials in self._generations:
            if credentials.ufrag == ufrag:
                return credentials
        return None

    def _seen_before(self, transaction_id: bytes) -> bool:
        """Look a transaction id up and note it. Hashes: one check in some two million is taken for a replay."""
        mark = zlib.crc32(transaction_id).to_bytes(4, "big")
        if mark in self._seen:
            return True
        if len(self._seen) < _SEEN_BYTES:
            self._seen += mark
        else:
            self._seen[self._seen_at : self._seen_at + 4] = mark
            self._seen_at = (self._seen_at + 4) % _SEEN_BYTES
        return False

    def _entry(self, source: Hashable, generation: int, now: float) -> tuple[_Source, Hashable | None]:
        """The entry of a source, made if need be at the cost of the one that was heard longest ago."""
        entry = self._sources.get(source)
        if entry is not None:
            return entry, None
        evicted = None
        if len(self._sources) >= MAX_SOURCES:
            idle = (other for other in self._sources if other != self._selected)
            evicted = min(idle, key=lambda other: self._sources[other].heard_at)
            del self._sources[evicted]
        entry = self._sources[source] = _Source(generation, now)
        return entry, evicted

    def _takes_over(self, entry: _Source, now: float) -> bool:
        """The module's rules, for a check just heard from a source that is not the path."""
        path = self._sources.get(self._selected)
        if path is None:
            return True
        nominates = entry.last_nominates
        if entry.generation > path.generation:
            return nominates or path.silent(now)
        if entry.generation < path.generation:
            return nominates and path.silent(now)
        if not nominates:
            return entry.nominated and now - path.heard_at > STALLED_AFTER_S
        if not path.nominated or not path.last_nominates or path.silent(now):
            return True
        return entry.priority > path.priority and not entry.was_path

    def _select(self, source: Hashable) -> None:
        path = self._sources.get(self._selected)
        if path is not None:
            # One that was only provisional was not left: the peer had not spoken yet.
            path.was_path = path.was_path or path.nominated
            path.nominated = False
        self._selected = source

    def _retire_before(self, credentials: _Credentials) -> bool:
        """A check nominated with these credentials: older ones end (RFC 8445 section 9)."""
        old = [other for other in self._generations if other.generation < credentials.generation]
        if not old:
            return False
        self._retired += [other.ufrag for other in old]
        self._generations = [other for other in self._generations if other.generation >= credentials.generation]
        return True

"""Who may do what: access tokens (JWT, RFC 7519, HS256), their grants, and the list of revoked ones.

Nothing is allowed that the token does not grant. The role is a label for people and for the pages; only
:data:`ROLE_GRANTS`, used when a token is *made*, turns a role into grants.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

import jwt

from media.api import Source
from signaling.errors import ApiError

Role = Literal["host", "agent", "shopper", "viewer", "reviewer", "supervisor", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
SOURCES: tuple[Source, ...] = get_args(Source)
ANY_ROOM = "*"
ALGORITHM = "HS256"
MIN_SECRET_BYTES = 32
MAX_TOKEN = 8192
LEEWAY_S = 5.0
MAX_IDENTITY = 128
MAX_NAME = 64
MAX_SKILLS = 16
MAX_SKILL = 32
MAX_QUEUES = 32
MAX_QUEUE = 64
ROOM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Grants:
    """What a Peer may do.

    ``publish``: which sources, for those without ``show`` only while they are on stage (``whisper`` excepted);
    ``show``: run the show; ``manage``: the room; ``chat``: write where all can read; ``backchannel``: the private
    channel of the staff; ``desk``: be rung, and see which rooms are live; ``call``: ask for help; ``supervise``: see all
    that goes on at the desk, listen to calls and step in; ``review``: see and score what was recorded.
    """

    publish: frozenset[Source] = frozenset()
    subscribe: bool = False
    show: bool = False
    manage: bool = False
    chat: bool = False
    backchannel: bool = False
    desk: bool = False
    call: bool = False
    supervise: bool = False
    review: bool = False

    def to_wire(self) -> dict[str, Any]:
        """As it stands in tokens and messages."""
        return {
            "publish": [source for source in SOURCES if source in self.publish],
            **{name: getattr(self, name) for name in FLAGS},
        }

    @classmethod
    def from_wire(cls, value: Any) -> Grants:
        """Read grants; what is absent is denied. Raises ValueError on a wrong type or an unknown source."""
        if not isinstance(value, Mapping):
            raise ValueError("grants must be an object")
        publish = value.get("publish", [])
        if not isinstance(publish, list) or any(source not in SOURCES for source in publish):
            raise ValueError("grants.publish must be a list of sources")
        flags = {name: value.get(name, False) for name in FLAGS}
        for name, flag in flags.items():
            if not isinstance(flag, bool):
                raise ValueError(f"grants.{name} must be true or false")
        return cls(publish=frozenset(publish), **flags)


FLAGS = tuple(item.name for item in fields(Grants) if item.name != "publish")
ON_STAGE: frozenset[Source] = frozenset(("microphone", "camera", "screen", "screen_audio"))

ROLE_GRANTS: dict[Role, Grants] = {
    "host": Grants(publish=ON_STAGE, subscribe=True, show=True, chat=True, backchannel=True),
    "agent": Grants(publish=ON_STAGE, subscribe=True, chat=True, backchannel=True, desk=True),
    "shopper": Grants(subscribe=True, chat=True, call=True),
    "viewer": Grants(subscribe=True, chat=True, call=True),
    "reviewer": Grants(subscribe=True, review=True),
    "supervisor": Grants(
        publish=frozenset(("whisper",)),
        subscribe=True,
        manage=True,
        chat=True,
        backchannel=True,
        desk=True,
        supervise=True,
        review=True,
    ),
    "admin": Grants(frozenset(SOURCES), **dict.fromkeys(FLAGS, True)),
}


@dataclass(frozen=True, slots=True)
class Claims:
    """A verified token. Times are seconds since the epoch; ``room`` may be ``*`` (any room, for backends and agents).

    ``skills`` say which questions an agent can take; an invitation may ask for one. ``queues``: a reviewer sees the
    recordings of these only; empty: of all.
    """

    room: str
    identity: str
    name: str
    role: Role
    grants: Grants
    issued_at: float
    expires_at: float
    token_id: str
    skills: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()

    @property
    def is_host(self) -> bool:
        """Whether this Peer's presence decides between ``live`` and ``away``."""
        return self.role == "host"

    @property
    def may_publish(self) -> bool:
        """Whether any source is granted at all."""
        return bool(self.grants.publish)

    def covers(self, room: str) -> bool:
        """Whether the token is for ``room``."""
        return self.room in (room, ANY_ROOM)

    def require_manage(self, room: str | None) -> None:
        """Raise ``forbidden`` unless the token manages ``room`` (``None``: all rooms)."""
        if not self.grants.manage or not self.covers(ANY_ROOM if room is None else room):
            raise ApiError("forbidden")


@dataclass(frozen=True, slots=True)
class Revocation:
    """One line of the list. By ``token_id``, or every token of ``identity`` (in ``room``, or everywhere if None)
    issued at or before ``revoked_at``. Times are seconds since the epoch."""

    revoked_at: float
    token_id: str | None = None
    identity: str | None = None
    room: str | None = None

    def covers(self, claims: Claims) -> bool:
        """Whether ``claims`` came from a token that this line takes back."""
        if self.token_id is not None:
            return claims.token_id == self.token_id
        if claims.identity != self.identity or (self.room is not None and claims.room != self.room):
            return False
        return claims.issued_at <= self.revoked_at


class Authority:
    """Makes and verifies tokens. Holds the keys and the revocation list; where those are kept is not its business."""

    def __init__(self, keys: Mapping[str, str], revocations: Iterable[Revocation] = ()) -> None:
        for key_id, secret in keys.items():
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"signing key {key_id!r} is shorter than {MIN_SECRET_BYTES} bytes")
        self._keys = dict(keys)
        self._by_token: dict[str, Revocation] = {}
        self._by_identity: dict[str, list[Revocation]] = {}
        for revocation in revocations:
            self.revoke(revocation)

    def mint(
        self,
        *,
        room: str,
        identity: str,
        role: Role,
        now: float,
        lifetime_s: float,
        name: str | None = None,
        grants: Grants | None = None,
        skills: Iterable[str] = (),
        queues: Iterable[str] = (),
        key_id: str | None = None,
    ) -> str:
        """Make a token; ``grants`` default to the role's. Raises ValueError for values that would not verify."""
        if room != ANY_ROOM and not ROOM_NAME.fullmatch(room):
            raise ValueError(f"not a room name: {room!r}")
        if not valid_identity(identity):
            raise ValueError("an identity is 1 to 128 printable characters")
        if role not in ROLES:
            raise ValueError(f"no such role: {role!r}")
        if not self._keys:
            raise ValueError("no signing key is configured")
        key_id = key_id or next(iter(self._keys))
        if key_id not in self._keys:
            raise ValueError(f"no such signing key: {key_id!r}")
        payload = {
            "sub": identity,
            "room": room,
            "role": role,
            "name": clean_name(name or identity),
            "grants": (ROLE_GRANTS[role] if grants is None else grants).to_wire(),
            "skills": list(read_skills(list(skills))),
            "iat": int(now),
            "exp": int(now + lifetime_s),
            "jti": secrets.token_urlsafe(12),
        }
        if limited := read_queues(list(queues)):
            payload["queues"] = list(limited)
        return jwt.encode(payload, self._keys[key_id], algorithm=ALGORITHM, headers={"kid": key_id})

    def verify(self, token: str | None, now: float, room: str | None = None) -> Claims:
        """Check signature, expiry, revocation and, if given, the room (which then replaces ``*``).

        ``now`` is seconds since the epoch. Raises ApiError ``token_*``.
        """
        if not token:
            raise ApiError("token_missing")
        claims = self._decode(token)
        if now > claims.expires_at + LEEWAY_S:
            raise ApiError("token_expired")
        if claims.issued_at > now + 60.0:
            raise ApiError("token_invalid")
        if self.is_revoked(claims):
            raise ApiError("token_revoked")
        if room is None:
            return claims
        if not claims.covers(room):
            raise ApiError("token_wrong_room")
        claims = replace(claims, room=room)
        # A token for every room may have been taken back for this one.
        if self.is_revoked(claims):
            raise ApiError("token_revoked")
        return claims

    def _decode(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN:
            raise ApiError("token_invalid")
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            payload = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                # The clock is an argument, so that expiry can be tested and re-checked while connected.
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "jti"]},
            )
            return _claims(payload)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError):
            raise ApiError("token_invalid") from None

    def revoke(self, revocation: Revocation) -> None:
        """Add a line to the list."""
        if revocation.token_id is not None:
            self._by_token[revocation.token_id] = revocation
        elif revocation.identity is not None:
            self._by_identity.setdefault(revocation.identity, []).append(revocation)

    def is_revoked(self, claims: Claims) -> bool:
        """Whether the token behind ``claims`` has been taken back."""
        if claims.token_id in self._by_token:
            return True
        return any(line.covers(claims) for line in self._by_identity.get(claims.identity, ()))


def valid_identity(value: Any) -> bool:
    """1 to 128 characters, none of them a control, bidi or invisible one (log and display injection)."""
    return isinstance(value, str) and 0 < len(value) <= MAX_IDENTITY and not _CONTROL.search(value)


def clean_name(value: str) -> str:
    """A display name: invisible and control characters out, at most 64 characters."""
    return _CONTROL.sub("", value).strip()[:MAX_NAME]


def _claims(payload: dict[str, Any]) -> Claims:
    identity, room, role = payload["sub"], payload["room"], payload["role"]
    name, token_id = payload.get("name", identity), payload["jti"]
    if not valid_identity(identity) or role not in ROLES or not isinstance(name, str):
        raise ValueError("claims")
    if not isinstance(room, str) or (room != ANY_ROOM and not ROOM_NAME.fullmatch(room)):
        raise ValueError("room")
    if not isinstance(token_id, str) or not 0 < len(token_id) <= MAX_IDENTITY:
        raise ValueError("jti")
    return Claims(
        room=room,
        identity=identity,
        name=clean_name(name) or identity,
        role=cast(Role, role),
        grants=Grants.from_wire(payload.get("grants", {})),
        issued_at=_seconds(payload["iat"]),
        expires_at=_seconds(payload["exp"]),
        token_id=token_id,
        skills=read_skills(payload.get("skills", [])),
        queues=read_queues(payload.get("queues", [])),
    )


def read_skills(value: Any) -> tuple[str, ...]:
    """At most 16 different skills of 1 to 32 printable characters. Raises ValueError."""
    if not isinstance(value, list) or len(value) > MAX_SKILLS:
        raise ValueError("skills must be a list of at most 16")
    if not all(
        isinstance(skill, str) and 0 < len(skill) <= MAX_SKILL and not _CONTROL.search(skill) for skill in value
    ):
        raise ValueError("a skill is 1 to 32 printable characters")
    return tuple(dict.fromkeys(value))


def read_queues(value: Any) -> tuple[str, ...]:
    """At most 32 different names of queues, 1 to 64 printable characters each. Raises ValueError."""
    if not isinstance(value, list) or len(value) > MAX_QUEUES:
        raise ValueError("queues must be a list of at most 32")
    if not all(isinstance(name, str) and 0 < len(name) <= MAX_QUEUE and not _CONTROL.search(name) for name in value):
        raise ValueError("a queue's name is 1 to 64 printable characters")
    return tuple(dict.fromkeys(value))


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        raise ValueError("time")
    return float(value)

"""The signed context: what a shop's backend says of the person who asks for help (docs/widget.md).

A JWS (RFC 7515, compact, HS256) whose ``kid`` names the shop. It is for one identity, for at most ten minutes, and for
one call: an id that was used is remembered until its envelope has expired anyway. Only what a shop has really signed is
remembered, so strangers cannot fill the memory; when a shop does, the next is refused, for forgetting one would let it
be used again.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Annotated, Any, Literal

import jwt

from signaling.auth import MIN_SECRET_BYTES
from signaling.chat_text import clean_text
from signaling.errors import ApiError
from signaling.help_messages import OrderAsked, ProductAsked, Skill, Title, Url
from signaling.shapes import Between, Length, read_object

ALGORITHM = "HS256"
MAX_ENVELOPE = 8192
MAX_LIFETIME_S = 600.0
#: How far the shop's clock may be from ours.
LEEWAY_S = 30.0
MAX_REMEMBERED = 200_000
MAX_TAGS = 16
MAX_SKILLS = 16
Percent = Annotated[float, Between(0, 100)]


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, as the shop knows them."""

    id: Annotated[str, Length(0, 128)] = ""
    name: Annotated[str, Length(0, 64)] = ""
    value: Percent | None = None
    tags: tuple[Annotated[str, Length(1, 40)], ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """What the shop may say; everything is optional. ``value``, ``urgency`` and ``mood`` are 0 to 100."""

    person: Person | None = None
    value: Percent | None = None
    urgency: Percent | None = None
    mood: Percent | None = None
    skills: tuple[Skill, ...] = ()
    language: Annotated[str, Length(0, 35)] = ""
    entry: Literal["live", "product", "order", "help", "link"] | None = None
    page_url: Url = ""
    page_title: Title = ""
    product: ProductAsked | None = None
    order: OrderAsked | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """An envelope that is good. ``context`` has what it says and nothing that it does not."""

    kid: str
    mark: bytes
    expires: float
    context: Mapping[str, Any]


class Envelopes:
    """Those of all shops. ``shops`` are their secrets by ``kid``; raises ValueError for one that is too short."""

    def __init__(self, shops: Mapping[str, str], *, most: int = MAX_REMEMBERED) -> None:
        for kid, secret in shops.items():
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"the secret of shop {kid!r} is shorter than {MIN_SECRET_BYTES} bytes")
        self._shops = dict(shops)
        self._most = most
        self._used: set[bytes] = set()
        self._by_expiry: list[tuple[float, bytes]] = []

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._used)

    def read(self, text: str, identity: str, now: float) -> Signed:
        """Check one for this person; it is not used up yet. ``now`` is seconds since the epoch.

        Raises ``envelope_invalid``, ``envelope_foreign`` (another's, or an unknown or wrong key), ``envelope_expired``,
        ``envelope_replayed``, and ``rate_limited`` when no further one could be remembered.
        """
        kid, claims = self._open(text)
        issued, expires = _time(claims, "iat"), _time(claims, "exp")
        name, holder = claims.get("jti"), claims.get("sub")
        if not isinstance(name, str) or not 1 <= len(name) <= 128 or not isinstance(holder, str):
            raise ApiError("envelope_invalid")
        if not 0 < expires - issued <= MAX_LIFETIME_S or issued > now + LEEWAY_S:
            raise ApiError("envelope_invalid")
        if holder != identity:
            raise ApiError("envelope_foreign")
        if expires + LEEWAY_S <= now:
            raise ApiError("envelope_expired")
        self._forget(now)
        mark = blake2b(f"{kid}\n{name}".encode(errors="surrogatepass"), digest_size=16).digest()
        if mark in self._used:
            raise ApiError("envelope_replayed")
        if len(self._used) >= self._most:
            raise ApiError("rate_limited", retry_after_s=max(1.0, self._by_expiry[0][0] - now))
        return Signed(kid, mark, expires, _context(claims))

    def spend(self, signed: Signed) -> None:
        """It has brought its call: it is good for no other."""
        if signed.mark not in self._used:
            self._used.add(signed.mark)
            heapq.heappush(self._by_expiry, (signed.expires + LEEWAY_S, signed.mark))

    def open(self, text: str, identity: str, now: float) -> Mapping[str, Any]:
        """Check one and use it up at once; what it says. Raises as :meth:`read`."""
        signed = self.read(text, identity, now)
        self.spend(signed)
        return signed.context

    def _open(self, text: str) -> tuple[str, dict[str, Any]]:
        if not 0 < len(text) <= MAX_ENVELOPE:
            raise ApiError("envelope_invalid")
        try:
            header = jwt.get_unverified_header(text)
            kid = header.get("kid")
            if header.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in header or "b64" in header:
                raise ApiError("envelope_invalid")
            if kid not in self._shops:
                raise ApiError("envelope_foreign")
            # Times are checked here, with a clock that is an argument.
            unchecked = ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")
            options: Any = dict.fromkeys((f"verify_{name}" for name in unchecked), False)
            claims = jwt.decode(text, self._shops[kid], algorithms=[ALGORITHM], options=options)
        except jwt.InvalidSignatureError:
            raise ApiError("envelope_foreign") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise ApiError("envelope_invalid") from None
        return kid, claims

    def _forget(self, now: float) -> None:
        while self._by_expiry and self._by_expiry[0][0] <= now:
            self._used.discard(heapq.heappop(self._by_expiry)[1])


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12 or not math.isfinite(value):
        raise ApiError("envelope_invalid")
    return float(value)


def _context(claims: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in claims.items() if value is not None}
    try:
        said: Statement = read_object(Statement, given)
    except ApiError:
        raise ApiError("envelope_invalid") from None
    if len(said.skills) > MAX_SKILLS or (said.person is not None and len(said.person.tags) > MAX_TAGS):
        raise ApiError("envelope_invalid")
    said = replace(said, page_url=web_address(said.page_url), page_title=clean_text(said.page_title))
    if said.product is not None:
        said = replace(said, product=replace(_cleaned(said.product), url=web_address(said.product.url)))
    if said.order is not None:
        said = replace(said, order=_cleaned(said.order))
    if said.person is not None:
        tags = tuple(filter(None, map(clean_text, said.person.tags)))
        said = replace(said, person=replace(_cleaned(said.person), tags=tags))
    context = asdict(said)
    for name in ("person", "skills"):
        if context[name]:
            context[name] = _listed(context[name])
    return {name: value for name, value in context.items() if value not in (None, "", ())}


def _cleaned(part: Any) -> Any:
    """The same with every text fit to be shown."""
    texts = {name: clean_text(value) for name, value in asdict(part).items() if isinstance(value, str)}
    return replace(part, **texts)


def _listed(value: Any) -> Any:
    """As JSON would have it."""
    if isinstance(value, dict):
        return {name: _listed(entry) for name, entry in value.items() if entry is not None}
    return list(value) if isinstance(value, tuple) else value


def web_address(text: str) -> str:
    """Nothing but a web page may become a link in somebody's console."""
    plain = text.isprintable() and not any(char.isspace() for char in text)
    return text if plain and text.startswith(("https://", "http://")) else ""

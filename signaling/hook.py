"""The side-panel hook: the shop's backend is asked for cards about who calls, and only cards ever come of it.

One ``POST`` of JSON per call, signed if there is a secret: ``X-Lianmai-Signature: t=<seconds>,v1=<hex>``, where ``v1`` is
HMAC-SHA256 of ``<seconds>.<body>``. The answer is {``cards``: [{``kind``, ``title``, ``lines``?, ``url``?, ``image``?}]}.
Whatever goes wrong, the call goes on: too late, too large, not JSON, not a card, refused, unreachable, all of it is one
card that says so, and a line in the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import aiohttp

from signaling.chat_text import clean_text
from signaling.envelope import web_address
from signaling.errors import DEFAULT_LOCALE, ApiError, Locale, bad_message
from signaling.shapes import Length, parse_json, read_object

logger = logging.getLogger(__name__)
SIGNATURE = "X-Lianmai-Signature"
MAX_ANSWER = 64 * 1024
MAX_CARDS = 12
MAX_LINES = 12
#: Questions under way at once; more wait, within their deadline.
MAX_PARALLEL = 16
UNAVAILABLE: Mapping[Locale, str] = {
    "zh-CN": "暂时无法显示商城的信息。",
    "en": "What the shop knows cannot be shown just now.",
}

Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CardGiven:
    """One card as it comes."""

    kind: Literal["order", "product", "article", "note", "link"]
    title: Annotated[str, Length(1, 120)]
    lines: tuple[Annotated[str, Length(0, 200)], ...] = ()
    url: Annotated[str, Length(0, 500)] = ""
    image: Annotated[str, Length(0, 500)] = ""


def sign(secret: str, body: bytes, at: int) -> str:
    """The value of the header; ``at`` is seconds since the epoch."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def is_signed(secret: str, body: bytes, header: str, now: float, *, tolerance_s: float = 300.0) -> bool:
    """What a backend asks: whether ``body`` comes from a Node that knows the secret, and not long ago."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    at = parts.get("t", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12) or abs(now - int(at)) > tolerance_s:
        return False
    return hmac.compare_digest(sign(secret, body, int(at)).encode(), header.strip().encode(errors="replace"))


class Hook:
    """``url`` empty: nobody is asked. ``timeout_s`` bounds everything, waiting for a free line included."""

    def __init__(
        self, url: str, secret: str = "", timeout_s: float = 2.0, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._url = url
        self._secret = secret
        self._timeout_s = timeout_s
        self._wall = wall
        self._lines = asyncio.Semaphore(MAX_PARALLEL)
        self._session: aiohttp.ClientSession | None = None

    async def cards(self, question: Mapping[str, Any], locale: Locale = DEFAULT_LOCALE) -> list[Card]:
        """The cards about a call; never raises, except that it can be cancelled. ``locale`` is the agent's."""
        if not self._url:
            return []
        try:
            async with asyncio.timeout(self._timeout_s), self._lines:
                return read_cards(await self._ask(json.dumps(question, ensure_ascii=False).encode()))
        except TimeoutError:
            why = f"no answer within {self._timeout_s:g} s"
        except ApiError as error:
            why = f"not an answer: {error}"
        except (aiohttp.ClientError, OSError, ValueError, TypeError) as exc:
            why = str(exc) or type(exc).__name__
        except Exception:
            logger.exception("the hook failed")
            why = "see above"
        logger.warning("the hook gave no cards: %s", why)
        return [{"kind": "note", "title": UNAVAILABLE[locale], "lines": []}]

    async def close(self) -> None:
        """Close what connections there are."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _ask(self, body: bytes) -> bytes:
        # Not compressed: a small answer must not become a large one.
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._secret:
            headers[SIGNATURE] = sign(self._secret, body, int(self._wall()))
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            answer = bytearray()
            async for chunk in response.content.iter_chunked(16 * 1024):
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise ValueError(f"more than {MAX_ANSWER // 1024} KiB")
            return bytes(answer)


def read_cards(answer: bytes) -> list[Card]:
    """What of an answer may be shown: the first cards that are cards. Raises ApiError if it is no answer at all."""
    given = parse_json(answer).get("cards")
    if not isinstance(given, list):
        raise bad_message("cards", "type")
    return [card for card in map(_card, given) if card is not None][:MAX_CARDS]


def _card(entry: Any) -> Card | None:
    try:
        given: CardGiven = read_object(CardGiven, entry)
    except ApiError:
        return None
    title = clean_text(given.title)
    if not title:
        return None
    card: Card = {"kind": given.kind, "title": title, "lines": [clean_text(line) for line in given.lines[:MAX_LINES]]}
    for name, address in (("url", web_address(given.url)), ("image", web_address(given.image))):
        if address:
            card[name] = address
    return card

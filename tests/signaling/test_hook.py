"""The side-panel hook: signed questions, bounded answers, and nothing that goes wrong reaches anybody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.hook import MAX_CARDS, MAX_LINES, SIGNATURE, Hook, is_signed, read_cards, sign

SECRET = "hook-secret"
QUESTION = {"call": "c1", "identity": "user-4711", "context": {"entry": "product"}}
CARD = {"kind": "order", "title": "A-118", "lines": ["Paid", "On its way"], "url": "https://shop.example/o/118"}
SORRY = [{"kind": "note", "title": "What the shop knows cannot be shown just now.", "lines": []}]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ask = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    """Ask a backend that answers so."""
    opened: list[Any] = []

    async def asking(answer: Answer, timeout_s: float = 5.0, secret: str = SECRET) -> list[dict[str, Any]]:
        app = web.Application()
        app.router.add_post("/hook", answer)
        server = TestServer(app)
        await server.start_server()
        hook = Hook(str(server.make_url("/hook")), secret, timeout_s, wall=lambda: 1000.0)
        opened.extend((hook, server))
        return await hook.cards(QUESTION, "en")

    yield asking
    for one in opened:
        await one.close()


def saying(body: Any, status: int = 200, **options: Any) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body if isinstance(body, bytes) else json.dumps(body).encode(), status=status, **options)

    return answer


async def test_the_question_is_signed_and_the_cards_come_back(ask: Ask) -> None:
    asked: list[tuple[bytes, str]] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append((await request.read(), request.headers[SIGNATURE]))
        return web.json_response({"cards": [CARD]})

    assert await ask(answer) == [CARD]
    body, header = asked[0]
    assert json.loads(body) == QUESTION
    assert is_signed(SECRET, body, header, 1299.0)
    assert not is_signed(SECRET, body, header, 1301.0), "an old one is not good any more"
    assert not is_signed("other", body, header, 1000.0) and not is_signed(SECRET, body + b" ", header, 1000.0)


@pytest.mark.parametrize("header", ["", "t=", "t=x,v1=y", "v1=ff", "t=1000", "t=1000,v1=", "t=²,v1=00", "t=1000,v1=\udc80"])
def test_headers_that_sign_nothing(header: str) -> None:
    assert not is_signed(SECRET, b"{}", header, 1000.0)


def test_a_signature_is_what_the_documents_say() -> None:
    # printf '1.{}' | openssl dgst -sha256 -hmac key
    assert sign("key", b"{}", 1) == "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"


@pytest.mark.parametrize(
    "answer",
    [
        saying({"cards": []}, 500),
        saying(b"", 302, headers={"Location": "http://127.0.0.1:1/"}),
        saying(b"<html>"),
        saying(b"[" * 5000),
        saying([CARD]),
        saying({"cards": CARD}),
        saying({}),
        saying(b'{"cards": NaN}'),
        saying(b'{"cards": []}' + b" " * 70_000),
        saying(b"\xff\xfe"),
    ],
)
async def test_what_is_no_answer_is_one_card_that_says_so(ask: Ask, answer: Answer) -> None:
    assert await ask(answer) == SORRY


async def test_it_never_takes_longer_than_it_may(ask: Ask) -> None:
    async def never(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30.0)
        return web.Response()

    assert await ask(never, 0.05) == SORRY


async def test_an_answer_that_never_ends_is_cut(ask: Ask) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" " * 16_384)

    assert await ask(endless) == SORRY


async def test_nobody_there_and_nobody_to_ask() -> None:
    hook = Hook("http://127.0.0.1:1/hook", SECRET, 2.0)
    assert (await hook.cards(QUESTION))[0]["title"] == "暂时无法显示商城的信息。"
    await hook.close()
    silent = Hook("", SECRET)
    assert await silent.cards(QUESTION) == []
    await silent.close()
    broken = Hook("no address", SECRET)
    assert await broken.cards(QUESTION, "en") == SORRY
    assert await broken.cards({"call": object()}, "en") == SORRY
    await broken.close()


def test_only_cards_are_cards() -> None:
    junk: list[Any] = [
        None, 7, [], {}, {"kind": "order"}, {"kind": "virus", "title": "x"}, {"kind": "note", "title": ""},
        {"kind": "note", "title": "x" * 121}, {"kind": "note", "title": "x", "lines": "y"},
        {"kind": "note", "title": "x", "url": 7}, {"kind": "note", "title": "\u200b"},
    ]
    assert read_cards(json.dumps({"cards": [*junk, CARD]}).encode()) == [CARD]
    odd = {"kind": "link", "title": "a\u202eb", "lines": ["l"] * 20, "url": "javascript:1", "image": "data:x", "more": 1}
    assert read_cards(json.dumps({"cards": [odd]}).encode()) == [{"kind": "link", "title": "ab", "lines": ["l"] * MAX_LINES}]
    assert len(read_cards(json.dumps({"cards": [CARD] * 50}).encode())) == MAX_CARDS

"""The example shop: its envelopes open in the Node, its cards pass the hook, and it trusts nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from scripts.example_goods import ARTICLES, CUSTOMERS, ORDERS, PRODUCTS, cards
from scripts.example_shop import (
    COOKIE,
    Settings,
    Shop,
    customer_of,
    identity_of,
    main,
    seal,
)
from signaling.config import load
from signaling.envelope import Envelopes
from signaling.hook import MAX_CARDS, SIGNATURE, Hook, read_cards, sign

NOW = 1_800_000_000.0
VISITOR = "v" * 32
IDENTITY = identity_of(VISITOR)
Open = Callable[..., Awaitable[TestClient[Any, Any]]]


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Open a shop in front of a Node that answers so."""
    running: list[Any] = []

    async def open_shop(answer: web.Response | None = None) -> TestClient[Any, Any]:
        async def token(request: web.Request) -> web.Response:
            asked.append(await request.json())
            return answer or web.json_response({"token": "header.payload.signature"})

        asked: list[dict[str, Any]] = []
        node = web.Application()
        node.router.add_post("/dev/token", token)
        server = TestServer(node)
        await server.start_server()
        settings = Settings(str(server.make_url("")).rstrip("/"), "shop", "s" * 32, "h" * 32)
        client = TestClient(TestServer(Shop(settings, wall=lambda: NOW).app()), cookies={COOKIE: VISITOR})
        await client.start_server()
        client.asked, client.settings = asked, settings  # type: ignore[attr-defined]
        running.extend((client, server))
        return client

    yield open_shop
    for each in running:
        await each.close()


async def test_the_page_is_of_this_origin_and_its_widget_of_the_node(opened: Open) -> None:
    shop = await opened()
    page = await shop.get("/")
    text = await page.text()
    assert page.status == 200 and page.content_type == "text/html"
    assert f'src="{shop.settings.node}/web/widget.js"' in text and "localhost:8080" not in text  # type: ignore[attr-defined]
    assert (await shop.get("/shop.css")).content_type == "text/css"
    for path in ("/../example_shop.py", "/%2e%2e/scripts/demo", "/shop"):
        assert (await shop.get(path)).status == 404


async def test_who_comes_without_a_cookie_gets_one_and_keeps_the_identity(opened: Open) -> None:
    shop = await opened()
    shop.session.cookie_jar.clear()
    page = await shop.get("/")
    cookie = page.cookies[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and len(cookie.value) >= 20
    for _ in range(2):
        assert (await shop.get("/shop/token")).status == 200
    identities = {entry["identity"] for entry in shop.asked}  # type: ignore[attr-defined]
    assert identities == {identity_of(cookie.value)} and cookie.value not in str(identities)


async def test_a_token_for_the_help_rooms_and_no_others(opened: Open) -> None:
    shop = await opened()
    reply = await shop.get("/shop/token")
    assert await reply.json() == {"token": "header.payload.signature"}
    assert reply.headers["Cache-Control"] == "no-store" and "Access-Control-Allow-Origin" not in reply.headers
    assert (await shop.get("/shop/token?room=help.2")).status == 200
    assert (await shop.get("/shop/token?room=demo")).status == 403
    assert shop.asked[0] == {  # type: ignore[attr-defined]
        "room": "help", "identity": IDENTITY, "role": "shopper", "name": customer_of(IDENTITY).name,
    }


@pytest.mark.parametrize(
    "answer",
    [web.Response(status=404), web.Response(text="no"), web.json_response(["token"]), web.json_response({"token": 7})],
)
async def test_a_node_that_gives_no_token(opened: Open, answer: web.Response) -> None:
    shop = await opened(answer)
    assert (await shop.get("/shop/token")).status == 502


async def test_its_envelopes_open_in_the_node(opened: Open) -> None:
    shop = await opened()
    envelopes = Envelopes({"shop": "s" * 32})
    for _ in range(2):
        text = (await (await shop.get("/shop/envelope?product=H7")).json())["envelope"]
        said = envelopes.open(text, IDENTITY, NOW)
        assert (said["entry"], said["product"]["id"], said["skills"]) == ("product", "H7", ["headphones"])
        assert said["person"]["name"] == customer_of(IDENTITY).name


@pytest.mark.parametrize("order", [*ORDERS, "A-0"])
def test_only_ones_own_order_is_signed(order: str) -> None:
    settings = Settings("", "shop", "s" * 32)
    said = Envelopes({"shop": "s" * 32}).open(seal(settings, IDENTITY, "nothing", order, NOW), IDENTITY, NOW)
    own = order in ORDERS and ORDERS[order].customer == customer_of(IDENTITY).id
    assert ("order" in said, said.get("entry")) == (own, "order" if own else None)


async def test_the_nodes_hook_gets_its_cards(opened: Open) -> None:
    shop = await opened()
    hook = Hook(str(shop.make_url("/shop/hook")), "h" * 32, 5.0, wall=lambda: NOW)
    question = {"call": "c", "identity": IDENTITY, "locale": "en", "text": "How do I pair it?", "context": {"product": {"id": "H7"}}}
    given = await hook.cards(question, "en")
    await hook.close()
    assert [card["kind"] for card in given][:3] == ["order", "product", "article"]
    article = next(card for card in given if card["kind"] == "article")
    assert article["title"] == "H7: pair with a phone over Bluetooth" and len(article["lines"]) == 4


@pytest.mark.parametrize(
    ("body", "header", "status"),
    [
        (b"{}", "", 401),
        (b"{}", sign("other", b"{}", int(NOW)), 401),
        (b"{}", sign("h" * 32, b"{}", int(NOW) - 301), 401),
        (b"{ }", sign("h" * 32, b"{}", int(NOW)), 401),
        (b"[]", sign("h" * 32, b"[]", int(NOW)), 400),
        (b"[" * 9000, sign("h" * 32, b"[" * 9000, int(NOW)), 400),
        (b"{}", sign("h" * 32, b"{}", int(NOW)), 200),
    ],
)
async def test_nobody_else_asks_for_cards(opened: Open, body: bytes, header: str, status: int) -> None:
    shop = await opened()
    assert (await shop.post("/shop/hook", data=body, headers={SIGNATURE: header})).status == status


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("customer", CUSTOMERS, ids=lambda customer: customer.id)
@pytest.mark.parametrize("product", [*PRODUCTS, "none", 7])
def test_every_card_passes(language: str, customer: Any, product: Any) -> None:
    question = {"locale": language, "text": "退货 pair", "topic": 5, "context": {"product": {"id": product}, "order": []}}
    given = cards(question, customer)
    assert 1 <= len(given) <= MAX_CARDS
    assert read_cards(json.dumps({"cards": given}).encode()) == given


def test_the_tables_fit_each_other() -> None:
    assert {order.product for order in ORDERS.values()} <= set(PRODUCTS)
    assert {order.customer for order in ORDERS.values()} <= {customer.id for customer in CUSTOMERS}
    assert all(article.products <= set(PRODUCTS) for article in ARTICLES)


def test_what_it_prints_is_what_the_node_reads() -> None:
    settings = Settings("http://localhost:8080")
    config = load(environ=settings.for_the_node("http://127.0.0.1:8090"))
    assert config.help.shops == {"shop": settings.secret} and len(settings.secret) >= 32
    assert config.help.hook_url == "http://127.0.0.1:8090/shop/hook" and config.help.hook_secret == settings.hook_secret


def test_a_key_without_an_id_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--key", "secret"])
    assert "id=secret" in capsys.readouterr().err

"""One-to-one help through the real pages: the widget in the live page and in a foreign one, and the agent's console."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from signaling.auth import ANY_ROOM
from tests.browser.conftest import Browsers, Pages, finish, serving
from tests.browser.help_kit import AGENT, Line, do, show
from tests.browser.help_kit import open_page as open_kit
from tests.browser.help_pages import (
    AT_AGENT,
    AT_SHOPPER,
    CAMERA,
    MOVES,
    PATIENCE_MS,
    SHOW,
    Spot,
    blue,
    drag_around,
    is_at_the_target,
    magenta,
    open_page,
    rear,
    red,
    sees_words,
    sight,
    snapshot_with_place,
    tap,
    tells_place,
)
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.test_room import go_live
from tests.browser.test_stage_pages import SMALL

DESK, LIVE = (1360, 860), (1180, 760)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service of its own: whoever sits at the desk elsewhere would be rung as well."""
    async with serving(tmp_path_factory.mktemp("help"), "help-service") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def pages(request: pytest.FixtureRequest, browsers: Browsers, service: Service) -> AsyncIterator[Pages]:
    """Pages of that service."""
    opened = Pages(browsers, service.origin)
    yield opened
    await finish(request, opened, service)


async def asks(shopper: PlaywrightPage, words: str = "It does not pair") -> None:
    """The button, a word, one tap."""
    await tap(shopper, "lm-help .lm-fab")
    await shopper.locator("lm-help .lm-text").fill(words)
    await tap(shopper, "lm-help .lm-way[data-media=video]")


async def answers(agent: PlaywrightPage) -> None:
    """One tap."""
    await tap(agent, "lm-call-ring .ring-accept")


@pytest.mark.timeout(240)
async def test_a_call_through_the_pages(pages: Pages, service: Service, room: str) -> None:
    """Asked in the live page while the show goes on, and everything that two people do in it."""
    host = await pages.open("chromium")
    await go_live(host, room)
    shopper, live = await open_page(pages, f"/live/{room}", LIVE, CAMERA)
    await shopper.evaluate(MOVES, SHOW)
    await asks(live)
    await sees_words(live, "lm-help .lm-place", "You are next")
    agent, desk = await open_page(pages, "/agent", DESK, SMALL)
    await sees_words(desk, "lm-call-ring", "It does not pair")
    await sees_words(live, "lm-help .lm-place", "Found an agent")
    await answers(desk)
    await agent.evaluate(MOVES, AT_AGENT)
    await shopper.evaluate(MOVES, AT_SHOPPER)
    await shopper.evaluate(MOVES, SHOW)

    await exchange_a_picture(live, desk, service, room)
    await mark_the_spot(live, desk)
    await freeze(shopper, live, agent, desk)
    await use_the_camera(live, agent, desk)

    # On hold, and back.
    await tap(desk, "lm-help-call [data-control=hold]")
    await sees_words(live, "lm-help .lm-banner", "on hold")
    await shopper.evaluate(MOVES, SHOW)
    await tap(desk, "lm-help-call [data-control=hold]")
    await agent.evaluate(MOVES, AT_AGENT)
    await shopper.evaluate(MOVES, AT_SHOPPER)

    # Hung up by the agent, rated by the shopper, noted by the agent.
    await tap(desk, "lm-help-call [data-control=end]")
    await desk.get_by_role("dialog").get_by_role("button", name="End").last.click(timeout=PATIENCE_MS)
    await live.locator("lm-help .lm-star").nth(3).click(timeout=PATIENCE_MS)
    await live.locator("lm-help .lm-rate textarea").fill("Very clear")
    await tap(live, "lm-help .lm-rate button[type=submit]")
    await sees_words(live, "lm-help .lm-rate", "Thank you")
    await desk.locator("lm-wrap-up textarea").fill("Paired by hand", timeout=PATIENCE_MS)
    await tap(desk, "lm-wrap-up button.primary")
    # Only now it is in the database: the news that the call has ended comes before that.
    await expect(desk.get_by_text("Wrap-up saved.")).to_be_visible(timeout=PATIENCE_MS)
    await expect(desk.locator("lm-wrap-up")).to_be_hidden(timeout=PATIENCE_MS)
    (kept,) = (await service.rest("GET", f"/calls?room={room}"))["calls"]
    assert (kept["outcome"], kept["entry"], kept["notes"]["note"]) == ("completed", "live", "Paired by hand")
    assert (kept["rating"]["score"], kept["rating"]["comment"]) == (4, "Very clear")
    await shopper.evaluate(MOVES, SHOW)
    assert [page.problems for page in (host, shopper, agent)] == [[], [], []]


SHOP = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Headphones</title><link rel="icon" href="data:,"></head>
<body><h1>Headphones</h1><p>A shop's own page.</p>
<script async src="{home}/web/widget.js" data-demo data-room="{room}" data-entry="product" data-product-id="H7"
  data-product-title="Headphones H7"></script></body></html>"""


@pytest_asyncio.fixture(loop_scope="session")
async def shop(service: Service, room: str) -> AsyncIterator[str]:
    """A plain page of another origin; its address."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=SHOP.format(home=service.origin, room=f"help.{room[:40]}"), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


# Press what a selector finds in the widget, once it is there and can be pressed.
PRESS = """(selector) => kit.until(() => {
    const found = document.querySelector("lm-help")?.shadowRoot?.querySelector(selector);
    if (!found || found.disabled || !found.checkVisibility()) return false;
    found.click();
    return true;
}, 15000, selector)"""
READS = """([selector, words]) => kit.until(
    () => document.querySelector("lm-help").shadowRoot.querySelector(selector)?.textContent.includes(words),
    15000, `${selector} says ${words}`)"""
WRITES = """async (words) => {
    const box = document.querySelector("lm-help").shadowRoot.querySelector("lm-call-chat textarea");
    box.value = words;
    box.dispatchEvent(new Event("input"));
    box.form.requestSubmit();
}"""


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_the_widget_in_a_page_of_another_origin(
    pages: Pages, service: Service, room: str, browser: str, shop: str
) -> None:
    """One tag, no cookie, nothing of the Node's origin: a call with picture, sound and words, and its rating."""
    line = Line(service, f"help.{room[:40]}", browser)
    agent = await open_kit(pages)
    await agent.evaluate("(token) => stage.sit(token)", service.token(ANY_ROOM, line.name(AGENT), "agent"))
    shopper = await pages.open(browser, "/", origin=shop)
    await shopper.evaluate(PRESS, ".lm-fab")
    await shopper.evaluate(PRESS, ".lm-way[data-media=video]")
    call = await agent.evaluate("() => kit.until(() => [...desk.calls.values()][0], 15000, 'it rings')")
    assert call["context"]["product"]["title"] == "Headphones H7"
    assert call["context"]["page_url"].startswith(shop)
    token = service.token(ANY_ROOM, line.name(AGENT), "agent")
    outcome = await agent.evaluate(
        "(fields) => kit.join(fields)", {"token": token, "options": {"room": line.room, "subscribe": "none"}}
    )
    assert outcome["joined"], outcome
    await agent.evaluate("(call) => help.begin({ call, receive: true })", call["id"])
    await show(agent, AGENT)
    await do(agent, "answer")
    await shopper.evaluate(MOVES, AT_SHOPPER)
    identity = call["shopper"]["identity"]
    await agent.evaluate("(identity) => help.moves(identity)", identity)
    await agent.evaluate("(identity) => help.hearsAny(identity)", identity)

    # Words both ways, across origins, by WebSocket; a picture by HTTP.
    await do(agent, "say", "Hold the button")
    await shopper.evaluate(PRESS, "[data-control=chat]")
    await shopper.evaluate(READS, [".cc-list", "Hold the button"])
    await shopper.evaluate(WRITES, "It blinks")
    await agent.wait_for("() => help.call().messages.some(({ text }) => text === 'It blinks')")
    await agent.evaluate("() => help.sendPicture()")
    await shopper.evaluate(
        """() => kit.until(() => {
            const picture = document.querySelector("lm-help").shadowRoot.querySelector(".cc-list img[src^=blob]");
            return picture?.complete && picture.naturalWidth > 0;
        }, 15000, "the picture")"""
    )
    await shopper.evaluate(PRESS, "[data-control=end]")
    await shopper.evaluate(PRESS, ".lm-star:nth-of-type(5) input")
    await shopper.evaluate(PRESS, ".lm-rate button[type=submit]")
    await shopper.evaluate(READS, [".lm-rate", "Thank you"])
    kept = await service.rest("GET", f"/calls/{call['id']}")
    assert (kept["entry"], kept["rating"]["score"]) == ("product", 5)
    await do(agent, "wrapUp", {"note": "", "done": True})
    await agent.evaluate("() => desk.leave()")
    assert shopper.problems == []


async def exchange_a_picture(live: PlaywrightPage, desk: PlaywrightPage, service: Service, room: str) -> None:
    """Words, and a photo that says where it was taken: the agent sees it, and not where. The server sees to that."""
    photo = snapshot_with_place()
    assert tells_place(photo)
    await tap(live, "lm-help [data-control=chat]")
    await live.locator("lm-help .cc-input").fill("This one")
    await live.keyboard.press("Enter")
    file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    async with desk.expect_response(lambda reply: "/files/" in reply.url, timeout=PATIENCE_MS) as fetched:
        await live.locator("lm-help lm-call-chat input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    await desk.get_by_role("tab", name="Chat").click(timeout=PATIENCE_MS)
    await sees_words(desk, "lm-call-chat .cc-list", "This one")
    await expect(desk.locator("lm-call-chat .cc-list img[src^=blob]")).to_be_visible(timeout=PATIENCE_MS)
    asked = (await fetched.value).request
    got = await desk.request.get(asked.url, headers={"Authorization": (await asked.all_headers())["authorization"]})
    assert got.ok and not tells_place(await got.body())
    # A page that sends it as it is.
    (call,) = (await service.rest("GET", f"/calls?room={room}&open=true"))["calls"]
    token = service.token(room, call["shopper"]["identity"], "shopper")
    path = f"{service.origin}/api/v1/calls/{call['id']}/files"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as session:
        async with session.post(path, data=photo) as reply:
            assert reply.status == 201, await reply.text()
            made = (await reply.json())["file"]
        async with session.get(f"{path}/{made['id']}") as reply:
            assert not tells_place(await reply.read())
    await tap(live, "lm-help [data-control=chat]")


async def mark_the_spot(live: PlaywrightPage, desk: PlaywrightPage) -> None:
    """A pointer and marks of either side lie on the same thing in the picture, whatever the windows are like."""
    at_agent, at_shopper = desk.locator(".hc-stage"), live.locator("lm-help .lm-stage")
    target = await sight(desk, at_agent, magenta)
    await tap(desk, "lm-help-call .an-toggle")
    await tap(desk, "lm-help-call .an-tool.point")
    await points_at_the_target(live, desk, target)

    # A ring around it by the agent, and one inside that by the shopper, who sees the own picture large now.
    await tap(desk, "lm-help-call .an-tool.ring")
    await drag_around(desk, target, 1.0)
    await is_at_the_target(live, at_shopper, red)
    await tap(live, "lm-help [data-control=more]")
    await live.locator("lm-help .lm-item", has_text="Draw on the picture").click(timeout=PATIENCE_MS)
    await tap(live, "lm-help .lm-stage .an-tool.ring")
    await drag_around(live, await sight(live, at_shopper, magenta), 0.75)
    # In windows of other sizes, too: one a phone's.
    for desk_size, live_size in ((DESK, LIVE), ((1000, 640), (420, 820))):
        await desk.set_viewport_size({"width": desk_size[0], "height": desk_size[1]})
        await live.set_viewport_size({"width": live_size[0], "height": live_size[1]})
        await is_at_the_target(desk, at_agent, red, blue)
        await is_at_the_target(live, at_shopper, red, blue)
    for page, size in ((desk, DESK), (live, LIVE)):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
    await tap(desk, "lm-help-call .an-tool.clear")
    await expect(live.locator("lm-help .lm-stage .an-drawing .an-mark")).to_have_count(0, timeout=PATIENCE_MS)


async def points_at_the_target(live: PlaywrightPage, desk: PlaywrightPage, target: Spot) -> None:
    """The agent's laser is on the target at the shopper's, too. It fades when it stands still."""
    at_shopper = live.locator("lm-help .lm-stage")

    async def moving() -> None:
        for turn in itertools.count():
            await desk.mouse.move(target.x + turn % 2, target.y)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(moving())
    try:
        await expect(live.locator("lm-help .lm-call.swapped")).to_be_visible(timeout=PATIENCE_MS)
        await is_at_the_target(live, at_shopper, red, least=0.1, within_share=0.15)
    finally:
        task.cancel()


STILL = """(path) => kit.until(() => {
    const picture = path.reduce((at, step) => at && (at.shadowRoot ?? at).querySelector(step), document);
    if (!picture || picture.hidden || !picture.naturalWidth) return null;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [32, 24];
    const pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0, 32, 24);
    return [...pen.getImageData(0, 0, 32, 24).data];
}, 15000, "the frozen picture")"""


async def freeze(shopper: Page, live: PlaywrightPage, agent: Page, desk: PlaywrightPage) -> None:
    """Both see the same picture, with its marks on it; and then again what moves."""
    at_agent, at_shopper = desk.locator(".hc-stage"), live.locator("lm-help .lm-stage")
    await tap(desk, "lm-help-call .an-tool.freeze")
    mine = await agent.evaluate(STILL, ["lm-help-call .an-still"])
    theirs = await shopper.evaluate(STILL, ["lm-help", ".lm-stage .an-still"])
    # The bar at the bottom wanders by 8 pixels in 100 ms.
    assert sum(abs(one - other) for one, other in zip(mine, theirs, strict=True)) / len(mine) < 3
    await tap(desk, "lm-help-call .an-tool.ring")
    await drag_around(desk, await sight(desk, at_agent, magenta), 1.0)
    await is_at_the_target(desk, at_agent, red)
    await is_at_the_target(live, at_shopper, red)
    await tap(desk, "lm-help-call .an-tool.freeze")
    await expect(live.locator("lm-help .lm-stage .an-still")).to_be_hidden(timeout=PATIENCE_MS)
    await tap(desk, "lm-help-call .an-toggle")
    await agent.evaluate(MOVES, AT_AGENT)


async def use_the_camera(live: PlaywrightPage, agent: Page, desk: PlaywrightPage) -> None:
    """A sharp photo and the other camera, as the agent asks and the shopper allows."""
    photos = desk.locator("lm-call-chat .cc-list img[src^=blob]")
    before = await photos.count()
    await tap(desk, "lm-help-call .hc-asks [data-control=still]")
    await live.locator("lm-help .lm-sheet button.primary").click(timeout=PATIENCE_MS)
    await expect(photos).to_have_count(before + 1, timeout=PATIENCE_MS)
    await tap(desk, "lm-help-call .hc-asks [data-control=flip]")
    await live.locator("lm-help .lm-sheet button.primary").click(timeout=PATIENCE_MS)
    # All of it: while the codec comes to the other camera, parts of the picture have its colour before the rest.
    await sight(desk, desk.locator(".hc-stage"), rear, least=200)
    await agent.evaluate(MOVES, AT_AGENT)

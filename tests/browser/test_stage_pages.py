"""The stage through the real pages: studio, console and live page, used by the words on their buttons."""

from __future__ import annotations

from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import BLANK, Pages
from tests.browser.page import Page
from tests.browser.test_pages import open_page as open_full
from tests.browser.test_pages import press_in_studio

PATIENCE_MS = 15_000
# Who is on the stage as this page shows it: name, place, and whether there is a picture.
TILES = """() => [...document.querySelectorAll("lm-stage .tile:not(.hidden, .leaving)")].map((tile) => {
    const { x, y, width, height } = tile.getBoundingClientRect();
    return { name: tile.querySelector(".tile-name .truncate").textContent, x, y, width, height,
             main: tile.classList.contains("main"), muted: Boolean(tile.querySelector(".tile-name .muted")),
             picture: !tile.classList.contains("no-picture") };
})"""
PICTURES = """(count) => kit.until(() => {
    const tiles = [...document.querySelectorAll("lm-stage .tile:not(.hidden, .leaving)")];
    return tiles.length === count && tiles.map((tile) => tile.querySelector("video"));
}, 20000, `${count} people`).then((videos) => Promise.all(videos.map((video) => kit.pictureMoves(video))))"""
# The tiles are at rest, and as wide as they shall be to each other.
RATIO = f"""async ({{ least, most }}) => {{
    let before = "";
    return kit.until(() => {{
        const tiles = ({TILES})();
        const [was, now] = [before, JSON.stringify(tiles)];
        before = now;
        const ratio = tiles.length === 2 ? tiles[0].width / tiles[1].width : 0;
        const moving = document.querySelector("lm-stage").getAnimations({{ subtree: true }}).length > 0;
        return !moving && was === now && ratio >= least && ratio <= most && tiles;
    }}, 10000, `widths between ${{least}} and ${{most}}`);
}}"""


# Two cores encode and decode for everybody: a small picture is as good as a large one here.
SMALL = """(() => {
    const real = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices);
    if (!real) return;
    navigator.mediaDevices.getUserMedia = ({ audio, video }) => real({
        audio, video: video && { ...video, width: 320, height: 180, frameRate: 15 } });
})()"""


async def open_page(pages: Pages, path: str) -> tuple[Page, PlaywrightPage]:
    """A page of the service with a camera of few pixels."""
    page, handle = await open_full(pages, BLANK)
    assert isinstance(page, ChromiumPage)
    await page.context.add_init_script(SMALL)
    await page.goto(pages.origin + path)
    return page, handle


async def start_show(pages: Pages, room: str) -> tuple[Page, PlaywrightPage]:
    """Go live in the studio."""
    page, studio = await open_page(pages, f"/host/{room}")
    await press_in_studio(studio, "Go live")
    return page, studio


async def live_page(pages: Pages, room: str, count: int) -> tuple[Page, PlaywrightPage]:
    """A viewer of the room who sees ``count`` people."""
    page, live = await open_page(pages, f"/live/{room}")
    await page.evaluate(PICTURES, count)
    return page, live


async def names(page: Page) -> list[str]:
    """Who is on the stage there."""
    return [tile["name"] for tile in await page.evaluate(TILES)]


async def console(pages: Pages) -> tuple[Page, PlaywrightPage, str]:
    """An agent who is available; the name, too."""
    page, agent = await open_page(pages, "/agent")
    name = agent.locator("lm-presence strong")
    await expect(name).not_to_be_empty(timeout=PATIENCE_MS)
    return page, agent, await name.inner_text()


async def test_a_guest_through_the_pages(pages: Pages, room: str) -> None:
    """Invited for a topic and a product, on air at viewers of both browsers, managed by the host, and off again."""
    host, studio = await start_show(pages, room)
    guest, agent, name = await console(pages)
    viewer, live = await live_page(pages, room, 1)
    other = await pages.open("firefox", f"/live/{room}")
    await other.evaluate(PICTURES, 1)

    # The ring says who asks, where, and why.
    invite = studio.locator("lm-invite")
    await invite.locator("summary").click()
    for label, words in (("topic", "Which size fits?"), ("product", "Wool coat"), ("price", "$99")):
        field = invite.locator(".field").nth(("topic", "product", "price").index(label)).locator("input")
        await field.fill(words)
    await invite.get_by_role("button", name=f"Invite {name} on stage").first.click(timeout=PATIENCE_MS)
    ring = agent.locator("#ring")
    await expect(ring).to_contain_text("asks you on stage", timeout=PATIENCE_MS)
    for words in (room, "Which size fits?", "Wool coat", "$99"):
        await expect(ring).to_contain_text(words)
    await expect(studio.locator("lm-pending .pending-row")).to_contain_text(name)
    await ring.get_by_role("button", name="Go on air").click()
    for page in (viewer, other, guest, host):
        await page.evaluate(PICTURES, 2)
    assert (await names(viewer))[1] == (await names(other))[1] == name

    # Muted: seen by viewers, and not to be undone by the guest.
    row = studio.locator("lm-guest-strip .guest-row").filter(has_text=name)
    await row.get_by_role("button", name=f"Mute {name}").click()
    for page in (viewer, other):
        await page.wait_for(f"() => ({TILES})()[1]?.muted")
    await agent.locator("#bar [data-control=microphone]").click()
    await expect(agent.locator("body")).to_contain_text("The host muted you", timeout=PATIENCE_MS)
    assert (await viewer.evaluate(TILES))[1]["muted"]
    await row.locator(".device-act").first.click()
    await agent.locator("#unmute-yes").click(timeout=PATIENCE_MS)
    await viewer.wait_for(f"() => ({TILES})()[1]?.muted === false")

    # The layout is the host's, alike for all.
    for page in (viewer, other):
        await page.evaluate(RATIO, {"least": 0.95, "most": 1.05})
    await studio.locator("lm-layouts").get_by_text("Inset").click()
    for page in (viewer, other):
        big, small = await page.evaluate(RATIO, {"least": 3, "most": 12})
        assert small["x"] + small["width"] < big["x"] + big["width"] + 1 and small["y"] > big["height"] / 2
        assert big["main"] and not small["main"]

    await staff_and_chat(studio, agent, live, name)

    await row.get_by_role("button", name=f"More about {name}").click()
    await row.get_by_role("button", name="Take off stage").click()
    await expect(agent.locator("body")).to_contain_text("You are off stage", timeout=PATIENCE_MS)
    for page in (viewer, other, host):
        await page.evaluate(PICTURES, 1)
    assert [page.problems for page in (host, guest, viewer, other)] == [[], [], [], []]


async def staff_and_chat(studio: PlaywrightPage, agent: PlaywrightPage, live: PlaywrightPage, name: str) -> None:
    """An urgent word to the host that viewers never see, and a viewer's word that stays text."""
    await agent.locator("#tab-staff").click()
    await agent.locator(".staff-input").fill("Coupon is wrong, stop")
    await agent.locator(".urgent-toggle").click()
    await agent.locator(".staff-form button[type=submit]").click()
    urgent = studio.locator("#urgent")
    await expect(urgent).to_contain_text("Coupon is wrong, stop", timeout=PATIENCE_MS)
    await expect(urgent).to_contain_text(name)
    await urgent.get_by_role("button", name="Got it").click()
    await expect(urgent).to_be_hidden(timeout=PATIENCE_MS)
    await expect(agent.locator(".staff-acks").last).not_to_be_empty(timeout=PATIENCE_MS)
    await expect(live.locator("body")).not_to_contain_text("Coupon")

    markup = "<b>hi</b><img src=x onerror=document.title='owned'>"
    await live.locator(".chat-input").fill(markup)
    await live.get_by_role("button", name="Send").click()
    await studio.get_by_role("tab", name="Chat").click()
    await expect(studio.locator(".chat-text").last).to_have_text(markup, timeout=PATIENCE_MS)
    assert await studio.locator(".chat-list b, .chat-list img").count() == 0
    await studio.get_by_role("tab", name="Guests").click()


async def test_a_raised_hand_through_the_pages(pages: Pages, room: str) -> None:
    """A shopper asks, is rung, is seen by others beside the host, leaves, and watches on."""
    host, studio = await start_show(pages, room)
    shopper, live = await live_page(pages, room, 1)
    viewer, _ = await live_page(pages, room, 1)
    raise_hand = live.get_by_role("button", name="Raise hand")
    await expect(raise_hand).to_be_hidden()
    await studio.locator("lm-hands").get_by_role("switch").check(timeout=PATIENCE_MS)
    await raise_hand.first.click(timeout=PATIENCE_MS)
    await live.locator("lm-hand input").fill("Is it waterproof?")
    await live.locator("lm-hand button[type=submit]").click()
    row = studio.locator("lm-hands .hand-row")
    await expect(row).to_contain_text("Is it waterproof?", timeout=PATIENCE_MS)
    await row.locator("[data-act=invite]").click()
    await live.locator("#ring .ring-accept").click(timeout=PATIENCE_MS)
    for page in (viewer, shopper, host):
        await page.evaluate(PICTURES, 2)
    await expect(live.locator("#air-pill")).to_be_visible()
    await expect(row).to_have_count(0)
    await live.locator("#air-bar [data-control=leave]").click()
    await live.get_by_role("dialog").get_by_role("button", name="Leave stage").click()
    for page in (viewer, shopper, host):
        await page.evaluate(PICTURES, 1)
    await expect(live.locator("#air-pill")).to_be_hidden()
    await expect(raise_hand.first).to_be_visible(timeout=PATIENCE_MS)

    assert [page.problems for page in (host, shopper, viewer)] == [[], [], []]

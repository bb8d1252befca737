"""Help calls that more than two people have to do with, through the real pages: onto the stage, and on to a colleague."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page as PlaywrightPage
from playwright.async_api import expect

from tests.browser.conftest import ARTIFACTS, Browsers, Pages, finish
from tests.browser.help_kit import AGENT, EXPERT, Line, ask, shop
from tests.browser.help_kit import open_page as open_kit
from tests.browser.help_pages import AT_AGENT, AT_SHOPPER, MOVES, PATIENCE_MS, open_page, sees_words, tap
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.test_help import HOST_ACCEPTS
from tests.browser.test_room import go_live, watch
from tests.browser.test_stage_pages import SMALL

DESK, LIVE = (1280, 800), (1180, 760)
# A camera that sees a chess board, and a bar that wanders over its foot.
BOARD = """(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    const real = media.getUserMedia.bind(media);
    media.getUserMedia = async ({ audio, video }) => {
        const stream = audio ? await real({ audio }) : new MediaStream();
        if (!video) return stream;
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [320, 240];
        const pen = canvas.getContext("2d");
        let turn = 0;
        setInterval(() => {
            turn += 1;
            for (let at = 0; at < 20 * 15; at++) {
                pen.fillStyle = ((at % 20) + Math.floor(at / 20)) % 2 ? "#202020" : "#e0e0e0";
                pen.fillRect((at % 20) * 16, Math.floor(at / 20) * 16, 16, 16);
            }
            pen.fillStyle = "#ff00ff";
            pen.fillRect((turn * 8) % 320, 200, 32, 40);
        }, 100);
        stream.addTrack(canvas.captureStream(10).getVideoTracks()[0]);
        return stream;
    };
})()"""
# How a moving picture of somebody looks here: the mean step from one pixel to the next, and the mean, of 0 to 255.
LOOKS = """async (identity) => {
    const video = kit.element(help.trackOf(identity, "camera").mediaStreamTrack);
    await kit.pictureMoves(video, 20000);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [320, 240];
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(video, 0, 0, 320, 240);
    const { data } = pen.getImageData(0, 0, 320, 180);
    let [steps, sum] = [0, 0];
    for (let at = 4; at < data.length; at += 4) {
        steps += Math.abs(data[at + 1] - data[at - 3]);
        sum += data[at + 1];
    }
    return { fine: steps / (320 * 180), mean: sum / (320 * 180) };
}"""
SOURCES = """([identity, wanted]) => kit.until(() => {
    const peer = kit.rooms.get("me").room.info.peers.find((one) => one.identity === identity)?.id;
    const tracks = [...kit.rooms.get("me").room.tracks.values()].filter((one) => one.peer === peer && !one.muted);
    return peer !== undefined && JSON.stringify(tracks.map(({ source }) => source).sort()) === JSON.stringify(wanted);
}, 20000, `${wanted} of the shopper`)"""
GONE = """(identity) => kit.until(
    () => !kit.rooms.get("me").room.info.peers.some((one) => one.identity === identity), 20000, "off the stage")"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """A service of its own: whoever sits at the desk elsewhere would be rung as well."""
    ARTIFACTS.mkdir(exist_ok=True)
    log = ARTIFACTS / "help-stage-service.log"
    log.write_text("")
    async with Service(tmp_path_factory.mktemp("help-stage"), log) as running:
        yield running
    assert "Traceback" not in log.read_text(errors="replace")


@pytest_asyncio.fixture(loop_scope="session")
async def pages(request: pytest.FixtureRequest, browsers: Browsers, service: Service) -> AsyncIterator[Pages]:
    """Pages of that service."""
    opened = Pages(browsers, service.origin)
    yield opened
    await finish(request, opened, service)


async def to_the_stage(desk: PlaywrightPage, live: PlaywrightPage, host: Page, choice: str) -> None:
    """The agent proposes it, the shopper says how, the host agrees."""
    await tap(desk, "lm-help-call [data-control=stage]")
    await desk.get_by_role("dialog").get_by_role("button").last.click(timeout=PATIENCE_MS)
    await sees_words(live, "lm-help .lm-sheet", "s left")
    await live.locator("lm-help .lm-choice", has_text=choice).click(timeout=PATIENCE_MS)
    await host.evaluate(HOST_ACCEPTS)


async def test_the_audience_has_only_what_the_shopper_agreed_to(pages: Pages, service: Service, room: str) -> None:
    """A picture, then a blurred one, measured at a viewer, then a voice alone; each time back by the shopper's one tap."""
    host, viewer = [await open_kit(pages) for _ in range(2)]
    await go_live(host, room)
    await watch(viewer, room)
    shopper, live = await open_page(pages, f"/live/{room}", LIVE, BOARD)
    agent, desk = await open_page(pages, "/agent", DESK, SMALL)
    await tap(live, "lm-help .lm-fab")
    await tap(live, "lm-help .lm-way[data-media=video]")
    await tap(desk, "lm-call-ring .ring-accept")
    await agent.evaluate(MOVES, AT_AGENT)
    (call,) = (await service.rest("GET", f"/calls?room={room}&open=true"))["calls"]
    identity = call["shopper"]["identity"]

    looks = {}
    for choice, said in (("On air with video", "sees and hears you"), ("picture blurred", "sees you blurred")):
        await to_the_stage(desk, live, host, choice)
        await sees_words(live, "lm-help .lm-banner", said)
        await viewer.evaluate(SOURCES, [identity, ["camera", "microphone"]])
        looks[choice] = await viewer.evaluate(LOOKS, identity)
        # What leads back can be pressed: the card has a height of its own there.
        await tap(live, "lm-help .lm-banner button")
        await viewer.evaluate(GONE, identity)
        await agent.evaluate(MOVES, AT_AGENT)
    plain, blurred = looks.values()
    assert plain["fine"] > 5 and blurred["fine"] < plain["fine"] / 3, looks
    assert 60 < blurred["mean"] < 200, looks

    await to_the_stage(desk, live, host, "Voice only")
    await viewer.evaluate(SOURCES, [identity, ["microphone"]])
    await sees_words(live, "lm-help .lm-banner", "hears you only")
    await tap(live, "lm-help .lm-banner button")
    await viewer.evaluate(GONE, identity)
    await shopper.evaluate(MOVES, AT_SHOPPER)
    await tap(live, "lm-help [data-control=end]")
    await expect(live.locator("lm-help .lm-star").first).to_be_visible(timeout=PATIENCE_MS)
    assert [page.problems for page in (shopper, agent)] == [[], []]


async def test_an_agent_hands_on_after_a_word_with_the_colleague(pages: Pages, service: Service, room: str) -> None:
    """Warm transfer with two consoles; and a dialog of the colleague's gives way to the ring."""
    line = await Line.open(service, room)
    shopper = await open_kit(pages)
    await shop(shopper, line)
    consoles = []
    for person in (AGENT, EXPERT):
        token = f"sessionStorage.setItem('lianmai.token.*', '{line.desk_token(person.identity)}')"
        consoles.append(await open_page(pages, "/agent", DESK, SMALL, f"try {{ {token} }} catch {{}}"))
        await expect(consoles[-1][1].locator("lm-presence")).to_be_visible(timeout=PATIENCE_MS)
        if person is AGENT:
            await ask(shopper, line)
            await tap(consoles[0][1], "lm-call-ring .ring-accept")
    (agent, desk), (expert, other) = consoles
    await agent.evaluate(MOVES, AT_AGENT)
    await tap(other, "lm-help-day .button")
    await expect(other.locator("dialog[open]")).to_be_visible(timeout=PATIENCE_MS)

    await tap(desk, "lm-help-call [data-control=transfer]")
    picker = desk.get_by_role("dialog")
    await picker.get_by_text(line.name(EXPERT)).first.click(timeout=PATIENCE_MS)
    await picker.get_by_text("Talk first").first.click(timeout=PATIENCE_MS)
    await picker.locator("textarea").fill("Restarted twice")
    await picker.get_by_role("button").last.click(timeout=PATIENCE_MS)
    await sees_words(other, "lm-call-ring", "Restarted twice")
    await tap(other, "lm-call-ring .ring-accept")
    await expert.evaluate(MOVES, ["lm-help-call .hc-tile video"])
    # The shopper has neither meanwhile.
    await shopper.wait_for("async () => (await help.tones()).length === 0")
    await desk.get_by_role("button", name="Hand over", exact=True).click(timeout=PATIENCE_MS)
    await expert.evaluate(MOVES, AT_AGENT)
    await shopper.evaluate("(identity) => help.moves(identity)", line.name(EXPERT))
    await expect(desk.locator("lm-help-day")).to_be_visible(timeout=PATIENCE_MS)
    assert await shopper.evaluate("(identity) => help.mode(identity)", line.name(AGENT)) is None
    # A word on the picture: pressed, typed, entered. What is typed is no shortcut of the console.
    await tap(other, "lm-help-call .an-toggle")
    await tap(other, "lm-help-call .an-tool.text")
    await other.locator("lm-help-call .an-clip").first.click(position={"x": 200, "y": 150}, timeout=PATIENCE_MS)
    await other.locator("lm-help-call .an-label:not([hidden]) input").press_sequentially("Hold this 5 s", timeout=PATIENCE_MS)
    await other.keyboard.press("Enter")
    await shopper.wait_for("() => help.call().marks.some(({ kind, label }) => kind === 'text' && label === 'Hold this 5 s')")
    await shopper.evaluate("() => help.ask(['end'])")
    await expect(other.locator("lm-wrap-up textarea")).to_have_value("Restarted twice", timeout=PATIENCE_MS)
    assert [page.problems for page in (agent, expert)] == [[], []]

"""What comes and goes on stage does so on the connections there are: m-lines are used again, in both browsers."""

from __future__ import annotations

import asyncio

import pytest

from tests.browser.conftest import Pages
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.stage_kit import ACCEPT, PLACES, SEES, SMALL, bring_on, invite, join, open_page, prewarm
from tests.browser.test_room import go_live

CYCLES = 15
SHARES = """async () => {
    const entry = kit.rooms.get("me");
    entry.locals.screen = await entry.room.publish(stage.screen(), { source: "screen" });
}"""
UNPUBLISH = "(source) => kit.rooms.get('me').room.unpublish(kit.rooms.get('me').locals[source])"
TRANSPORTS = "() => stage.transports()"
TILES = "(tiles) => JSON.stringify(stage.tiles()) === JSON.stringify(tiles)"


async def has_layout(layout: str, *pages: Page) -> None:
    """All of these see the stage laid out like this."""
    for page in pages:
        await page.wait_for("(layout) => kit.rooms.get('me').room.info.stage.layout === layout", layout)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_a_guest_shares_a_screen(pages: Pages, service: Service, room: str, browser: str) -> None:
    """The layout follows for everybody and goes back; a line that carried a camera carries a screen next."""
    host, agent, viewer = [await open_page(pages, one) for one in ("chromium", browser, "chromium")]
    await go_live(host, room)
    await join(viewer, room, "viewer")
    identity = f"sharer-{browser}"
    await bring_on(host, agent, service, room, identity, **SMALL)
    await viewer.evaluate(SEES, identity)
    everybody = (host, agent, viewer)
    await has_layout("side_by_side", *everybody)
    moves = f"(source) => stage.moves('{identity}', source)"
    tiles = ["host camera", "host microphone", f"{identity} microphone"]

    # On the camera's line, then beside the camera, then on its own again.
    before = await agent.evaluate(TRANSPORTS)
    await agent.evaluate(UNPUBLISH, "camera")
    await viewer.wait_for(TILES, tiles)
    await agent.evaluate(SHARES)
    await has_layout("screen", *everybody)
    await viewer.evaluate(moves, "screen")
    assert await agent.evaluate(TRANSPORTS) == before
    await agent.evaluate("(wanted) => kit.publish('me', wanted)", {**SMALL, "audio": False})
    await viewer.evaluate(moves, "camera")
    counts = [(await page.evaluate(TRANSPORTS))["lines"] for page in everybody]
    for _ in range(2):
        await agent.evaluate(UNPUBLISH, "screen")
        await has_layout("side_by_side", *everybody)
        await viewer.wait_for(TILES, sorted([*tiles, f"{identity} camera"]))
        await agent.evaluate(SHARES)
        await has_layout("screen", *everybody)
        for page in (viewer, host):
            await page.evaluate(moves, "screen")
    await viewer.evaluate(SEES, identity)
    assert [(await page.evaluate(TRANSPORTS))["lines"] for page in everybody] == counts

    # Whoever is taken off stage while sharing takes the layout along.
    await host.evaluate("(identity) => kit.rooms.get('me').room.removeGuest(identity)", identity)
    await has_layout("side_by_side", *everybody)
    await viewer.wait_for(TILES, ["host camera", "host microphone"])


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
async def test_a_whisper_comes_back_on_its_line(pages: Pages, service: Service, room: str, browser: str) -> None:
    """Twice whispered: heard by the host both times, on one m-line; the audience hears nothing of it."""
    host, supervisor, viewer = [await open_page(pages, one) for one in ("chromium", browser, "chromium")]
    await go_live(host, room)
    await join(viewer, room, "viewer")
    await viewer.evaluate(SEES, "host")
    await join(supervisor, room, "boss", token=service.token(room, "boss", "supervisor"))
    lines = []
    for _ in range(2):
        await supervisor.evaluate(
            """async () => {
                const { locals, room } = kit.rooms.get("me");
                const [microphone] = (await kit.devices({ video: false })).getAudioTracks();
                locals.whisper = await room.publish(microphone, { source: "whisper" });
            }"""
        )
        assert await host.evaluate("() => stage.hears('whisper')") > 0.005
        lines.append([(await page.evaluate(TRANSPORTS))["lines"] for page in (host, supervisor)])
        await supervisor.evaluate(UNPUBLISH, "whisper")
        await host.wait_for(
            "() => ![...kit.rooms.get('me').room.tracks.values()].some((one) => one.source === 'whisper')"
        )
    assert lines[0] == lines[1]
    assert len(await viewer.evaluate("() => stage.sounds()")) == 1


async def test_who_comes_later_hears_both_browsers(pages: Pages, service: Service, room: str) -> None:
    """Both name their sound alike and mean different things; a viewer who finds both there hears both."""
    host, agent, viewer = [await open_page(pages, one) for one in ("firefox", "chromium", "chromium")]
    await go_live(host, room)
    await bring_on(host, agent, service, room, "later", **SMALL)
    await join(viewer, room, "viewer")
    for identity in ("host", "later"):
        await viewer.evaluate(SEES, identity)


async def test_guests_come_and_go(pages: Pages, service: Service, room: str) -> None:
    """15 times on stage and off, a guest in each browser: no line, no connection and no ICE user name more than at first."""
    host, viewer = [await open_page(pages) for _ in range(2)]
    guests = {identity: await open_page(pages, identity) for identity in ("chromium", "firefox")}
    await go_live(host, room)
    await join(viewer, room, "viewer")
    invitations = {
        identity: await prewarm(host, page, service, room, identity, **SMALL) for identity, page in guests.items()
    }
    first = None
    for cycle in range(1, CYCLES + 1):
        await asyncio.gather(*(page.evaluate(ACCEPT, invitations[identity]) for identity, page in guests.items()))
        for identity in guests:
            await viewer.wait_for("(identity) => stage.trackOf(identity, 'camera')?.flowing", identity)
        if cycle in (2, CYCLES):
            transports = [await page.evaluate(TRANSPORTS) for page in (viewer, host, *guests.values())]
            first = first or transports
            assert transports == first
        if cycle in (1, CYCLES):
            for identity, page in guests.items():
                await viewer.evaluate(SEES, identity)
                await page.evaluate(SEES, "host")
            assert (await viewer.evaluate(PLACES))[0] == "host"
        if cycle == CYCLES:
            break
        await host.evaluate("() => kit.rooms.get('me').room.clearStage()")
        for identity, page in guests.items():
            await page.wait_for("() => kit.rooms.get('me').room.localTracks.size === 0")
            invitations[identity] = await invite(host, identity)
            await page.evaluate(
                """async (wanted) => {
                    const entry = kit.rooms.get("me");
                    await kit.until(() => entry.room.info.invites.length, 5000, "it rings");
                    entry.media ??= await kit.devices(wanted);
                    await stage.hold(entry.media);
                }""",
                SMALL,
            )
    assert first is not None
    assert all(len(ufrags) == 1 for transports in first for ufrags in transports["ufrags"])
    figures = await service.rest("GET", f"/rooms/{room}")
    assert len(figures["tracks"]) == 6

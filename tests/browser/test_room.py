"""A live room between real browsers: who is seen and heard by whom, and what survives which accident."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from tests.browser.conftest import Pages
from tests.browser.cut_proxy import CutProxy
from tests.browser.page import Page
from tests.browser.service import Service

GOES_LIVE = """async ({ room, tcpOnly }) => {
    const outcome = await kit.join({ room, identity: "host", role: "host", tcpOnly });
    if (!outcome.joined) throw new Error(outcome.message);
    const ids = await kit.publish();
    await kit.rooms.get("me").room.startShow();
    return ids;
}"""
JOINS = "({ room, identity, tcpOnly }) => kit.join({ room, identity, role: 'viewer', tcpOnly })"
WATCHES = "() => kit.watches()"
MORE_FRAMES = "() => kit.moreFrames(5)"
RECEIVED = "() => kit.received('camera')"


async def go_live(page: Page, room: str, *, tcp_only: bool = False) -> dict[str, str]:
    """Be the host with the fake camera and microphone; the ids of the tracks."""
    ids: dict[str, str] = await page.evaluate(GOES_LIVE, {"room": room, "tcpOnly": tcp_only})
    return ids


async def watch(page: Page, room: str, identity: str = "viewer", *, tcp_only: bool = False) -> dict[str, Any]:
    """Be a viewer, and see and hear the host."""
    outcome = await page.evaluate(JOINS, {"room": room, "identity": identity, "tcpOnly": tcp_only})
    assert outcome["joined"], outcome
    seen: dict[str, Any] = await page.evaluate(WATCHES)
    return seen


@pytest.mark.parametrize(("host", "viewers"), [("chromium", ["chromium", "firefox"]), ("firefox", ["chromium"])])
async def test_viewers_see_and_hear_the_host(
    pages: Pages, service: Service, room: str, host: str, viewers: list[str]
) -> None:
    await go_live(await pages.open(host), room)
    for index, browser in enumerate(viewers):
        viewer = await pages.open(browser)
        seen = await watch(viewer, room, f"viewer{index}")
        assert (seen["width"], seen["height"]) == (320, 240)
        assert await viewer.evaluate("() => kit.rooms.get('me').room.info.state") == "live"
    figures = await service.rest("GET", f"/rooms/{room}")
    assert figures["viewers"] == len(viewers)
    assert {track["source"] for track in figures["tracks"]} == {"camera", "microphone"}


async def test_viewer_who_comes_first_sees_the_host_arrive(pages: Pages, room: str) -> None:
    viewer, host = await pages.open("chromium"), await pages.open("chromium")
    assert (await viewer.evaluate(JOINS, {"room": room, "identity": "early"}))["joined"]
    await go_live(host, room)
    await viewer.evaluate(WATCHES)


async def test_mute_is_seen(pages: Pages, room: str) -> None:
    """Muting stops packets in the Worker and is told to viewers; unmuting brings a moving picture back."""
    host, viewer = await pages.open("chromium"), await pages.open("chromium")
    await go_live(host, room)
    await watch(viewer, room)
    muted = "({ source, muted }) => kit.rooms.get('me').locals[source].mute(muted)"
    is_muted = """({ source, muted }) => kit.until(
        async () => (await kit.track(source)).muted === muted, 10000, `${source} muted ${muted}`)"""
    for source in ("camera", "microphone"):
        await host.evaluate(muted, {"source": source, "muted": True})
        await viewer.evaluate(is_muted, {"source": source, "muted": True})
    still = """async () => {
        const before = await kit.received("camera");
        await kit.pause(1000);
        return (await kit.received("camera")).packets - before.packets;
    }"""
    assert await viewer.wait_for(f"async () => (await ({still})()) === 0") is True
    for source in ("camera", "microphone"):
        await host.evaluate(muted, {"source": source, "muted": False})
        await viewer.evaluate(is_muted, {"source": source, "muted": False})
    await viewer.evaluate(WATCHES)


async def test_viewer_reloads(pages: Pages, service: Service, room: str) -> None:
    """A reload is a new Peer in place of the old: no ghost is counted."""
    host, viewer = await pages.open("chromium"), await pages.open("chromium")
    await go_live(host, room)
    await watch(viewer, room)
    await viewer.goto(pages.origin + "/web/styles/base.css")
    await watch(viewer, room)
    assert (await service.rest("GET", f"/rooms/{room}"))["viewers"] == 1


async def test_host_reloads(pages: Pages, service: Service, room: str) -> None:
    """Viewers get the new camera in place of the old one, and the show goes on."""
    host, viewer = await pages.open("chromium"), await pages.open("chromium")
    before = await go_live(host, room)
    await watch(viewer, room)
    await host.goto(pages.origin + "/web/styles/base.css")
    after = await go_live(host, room)
    assert set(after.values()).isdisjoint(before.values())
    await viewer.evaluate(
        """(id) => kit.until(() => !kit.rooms.get("me").room.tracks.has(id), 10000, "the old camera goes")""",
        before["camera"],
    )
    await viewer.evaluate(WATCHES)
    figures = await service.rest("GET", f"/rooms/{room}")
    assert figures["state"] == "live"
    assert len(figures["tracks"]) == 2


@pytest.mark.parametrize("who", ["viewer", "host"])
async def test_signaling_cut_leaves_media_alone(pages: Pages, service: Service, room: str, who: str) -> None:
    """Frames go on while the WebSocket is gone; then the same Peer resumes and hears what it missed."""
    async with CutProxy(service.port) as proxy:
        host = await pages.open("chromium", origin=proxy.origin if who == "host" else None)
        viewer = await pages.open("chromium", origin=proxy.origin if who == "viewer" else None)
        await go_live(host, room)
        await watch(viewer, room)
        page = host if who == "host" else viewer
        peer = await page.evaluate("() => kit.rooms.get('me').room.self.peer")
        transports = await page.evaluate("() => kit.rooms.get('me').peers.length")
        proxy.cut()
        await page.wait_for("() => kit.rooms.get('me').room.state === 'reconnecting'")
        before = await viewer.evaluate(RECEIVED)
        during = await viewer.evaluate(MORE_FRAMES)
        assert proxy.refused or await page.wait_for("() => kit.rooms.get('me').sockets.length > 1")
        if who == "viewer":
            # Something to be missed.
            await host.evaluate("() => kit.rooms.get('me').locals.microphone.mute(true)")
        proxy.mend()
        await page.wait_for("() => kit.rooms.get('me').room.state === 'joined'", timeout_s=20)
        if who == "viewer":
            await viewer.wait_for("async () => (await kit.track('microphone')).muted")
            await host.evaluate("() => kit.rooms.get('me').locals.microphone.mute(false)")
        after = await viewer.evaluate(MORE_FRAMES)
        assert await page.evaluate("() => kit.rooms.get('me').room.self.peer") == peer
        assert await page.evaluate("() => kit.rooms.get('me').peers.length") == transports
        assert before["peer"] == during["peer"] == after["peer"]
        assert (before["connection"], after["connection"]) == ("connected", "connected")
        assert before["frames"] < during["frames"] < after["frames"]
        await viewer.evaluate(WATCHES)
        assert len((await service.rest("GET", f"/rooms/{room}"))["peers"]) == 1


@pytest.mark.parametrize(("browser", "who"), [("chromium", "host"), ("chromium", "viewer"), ("firefox", "viewer")])
async def test_ice_restart(pages: Pages, room: str, browser: str, who: str) -> None:
    """New credentials on the same connection: it never leaves ``connected``, and frames go on."""
    host = await pages.open(browser if who == "host" else "chromium")
    viewer = await pages.open(browser if who == "viewer" else "chromium")
    await go_live(host, room)
    await watch(viewer, room)
    page = host if who == "host" else viewer
    transports = await page.evaluate(
        """() => {
            const { peers } = kit.rooms.get("me");
            globalThis.states = [];
            for (const peer of peers) peer.onconnectionstatechange = () => states.push(peer.connectionState);
            return peers.length;
        }"""
    )
    ufrags = """() => kit.rooms.get("me").peers.flatMap(({ localDescription, remoteDescription }) =>
        [localDescription, remoteDescription].map((one) => /ice-ufrag:(\\S+)/.exec(one?.sdp ?? "")?.[1] ?? null))"""
    before = await page.evaluate(ufrags)
    await page.evaluate("() => kit.rooms.get('me').room.restartIce()")
    await page.wait_for(
        f"""(before) => {{
            const now = ({ufrags})();
            return before.some((old) => old !== null) && before.every((old, at) => old === null || old !== now[at]);
        }}""",
        before,
    )
    await viewer.evaluate(MORE_FRAMES)
    await viewer.evaluate(WATCHES)
    assert await page.evaluate("() => kit.rooms.get('me').peers.length") == transports
    assert {"failed", "closed", "disconnected"}.isdisjoint(await page.evaluate("() => states"))


async def test_udp_is_blocked(pages: Pages, service: Service, room: str) -> None:
    """Host and viewer fall back to ICE-TCP (RFC 6544)."""
    host, viewer = await pages.open("chromium"), await pages.open("chromium")
    await go_live(host, room, tcp_only=True)
    await watch(viewer, room, tcp_only=True)
    transports = (await service.rest("GET", f"/rooms/{room}/stats"))["transports"]
    assert [transport["protocol"] for transport in transports] == ["tcp", "tcp"]


async def test_worker_is_killed(pages: Pages, service: Service, room: str) -> None:
    """``kill -9`` of the media process: host and viewers are back by themselves, in the same room as the same Peers."""
    host, viewer, other = [await pages.open(browser) for browser in ("chromium", "chromium", "firefox")]
    await go_live(host, room)
    await watch(viewer, room)
    await watch(other, room, "other")
    peer = await viewer.evaluate("() => kit.rooms.get('me').room.self.peer")
    killed = service.workers()
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    for page in (viewer, other):
        await page.wait_for(
            """async () => kit.rooms.get("me").peers.length > 1
                && (await kit.received("camera")).peer === kit.rooms.get("me").peers.length - 1""",
            timeout_s=25,
        )
        await page.evaluate(WATCHES)
    assert await viewer.evaluate("() => kit.rooms.get('me').room.self.peer") == peer
    assert service.workers() != killed
    assert (await service.rest("GET", f"/rooms/{room}"))["state"] == "live"

"""The stage after accidents, between real browsers: nobody is lost from it, nobody is on it twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest_asyncio

from signaling.auth import ANY_ROOM
from tests.browser.conftest import Pages
from tests.browser.cut_proxy import CutProxy
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.stage_kit import ACCEPT, PLACES, SEES, SMALL, bring_on, invite, join, open_page, prewarm, reload
from tests.browser.test_room import MORE_FRAMES, go_live

BOTH = ["agent camera", "agent microphone", "host camera", "host microphone"]
OUTAGE_S = 20.0
PREPARE = "({ room, token, wanted }) => stage.prepare(room, token, wanted)"
TILES = "() => stage.tiles()"
STAGE = "() => kit.rooms.get('me').room.info.stage"
PEER = "() => kit.rooms.get('me').room.self.peer"
OPENED = "() => kit.rooms.get('me').peers.length"
JOINED = "() => kit.rooms.get('me').room.state === 'joined'"
LOCALS = "() => [...kit.rooms.get('me').room.localTracks].map(({ source, held }) => `${source} ${held}`).sort()"
HAS = """({ tiles }) => JSON.stringify(stage.tiles()) === JSON.stringify(tiles)"""
INVITES = "() => kit.rooms.get('me').room.info.invites"
DO = "([name, ...rest]) => kit.rooms.get('me').room[name](...rest)"


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def ended(service: Service, room: str) -> AsyncIterator[None]:
    """Nobody stays on stage after a test: the next one invites the same agent."""
    yield
    await service.rest("POST", f"/rooms/{room}/end")


async def trio(
    pages: Pages, service: Service, room: str, *, browser: str = "chromium", origin: str | None = None
) -> tuple[Page, Page, Page]:
    """A host who is live, a guest's page (in ``browser``, from ``origin``), and a viewer who sees the host."""
    host, viewer = [await open_page(pages) for _ in range(2)]
    agent = await open_page(pages, browser, origin=origin)
    await go_live(host, room)
    await join(viewer, room, "viewer")
    await viewer.evaluate(SEES, "host")
    return host, agent, viewer


async def invite_again(host: Page, agent: Page) -> str:
    """A guest who is in the room already is rung, and holds everything until the tap; the invitation's id."""
    invitation = await invite(host, "agent")
    await agent.wait_for(f"() => ({INVITES})().length > 0")
    await agent.evaluate("(wanted) => kit.devices(wanted).then((media) => stage.hold(media))", SMALL)
    return invitation


async def shows(viewer: Page, *identities: str) -> None:
    """These people are seen and heard, each once, and nobody else."""
    tiles = sorted(f"{identity} {source}" for identity in identities for source in ("camera", "microphone"))
    await viewer.wait_for(HAS, {"tiles": tiles}, timeout_s=25)
    for identity in identities:
        await viewer.evaluate(SEES, identity)
    assert await viewer.evaluate(TILES) == tiles


async def is_whole(service: Service, room: str, *identities: str) -> None:
    """The server has one Peer and two tracks for each of these, and nothing else."""
    figures = await service.rest("GET", f"/rooms/{room}")
    assert sorted(peer["identity"] for peer in figures["peers"]) == sorted(identities)
    peers = {peer["id"] for peer in figures["peers"]}
    sources = sorted((track["peer"], track["source"]) for track in figures["tracks"])
    assert sources == sorted((peer, source) for peer in peers for source in ("camera", "microphone"))


async def kill_worker(service: Service, *pages: Page) -> None:
    """``kill -9`` of the media process; returns when each page has opened both connections anew."""
    opened = [await page.evaluate(OPENED) for page in pages]
    killed = service.workers()
    assert len(killed) == 1
    os.kill(killed[0], signal.SIGKILL)
    for page, before in zip(pages, opened, strict=True):
        await page.wait_for(f"(before) => ({OPENED})() > before", before, timeout_s=25)


async def test_worker_is_killed(pages: Pages, service: Service, room: str) -> None:
    """Everybody is back by themselves: first while the guest is held, and then while on air.

    The guest who is held is prewarmed anew, unseen, so that the tap needs no new connection anywhere. On air everybody is
    the same Peer as before, in the same order, and the lock still holds.
    """
    host, agent, viewer = await trio(pages, service, room, browser="firefox")
    invitation = await prewarm(host, agent, service, room, **SMALL)
    ids = "() => Object.values(kit.rooms.get('me').locals).map(({ id }) => id)"
    known, peer = await agent.evaluate(ids), await agent.evaluate(PEER)
    await kill_worker(service, host, agent, viewer)
    renewed = "(known) => Object.values(kit.rooms.get('me').locals).every(({ id }) => id && !known.includes(id))"
    await agent.wait_for(renewed, known)
    await shows(viewer, "host")
    assert await viewer.evaluate(PLACES) == ["host"]
    assert await agent.evaluate(LOCALS) == ["camera true", "microphone true"]
    opened = [await page.evaluate(OPENED) for page in (host, agent, viewer)]
    assert await agent.evaluate(ACCEPT, invitation) is None
    await shows(viewer, "host", "agent")
    assert [await page.evaluate(OPENED) for page in (host, agent, viewer)] == opened

    await host.evaluate(DO, ["moveGuest", "agent", 0])
    await host.evaluate(DO, ["muteGuest", "agent", {"audio": True}])
    await viewer.wait_for("() => stage.trackOf('agent', 'microphone')?.muted === true")
    before = await viewer.evaluate(STAGE)
    assert [place["identity"] for place in before["places"]] == ["agent", "host"]
    await kill_worker(service, host, agent, viewer)
    await viewer.wait_for(HAS, {"tiles": BOTH}, timeout_s=25)
    await viewer.evaluate(SEES, "host")
    await viewer.evaluate("() => stage.moves('agent', 'camera')")
    assert await agent.evaluate(PEER) == peer
    for page in (host, agent, viewer):
        assert await page.evaluate(STAGE) == before
    assert await viewer.evaluate("() => stage.trackOf('agent', 'microphone').muted") is True
    unmute = "() => kit.rooms.get('me').locals.microphone.mute(false).then(() => null, ({ code }) => code)"
    assert await agent.evaluate(unmute) == "muted_by_host"
    await host.evaluate(DO, ["askUnmute", "agent", {"audio": True}])
    await agent.evaluate("() => kit.heard('unmuterequested', { audio: true })")
    assert await agent.evaluate(unmute) is None
    await shows(viewer, "host", "agent")
    await agent.evaluate(SEES, "host")
    await host.evaluate(SEES, "agent")
    await is_whole(service, room, "host", "agent")


async def test_signaling_of_a_guest_on_air_is_out(pages: Pages, service: Service, room: str) -> None:
    """20 s without a WebSocket: the guest is seen throughout, and afterwards is whoever they were before.

    Meanwhile a viewer reloads, and the host mutes the guest, who hears of it afterwards.
    """
    async with CutProxy(service.port) as proxy:
        host, agent, viewer = await trio(pages, service, room, origin=proxy.origin)
        await bring_on(host, agent, service, room, **SMALL)
        await shows(viewer, "host", "agent")
        peer, opened = await agent.evaluate(PEER), await agent.evaluate(OPENED)
        places = (await viewer.evaluate(STAGE))["places"]
        outage = asyncio.create_task(asyncio.sleep(OUTAGE_S))
        proxy.cut()
        await agent.wait_for("() => kit.rooms.get('me').room.state === 'reconnecting'")
        await viewer.evaluate(MORE_FRAMES)
        await reload(pages, viewer)
        await join(viewer, room, "viewer")
        await shows(viewer, "host", "agent")
        assert (await service.rest("GET", f"/rooms/{room}"))["viewers"] == 1
        await host.evaluate(DO, ["muteGuest", "agent", {"audio": True}])
        await viewer.wait_for("() => stage.trackOf('agent', 'microphone')?.muted === true")
        await viewer.evaluate("() => stage.moves('agent', 'camera')")
        # Said for nothing, for now: a request waits for 10 s.
        muting = agent.evaluate(
            "() => kit.rooms.get('me').locals.camera.mute(true).then(() => null, ({ code }) => code)"
        )
        assert await muting == "timeout"
        await outage
        assert (await viewer.evaluate(STAGE))["places"] == [
            {**place, "locked": {**place["locked"], "audio": place["identity"] == "agent"}} for place in places
        ]
        proxy.mend()
        await agent.wait_for(JOINED, timeout_s=25)
        await agent.wait_for("() => kit.rooms.get('me').locals.microphone.locked")
        assert (await agent.evaluate(PEER), await agent.evaluate(OPENED)) == (peer, opened)
        await viewer.wait_for("() => stage.trackOf('agent', 'camera')?.muted")
        await agent.evaluate("() => kit.rooms.get('me').locals.camera.mute(false)")
        await host.evaluate(DO, ["askUnmute", "agent", {"audio": True}])
        await agent.wait_for("() => !kit.rooms.get('me').locals.microphone.locked")
        await agent.evaluate("() => kit.rooms.get('me').locals.microphone.mute(false)")
        await shows(viewer, "host", "agent")

        # Out again, and what it misses is that all media is gone.
        proxy.cut()
        await agent.wait_for("() => kit.rooms.get('me').room.state === 'reconnecting'")
        await kill_worker(service, host, viewer)
        await shows(viewer, "host")
        proxy.mend()
        await shows(viewer, "host", "agent")
        await agent.evaluate(DO, ["leaveStage"])
        await shows(viewer, "host")
        assert await agent.evaluate(LOCALS) == []
        await is_whole(service, room, "host")


async def test_guest_comes_back_as_another_peer(pages: Pages, service: Service, room: str) -> None:
    """What cannot be resumed starts again in the same place: held as before, and then on air."""
    host, agent, viewer = await trio(pages, service, room)
    invitation = await prewarm(host, agent, service, room, **SMALL)
    for held in (True, False):
        peer = await agent.evaluate(PEER)
        await agent.evaluate("() => { stage.forgets(); stage.drop(); }")
        await agent.wait_for(f"(peer) => ({PEER})() !== peer", peer)
        await agent.wait_for("() => [...kit.rooms.get('me').room.localTracks].every(({ id }) => id !== null)")
        assert await agent.evaluate(LOCALS) == [f"camera {str(held).lower()}", f"microphone {str(held).lower()}"]
        if held:
            assert await viewer.evaluate(TILES) == BOTH[2:]
            assert await agent.evaluate(ACCEPT, invitation) is None
        await viewer.wait_for("() => stage.trackOf('agent', 'camera')")
        await shows(viewer, "host", "agent")
        assert await viewer.evaluate(PLACES) == ["host", "agent"]
        await is_whole(service, room, "host", "agent")


async def test_ring_survives_a_cut_and_a_reload(pages: Pages, service: Service, room: str) -> None:
    """The desk is away for 3 s, the host reloads, then the whole console: it rings on, and what rang first is accepted."""
    async with CutProxy(service.port) as proxy:
        host, agent, viewer = await trio(pages, service, room, origin=proxy.origin)
        invitation = await prewarm(host, agent, service, room, **SMALL)
        proxy.cut()
        await agent.wait_for("() => desk.state === 'reconnecting'")
        mend = asyncio.get_running_loop().call_later(3, proxy.mend)
        await reload(pages, host)
        await go_live(host, room)
        await agent.wait_for("() => desk.state === 'joined'")
        await agent.wait_for(JOINED)
        assert mend.when() <= asyncio.get_running_loop().time()
        assert [one["id"] for one in await host.evaluate(INVITES)] == [invitation]
        assert (await agent.evaluate("() => stage.ring()"))["id"] == invitation
        assert await agent.evaluate(LOCALS) == ["camera true", "microphone true"]

        await reload(pages, agent)
        token = service.token(ANY_ROOM, "agent", "agent")
        await agent.evaluate("(token) => stage.sit(token)", token)
        assert (await agent.evaluate("() => stage.ring()"))["id"] == invitation
        await agent.evaluate(PREPARE, {"room": room, "token": token, "wanted": SMALL})
        assert await viewer.evaluate(TILES) == BOTH[2:]
        assert await agent.evaluate(ACCEPT, invitation) is None
        await shows(viewer, "host", "agent")
        await is_whole(service, room, "host", "agent")


async def test_connection_breaks_at_the_tap(pages: Pages, service: Service, room: str) -> None:
    """The guest is on air exactly once: whether the server heard the tap or not, and whether it knows the guest after it."""
    host, agent, viewer = await trio(pages, service, room)
    invitation = await prewarm(host, agent, service, room, **SMALL)
    for lost, forgotten in (("request", False), ("reply", False), ("reply", True)):
        if (lost, forgotten) != ("request", False):
            await host.evaluate(DO, ["removeGuest", "agent"])
            await viewer.wait_for(HAS, {"tiles": BOTH[2:]})
            await agent.wait_for("() => kit.rooms.get('me').room.localTracks.size === 0")
            invitation = await invite_again(host, agent)
        outcome = await agent.evaluate(
            """async ({ id, lost, forgotten }) => {
                const broken = stage.breaks("accept_invite", lost);
                if (forgotten) stage.forgets();
                const accepted = stage.accept(id);
                await broken;
                return accepted;
            }""",
            {"id": invitation, "lost": lost, "forgotten": forgotten},
        )
        assert outcome is None
        await agent.wait_for("() => [...kit.rooms.get('me').room.localTracks].every(({ id }) => id !== null)")
        assert await agent.evaluate(LOCALS) == ["camera false", "microphone false"]
        await shows(viewer, "host", "agent")
        for page in (host, agent, viewer):
            assert await page.evaluate(PLACES) == ["host", "agent"]
            assert await page.evaluate(INVITES) == []
        await is_whole(service, room, "host", "agent")


async def test_two_consoles_accept_at_once(pages: Pages, service: Service, room: str) -> None:
    """The second console replaces the first; however it ends, the agent is on stage once."""
    host, agent, viewer = await trio(pages, service, room)
    other = await open_page(pages)
    invitation = await prewarm(host, agent, service, room, **SMALL)
    token = service.token(ANY_ROOM, "agent", "agent")
    await other.evaluate("(token) => stage.sit(token)", token)
    await agent.wait_for("() => desk.state === 'closed'")
    assert (await other.evaluate("() => stage.ring()"))["id"] == invitation
    # The first one is still in the room, and taps while the second one comes.
    prepare = other.evaluate(PREPARE, {"room": room, "token": token, "wanted": SMALL})
    await asyncio.gather(prepare, agent.evaluate(ACCEPT, invitation))
    assert await other.evaluate(ACCEPT, invitation) is None
    await agent.wait_for("() => kit.rooms.get('me').room.state === 'closed'")
    await shows(viewer, "host", "agent")
    assert await viewer.evaluate(PLACES) == ["host", "agent"]
    assert await other.evaluate(LOCALS) == ["camera false", "microphone false"]
    assert await agent.evaluate(LOCALS) == []
    await is_whole(service, room, "host", "agent")


async def test_both_sides_act_at_once(pages: Pages, service: Service, room: str) -> None:
    """Taken back at the moment of the tap: one of the two wins, for all. Both invite each other: that is a yes."""
    host, agent, viewer = await trio(pages, service, room)
    invitation = await prewarm(host, agent, service, room, **SMALL)
    cancel = "(id) => kit.rooms.get('me').room.cancelInvite(id).then(() => null, ({ code }) => code)"
    for turn in range(3):
        taken, refused = await asyncio.gather(agent.evaluate(ACCEPT, invitation), host.evaluate(cancel, invitation))
        assert (taken, refused) in {(None, "invite_answered"), ("invite_cancelled", None)}
        expected = ["host", "agent"] if taken is None else ["host"]
        for page in (host, agent, viewer):
            await page.wait_for(f"(places) => JSON.stringify(({PLACES})()) === JSON.stringify(places)", expected)
        if taken is None:
            await viewer.evaluate("() => stage.moves('agent', 'camera')")
            await host.evaluate(DO, ["removeGuest", "agent"])
        await agent.wait_for("() => kit.rooms.get('me').room.localTracks.size === 0")
        await viewer.wait_for(HAS, {"tiles": BOTH[2:]})
        if turn < 2:
            invitation = await invite_again(host, agent)

    await asyncio.gather(invite(host, "agent"), agent.evaluate(DO, ["offerStage", {}]))
    await agent.evaluate("(wanted) => kit.publish('me', wanted)", SMALL)
    await shows(viewer, "host", "agent")
    assert await host.evaluate(INVITES) == []
    await is_whole(service, room, "host", "agent")

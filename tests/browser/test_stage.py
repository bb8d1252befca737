"""The stage between real browsers: a guest is rung, comes on air, is muted, whispered about, taken off; nobody else is."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.auth import ANY_ROOM
from tests.browser.conftest import Pages
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.test_room import MORE_FRAMES, go_live

SEES = "(identity) => stage.sees(identity)"
PLACES = "() => kit.rooms.get('me').room.info.stage.places.map(({ identity }) => identity)"

# What these tests need beyond the kit: persons by identity, the desk, and what a viewer hears of whom.
STAGE_KIT = """async () => {
    const me = () => kit.rooms.get("me").room;
    const person = (identity) => me().info.peers.find((peer) => peer.identity === identity);
    const trackOf = (identity, source) => {
        const peer = person(identity);
        return peer && [...me().tracks.values()].find(
            (track) => track.peer === peer.id && track.source === source && track.mediaStreamTrack);
    };
    const carrier = (media) => kit.rooms.get("me").peers.find(
        (peer) => peer.getReceivers().some((receiver) => receiver.track === media)) ?? null;
    const wait = (identity, source) =>
        kit.until(() => trackOf(identity, source), 20000, `${source} of ${identity} arrives`);
    globalThis.stage = {
        trackOf,
        async sees(identity) {
            const camera = await wait(identity, "camera");
            const microphone = await wait(identity, "microphone");
            await kit.pictureMoves(kit.element(camera.mediaStreamTrack), 20000);
            await kit.soundHasEnergy(microphone.mediaStreamTrack, carrier(microphone.mediaStreamTrack), 20000);
            return true;
        },
        async hears(source) {
            const track = await kit.track(source);
            return kit.soundHasEnergy(track.mediaStreamTrack, carrier(track.mediaStreamTrack), 20000);
        },
        /** Packets of every sound that arrives, whatever it is called, by media track. */
        async sounds() {
            const found = {};
            for (const peer of kit.rooms.get("me").peers) {
                for (const entry of (await peer.getStats()).values()) {
                    if (entry.type === "inbound-rtp" && entry.kind === "audio") {
                        found[entry.ssrc] = entry.packetsReceived;
                    }
                }
            }
            return found;
        },
        async sit(token) {
            const { LianmaiDesk } = await import("/web/sdk/desk.js");
            const desk = new LianmaiDesk({ token });
            await desk.join();
            globalThis.desk = desk;
        },
        ring: () => kit.until(() => desk.info.invites.find(({ state }) => state === "pending"), 10000, "it rings"),
        /** Joins while it rings, and publishes what is held until the tap. */
        async prepare(room, token) {
            const outcome = await kit.join({ room, token, options: { room } });
            if (!outcome.joined) throw new Error(outcome.message);
            const media = await kit.devices();
            const entry = kit.rooms.get("me");
            for (const [source, track] of [["camera", media.getVideoTracks()[0]], ["microphone", media.getAudioTracks()[0]]]) {
                entry.locals[source] = await entry.room.publish(track, { source, held: true });
            }
        },
    };
}"""


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room that no other test uses."""
    return "".join(character if character.isalnum() else "-" for character in request.node.name).strip("-")[:60]


async def open_page(pages: Pages, browser: str) -> Page:
    """A page with the kit of the stage."""
    page = await pages.open(browser)
    await page.evaluate(STAGE_KIT)
    return page


async def join(page: Page, room: str, identity: str, role: str = "viewer", **more: Any) -> None:
    """Join a room."""
    outcome = await page.evaluate("(fields) => kit.join(fields)", {"room": room, "identity": identity, "role": role, **more})
    assert outcome["joined"], outcome


async def invite(host: Page, identity: str) -> str:
    """The host invites somebody; the id."""
    found: str = await host.evaluate(
        """async (identity) => {
            const { room } = kit.rooms.get("me");
            await kit.until(() => room.info.agents?.some((agent) => agent.identity === identity), 10000, "agents");
            return (await room.invite({ identity }, { topic: "How do I pair it?" })).id;
        }""",
        identity,
    )
    return found


async def bring_on(host: Page, agent: Page, service: Service, room: str) -> None:
    """From the ring to the air."""
    token = service.token(ANY_ROOM, "agent", "agent")
    await agent.evaluate("(token) => stage.sit(token)", token)
    await invite(host, "agent")
    rung = await agent.evaluate("() => stage.ring()")
    assert rung["topic"] == "How do I pair it?" and rung["room"] == room
    await agent.evaluate("({ room, token }) => stage.prepare(room, token)", {"room": room, "token": token})
    await agent.evaluate("(id) => kit.rooms.get('me').room.goOnAir(id)", rung["id"])


async def test_a_guest_on_air(pages: Pages, service: Service, room: str) -> None:
    """Ring, accept, on air at both viewers; mute, layout, whisper, demotion, forgery, and a host's reload."""
    host, agent, viewer, other = [
        await open_page(pages, browser) for browser in ("chromium", "chromium", "chromium", "firefox")
    ]
    await go_live(host, room)
    for page, identity in ((viewer, "viewer"), (other, "other")):
        await join(page, room, identity)
        await page.evaluate(SEES, "host")

    token = service.token(ANY_ROOM, "agent", "agent")
    await agent.evaluate("(token) => stage.sit(token)", token)
    await invite(host, "agent")
    rung = await agent.evaluate("() => stage.ring()")
    await agent.evaluate("({ room, token }) => stage.prepare(room, token)", {"room": room, "token": token})
    # Held: nobody sees, hears or is told anything.
    for page in (viewer, other):
        assert await page.evaluate(PLACES) == ["host"]
        assert await page.evaluate("() => kit.rooms.get('me').room.info.tracks.length") == 2
    transports = await agent.evaluate("() => kit.rooms.get('me').peers.length")
    before = {page: await page.evaluate("() => kit.received('camera')") for page in (viewer, other)}
    await agent.evaluate("(id) => kit.rooms.get('me').room.goOnAir(id)", rung["id"])
    for page in (viewer, other):
        await page.evaluate(SEES, "agent")
        await page.evaluate(SEES, "host")
        assert await page.evaluate(PLACES) == ["host", "agent"]
        after = await page.evaluate("() => kit.received('camera')")
        assert (after["peer"], after["connection"]) == (before[page]["peer"], "connected")
    await agent.evaluate(SEES, "host")
    await host.evaluate(SEES, "agent")

    # Muted by the host: no packet passes, and the guest cannot help it.
    await host.evaluate("() => kit.rooms.get('me').room.muteGuest('agent', { audio: true })")
    await viewer.wait_for("() => stage.trackOf('agent', 'microphone')?.muted === true")
    refused = await agent.evaluate(
        "() => kit.rooms.get('me').locals.microphone.mute(false).then(() => null, (error) => error.code)"
    )
    assert refused == "muted_by_host"
    await host.evaluate("() => kit.rooms.get('me').room.askUnmute('agent', { audio: true })")
    await agent.evaluate("() => kit.heard('unmuterequested', { audio: true })")
    await agent.evaluate("() => kit.rooms.get('me').locals.microphone.mute(false)")
    await viewer.evaluate(SEES, "agent")

    # The layout is the same for all.
    await host.evaluate("() => kit.rooms.get('me').room.setLayout('inset')")
    for page in (viewer, other, agent):
        await page.wait_for("() => kit.rooms.get('me').room.info.stage.layout === 'inset'")

    # Forged: a viewer, and a peer that was never invited, say what the library never would.
    forger = await open_page(pages, "chromium")
    codes = await forger.evaluate(
        """async (tokens) => {
            const codes = [];
            for (const token of tokens) {
                const { send } = await kit.socket();
                await send("join", { v: 1, token, subscribe: "none" });
                const peer = new RTCPeerConnection();
                const media = await kit.devices();
                for (const track of media.getTracks()) peer.addTransceiver(track, { direction: "sendonly" });
                await peer.setLocalDescription();
                const tracks = peer.getTransceivers().map(({ mid, sender }) => (
                    { mid, source: sender.track.kind === "audio" ? "microphone" : "camera" }));
                codes.push((await send("publish", { sdp: peer.localDescription.sdp, tracks })).code);
                peer.close();
            }
            return codes;
        }""",
        [service.token(room, "forger", "viewer"), service.token(room, "uninvited", "agent")],
    )
    assert codes == ["forbidden", "not_on_stage"]

    # The host reloads while the guest is on air.
    frames = await viewer.evaluate("() => stage.trackOf('agent', 'camera').id")
    await host.goto(pages.origin + "/web/styles/base.css")
    await host.evaluate(STAGE_KIT)
    await go_live(host, room)
    await viewer.wait_for("() => stage.trackOf('host', 'camera')")
    await viewer.evaluate(SEES, "host")
    assert await viewer.evaluate("() => stage.trackOf('agent', 'camera').id") == frames
    assert await viewer.evaluate(PLACES) == ["host", "agent"]
    assert await host.evaluate(SEES, "agent")

    # Off stage: its packets end in the Worker, its connection stays for the next time.
    await host.evaluate("() => kit.rooms.get('me').room.removeGuest('agent')")
    for page in (viewer, other):
        await page.wait_for("() => !stage.trackOf('agent', 'camera')")
        assert await page.evaluate(PLACES) == ["host"]
        await page.evaluate(MORE_FRAMES)
    await agent.wait_for("() => kit.rooms.get('me').room.localTracks.size === 0")
    assert await agent.evaluate("() => kit.rooms.get('me').peers.length") == transports
    figures = await service.rest("GET", f"/rooms/{room}")
    assert {track["peer"] for track in figures["tracks"]} == {figures["peers"][0]["id"]}


async def test_a_whisper_is_heard_by_the_host_alone(pages: Pages, service: Service, room: str) -> None:
    """The audience receives not one packet more, whatever its library makes of it."""
    host, viewer, supervisor = [await open_page(pages, "chromium") for _ in range(3)]
    await go_live(host, room)
    await join(viewer, room, "viewer")
    await viewer.evaluate(SEES, "host")
    await join(supervisor, room, "boss", token=service.token(room, "boss", "supervisor"))
    await supervisor.evaluate(
        """async () => {
            const media = await kit.devices({ video: false });
            await kit.rooms.get("me").room.publish(media.getAudioTracks()[0], { source: "whisper" });
        }"""
    )
    assert await host.evaluate("() => stage.hears('whisper')") > 0.005
    heard = await viewer.evaluate("() => stage.sounds()")
    assert len(heard) == 1
    told = await viewer.evaluate("() => JSON.stringify(kit.rooms.get('me').room.info)")
    assert "boss" not in told and '"whisper"' not in told


async def test_a_guest_reloads_and_is_back_in_place(pages: Pages, service: Service, room: str) -> None:
    """No ghost, no second tile: the same place, a new picture."""
    host, agent, viewer = [await open_page(pages, "chromium") for _ in range(3)]
    await go_live(host, room)
    await join(viewer, room, "viewer")
    await bring_on(host, agent, service, room)
    await viewer.evaluate(SEES, "agent")
    await agent.goto(pages.origin + "/web/styles/base.css")
    await agent.evaluate(STAGE_KIT)
    token = service.token(ANY_ROOM, "agent", "agent")
    await join(agent, room, "agent", token=token, options={"room": room})
    await agent.evaluate("() => kit.publish()")
    await viewer.evaluate(SEES, "agent")
    assert await viewer.evaluate(PLACES) == ["host", "agent"]
    figures = await service.rest("GET", f"/rooms/{room}")
    assert len(figures["peers"]) == 2 and len(figures["tracks"]) == 4

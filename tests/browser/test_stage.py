"""The stage between real browsers: a guest is rung, comes on air, is muted, whispered about, taken off; nobody else is."""

from __future__ import annotations

from signaling.auth import ANY_ROOM
from tests.browser.conftest import Pages
from tests.browser.service import Service
from tests.browser.stage_kit import PLACES, SEES, STAGE_KIT, bring_on, invite, join, open_page
from tests.browser.test_room import MORE_FRAMES, go_live


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

"""Publishing by WHIP and playing by WHEP with somebody else's client: the npm package whip-whep."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Pages
from tests.browser.page import Page
from tests.browser.service import ROOT, Service
from tests.browser.test_room import watch

PUBLISHES = """async ({ url, token }) => {
    const peer = globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of (await kit.devices()).getTracks()) peer.addTransceiver(track, { direction: "sendonly" });
    globalThis.client = new WHIPClient();
    await client.publish(peer, url, token);
    await kit.until(() => peer.connectionState === "connected", 15000, "WHIP connects");
    return client.resourceURL.pathname;
}"""
PLAYS = """async ({ url, token }) => {
    const peer = globalThis.peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const kind of ["audio", "video"]) peer.addTransceiver(kind, { direction: "recvonly" });
    globalThis.client = new WHEPClient();
    await client.view(peer, url, token);
    const [audio, video] = peer.getReceivers().map((receiver) => receiver.track);
    await kit.pictureMoves(kit.element(video));
    return kit.soundHasEnergy(audio, peer);
}"""

# The package's own restart() joins candidates with commas and puts them before the c= line, which no browser reads
# once there are two of them; so the PATCH is made here (RFC 9725 section 4.3.3).
RESTARTS = r"""async () => {
    await peer.setLocalDescription(await peer.createOffer({ iceRestart: true }));
    const own = (name, text) => new RegExp(`a=${name}:(\\S+)`).exec(text)[1];
    const offered = peer.localDescription.sdp;
    const reply = await fetch(client.resourceURL, {
        method: "PATCH",
        headers: {
            "Content-Type": "application/trickle-ice-sdpfrag",
            "If-Match": "*",
            Authorization: `Bearer ${client.token}`,
        },
        body: `a=ice-ufrag:${own("ice-ufrag", offered)}\r\na=ice-pwd:${own("ice-pwd", offered)}\r\n`,
    });
    const fragment = await reply.text();
    if (reply.status !== 200) throw new Error(`${reply.status} ${fragment}`);
    const sdp = peer.remoteDescription.sdp
        .replace(/^a=(candidate|end-of-candidates).*\r\n/gm, "")
        .replace(/(a=ice-ufrag:).*/g, `$1${own("ice-ufrag", fragment)}`)
        .replace(/(a=ice-pwd:).*/g, `$1${own("ice-pwd", fragment)}`);
    await peer.setRemoteDescription({ type: "answer", sdp });
    for (const [, candidate] of fragment.matchAll(/^a=(candidate:.*)\r$/gm)) {
        await peer.addIceCandidate({ candidate, sdpMLineIndex: 0 });
    }
    return [client.etag, reply.headers.get("etag"), own("ice-ufrag", fragment)];
}"""


async def with_client(page: Page) -> Page:
    """Puts WHIPClient and WHEPClient into the page, as a bundler would."""
    for name in ("whip", "whep"):
        source = (ROOT / "node_modules" / "whip-whep" / f"{name}.js").read_text(encoding="utf-8")
        body = re.sub(r"^export class (\w+)", r"globalThis.\1 = class \1", source, flags=re.MULTILINE)
        await page.call(f"(() => {{ {body}\n }})()")
    return page


@pytest.mark.parametrize(("publisher", "player"), [("chromium", "firefox"), ("firefox", "chromium")])
async def test_whip_to_whep(pages: Pages, service: Service, room: str, publisher: str, player: str) -> None:
    """Seen by a WHEP player and by a viewer in the room; an ICE restart goes unnoticed; DELETE ends it."""
    source = await with_client(await pages.open(publisher))
    url = f"{service.origin}/whip/{room}"
    path = await source.evaluate(PUBLISHES, {"url": url, "token": service.token(room, "encoder", "host")})
    assert path.startswith("/whip/")
    sink = await with_client(await pages.open(player))
    play = {"url": f"{service.origin}/whep/{room}", "token": service.token(room, "player", "viewer")}
    assert await sink.evaluate(PLAYS, play) > 0.005
    viewer = await pages.open("chromium")
    await watch(viewer, room)

    old_etag, new_etag, ufrag = await source.evaluate(RESTARTS)
    assert new_etag and new_etag != old_etag
    await viewer.evaluate("() => kit.moreFrames(10)")
    # The selected pair is one of the new generation, on the same connection.
    await source.wait_for("() => peer.iceConnectionState === 'connected' || peer.iceConnectionState === 'completed'")
    assert ufrag in await source.evaluate("() => peer.currentRemoteDescription.sdp")
    await viewer.evaluate("() => kit.moreFrames(10)")

    await sink.evaluate("() => client.stop()")
    await source.evaluate("() => client.stop()")
    await viewer.wait_for("() => kit.rooms.get('me').room.tracks.size === 0")
    transports = (await service.rest("GET", f"/rooms/{room}/stats"))["transports"]
    assert [transport["direction"] for transport in transports] in ([], ["subscribe"])


async def test_viewer_token_cannot_publish(pages: Pages, service: Service, room: str) -> None:
    source = await with_client(await pages.open("chromium"))
    with pytest.raises(AssertionError, match="status 403"):
        await source.evaluate(
            PUBLISHES, {"url": f"{service.origin}/whip/{room}", "token": service.token(room, "viewer", "viewer")}
        )
    with pytest.raises(AssertionError, match="status 401"):
        await source.evaluate(PUBLISHES, {"url": f"{service.origin}/whip/{room}", "token": "not.a.token"})

"""What a token allows is decided on the server, whatever the page says."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from tests.browser.conftest import Pages
from tests.browser.service import Service
from tests.browser.test_room import go_live, watch

JOIN_WITH = "({ room, token, locale }) => kit.join({ room, token, options: { locale } })"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("garbage", "token_invalid"),
        ("forged", "token_invalid"),
        ("expired", "token_expired"),
        ("revoked", "token_revoked"),
    ],
)
async def test_join_is_refused(pages: Pages, service: Service, room: str, kind: str, code: str) -> None:
    """With a stable code, and a sentence in the page's language."""
    good = service.token(room, "refused", "viewer")
    claims = jwt.decode(good, options={"verify_signature": False})
    token = {
        "garbage": "not.a.token",
        "forged": jwt.encode(claims, "somebody else's secret, long enough", headers=jwt.get_unverified_header(good)),
        "expired": service.token(room, "refused", "viewer", lifetime_s=-60),
        "revoked": good,
    }[kind]
    if kind == "revoked":
        await service.rest("POST", "/tokens/revoke", {"token_id": claims["jti"]})
    page = await pages.open("chromium")
    sentences = set()
    for locale in ("zh-CN", "en"):
        outcome = await page.evaluate(JOIN_WITH, {"room": room, "token": token, "locale": locale})
        assert (outcome["joined"], outcome["code"]) == (False, code)
        assert len(outcome["message"]) > 3 and code not in outcome["message"]
        sentences.add(outcome["message"])
    assert len(sentences) == 2


async def test_revoked_while_watching(pages: Pages, service: Service, room: str) -> None:
    """The viewer is told goodbye, gets no more media, and cannot come back; the host does not notice."""
    host, viewer, other = [await pages.open("chromium") for _ in range(3)]
    await go_live(host, room)
    await watch(viewer, room, "unwanted")
    await watch(other, room, "other")
    await service.rest("POST", "/tokens/revoke", {"identity": "unwanted", "room": room})
    await viewer.evaluate("() => kit.heard('bye', { code: 'token_revoked' })")
    await viewer.wait_for("() => kit.rooms.get('me').room.state === 'closed'")
    await other.evaluate("() => kit.moreFrames(5)")
    assert (await service.rest("GET", f"/rooms/{room}"))["viewers"] == 1
    transports = (await service.rest("GET", f"/rooms/{room}/stats"))["transports"]
    assert sorted(transport["direction"] for transport in transports) == ["publish", "subscribe"]


async def test_viewer_who_publishes_is_refused(pages: Pages, service: Service, room: str) -> None:
    """A forged client: the library is not asked, the offer is a real one, the server still says no."""
    host, viewer, forger = [await pages.open("chromium") for _ in range(3)]
    await go_live(host, room)
    await watch(viewer, room)
    replies: dict[str, Any] = await forger.evaluate(
        """async (token) => {
            const line = await kit.socket();
            const joined = await line.send("join", { v: 1, token, subscribe: "none" });
            const peer = new RTCPeerConnection();
            for (const track of (await kit.devices()).getTracks()) peer.addTrack(track);
            await peer.setLocalDescription();
            const tracks = peer.getTransceivers().map(({ mid, sender }) =>
                ({ mid, source: sender.track.kind === "video" ? "camera" : "microphone" }));
            const publish = await line.send("publish", { sdp: peer.localDescription.sdp, tracks });
            const start = await line.send("start_show", {});
            const remove = await line.send("remove_peer", { peer: joined.room.peers[0].id });
            const other = joined.room.tracks[0].id;
            const mute = await line.send("mute", { track: other, muted: true });
            const unpublish = await line.send("unpublish", { track: other });
            return { joined, publish, start, remove, mute, unpublish };
        }""",
        service.token(room, "forger", "viewer"),
    )
    assert replies["joined"]["type"] == "ok"
    for request in ("publish", "start", "remove"):
        assert (replies[request]["type"], replies[request].get("code")) == ("error", "forbidden"), request
    for request in ("mute", "unpublish"):
        assert replies[request]["code"] in ("forbidden", "track_not_found"), request
    await viewer.evaluate("() => kit.watches()")
    tracks = (await service.rest("GET", f"/rooms/{room}"))["tracks"]
    assert sorted((track["source"], track["muted"]) for track in tracks) == [("camera", False), ("microphone", False)]
    transports = (await service.rest("GET", f"/rooms/{room}/stats"))["transports"]
    assert sum(transport["direction"] == "publish" for transport in transports) == 1


async def test_grant_for_sound_only(pages: Pages, service: Service, room: str) -> None:
    """A grant taken back while connected takes the track with it."""
    host, viewer = await pages.open("chromium"), await pages.open("chromium")
    await go_live(host, room)
    await watch(viewer, room)
    peer = await host.evaluate("() => kit.rooms.get('me').room.self.peer")
    grants = {"publish": ["microphone"], "subscribe": True, "show": True, "manage": False}
    await service.rest("PUT", f"/rooms/{room}/peers/{peer}/grants", grants)
    await host.evaluate("() => kit.heard('grants')")
    await viewer.wait_for("() => [...kit.rooms.get('me').room.tracks.values()].every((one) => one.source !== 'camera')")
    await viewer.evaluate("() => kit.sound()")
    assert [track["source"] for track in (await service.rest("GET", f"/rooms/{room}"))["tracks"]] == ["microphone"]

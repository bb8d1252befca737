"""Rights that change while connected, and stand-alone publishers and players, on fake Workers."""

from __future__ import annotations

from typing import Any

import pytest

from media import api
from signaling.errors import ApiError
from tests.signaling.conftest import Site
from tests.signaling.fakes import offer
from tests.signaling.steps import AV, publish, settle


async def test_revoked_while_connected(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, "camera")
    admin = {"Authorization": f"Bearer {site.token('root', 'admin', room='*')}"}
    # Of before: one that is made in a later second is good again.
    token = site.token("h", "host")
    response = await site.http.post("/api/v1/tokens/revoke", json={"identity": "h"}, headers=admin)
    assert await response.json() == {"removed": 1}
    assert (await host.event("bye"))["code"] == "token_revoked"
    assert await host.closed() == 1008
    worker = await settle(site)
    assert len(worker.asked(api.CloseTransport)) == 1
    client = await site.client()
    assert await client.code("join", v=1, token=token) == "token_revoked"


async def test_expired_while_connected(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client, joined = await site.joined("a")
    peer = site.hub.peers[joined["peer"]]
    later = peer.claims.expires_at + 6.0
    monkeypatch.setattr(site.hub, "wall", lambda: later)
    site.hub.lifecycle._check_expiry(peer)
    assert (await client.event("bye"))["code"] == "token_expired"


async def test_a_fresh_token_in_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client, joined = await site.joined("a")
    fresh = site.token("a", lifetime_s=7200.0)
    reply = await client.ok("update_token", token=fresh)
    assert reply["expires_at"] > joined["self"]["expires_at"]
    for token, code in (
        (site.token("b"), "token_invalid"),
        (site.token("a", room="other"), "token_wrong_room"),
        (site.token("a", lifetime_s=-60), "token_expired"),
        ("x", "token_invalid"),
    ):
        assert await client.code("update_token", token=token) == code
    peer = site.hub.peers[joined["peer"]]
    monkeypatch.setattr(site.hub, "wall", lambda: joined["self"]["expires_at"] / 1000 + 60)
    site.hub.lifecycle._check_expiry(peer)
    await client.ok("ping")


async def test_grants_that_shrink_end_what_they_covered(site: Site) -> None:
    host, joined = await site.joined("h", "host")
    reply = await publish(host, *AV)
    admin = {"Authorization": f"Bearer {site.token('root', 'admin', room='*')}"}
    url = f"/api/v1/rooms/demo/peers/{joined['peer']}/grants"
    response = await site.http.put(url, json={"publish": ["microphone"], "show": True}, headers=admin)
    assert response.status == 200
    assert (await host.event("grants"))["grants"]["publish"] == ["microphone"]
    await host.event("track_unpublished", track=reply["ids"]["camera"])
    assert await host.code("subscribe", tracks="auto") == "forbidden"
    assert list(site.hub.rooms["demo"].state.tracks) == [reply["ids"]["microphone"]]


async def test_show_and_removal_need_their_grants(site: Site) -> None:
    host, joined = await site.joined("h", "host")
    viewer, _ = await site.joined("v")
    for kind in ("start_show", "end_show"):
        assert await viewer.code(kind) == "forbidden"
        assert await host.ok(kind)
    assert await viewer.code("remove_peer", peer=joined["peer"]) == "forbidden"
    boss, _ = await site.joined("s", "supervisor")
    assert await boss.code("remove_peer", peer="nobody") == "peer_not_found"
    await boss.ok("remove_peer", peer=joined["peer"], reason="rude")
    assert (await host.event("bye"))["code"] == "peer_removed"
    assert (await viewer.event("peer_left"))["reason"] == "rude"


async def test_end_of_show_closes_publishers(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    reply = await publish(host, *AV)
    await host.ok("start_show")
    await host.ok("end_show")
    closed = await host.event("transport_state", state="closed")
    assert (closed["transport"], closed["reason"]) == (reply["transport"], "show_ended")
    worker = await settle(site)
    assert api.CloseTransport(reply["transport"]) in worker.asked(api.CloseTransport)


async def stand_alone(site: Site, kind: Any, identity: str, role: Any) -> Any:
    return await site.hub.join(site.hub.authenticate(site.token(identity, role), "demo"), kind=kind)


async def test_whip_is_on_air_at_once(site: Site) -> None:
    viewer, _ = await site.joined("v")
    peer = await stand_alone(site, "whip", "obs", "host")
    result = await site.hub.publish(peer, offer("audio", "video"))
    assert [source for _, _, source, _ in result.tracks] == ["microphone", "camera"]
    await viewer.event("room_state", state="live")
    report = site.hub.lifecycle.on_event
    worker = site.pool.all[0]
    report(worker, api.TransportStateChanged(result.transport, "stalled"))
    await viewer.event("room_state", state="away")
    report(worker, api.TransportStateChanged(result.transport, "connected"))
    await viewer.event("room_state", state="live")
    report(worker, api.TransportStateChanged(result.transport, "failed", "consent"))
    assert (await viewer.event("peer_left"))["reason"] == "consent"
    assert peer.gone
    with pytest.raises(ApiError, match="session_not_found"):
        await site.hub.publish(peer, offer("audio"))


async def test_whep_plays_what_is_live_and_ends_with_it(site: Site) -> None:
    peer = await stand_alone(site, "whep", "tv", "viewer")
    with pytest.raises(ApiError, match="not_live"):
        await site.hub.whep(peer, offer("audio", "video", direction="recvonly"))
    host, _ = await site.joined("h", "host")
    await publish(host, *AV)
    result = await site.hub.whep(peer, offer("audio", "video", direction="recvonly"))
    assert len(result.tracks) == 2
    opened = site.pool.all[0].asked(api.OpenTransport)[-1]
    assert opened.dtls is not None and len(opened.consumers) == 2
    await host.ok("leave")
    await settle(site)
    assert peer.gone
    assert api.CloseTransport(result.transport) in site.pool.all[0].asked(api.CloseTransport)


async def test_whip_ends_with_the_show_and_with_its_worker(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    first = await stand_alone(site, "whip", "obs", "host")
    await site.hub.publish(first, offer("audio"))
    await host.ok("end_show")
    assert first.gone
    second = await stand_alone(site, "whip", "obs", "host")
    await site.hub.publish(second, offer("audio"))
    site.lose(site.pool.all[0])
    assert second.gone

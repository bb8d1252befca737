"""Media through the hub, on fake Workers: publishing, subscribing, rights, and what happens when a Worker goes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from media import api
from signaling.errors import ApiError
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import Client, FakeWorker, answer, config, offer, tracks
from tests.signaling.test_uplink import stats

AV = ("microphone", "camera")


async def publish(client: Client, *sources: str, **fields: Any) -> dict[str, Any]:
    """Publish these sources; the reply with ``ids`` by source."""
    kinds = ["audio" if source in ("microphone", "screen_audio") else "video" for source in sources]
    reply = await client.ok("publish", sdp=offer(*kinds), tracks=tracks(*sources), **fields)
    reply["ids"] = {entry["source"]: entry["id"] for entry in reply["tracks"]}
    return reply


async def accept(client: Client, given: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Answer an offer."""
    return await client.ok(
        "answer", transport=given["transport"], version=given["version"], sdp=answer(given["sdp"], **options)
    )


async def settle(site: Site) -> FakeWorker:
    """Let background calls finish; the Worker in use."""
    for _ in range(20):
        await asyncio.sleep(0)
    return site.pool.all[0]


# --- publishing --------------------------------------------------------------------------------------------------


async def test_publish(site: Site) -> None:
    watcher, _ = await site.joined("w")
    host, joined = await site.joined("h", "host")
    reply = await publish(host, *AV)
    assert "a=setup:active" in reply["sdp"] and "a=ice-lite" in reply["sdp"]
    assert reply["rejected"] == []
    worker = site.pool.all[0]
    assert [type(call) for call in worker.calls[:2]] == [api.OpenRouter, api.OpenTransport]
    opened = worker.asked(api.OpenTransport)[0]
    assert opened.transport.id == reply["transport"]
    assert opened.transport.certificate == worker.info.fingerprint
    assert [producer.source for producer in opened.producers] == list(AV)
    track = (await watcher.event("track_published"))["track"]
    assert track == {
        "id": reply["ids"]["microphone"],
        "peer": joined["peer"],
        "kind": "audio",
        "source": "microphone",
        "muted": False,
        "codec": "opus",
        "flowing": False,
    }


@pytest.mark.parametrize(
    ("grants", "sources", "accepted", "refused"),
    [
        ({"publish": ["camera", "microphone"]}, AV, 2, []),
        ({"publish": ["microphone"]}, AV, 1, ["1"]),
        ({"publish": ["camera"]}, ("microphone", "screen"), 0, ["forbidden"]),
        ({"subscribe": True}, AV, 0, ["forbidden"]),
        ({"manage": True}, AV, 0, ["forbidden"]),
    ],
)
async def test_only_granted_sources_are_taken(
    site: Site, grants: dict[str, Any], sources: tuple[str, ...], accepted: int, refused: list[str]
) -> None:
    client = await site.client()
    await client.join(site.limited("a", **grants))
    kinds = ["audio" if source == "microphone" else "video" for source in sources]
    reply = await client.ask("publish", sdp=offer(*kinds), tracks=tracks(*sources))
    if accepted:
        assert len(reply["tracks"]) == accepted
        assert [entry["mid"] for entry in reply["rejected"]] == refused
        assert all(entry["code"] == "forbidden" and entry["message"] for entry in reply["rejected"])
    else:
        assert reply["code"] == refused[0]
        assert site.pool.all[0].asked(api.OpenTransport) == []
    assert len(site.hub.rooms["demo"].state.tracks) == accepted


@pytest.mark.parametrize(
    ("sdp", "sources", "code"),
    [
        ("nonsense", ("camera",), "sdp_invalid"),
        (offer("video", codec="H263"), ("camera",), "no_common_codec"),
        (offer("video"), ("microphone",), "bad_message"),
        (offer("audio"), (), "bad_message"),
    ],
)
async def test_offers_that_cannot_be_served(site: Site, sdp: str, sources: tuple[str, ...], code: str) -> None:
    host, _ = await site.joined("h", "host")
    assert await host.code("publish", sdp=sdp, tracks=tracks(*sources)) == code
    assert site.hub.rooms["demo"].state.tracks == {}


async def test_publishing_again_replaces_the_transport(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    first = await publish(host, *AV)
    second = await publish(host, "microphone")
    worker = await settle(site)
    assert [call.transport_id for call in worker.asked(api.CloseTransport)] == [first["transport"]]
    assert list(site.hub.rooms["demo"].state.tracks) == [second["ids"]["microphone"]]
    assert await host.code("publish", sdp=offer("audio"), tracks=[], transport=first["transport"]) == (
        "transport_not_found"
    )


async def test_renegotiation_adds_and_removes(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    first = await publish(host, "microphone")
    second = await publish(host, *AV, transport=first["transport"])
    assert second["ids"]["microphone"] == first["ids"]["microphone"]
    worker = site.pool.all[0]
    assert [entry.source for entry in worker.asked(api.AddProducers)[0].producers] == ["camera"]
    stopped = offer("audio", "video").replace("m=video 9", "m=video 0")
    third = await host.ok("publish", sdp=stopped, tracks=[], transport=first["transport"])
    assert [entry["source"] for entry in third["tracks"]] == ["microphone"]
    await host.event("track_unpublished", track=second["ids"]["camera"])
    await settle(site)
    assert [call.producer_id for call in worker.asked(api.CloseProducer)] == [second["ids"]["camera"]]


async def test_unpublish_and_publish_again_on_the_same_m_line(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    first = await publish(host, *AV)
    await host.ok("unpublish", track=first["ids"]["camera"])
    assert await host.code("unpublish", track=first["ids"]["camera"]) == "track_not_found"
    await settle(site)
    again = await publish(host, *AV, transport=first["transport"])
    assert set(again["ids"]) == set(AV)
    assert [entry.source for entry in site.pool.all[0].asked(api.AddProducers)[0].producers] == ["camera"]
    assert len(site.hub.rooms["demo"].state.tracks) == 2


async def test_mute_is_done_by_the_worker(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    other, _ = await site.joined("o", "agent")
    listed = [{"mid": "0", "source": "microphone", "muted": True}]
    reply = await host.ok("publish", sdp=offer("audio"), tracks=listed)
    track = reply["tracks"][0]["id"]
    worker = site.pool.all[0]
    assert worker.asked(api.OpenTransport)[0].producers[0].paused
    assert (await other.event("track_published"))["track"]["muted"] is True
    await host.ok("mute", track=track, muted=False)
    assert worker.asked(api.PauseProducer) == [api.PauseProducer(track, False)]
    assert (await other.event("track_updated"))["track"]["muted"] is False
    assert await other.code("mute", track=track, muted=True) == "track_not_found"
    assert await other.code("unpublish", track=track) == "track_not_found"


async def test_ice_restart_of_a_publisher(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    first = await publish(host, "microphone")
    fields = {"transport": first["transport"], "sdp": offer("audio", ufrag="efgh")}
    reply = await host.ok("restart_ice", **fields)
    restart = site.pool.all[0].asked(api.RestartIce)[0]
    assert f"a=ice-ufrag:{restart.ice.ufrag}" in reply["sdp"]
    assert restart.ice.ufrag not in first["sdp"]
    assert await host.code("restart_ice", **fields) == "sdp_invalid", "nothing new in it"
    assert await host.code("restart_ice", transport=first["transport"]) == "bad_message"
    assert await host.code("restart_ice", transport="x") == "transport_not_found"


async def test_limits(make_site: MakeSite) -> None:
    site = await make_site(config(rooms__max_tracks=1, rooms__max_publishers=1))
    host, _ = await site.joined("h", "host")
    assert await host.code("publish", sdp=offer("audio", "video"), tracks=tracks(*AV)) == "track_limit"
    await publish(host, "camera")
    agent, _ = await site.joined("a", "agent")
    assert await agent.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "room_full"


async def test_a_worker_that_refuses_leaves_nothing_behind(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    site.pool.all[0].refuses("open_transport", "certificate_unknown")
    assert await host.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "internal"
    site.pool.all[0].refuse.clear()
    assert site.hub.rooms["demo"].state.tracks == {}
    await publish(host, "microphone")


# --- subscribing -------------------------------------------------------------------------------------------------


async def test_the_offer_comes_with_the_join_reply(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    published = await publish(host, *AV)
    viewer, joined = await site.joined("v")
    given = joined["offer"]
    worker = site.pool.all[0]
    opened = worker.asked(api.OpenTransport)[1]
    assert opened.transport.id == given["transport"]
    assert opened.prepare == (published["ids"]["camera"],)
    assert {entry["track"] for entry in given["tracks"]} == set(published["ids"].values())
    assert (await accept(viewer, given))["rejected"] == []
    connected = worker.asked(api.ConnectTransport)[0]
    assert {entry.producer_id for entry in connected.consumers} == set(published["ids"].values())
    reply = await viewer.ask("answer", transport=given["transport"], version=given["version"], sdp="v=0")
    assert reply["code"] == "stale_answer"
    assert await viewer.code("answer", transport="x", version=1, sdp="v=0") == "transport_not_found"


async def test_one_offer_at_a_time(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    viewer, joined = await site.joined("v")
    assert "offer" not in joined
    first = await publish(host, "microphone")
    given = await viewer.event("offer")
    await publish(host, *AV, transport=first["transport"])
    await viewer.event("track_published")
    await settle(site)
    assert len(viewer.heard("offer")) == 1, "the second waits for the answer to the first"
    await accept(viewer, given)
    second = await viewer.event("offer")
    assert second["version"] == given["version"] + 1
    assert len(second["tracks"]) == 2
    await accept(viewer, second)
    assert [len(call.consumers) for call in site.pool.all[0].asked(api.ConnectTransport)] == [1, 1]


async def test_publishers_do_not_receive_themselves(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    agent, _ = await site.joined("a", "agent")
    await publish(host, "microphone")
    await agent.event("offer")
    await publish(agent, "camera")
    given = await host.event("offer")
    assert len(given["tracks"]) == 1


async def test_a_track_that_cannot_be_decoded(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    published = await publish(host, *AV)
    viewer, joined = await site.joined("v", codecs=["audio/opus", "video/H264"], locale="en")
    assert len(joined["offer"]["tracks"]) == 1
    missing = await viewer.event("track_unavailable")
    assert (missing["track"], missing["code"]) == (published["ids"]["camera"], "codec_unsupported")
    assert missing["seq"] == joined["seq"] + 1
    other, joined = await site.joined("o", locale="en")
    reply = await accept(other, joined["offer"], refuse="video")
    assert [(entry["track"], entry["code"]) for entry in reply["rejected"]] == [
        (published["ids"]["camera"], "codec_unsupported")
    ]
    await settle(site)
    assert other.heard("offer") == [], "what was refused is not offered again"


async def test_chosen_tracks(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    published = await publish(host, *AV)
    viewer, joined = await site.joined("v", subscribe="none")
    assert "offer" not in joined
    assert await viewer.code("subscribe", tracks=["nope"]) == "track_not_found"
    reply = await viewer.ok("subscribe", tracks=[published["ids"]["camera"]])
    given = await viewer.event("offer", transport=reply["transport"])
    assert [entry["track"] for entry in given["tracks"]] == [published["ids"]["camera"]]
    await accept(viewer, given)
    worker = site.pool.all[0]
    consumer = worker.asked(api.ConnectTransport)[0].consumers[0].id
    await viewer.ok("keyframe", track=published["ids"]["camera"])
    assert worker.asked(api.PauseConsumer) == [api.PauseConsumer(consumer, True), api.PauseConsumer(consumer, False)]
    assert await viewer.code("keyframe", track=published["ids"]["microphone"]) == "track_not_found"
    await viewer.ok("unsubscribe", tracks=[published["ids"]["camera"]])
    assert worker.asked(api.CloseConsumer) == [api.CloseConsumer(consumer)]
    await accept(viewer, await viewer.event("offer", tracks=[]))
    await viewer.ok("subscribe", tracks="auto")
    assert len((await viewer.event("offer"))["tracks"]) == 2


async def test_a_fresh_transport_when_the_client_asks(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, *AV)
    viewer, joined = await site.joined("v")
    first = joined["offer"]
    # Nothing answered yet: the same offer does, once more.
    assert (await viewer.ok("subscribe", tracks="auto", anew=True))["transport"] == first["transport"]
    again = await viewer.event("offer")
    assert (again["transport"], again["version"]) == (first["transport"], first["version"])
    await accept(viewer, again)
    reply = await viewer.ok("subscribe", tracks="auto", anew=True)
    assert reply["transport"] != first["transport"]
    assert (await viewer.event("offer"))["transport"] == reply["transport"]
    worker = await settle(site)
    assert worker.asked(api.CloseTransport) == [api.CloseTransport(first["transport"])]
    await viewer.ok("subscribe", tracks=["gone"], anew=True)


async def test_ice_restart_of_a_subscriber(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, "microphone")
    viewer, joined = await site.joined("v")
    await accept(viewer, joined["offer"])
    await viewer.ok("restart_ice", transport=joined["offer"]["transport"])
    given = await viewer.event("offer")
    restart = site.pool.all[0].asked(api.RestartIce)[0]
    assert f"a=ice-ufrag:{restart.ice.ufrag}" in given["sdp"]
    await accept(viewer, given)


async def test_ended_tracks_leave_the_offer(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, *AV)
    viewer, joined = await site.joined("v")
    await accept(viewer, joined["offer"])
    await host.ok("leave")
    assert (await viewer.event("peer_left"))["reason"] == "left"
    assert (await viewer.event("offer"))["tracks"] == []


async def test_resume_repeats_the_unanswered_offer(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, "microphone")
    viewer, joined = await site.joined("v")
    await viewer.cut()
    async with asyncio.timeout(5):
        while site.hub.peers[joined["peer"]].connected:
            await asyncio.sleep(0.005)
    again = await site.client()
    resume = {"peer": joined["peer"], "key": joined["resume_key"], "seq": 0}
    await again.join(site.token("v"), resume=resume)
    given = await again.event("offer", version=joined["offer"]["version"])
    await accept(again, given)
    assert site.pool.all[0].asked(api.CloseTransport) == [], "media was never touched"


# --- rights that change ------------------------------------------------------------------------------------------


async def test_revoked_while_connected(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, "camera")
    admin = {"Authorization": f"Bearer {site.token('root', 'admin', room='*')}"}
    response = await site.http.post("/api/v1/tokens/revoke", json={"identity": "h"}, headers=admin)
    assert await response.json() == {"removed": 1}
    assert (await host.event("bye"))["code"] == "token_revoked"
    assert await host.closed() == 1008
    worker = await settle(site)
    assert len(worker.asked(api.CloseTransport)) == 1
    client = await site.client()
    assert await client.code("join", v=1, token=site.token("h", "host")) == "token_revoked"


async def test_expired_while_connected(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client, joined = await site.joined("a")
    peer = site.hub.peers[joined["peer"]]
    later = peer.claims.expires_at + 6.0
    monkeypatch.setattr(site.hub, "wall", lambda: later)
    site.hub._check_expiry(peer)
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
    site.hub._check_expiry(peer)
    await client.ok("ping")


async def test_grants_that_shrink_end_what_they_covered(site: Site) -> None:
    host, joined = await site.joined("h", "agent")
    reply = await publish(host, *AV)
    admin = {"Authorization": f"Bearer {site.token('root', 'admin', room='*')}"}
    url = f"/api/v1/rooms/demo/peers/{joined['peer']}/grants"
    response = await site.http.put(url, json={"publish": ["microphone"]}, headers=admin)
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


# --- what Workers report -----------------------------------------------------------------------------------------


async def test_reports_become_events(site: Site) -> None:
    host, joined = await site.joined("h", "host")
    viewer, _ = await site.joined("v")
    reply = await publish(host, *AV)
    worker = site.pool.all[0]
    report = site.hub.lifecycle.on_event
    router = site.hub.rooms["demo"].placement
    assert router is not None
    report(worker, api.ProducerFlowChanged(reply["ids"]["camera"], True))
    assert (await viewer.event("track_updated"))["track"]["flowing"] is True
    report(worker, api.SpeakersChanged(router.router_id, (reply["ids"]["microphone"],)))
    assert (await viewer.event("speakers"))["peers"] == [joined["peer"]]
    report(worker, api.TransportStateChanged(reply["transport"], "connected"))
    assert (await host.event("transport_state"))["state"] == "connected"
    report(worker, api.TransportStateChanged(reply["transport"], "failed", "consent"))
    assert (await host.event("transport_state"))["reason"] == "consent"
    assert await viewer.event("track_unpublished", track=reply["ids"]["camera"])
    for late in (
        api.ProducerFlowChanged(reply["ids"]["camera"], False),
        api.SpeakersChanged("r-old", (reply["ids"]["microphone"],)),
        api.TransportStateChanged(reply["transport"], "closed"),
        api.RouterFailed("r-old", "x"),
        api.CertificateChanged("AA"),
    ):
        report(worker, late)
    assert len(host.heard("transport_state")) == 2


async def test_a_lost_worker_moves_the_room(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    viewer, joined = await site.joined("v")
    first = await publish(host, *AV)
    await accept(viewer, await viewer.event("offer"))
    site.lose(site.pool.all[0])
    for client in (host, viewer):
        assert (await client.event("transport_lost"))["reason"] == "worker_restarted"
    await viewer.event("track_unpublished")
    second = await publish(host, *AV)
    assert second["transport"] != first["transport"]
    given = await viewer.event("offer")
    await accept(viewer, given)
    moved = site.pool.all[1]
    assert [type(call) for call in moved.calls[:2]] == [api.OpenRouter, api.OpenTransport]
    assert len(moved.asked(api.ConnectTransport)) == 1
    assert site.hub.peers[joined["peer"]].connected


async def test_only_the_rooms_of_the_lost_worker_hear_of_it(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    await publish(host, "microphone")
    site.lose(site.pool.all[1])
    await host.ok("ping")
    assert host.heard("transport_lost") == []


async def test_no_worker_at_all(site: Site) -> None:
    for worker in site.pool.all:
        site.lose(worker)
    host, _ = await site.joined("h", "host")
    reply = await host.ask("publish", sdp=offer("audio"), tracks=tracks("microphone"))
    assert (reply["code"], reply["retry_after_s"]) == ("worker_unavailable", 1.0)


async def test_a_worker_lost_in_the_middle_of_a_publish(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _ = await site.joined("h", "host")
    worker = site.pool.all[0]
    call = worker.call

    async def die(request: Any, timeout_s: float = 5.0) -> Any:
        result = await call(request)
        if isinstance(request, api.OpenTransport):
            site.lose(worker)
        return result

    monkeypatch.setattr(worker, "call", die)
    assert await host.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "worker_unavailable"
    assert site.hub.rooms["demo"].state.tracks == {}
    await publish(host, "microphone")


async def test_a_peer_that_goes_in_the_middle_of_a_publish(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    host, joined = await site.joined("h", "host")
    worker = site.pool.all[0]
    call = worker.call

    async def leave(request: Any, timeout_s: float = 5.0) -> Any:
        result = await call(request)
        if isinstance(request, api.OpenTransport):
            await site.hub.leave(site.hub.peers[joined["peer"]])
        return result

    monkeypatch.setattr(worker, "call", leave)
    await host.socket.send_json({"type": "publish", "id": 99, "sdp": offer("audio"), "tracks": tracks("microphone")})
    assert await host.closed() == 1000
    await settle(site)
    assert len(worker.asked(api.CloseTransport)) == 1
    assert site.hub.rooms["demo"].state.tracks == {}


async def test_a_failed_router_is_one_rooms_trouble(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    other = await site.client()
    await other.join(site.token("o", "host", room="other"))
    await publish(host, "microphone")
    await publish(other, "microphone")
    failed = site.hub.rooms["demo"].placement
    assert failed is not None
    site.hub.lifecycle.on_event(site.pool.all[0], api.RouterFailed(failed.router_id, "bug"))
    assert (await host.event("transport_lost"))["reason"] == "router_failed"
    await publish(host, "microphone")
    assert other.heard("transport_lost") == []


async def test_uplink(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _ = await site.joined("h", "host")
    reply = await publish(host, "camera")
    worker = site.pool.all[0]
    figures = api.TransportStats(
        reply["transport"], "r", "publish", "connected", "udp", "", "", None, 0,
        (stats(id=reply["ids"]["camera"], loss=0.05),),
    )  # fmt: skip
    worker.stats = replace(worker.stats, transports=(figures,))
    await site.hub.lifecycle._tell_uplinks(site.hub.rooms["demo"])
    uplink = await host.event("uplink")
    assert (uplink["quality"], uplink["reason"]) == (2, "loss")
    assert worker.asked(api.GetStats)[0].direction == "publish"


async def test_reports_of_viewers_are_kept(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    reply = await publish(host, "camera")
    viewer, joined = await site.joined("v")
    mine = {"track": reply["ids"]["camera"], "freezes": 2, "fps": 30.0}
    await viewer.ok("report", tracks=[mine, {"track": "other"}])
    assert list(site.hub.peers[joined["peer"]].reports) == [reply["ids"]["camera"]]


# --- stand-alone publishers and players --------------------------------------------------------------------------


async def stand_alone(site: Site, kind: Any, identity: str, role: Any) -> Any:
    return await site.hub.join(site.hub.authenticate(site.token(identity, role), "demo"), kind=kind)


async def test_whip_is_on_air_at_once(site: Site) -> None:
    viewer, _ = await site.joined("v")
    peer = await stand_alone(site, "whip", "obs", "host")
    result = await site.hub.publish(peer, offer("audio", "video"))
    assert [source for _, _, source in result.tracks] == ["microphone", "camera"]
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

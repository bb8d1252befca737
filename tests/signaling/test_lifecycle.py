"""What Workers report, and what happens when one goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from media import api
from tests.signaling.conftest import Site
from tests.signaling.fakes import offer, tracks
from tests.signaling.steps import AV, accept, publish, settle
from tests.signaling.test_uplink import stats


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

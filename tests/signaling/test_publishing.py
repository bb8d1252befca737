"""Publishing through the hub, on fake Workers."""

from __future__ import annotations

from typing import Any

import pytest

from media import api
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import config, offer, tracks
from tests.signaling.steps import AV, publish, settle


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
        ({"publish": ["camera", "microphone"], "show": True}, AV, 2, []),
        ({"publish": ["microphone"], "show": True}, AV, 1, ["1"]),
        ({"publish": ["camera"], "show": True}, ("microphone", "screen"), 0, ["forbidden"]),
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
    whisperer, _ = await site.joined("s", "supervisor")
    assert await whisperer.code("publish", sdp=offer("audio"), tracks=tracks("whisper")) == "room_full"


async def test_a_worker_that_refuses_leaves_nothing_behind(site: Site) -> None:
    host, _ = await site.joined("h", "host")
    site.pool.all[0].refuses("open_transport", "certificate_unknown")
    assert await host.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "internal"
    site.pool.all[0].refuse.clear()
    assert site.hub.rooms["demo"].state.tracks == {}
    await publish(host, "microphone")

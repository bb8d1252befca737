"""Subscribing through the hub, on fake Workers."""

from __future__ import annotations

import asyncio

from media import api
from tests.signaling.conftest import Site
from tests.signaling.steps import AV, accept, publish, settle


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
    other, _ = await site.joined("a", "host")
    await publish(host, "microphone")
    await other.event("offer")
    await publish(other, "camera")
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
    assert worker.asked(api.RequestKeyframe) == [api.RequestKeyframe(consumer)]
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

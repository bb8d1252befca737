"""A Worker's Engine in virtual time: who lives how long, who hears of it, and what one Room's fault does to others."""

from __future__ import annotations

from typing import Any

import pytest

from media import api, rtcp
from media.rpc import RpcError
from tests.media.engine_stage import EngineStage, Peer
from tests.media.rig import DELTA, KEYFRAME, OPUS, VIDEO_SSRC, VP8, packet

FORGED_ALERT = b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28"


def video(name: str = "v", ssrc: int = VIDEO_SSRC, **more: Any) -> api.ProducerParams:
    return api.ProducerParams(name, "video", "camera", name, (VP8,), encodings=(api.Encoding(None, ssrc),), **more)


def watch(name: str = "v", consumer_id: str = "c", ssrc: int = 0xAAAA) -> api.ConsumerParams:
    return api.ConsumerParams(consumer_id, name, "video", "0", ssrc, ssrc + 1, (VP8,))


async def call() -> tuple[EngineStage, Peer, Peer]:
    """A publisher and a viewer, with media flowing."""
    stage = EngineStage()
    publisher = await stage.connected("pub", "publish", producers=(video(),))
    viewer = await stage.connected("sub", "subscribe", consumers=(watch(),))
    publisher.send(packet(1, KEYFRAME))
    assert len(viewer.rtp) == 1
    return stage, publisher, viewer


# --- consent and goodbyes --------------------------------------------------------------------------------------------


async def test_checks_keep_a_path_alive_and_silence_stalls_it_before_it_ends() -> None:
    stage, publisher, viewer = await call()
    stage.wait(60, publisher, viewer)
    assert (stage.state("pub"), stage.state("sub")) == ("connected", "connected")
    before = len(stage.changes("sub"))
    stage.wait(8.2, publisher)
    assert stage.changes("sub")[before:] == [api.TransportStateChanged("sub", "stalled", "no_checks")]
    viewer.check()
    assert stage.state("sub") == "connected"
    stage.wait(31, publisher)
    assert [event.state for event in stage.changes("sub")[before:]] == ["stalled", "connected", "stalled", "failed"]
    assert stage.changes("sub")[-1].reason == "consent_expired"
    assert stage.state("pub") == "connected"


async def test_only_checks_are_consent() -> None:
    """RFC 7675 section 5.1: whoever only sends reports may have been forged into a target."""
    stage, publisher, viewer = await call()
    for _ in range(31):
        stage.wait(1, publisher)
        viewer.send_rtcp(rtcp.ReceiverReport(1))
    assert stage.changes("sub")[-1].reason == "consent_expired"
    count = len(viewer.rtcp)
    stage.wait(2, publisher)
    publisher.send(packet(2, DELTA))
    # Nothing more is sent to it, not even a goodbye; what it sends is a stranger's.
    assert not [p for p in viewer.rtcp if isinstance(p, rtcp.Bye)]
    assert (len(viewer.rtp), len(viewer.rtcp)) == (1, count)
    viewer.forge(b"\x80" + bytes(20))
    # The last report and this.
    assert stage.drops["unknown_source"] == 2
    viewer.check()
    assert stage.drops["stun_unknown"] == 1


async def test_a_peer_that_never_comes_is_given_up() -> None:
    stage = EngineStage()
    absent = stage.open("absent", "subscribe")
    stage.wait(21.1)
    assert stage.changes("absent") == [api.TransportStateChanged("absent", "failed", "connect_timeout")]
    absent.check()
    assert stage.drops["stun_unknown"] == 1


async def test_a_publishers_goodbye_is_believed_because_it_is_signed() -> None:
    stage, publisher, viewer = await call()
    publisher.forge(FORGED_ALERT)
    stage.wait(1, publisher, viewer)
    assert stage.state("pub") == "connected"
    publisher.say_goodbye()
    assert stage.changes("pub")[-1] == api.TransportStateChanged("pub", "closed", "peer_closed")
    stage.wait(0.1, viewer)
    assert stage.engine.stats(None).transports[0].id == "sub"
    assert not stage.engine.stats(None).transports[0].consumers


async def test_a_forged_goodbye_is_not_believed_of_a_viewer_that_goes_on() -> None:
    stage, publisher, viewer = await call()
    # By now its TLS state is gone and nobody can tell.
    stage.wait(7, publisher, viewer)
    for _ in range(20):
        viewer.forge(FORGED_ALERT)
        # The longest time between two checks (RFC 7675 section 5.1: 5 s, randomised by a fifth).
        stage.wait(6.05, publisher, viewer, every=6)
    assert stage.state("sub") == "connected"
    assert stage.drops["dtls_refused"] == 20


async def test_a_true_goodbye_of_a_viewer_is_believed_when_silence_follows() -> None:
    stage, publisher, viewer = await call()
    stage.wait(7, publisher, viewer)
    viewer.say_goodbye()
    stage.wait(8.5, publisher)
    assert stage.changes("sub")[-1] == api.TransportStateChanged("sub", "closed", "peer_closed")
    assert stage.state("pub") == "connected"


@pytest.mark.parametrize("how", ["transport", "router"])
@pytest.mark.parametrize("settled", [False, True])
async def test_a_viewer_is_told_when_its_transport_is_closed(how: str, settled: bool) -> None:
    stage, publisher, viewer = await call()
    if settled:
        stage.wait(7, publisher, viewer)
    request: api.Request[Any] = api.CloseTransport("sub") if how == "transport" else api.CloseRouter("r")
    link = viewer.link
    stage.engine.handle(request)
    assert [p.ssrcs for p in viewer.rtcp if isinstance(p, rtcp.Bye)] == [(0xAAAA,)]
    assert link.closed
    # Whoever closes knows; nothing is reported.
    assert stage.state("sub") == "connected"
    assert "sub" not in {transport.id for transport in stage.engine.stats(None).transports}


# --- paths -----------------------------------------------------------------------------------------------------------


async def test_an_ice_restart_moves_the_call_and_retires_the_old_credentials() -> None:
    stage, publisher, viewer = await call()
    fresh = api.IceParams("newufrag", "a password of twenty-two or more")
    stage.engine.handle(api.RestartIce("sub", fresh))
    publisher.send(packet(2, DELTA))
    viewer.check()
    old_ice, viewer.ice = viewer.ice, fresh
    old = viewer.move()
    viewer.check()
    assert old.closed
    assert stage.transport("sub").path is viewer.link
    publisher.send(packet(3, DELTA))
    assert len(viewer.rtp) == 3
    stage.wait(2, publisher, viewer)
    viewer.ice = old_ice
    viewer.check()
    assert stage.drops["stun_unknown"] == 1
    assert [event.state for event in stage.changes("sub")] == ["checking", "connected"]


async def test_a_lost_connection_stalls_until_another_comes() -> None:
    stage, publisher, viewer = await call()
    stage.engine.demux.gone(viewer.move())
    assert stage.changes("sub")[-1] == api.TransportStateChanged("sub", "stalled", "connection_lost")
    publisher.send(packet(2, DELTA))
    assert len(viewer.rtp) == 1
    viewer.check(nominate=False)
    assert stage.state("sub") == "connected"
    publisher.send(packet(3, DELTA))
    assert len(viewer.rtp) == 2


async def test_an_address_that_two_transports_share_is_given_up_by_neither_for_the_other() -> None:
    stage, publisher, viewer = await call()
    other = stage.open("other", "subscribe")
    other.link = viewer.link
    other.check()
    stage.engine.handle(api.CloseTransport("other"))
    assert viewer.answers
    stage.wait(3, publisher, viewer)
    publisher.send(packet(2, DELTA))
    assert stage.state("pub") == "connected"


# --- what does not fit one datagram ----------------------------------------------------------------------------------


async def test_reports_of_many_tracks_are_spread_over_datagrams() -> None:
    stage = EngineStage()
    names = [f"v{index}" for index in range(20)]
    publishers: list[Peer] = []
    for part in (names[:10], names[10:]):
        producers = tuple(video(name, 0x5000 + int(name[1:])) for name in part)
        publishers.append(await stage.connected(f"pub{len(publishers)}", "publish", producers=producers))
    consumers = tuple(
        watch(name, f"{name}-{copy}", 0x9000 + 64 * copy + index)
        for index, name in enumerate(names)
        for copy in range(5)
    )
    viewer = await stage.connected("sub", "subscribe", consumers=consumers)
    for index in range(20):
        publisher = publishers[index // 10]
        publisher.send_rtcp(rtcp.SenderReport(0x5000 + index, 7 << 32, 90, 1, 1))
        publisher.send(packet(1, KEYFRAME, ssrc=0x5000 + index))
    viewer.rtcp.clear()
    stage.wait(1.5, *publishers, viewer)
    reported = [p.ssrc for p in viewer.rtcp if isinstance(p, rtcp.SenderReport)]
    assert sorted(set(reported)) == sorted(consumer.ssrc for consumer in consumers)
    named = {ssrc for p in viewer.rtcp if isinstance(p, rtcp.Sdes) for ssrc, _ in p.chunks}
    assert named == set(reported)
    assert max(viewer.rtcp_sizes) < 1280
    assert not [event for event in stage.events if isinstance(event, api.RouterFailed)]


async def test_losses_on_many_streams_are_asked_for_in_several_datagrams() -> None:
    stage = EngineStage()
    producers = tuple(video(f"v{index}", 0x5000 + index) for index in range(10))
    publisher = await stage.connected("pub", "publish", producers=producers)
    for index in range(10):
        # One in twenty arrives: no two holes share an entry of the NACK, as far as they fit.
        for sequence in range(0, 200, 20):
            publisher.send(packet(1000 + sequence, DELTA, ssrc=0x5000 + index))
    stage.wait(0.5, publisher)
    assert {p.media_ssrc for p in publisher.rtcp if isinstance(p, rtcp.Nack)} == {0x5000 + index for index in range(10)}
    assert max(publisher.rtcp_sizes) < 1280
    assert not [event for event in stage.events if isinstance(event, api.RouterFailed)]


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["transport", "producer"])
async def test_a_fault_in_one_room_ends_that_room_only(where: str, caplog: pytest.LogCaptureFixture) -> None:
    stage, publisher, viewer = await call()
    stage.engine.handle(api.OpenRouter("other"))
    broken = await stage.connected("broken", "publish", router="other", producers=(video("w"),))
    target: Any = stage.transport("broken")
    if where == "producer":
        target = target.publisher.producers["w"]

    def fail(now: float) -> None:
        raise AssertionError("an invariant broke")

    target.tick = fail
    stage.wait(1, publisher, viewer, broken)
    failures = [event for event in stage.events if isinstance(event, api.RouterFailed)]
    assert [event.router_id for event in failures] == ["other"]
    assert "an invariant broke" in caplog.text
    publisher.send(packet(2, DELTA))
    assert len(viewer.rtp) == 2
    assert {transport.id for transport in stage.engine.stats(None).transports} == {"pub", "sub"}
    # The Room can be opened again.
    stage.engine.handle(api.OpenRouter("other"))
    await stage.connected("again", "publish", router="other", producers=(video("w"),))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (api.ConnectTransport("nobody", api.DtlsParams("client", ())), "transport_not_found"),
        (api.RestartIce("nobody", api.IceParams("u" * 8, "p" * 24)), "transport_not_found"),
        (api.AddProducers("nobody", ()), "transport_not_found"),
        (api.AddConsumers("nobody", ()), "transport_not_found"),
        (api.PauseProducer("nobody", True), "producer_not_found"),
        (api.PauseConsumer("nobody", True), "consumer_not_found"),
        (api.RequestKeyframe("nobody"), "consumer_not_found"),
    ],
)
async def test_what_is_not_there_is_named(request_: api.Request[Any], code: str) -> None:
    with pytest.raises(RpcError) as refused:
        EngineStage().engine.handle(request_)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "request_",
    [
        api.CloseRouter("x"),
        api.CloseTransport("x"),
        api.CloseProducer("x"),
        api.CloseConsumer("x"),
        api.OpenRouter("r"),
    ],
)
async def test_closing_what_is_gone_is_no_error(request_: api.Request[Any]) -> None:
    EngineStage().engine.handle(request_)


async def test_transports_that_cannot_be_opened() -> None:
    stage = EngineStage()
    stage.open("one", "publish")
    with pytest.raises(RpcError) as twice:
        stage.open("one", "publish")
    assert twice.value.code == "transport_exists"
    with pytest.raises(RpcError) as homeless:
        stage.open("two", "publish", router="nowhere")
    assert homeless.value.code == "router_not_found"


async def test_the_certificate_before_the_current_one_still_serves() -> None:
    stage = EngineStage()
    first = stage.fingerprint
    second = stage.engine.rotate_certificate()
    assert stage.events[-1] == api.CertificateChanged(second)
    await stage.connected("old", "publish")
    stage.engine.rotate_certificate()
    with pytest.raises(RpcError) as refused:
        stage.open("older", "publish")
    assert refused.value.code == "certificate_unknown"
    stage.fingerprint = api.Fingerprint(first.algorithm, second)
    await stage.connected("newer", "publish")


# --- the rest of the requests ----------------------------------------------------------------------------------------


async def test_consumers_of_a_producer_that_is_gone_are_passed_over() -> None:
    stage, publisher, viewer = await call()
    stage.engine.handle(api.CloseProducer("v"))
    stage.engine.handle(api.AddConsumers("sub", (watch(consumer_id="late"),)))
    publisher.send(packet(2, KEYFRAME))
    assert len(viewer.rtp) == 1
    with pytest.raises(RpcError):
        stage.engine.handle(api.PauseConsumer("late", True))


async def test_tracks_come_and_go_while_the_call_goes_on() -> None:
    stage, publisher, viewer = await call()
    audio = api.ProducerParams("a", "audio", "microphone", "1", (OPUS,), encodings=(api.Encoding(None, 0x2222),))
    stage.engine.handle(api.AddProducers("pub", (audio, video())))
    sound = api.ConsumerParams("s", "a", "audio", "1", 0xBBBB, None, (OPUS,))
    stage.engine.handle(api.AddConsumers("sub", (sound, watch())))
    publisher.send(packet(1, b"sound", ssrc=0x2222, payload_type=111))
    publisher.send(packet(2, DELTA))
    assert len(viewer.rtp) == 3
    stage.engine.handle(api.CloseConsumer("s"))
    publisher.send(packet(2, b"sound", ssrc=0x2222, payload_type=111))
    publisher.send(packet(3, DELTA))
    assert len(viewer.rtp) == 4
    stats = stage.engine.stats(None)
    # What a closed copy sent is not forgotten.
    assert stats.packets_out == 4
    assert [transport.id for transport in stage.engine.stats(None, "publish").transports] == ["pub"]
    assert not stage.engine.stats("elsewhere").transports
    assert stats.routers == 1
    assert stats.rss_bytes > 0


async def test_a_viewer_that_begins_to_connect_has_a_keyframe_made() -> None:
    stage, publisher, viewer = await call()
    stage.wait(5, publisher, viewer)
    publisher.rtcp.clear()
    stage.open("late", "subscribe", prepare=("v", "nothing")).check()
    assert [p.media_ssrc for p in publisher.rtcp if isinstance(p, rtcp.Pli)] == [VIDEO_SSRC]

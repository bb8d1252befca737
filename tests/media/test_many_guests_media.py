"""Guests come on air and leave it, many times on the same Transports: the Worker keeps nothing, and media goes on."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from pylibsrtp import Error

from media import api, rtcp
from media import header_extensions as hx
from media.publisher import MAX_RETIRED
from media.rtp_wire import build_extensions
from media.srtp import SrtpContext
from tests.media.engine_stage import EngineStage, Peer
from tests.media.rig import AUDIO_SSRC, DELTA, KEYFRAME, OPUS, VIDEO_SSRC, VP8, packet, running_rig, send, until

CYCLES = 50
VIEWERS = 3
IDS = {hx.MID: 1, hx.AUDIO_LEVEL: 4, hx.TRANSPORT_CC: 5}
HOST_VIDEO = api.ProducerParams("v", "video", "camera", "0", (VP8,), IDS, (api.Encoding(None, VIDEO_SSRC),))
HOST_AUDIO = api.ProducerParams("a", "audio", "microphone", "1", (OPUS,), IDS, (api.Encoding(None, AUDIO_SSRC),))


def consumer(producer: api.ProducerParams, viewer: int, ssrc: int) -> api.ConsumerParams:
    codec = VP8 if producer.kind == "video" else OPUS
    rtx = ssrc + 1 if producer.kind == "video" else None
    return api.ConsumerParams(f"c{viewer}-{producer.id}", producer.id, producer.kind, producer.mid, ssrc, rtx, (codec,))


def sizes(root: object) -> Counter[str]:
    """How much every container of the Worker's own objects holds, by class and attribute."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    todo: list[tuple[str, object]] = [("engine", root)]
    while todo:
        name, value = todo.pop()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type | None):
            continue
        seen.add(id(value))
        if isinstance(value, dict | set | list | tuple):
            found[name] += len(value)
            items: Iterable[object] = [*value, *value.values()] if isinstance(value, dict) else value
            todo += [(name, item) for item in items]
        elif type(value).__module__.startswith("media."):
            slots = itertools.chain.from_iterable(getattr(base, "__slots__", ()) for base in type(value).__mro__)
            names = {*getattr(value, "__dict__", ()), *slots}
            todo += [(f"{type(value).__name__}.{one}", getattr(value, one, None)) for one in names if one[:2] != "__"]
    return found


def holds(context: SrtpContext, ssrc: int) -> bool:
    """Whether libsrtp keeps a stream for this SSRC; it is gone afterwards."""
    try:
        context._session.remove_stream(ssrc)
    except Error:
        return False
    return True


class Show:
    """A publisher and viewers on one Worker in virtual time, and guests who come and go on the same Transports."""

    def __init__(self) -> None:
        self.stage = EngineStage()
        self.inbound: list[int] = []
        self.outbound: list[int] = []
        self._count = 0
        self._sequence = 0

    async def begin(self) -> None:
        self.publisher = await self.stage.connected("pub", "publish", producers=(HOST_VIDEO, HOST_AUDIO))
        self.viewers: list[Peer] = []
        for index in range(VIEWERS):
            consumers = (consumer(HOST_VIDEO, index, 0xA000), consumer(HOST_AUDIO, index, 0xB000))
            self.viewers.append(await self.stage.connected(f"sub{index}", "subscribe", consumers=consumers))
        self.fingerprints = api.DtlsParams("client", ())

    def send(self, ssrc: int, payload: bytes, payload_type: int = 96, mid: str = "", level: int | None = None) -> None:
        self._sequence += 1
        listed = [(IDS[hx.TRANSPORT_CC], (self._sequence & 0xFFFF).to_bytes(2, "big"))]
        listed += [(IDS[hx.MID], mid.encode())] if mid else []
        listed += [(IDS[hx.AUDIO_LEVEL], bytes((0x80 | level,)))] if level is not None else []
        data = packet(
            self._sequence, payload, ssrc=ssrc, payload_type=payload_type, extensions=build_extensions(listed)
        )
        self.publisher.send(data)

    def got(self, ssrc: int) -> list[int]:
        """How many packets each viewer has of one SSRC."""
        return [sum(data[8:12] == ssrc.to_bytes(4, "big") for data in viewer.rtp) for viewer in self.viewers]

    def guest(self, *, announced: bool, by_consumer: bool) -> None:
        """One guest comes, is seen and heard, with losses in both directions, and leaves; some packets come late."""
        stage, self._count = self.stage, self._count + 1
        base, number = 0x100000 + self._count * 16, self._count
        video_ssrc, rtx_ssrc, audio_ssrc = base, base + 1, base + 2
        self.inbound += [video_ssrc, rtx_ssrc, audio_ssrc]
        encodings = ((api.Encoding(None, video_ssrc, rtx_ssrc),), (api.Encoding(None, audio_ssrc),))
        video = api.ProducerParams(f"v{number}", "video", "screen", "2", (VP8,), IDS, encodings[0] if announced else ())
        audio = api.ProducerParams(
            f"a{number}", "audio", "screen_audio", "3", (OPUS,), IDS, encodings[1] if announced else ()
        )
        stage.engine.handle(api.AddProducers("pub", (video, audio)))
        out = 0x20000000 + self._count * 16
        self.outbound += [out, out + 1, out + 8]
        for index in range(VIEWERS):
            added = (consumer(video, index, out), consumer(audio, index, out + 8))
            stage.engine.handle(api.ConnectTransport(f"sub{index}", self.fingerprints, added))
        self.send(video_ssrc, KEYFRAME, mid="2")
        self.send(audio_ssrc, b"sound", 111, "3", level=20)
        self._sequence += 1
        missing = (self._sequence & 0xFFFF).to_bytes(2, "big")
        self.send(video_ssrc, DELTA)
        stage.wait(0.06)
        self.send(rtx_ssrc, missing + DELTA, 97, "2")
        for viewer in self.viewers:
            viewer.send_rtcp(rtcp.ReceiverReport(1), rtcp.Nack(1, out, (0x2000,)))
        self.publisher.send_rtcp(rtcp.SenderReport(video_ssrc, 1 << 40, 0, 2, 2))
        self.publisher.send_rtcp(rtcp.SenderReport(audio_ssrc, 1 << 40, 0, 2, 2))
        assert self.got(out) == [3] * VIEWERS
        assert self.got(out + 1) == [1] * VIEWERS
        assert self.got(out + 8) == [1] * VIEWERS
        assert stage.transport("pub").publisher.producers[f"v{number}"].clock_at(stage.now)  # type: ignore[union-attr]
        if by_consumer:
            for index, one in itertools.product(range(VIEWERS), (video, audio)):
                stage.engine.handle(api.CloseConsumer(f"c{index}-{one.id}"))
        stage.engine.handle(api.CloseProducer(video.id))
        stage.engine.handle(api.CloseProducer(audio.id))
        self.send(video_ssrc, KEYFRAME, mid="2")
        self.send(rtx_ssrc, b"\0\0" + DELTA, 97)
        self.send(audio_ssrc, b"sound", 111, level=20)
        stage.wait(0.1)
        assert self.got(out) == [3] * VIEWERS
        for peer in (self.publisher, *self.viewers):
            peer.rtp.clear()
            peer.rtcp.clear()
            peer.answers.clear()
            peer.rtcp_sizes.clear()

    def host_is_seen(self) -> None:
        self.send(VIDEO_SSRC, KEYFRAME)
        self.send(AUDIO_SSRC, b"sound", 111)
        assert self.got(0xA000) == [1] * VIEWERS
        assert self.got(0xB000) == [1] * VIEWERS


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("by_consumer", [True, False])
async def test_a_worker_keeps_nothing_of_guests(announced: bool, by_consumer: bool) -> None:
    show = Show()
    await show.begin()
    show.host_is_seen()
    # Until as many have ended as are remembered, and as many seconds have passed as are looked back on.
    for _ in range(2 * MAX_RETIRED // 3):
        show.guest(announced=announced, by_consumer=by_consumer)
    before = sizes(show.stage.engine)
    for _ in range(CYCLES):
        show.guest(announced=announced, by_consumer=by_consumer)
    assert sizes(show.stage.engine) == before
    assert before["PublisherSide._retired"] == MAX_RETIRED
    show.host_is_seen()

    receiving = show.stage.transport("pub")._rx
    assert receiving is not None
    assert [ssrc for ssrc in show.inbound[:-MAX_RETIRED] if holds(receiving, ssrc)] == []
    assert [ssrc for ssrc in show.inbound[-MAX_RETIRED:] if not holds(receiving, ssrc)] == []
    assert holds(receiving, VIDEO_SSRC)
    for index in range(VIEWERS):
        sending = show.stage.transport(f"sub{index}")._tx
        assert sending is not None
        assert [ssrc for ssrc in show.outbound if holds(sending, ssrc)] == []
        assert holds(sending, 0xA000)


async def test_a_sender_that_goes_on_under_its_ssrc_after_a_wrap() -> None:
    """Its packets are at a rollover count that a new SRTP stream would not know (RFC 3711 section 3.3.1)."""
    stage = EngineStage()
    publisher = await stage.connected("pub", "publish", producers=(HOST_VIDEO,))
    viewer = await stage.connected("sub", "subscribe", consumers=(consumer(HOST_VIDEO, 0, 0xA000),))
    for sequence in (50_000, 65_000, 80_000):
        publisher.send(packet(sequence, KEYFRAME))
    assert len(viewer.rtp) == 3
    for number in range(5):
        stage.engine.handle(api.CloseProducer("v" if not number else f"v{number}"))
        publisher.send(packet(80_000 + 2 * number + 1, KEYFRAME))
        encodings = (api.Encoding(None, VIDEO_SSRC),)
        again = api.ProducerParams(f"v{number + 1}", "video", "camera", "0", (VP8,), IDS, encodings)
        stage.engine.handle(api.AddProducers("pub", (again,)))
        added = consumer(again, 0, 0xA010 + 16 * number)
        stage.engine.handle(api.AddConsumers("sub", (added,)))
        publisher.send(packet(80_000 + 2 * number + 2, KEYFRAME))
        assert len(viewer.rtp) == 4 + number
    assert "srtp_auth" not in stage.drops
    assert stage.drops["rtp_ssrc"] == 5


async def test_a_real_worker_with_guests() -> None:
    """The same over sockets: everybody sees every guest, the host at the end, and the process does not grow."""

    def gathered(viewers: list[Any], ssrc: int) -> bool:
        return all(any(data[8:12] == ssrc.to_bytes(4, "big") for data in viewer.kept) for viewer in viewers)

    async with running_rig() as rig:
        publisher = await rig.publish()
        viewers = [await rig.view(rig.consumer()) for _ in range(VIEWERS)]
        fingerprints = api.DtlsParams("client", (api.Fingerprint("sha-256", rig.certificate.fingerprint),))
        resident: list[int] = []
        for cycle in range(CYCLES):
            ssrc, out = 0x5000 + 4 * cycle, 0x600000 + 4 * cycle
            encodings = (api.Encoding(None, ssrc, ssrc + 1),)
            guest = api.ProducerParams(f"g{cycle}", "video", "screen", "2", (VP8,), {}, encodings)
            await rig.worker.call(api.AddProducers("pub", (guest,)))
            added = [rig.consumer(guest.id, ssrc=out, rtx_ssrc=out + 1) for _ in viewers]
            for viewer, one in zip(viewers, added, strict=True):
                await rig.worker.call(api.ConnectTransport(viewer.transport_id, fingerprints, (one,)))
            send(publisher, packet(1, KEYFRAME, ssrc=ssrc))
            send(publisher, packet(2, DELTA, ssrc=ssrc))
            await until(lambda out=out: gathered(viewers, out))  # type: ignore[misc]
            for one in added if cycle % 2 else ():
                await rig.worker.call(api.CloseConsumer(one.id))
            await rig.worker.call(api.CloseProducer(guest.id))
            for viewer in viewers:
                viewer.kept.clear()
            resident.append((await rig.stats()).rss_bytes)
        send(publisher, packet(1, KEYFRAME))
        await until(lambda: gathered(viewers, 0xAAAA))
        stats = await rig.stats()
    assert [len(t.producers) for t in stats.transports if t.direction == "publish"] == [1]
    assert [len(t.consumers) for t in stats.transports if t.direction == "subscribe"] == [1] * VIEWERS
    assert not stats.drops.get("internal")
    assert stats.packets_out == VIEWERS * (2 * CYCLES + 1)
    assert resident[-1] - resident[CYCLES // 2] < 1 << 20

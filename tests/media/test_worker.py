"""The packet path as a whole: a real Worker process, real sockets, real ICE, DTLS and SRTP."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

from media import api, rtcp
from media import header_extensions as hx
from media.rtp_wire import iter_extensions, parse_header
from tests.media.rig import AUDIO_SSRC, DELTA, KEYFRAME, packet, running_rig, send, until


def numbers(packets: list[bytes], ssrc: int) -> list[int]:
    headers = [parse_header(data) for data in packets]
    return [header.sequence for header in headers if header is not None and header.ssrc == ssrc]


async def test_a_viewer_gets_the_publishers_packets_rewritten_to_what_it_negotiated() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = await rig.view(rig.consumer())
        send(publisher, packet(65534, KEYFRAME + b"one", timestamp=1000))
        await until(lambda: len(viewer.kept) == 1)
        for index in range(1, 5):
            send(publisher, packet(65534 + index, DELTA + bytes([index]), timestamp=1000 + index))
        await until(lambda: len(viewer.kept) == 5)
        header = parse_header(viewer.kept[0])
        assert header is not None
        assert (header.ssrc, header.payload_type, header.timestamp, header.marker) == (0xAAAA, 96, 1000, True)
        assert viewer.kept[0][header.payload_offset :] == KEYFRAME + b"one"
        sequences = numbers(viewer.kept, 0xAAAA)
        assert [(number - sequences[0]) & 0xFFFF for number in sequences] == [0, 1, 2, 3, 4]
        names = {ext_id for ext_id, _ in iter_extensions(viewer.kept[0], header)}
        assert names == {hx.CANONICAL[hx.ABS_SEND_TIME], hx.CANONICAL[hx.PLAYOUT_DELAY], hx.CANONICAL[hx.MID]}


async def test_a_late_viewer_starts_at_the_cached_keyframe() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        send(publisher, packet(1, DELTA))
        send(publisher, packet(2, KEYFRAME))
        for index in range(3, 100):
            send(publisher, packet(index, DELTA, timestamp=index))
        await until(lambda: any(isinstance(event, api.ProducerFlowChanged) for event in rig.events))
        viewer = await rig.view(rig.consumer())
        await until(lambda: len(viewer.kept) == 98)
        header = parse_header(viewer.kept[0])
        assert header is not None
        assert viewer.kept[0][header.payload_offset :] == KEYFRAME
        first = numbers(viewer.kept, 0xAAAA)[0]
        assert numbers(viewer.kept, 0xAAAA) == [first + index for index in range(98)]


async def test_lost_packets_are_asked_for_upstream_and_repeated_downstream() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        asked: list[int] = []
        publisher.on_rtcp = lambda data: asked.extend(
            number for p in rtcp.parse_compound(data) if isinstance(p, rtcp.Nack) for number in p.lost
        )
        viewer = await rig.view(rig.consumer())
        send(publisher, packet(10, KEYFRAME))
        send(publisher, packet(11, DELTA + b"eleven"))
        send(publisher, packet(13, DELTA))
        await until(lambda: 12 in asked)
        # The publisher repeats it over RTX: original sequence number in front of the payload (RFC 4588).
        rtx = packet(1, (12).to_bytes(2, "big") + DELTA + b"twelve", ssrc=0x9999, payload_type=97)
        send(publisher, rtx)
        await until(lambda: len(viewer.kept) == 4)
        base = numbers(viewer.kept, 0xAAAA)[0]
        assert numbers(viewer.kept, 0xAAAA) == [base, base + 1, base + 3, base + 2]
        viewer.send_rtcp([rtcp.Nack(1, 0xAAAA, ((base + 1) & 0xFFFF,))])
        await until(lambda: len(viewer.kept) == 5)
        repeated = parse_header(viewer.kept[4])
        assert repeated is not None
        assert (repeated.ssrc, repeated.payload_type) == (0xCCCC, 97)
        payload = viewer.kept[4][repeated.payload_offset :]
        assert payload == ((base + 1) & 0xFFFF).to_bytes(2, "big") + DELTA + b"eleven"


async def test_a_paused_track_reaches_nobody_and_leaves_no_hole() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish(video="", audio="a")
        consumer = rig.consumer("a", "audio")
        viewer = await rig.view(consumer)
        audio = partial(packet, ssrc=AUDIO_SSRC, payload_type=111)
        send(publisher, audio(1, b"one"))
        await until(lambda: len(viewer.kept) == 1)
        await rig.worker.call(api.PauseProducer("a", True))
        for index in range(2, 20):
            send(publisher, audio(index, b"muted"))
        stats = await rig.stats()
        while sum(p.packets for t in stats.transports for p in t.producers) < 19:
            stats = await rig.stats()
        await rig.worker.call(api.PauseProducer("a", False))
        send(publisher, audio(20, b"two"))
        await until(lambda: len(viewer.kept) == 2)
        first, second = numbers(viewer.kept, 0xBBBB)
        assert second == first + 1
        assert b"muted" not in b"".join(viewer.kept)


async def test_sender_reports_keep_the_publishers_clock() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = await rig.view(rig.consumer())
        reports: list[rtcp.SenderReport] = []
        viewer.on_rtcp = lambda data: reports.extend(
            p for p in rtcp.parse_compound(data) if isinstance(p, rtcp.SenderReport)
        )
        ntp = rtcp.ntp_from_unix(1_700_000_000.0)
        publisher.send_rtcp([rtcp.SenderReport(0x1111, ntp, 900_000, 1, 1)])
        send(publisher, packet(1, KEYFRAME, timestamp=900_000))
        await until(lambda: len(viewer.kept) == 1 and bool(reports))
        report = reports[-1]
        assert report.ssrc == 0xAAAA
        elapsed_s = (report.ntp - ntp) / (1 << 32)
        assert 0 <= elapsed_s < 5
        assert abs((report.rtp_timestamp - 900_000) / 90_000 - elapsed_s) < 0.001


async def test_a_keyframe_is_asked_for_when_a_viewer_has_nothing_to_start_from() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        asked: list[rtcp.Pli] = []
        publisher.on_rtcp = lambda data: asked.extend(p for p in rtcp.parse_compound(data) if isinstance(p, rtcp.Pli))
        send(publisher, packet(1, DELTA))
        viewer = await rig.view(rig.consumer())
        await until(lambda: bool(asked))
        send(publisher, packet(2, DELTA))
        send(publisher, packet(3, KEYFRAME))
        await until(lambda: bool(viewer.kept))
        header = parse_header(viewer.kept[0])
        assert header is not None
        assert viewer.kept[0][header.payload_offset :] == KEYFRAME


async def test_closing_a_producer_stops_it_at_once_for_everyone() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        viewer = await rig.view(rig.consumer())
        send(publisher, packet(1, KEYFRAME))
        await until(lambda: len(viewer.kept) == 1)
        await rig.worker.call(api.CloseProducer("v"))
        for index in range(2, 10):
            send(publisher, packet(index, KEYFRAME))
        while (await rig.stats()).drops.get("rtp_ssrc", 0) < 8:
            await asyncio.sleep(0.01)
        assert len(viewer.kept) == 1
        assert all(not transport.consumers for transport in (await rig.stats()).transports)


async def test_a_killed_worker_is_replaced() -> None:
    async with running_rig() as rig:
        lost: list[str] = []
        rig.pool.on_lost = lambda handle: lost.append(handle.id)
        os.kill(rig.worker.info.pid, signal.SIGKILL)
        await until(lambda: bool(lost))
        assert not rig.worker.alive
        await until(lambda: rig.pool.workers[0].alive, 10)
        fresh = rig.pool.place()
        assert fresh.id != rig.worker.id
        rig.worker = fresh
        await fresh.call(api.OpenRouter("r"))
        publisher = await rig.publish()
        viewer = await rig.view(rig.consumer())
        send(publisher, packet(1, KEYFRAME))
        await until(lambda: len(viewer.kept) == 1)


async def test_a_resumed_viewer_goes_on_without_a_hole_in_its_numbers() -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        consumer = rig.consumer()
        viewer = await rig.view(consumer)
        send(publisher, packet(1, KEYFRAME + b"before"))
        await until(lambda: len(viewer.kept) == 1)
        await rig.worker.call(api.PauseConsumer(consumer.id, True))
        for index in range(2, 50):
            send(publisher, packet(index, DELTA))
        while (await rig.stats()).transports[0].producers[0].packets < 49:
            await asyncio.sleep(0.005)
        await rig.worker.call(api.PauseConsumer(consumer.id, False))
        send(publisher, packet(50, KEYFRAME + b"after"))
        send(publisher, packet(51, DELTA + b"last"))
        await until(lambda: viewer.kept[-1].endswith(b"last"))
        sequences = numbers(viewer.kept, 0xAAAA)
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
        # What is asked for again is found by the viewer's own numbers.
        viewer.send_rtcp([rtcp.Nack(1, 0xAAAA, (sequences[-1],))])
        await until(lambda: bool(numbers(viewer.kept, 0xCCCC)))
        assert viewer.kept[-1].endswith(sequences[-1].to_bytes(2, "big") + DELTA + b"last")

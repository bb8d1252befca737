"""Tracks that are held until the stage, or muted: nothing gets out, and the first picture comes without delay."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from media import api, rtcp
from media import header_extensions as hx
from media.consumer import CATCH_UP_PACKETS
from media.rtp_wire import build_extensions
from tests.media.engine_stage import EngineStage, Peer
from tests.media.rig import DELTA, KEYFRAME, OPUS, VIDEO_SSRC, VP8, Rig, packet, running_rig, send, until
from tests.media.stage import Stage

LEVEL = {hx.AUDIO_LEVEL: 4}
ANNOUNCED = (api.Encoding(None, VIDEO_SSRC, VIDEO_SSRC + 1),)


def held(encodings: tuple[api.Encoding, ...] = ANNOUNCED) -> api.ProducerParams:
    return api.ProducerParams("v", "video", "camera", "0", (VP8,), {hx.MID: 1}, encodings, paused=True)


def watch(viewer: str) -> api.ConsumerParams:
    return api.ConsumerParams(f"c{viewer}", "v", "video", "0", 0xAAAA, 0xCCCC, (VP8,))


def video(sequence: int, payload: bytes = DELTA) -> bytes:
    mid = build_extensions([(1, b"0")])
    return packet(sequence, payload, timestamp=sequence * 3000, extensions=mid)


async def hold(encodings: tuple[api.Encoding, ...] = ANNOUNCED) -> tuple[EngineStage, Peer, list[Peer]]:
    """Everybody is connected and nothing is sent."""
    stage = EngineStage()
    publisher = await stage.connected("pub", "publish", producers=(held(encodings),))
    viewers = [await stage.connected(name, "subscribe", consumers=(watch(name),)) for name in ("s1", "s2")]
    return stage, publisher, viewers


def keyframe_requests(peer: Peer) -> int:
    return sum(isinstance(one, rtcp.Pli | rtcp.Fir) for one in peer.rtcp)


def flow(stage: EngineStage) -> list[bool]:
    return [event.flowing for event in stage.events if isinstance(event, api.ProducerFlowChanged)]


@pytest.mark.parametrize("encodings", [ANNOUNCED, ()], ids=["announced", "unknown"])
@pytest.mark.parametrize("early", [False, True])
async def test_the_first_keyframe_is_asked_for_and_passed_on_at_once(
    encodings: tuple[api.Encoding, ...], early: bool
) -> None:
    """``early``: the browser begins to send as soon as the guest tapped, before the Worker lets it through."""
    stage, publisher, viewers = await hold(encodings)
    stage.wait(20, publisher, *viewers)
    assert (keyframe_requests(publisher), flow(stage)) == (0, [])
    if early:
        publisher.send(video(1, KEYFRAME))
        publisher.send(video(2))
        for viewer in viewers:
            viewer.send_rtcp(rtcp.ReceiverReport(1), rtcp.Pli(1, 0xAAAA))
        stage.wait(0.1)
        assert keyframe_requests(publisher) == 0
    stage.engine.handle(api.PauseProducer("v", False))
    # Where the SSRC is not known yet there is nobody to ask; a sender that begins, begins with a keyframe.
    assert keyframe_requests(publisher) == (1 if early or encodings else 0)
    assert not any(viewer.rtp for viewer in viewers)
    publisher.send(video(3, KEYFRAME))
    publisher.send(video(4))
    # No time has passed.
    assert [len(viewer.rtp) for viewer in viewers] == [2, 2]
    stage.wait(1)
    assert keyframe_requests(publisher) <= 1
    assert flow(stage) == [True]


async def test_a_keyframe_that_does_not_come_is_asked_for_again() -> None:
    stage, publisher, viewers = await hold()
    stage.engine.handle(api.PauseProducer("v", False))
    stage.wait(1.1, publisher, *viewers)
    # Sooner at first: the encoder may not run yet.
    assert keyframe_requests(publisher) == 4
    publisher.send(video(1))
    assert not any(viewer.rtp for viewer in viewers)
    publisher.send(video(2, KEYFRAME))
    stage.wait(2.5, publisher, *viewers)
    assert keyframe_requests(publisher) == 4
    # One that stops is told of once, however long it stays away.
    stage.wait(10, publisher, *viewers)
    assert flow(stage) == [True, False]


async def test_let_through_again_while_the_last_request_is_fresh() -> None:
    stage, publisher, viewers = await hold()
    stage.engine.handle(api.PauseProducer("v", False))
    stage.engine.handle(api.PauseProducer("v", True))
    publisher.send(video(1, KEYFRAME))
    stage.engine.handle(api.PauseProducer("v", False))
    # The answer to the first request was dropped.
    assert keyframe_requests(publisher) == 2
    assert not any(viewer.rtp for viewer in viewers)


async def test_held_is_held_whatever_is_sent() -> None:
    stage, publisher, viewers = await hold()
    for sequence in range(1, 400):
        publisher.send(video(sequence, KEYFRAME if sequence % 20 == 1 else DELTA))
        repeat = packet(sequence, b"\0\1" + KEYFRAME, ssrc=VIDEO_SSRC + 1, payload_type=97)
        publisher.send(repeat)
        # Another SSRC under the same mid: a Layer, as far as anybody can tell.
        publisher.send(packet(sequence, KEYFRAME, ssrc=0x9999, extensions=build_extensions([(1, b"0")])))
        if sequence % 20 == 0:
            for viewer in viewers:
                viewer.send_rtcp(rtcp.ReceiverReport(1), rtcp.Pli(1, 0xAAAA), rtcp.Nack(1, 0xAAAA, (0x2000, 0x2001)))
            stage.wait(0.02)
    late = await stage.connected("late", "subscribe", consumers=(watch("late"),))
    stage.wait(5, publisher, *viewers, late)
    assert not any(viewer.rtp for viewer in (*viewers, late))
    assert keyframe_requests(publisher) == 0
    assert not stage.engine.tick()


def test_a_mute_cuts_off_what_is_cached() -> None:
    stage = Stage()
    track = stage.track()
    viewer, consumer = stage.viewer(track)
    count = 3 * CATCH_UP_PACKETS
    for sequence in range(1, count + 1):
        stage.receive(sequence, DELTA if sequence > 1 else KEYFRAME)
    slow, catching_up = stage.viewer(track)
    assert (len(viewer.got), len(slow.got)) == (count, CATCH_UP_PACKETS)
    track.pause(True, stage.now)
    newcomer, _ = stage.viewer(track)
    consumer.on_nack([number & 0xFFFF for number in viewer.numbers()[-5:]], stage.now)
    catching_up.on_nack([number & 0xFFFF for number in slow.numbers()[-5:]], stage.now)
    stage.wait(1)
    assert (len(viewer.got), len(slow.got), len(newcomer.got)) == (count, CATCH_UP_PACKETS, 0)
    assert not track.busy
    track.pause(False, stage.now)
    for sequence in range(count + 1, count + 4):
        stage.receive(sequence, DELTA if sequence > count + 1 else KEYFRAME)
    assert (len(viewer.got), len(slow.got), len(newcomer.got)) == (count + 3, CATCH_UP_PACKETS + 3, 3)
    for one in (viewer, slow, newcomer):
        numbers = one.numbers()
        assert [second - first for first, second in itertools.pairwise(numbers)] == [1] * (len(numbers) - 1)


def test_a_mute_ends_at_a_keyframe() -> None:
    """Viewers see no hole, so they could not know that a picture's reference was muted."""
    stage = Stage()
    track = stage.track()
    viewer, _ = stage.viewer(track)
    stage.receive(1, KEYFRAME)
    track.pause(True, stage.now)
    stage.receive(2, DELTA)
    track.pause(False, stage.now)
    stage.receive(3, DELTA + b"refers to 2")
    assert len(viewer.got) == 1
    stage.receive(4, KEYFRAME)
    stage.receive(3, DELTA + b"refers to 2")
    stage.receive(5, DELTA)
    assert len(viewer.got) == 3
    assert len({*viewer.numbers()}) == 3


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_closing_cuts_off_the_batch_that_is_being_read(kind: api.Kind) -> None:
    stage = Stage()
    track = stage.track(kind=kind)
    viewer, consumer = stage.viewer(track)
    payload_type = 96 if kind == "video" else 111
    stage.receive(1, KEYFRAME, payload_type=payload_type)
    assert len(viewer.got) == 1
    for sequence in (2, 3):
        data = packet(sequence, KEYFRAME, ssrc=0x1111, payload_type=payload_type)
        assert stage.publisher.on_rtp(memoryview(data), stage.now) is track
    stage.router.remove_producer(track.id)
    stage.publisher.remove(track.id)
    track.flush(stage.now)
    track.tick(stage.now)
    consumer.on_nack([viewer.numbers()[0]], stage.now)
    assert len(viewer.got) == 1
    assert stage.receive(4, KEYFRAME, payload_type=payload_type) is None


async def flood(rig: Rig, publisher: Any, first: int) -> int:
    for sequence in range(first, first + 200):
        send(publisher, packet(sequence, KEYFRAME + sequence.to_bytes(2, "big")))
        if sequence % 40 == 0:
            await asyncio.sleep(0)
    return first + 200


async def test_a_real_worker_holds_lets_through_and_cuts() -> None:
    async with running_rig() as rig:
        host = await rig.publish("host", video="h")
        guest = rig.peer()
        ice = await rig.open("guest", "publish", guest, producers=(held(),))
        await guest.connect(rig.remote(ice), "server")
        viewer = await rig.view(watch("s"), rig.consumer("h", ssrc=0xDDDD, rtx_ssrc=0xDDDE))
        asked: list[rtcp.RtcpPacket] = []
        guest.on_rtcp = lambda data: asked.extend(p for p in rtcp.parse_compound(data) if isinstance(p, rtcp.Pli))
        barrier = 0

        async def seen() -> list[int]:
            """The guest's packets, up to a packet of the host's that was sent after everything else."""
            nonlocal barrier
            barrier += 1
            mark = KEYFRAME + b"mark" + barrier.to_bytes(2, "big")
            send(host, packet(barrier, mark))
            await until(lambda: any(data.endswith(mark) for data in viewer.kept))
            return [
                int.from_bytes(data[-2:], "big") for data in viewer.kept if data[8:12] == (0xAAAA).to_bytes(4, "big")
            ]

        following = await flood(rig, guest, 1)
        await rig.stats()
        assert await seen() == [] and not asked
        await rig.worker.call(api.PauseProducer("v", False))
        await until(lambda: bool(asked))
        send(guest, packet(following, KEYFRAME + following.to_bytes(2, "big")))
        await until(lambda: len(viewer.kept) > barrier)
        # At most what was still in the Worker's socket when it let them through comes before it.
        assert (await seen())[-1] == following
        sending = asyncio.create_task(flood(rig, guest, following + 1))
        await asyncio.sleep(0)
        await rig.worker.call(api.CloseProducer("v"))
        at_the_cut = await seen()
        following = await sending
        await flood(rig, guest, following)
        await rig.stats()
        assert await seen() == at_the_cut
        assert [event.flowing for event in rig.events if isinstance(event, api.ProducerFlowChanged)].count(False) == 0


# --- who speaks ------------------------------------------------------------------------------------------------------


def speak(stage: Stage, loudness: dict[str, int], seconds: float) -> list[tuple[str, ...]]:
    """Sound of these Tracks at these levels (-dBov); returns the changes of who speaks."""
    changes = []
    for step in range(round(seconds / 0.02)):
        for index, (name, level) in enumerate(loudness.items()):
            extension = (4, bytes((0x80 | level,)))
            stage.receive(
                step,
                b"sound",
                ssrc=0x100 + index,
                payload_type=111,
                mid=name,
                extensions=[extension, (1, name.encode())],
            )
        stage.wait(0.02)
        if step % 5 == 4 and (speakers := stage.router.speakers.evaluate(stage.now)) is not None:
            changes.append(speakers)
    return changes


@pytest.mark.parametrize("source", ["microphone", "screen_audio"])
def test_a_whisper_is_not_among_the_speakers(source: api.Source) -> None:
    stage = Stage()
    for name, one in (("host", source), ("boss", "whisper")):
        stage.publisher.add(
            api.ProducerParams(name, "audio", one, name, (OPUS,), {hx.MID: 1, **LEVEL}),
            stage.now,
        )
    assert speak(stage, {"boss": 5}, 2.0) == []
    assert speak(stage, {"boss": 5, "host": 40}, 2.0) == [("host",)]
    assert speak(stage, {"boss": 1}, 4.0) == [()]
    # It is measured, for whoever may see it.
    assert {one.id: one.audio_level_db for one in stage.publisher.stats()} == {"host": -40, "boss": -1}


async def test_a_mute_takes_a_speaker_off_at_once() -> None:
    stage = EngineStage()
    microphone = api.ProducerParams("a", "audio", "microphone", "0", (OPUS,), LEVEL, (api.Encoding(None, 0x77),))
    publisher = await stage.connected("pub", "publish", producers=(microphone,))

    def speakers() -> list[tuple[str, ...]]:
        return [event.producer_ids for event in stage.events if isinstance(event, api.SpeakersChanged)]

    def speak(first: int) -> None:
        for sequence in range(first, first + 50):
            level = build_extensions([(4, b"\x8a")])
            publisher.send(packet(sequence, b"sound", ssrc=0x77, payload_type=111, extensions=level))
            stage.wait(0.02)

    speak(1)
    assert speakers() == [("a",)]
    stage.engine.handle(api.PauseProducer("a", True))
    stage.wait(0.12)
    assert speakers() == [("a",), ()]
    speak(51)
    assert speakers() == [("a",), ()]
    stage.engine.handle(api.PauseProducer("a", False))
    speak(101)
    assert speakers() == [("a",), (), ("a",)]

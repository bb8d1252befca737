"""A Worker's taps with a real socket to a recorder: what an overflow, a death and a failed Room cost, and whom."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media import api, tap_wire, taps
from media.rpc import RpcError
from tests.media.engine_stage import EngineStage, Peer
from tests.media.rig import DELTA, KEYFRAME, VIDEO_SSRC, VP8, packet, running_rig, send, until


class Recorder:
    """Listens, and reads only when told."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen()
        self._connection: socket.socket | None = None
        self._reader = tap_wire.FrameReader()
        self.frames: list[tap_wire.Frame] = []
        self.ended = False
        self.stages: list[EngineStage] = []

    def read(self) -> None:
        """Everything that is there."""
        if self._connection is None:
            self._connection, _ = self._listener.accept()
            self._connection.setblocking(False)
        try:
            while data := self._connection.recv(1 << 20):
                self.frames += self._reader.feed(data)
            self.ended = True
        except BlockingIOError:
            pass

    def payloads(self, tap: int) -> list[bytes]:
        bodies = [frame.body for frame in self.frames if frame.tap == tap and frame.kind == tap_wire.PACKETS]
        return [data[12:] for body in bodies for data in tap_wire.read_packets(body)[1]]

    def states(self, tap: int) -> list[str]:
        found = [frame for frame in self.frames if frame.tap == tap and frame.kind == tap_wire.STATE]
        return [tap_wire.read_json(frame.body)["state"] for frame in found]

    def die(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._listener.close()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    one = Recorder(tmp_path / "r.sock")
    yield one
    one.die()
    for stage in one.stages:
        stage.engine._taps.end(stage.now)


def video(name: str, ssrc: int, **more: Any) -> api.ProducerParams:
    return api.ProducerParams(name, "video", "camera", name, (VP8,), encodings=(api.Encoding(None, ssrc),), **more)


async def call(recorder: Recorder, **more: Any) -> tuple[EngineStage, Peer, Peer]:
    """A publisher of ``v`` (tap 1) and ``w`` (tap 2), and a viewer of ``v``."""
    stage = EngineStage()
    recorder.stages.append(stage)
    tracks = (video("v", VIDEO_SSRC), video("w", VIDEO_SSRC + 1))
    publisher = await stage.connected("pub", "publish", producers=tracks)
    viewer = await stage.connected(
        "sub", "subscribe", consumers=(api.ConsumerParams("c", "v", "video", "0", 0xAAAA, 0xAAAB, (VP8,)),)
    )
    for tap, name in ((1, "v"), (2, "w")):
        stage.engine.handle(api.OpenTap("r", tap, name, recorder.path, {"track": name}, **more))
    return stage, publisher, viewer


def say(stage: EngineStage, publisher: Peer, number: int, payload: bytes) -> None:
    """One packet of each Track, 10 ms after the last."""
    stage.now += 0.01
    for ssrc in (VIDEO_SSRC, VIDEO_SSRC + 1):
        publisher.send(packet(number, payload, timestamp=number * 900, ssrc=ssrc))


def lost(stage: EngineStage) -> list[api.Event]:
    return [event for event in stage.events if isinstance(event, api.TapLost | api.TapBack)]


async def test_both_tracks_arrive_and_the_end_of_one_is_told(recorder: Recorder) -> None:
    stage, publisher, viewer = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    say(stage, publisher, 2, DELTA)
    stage.wait(0.04)
    recorder.read()
    assert recorder.payloads(1) == recorder.payloads(2) == [KEYFRAME, DELTA]
    assert len(viewer.rtp) == 2
    stage.engine.handle(api.PauseProducer("v", True))
    stage.engine.handle(api.PauseProducer("v", False))
    stage.engine.handle(api.CloseProducer("v"))
    stage.engine.handle(api.CloseTaps((2, 99)))
    recorder.read()
    assert recorder.states(1) == ["flowing", "muted", "unmuted", "closed"]
    assert recorder.states(2) == ["flowing", "closed"]
    assert recorder.ended and not lost(stage)
    stage.engine.handle(api.OpenTap("r", 1, "w", recorder.path))


async def test_a_cut_is_between_the_same_two_packets_for_all(recorder: Recorder) -> None:
    stage, publisher, viewer = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    stage.engine.handle(api.CutTaps((1, 2, 99), True))
    for number in range(2, 10):
        say(stage, publisher, number, KEYFRAME + b"secret")
    stage.wait(0.1)
    stage.engine.handle(api.CutTaps((1, 2), False))
    stage.wait(0.1)
    say(stage, publisher, 40, KEYFRAME + b"after")
    stage.wait(0.04)
    recorder.read()
    for tap in (1, 2):
        assert recorder.payloads(tap) == [KEYFRAME, KEYFRAME + b"after"]
        assert recorder.states(tap) == ["flowing", "paused", "resumed"]
    assert len(viewer.rtp) == 10


async def test_a_recorder_that_dies_is_noticed_at_once_and_costs_the_viewers_nothing(recorder: Recorder) -> None:
    stage, publisher, viewer = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    stage.wait(0.04)
    recorder.read()
    recorder.die()
    stage.wait(0.04)
    assert lost(stage) == [api.TapLost((1, 2), "recorder_gone")]
    for number in range(2, 6):
        say(stage, publisher, number, DELTA)
    stage.wait(0.1)
    assert len(viewer.rtp) == 5 and stage.state("sub") == "connected"
    with pytest.raises(RpcError) as refused:
        stage.engine.handle(api.OpenTap("r", 1, "v", recorder.path))
    assert refused.value.code == "recorder_unreachable"
    Path(recorder.path).unlink()
    again = Recorder(Path(recorder.path))
    stage.engine.handle(api.OpenTap("r", 1, "v", again.path))
    stage.wait(0.04)
    again.read()
    assert again.payloads(1) == [KEYFRAME, DELTA, DELTA, DELTA, DELTA]
    again.die()


async def test_a_slow_recorder_costs_the_recording_only(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taps, "MAX_BACKLOG", 200_000)
    stage, publisher, viewer = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    number = 1
    while not lost(stage):
        number += 1
        assert number < 5000
        say(stage, publisher, number, DELTA + bytes(1000))
        if not number % 2:
            stage.wait(0.02)
    assert lost(stage) == [api.TapLost((1, 2), "overflow")]
    stage.engine.handle(api.CutTaps((2,), True))
    while len(lost(stage)) < 2:
        recorder.read()
        stage.wait(0.02)
    assert lost(stage)[1] == api.TapBack((1, 2))
    say(stage, publisher, number + 1, KEYFRAME + b"back")
    stage.wait(0.1)
    recorder.read()
    assert len(viewer.rtp) == number + 1
    kinds = [frame.kind for frame in recorder.frames if frame.tap == 1]
    assert tap_wire.GAP in kinds
    gap = tap_wire.read_json(next(frame.body for frame in recorder.frames if frame.kind == tap_wire.GAP))
    assert len(recorder.payloads(1)) + gap["packets"] == number + 1
    assert recorder.payloads(1)[-1] == KEYFRAME + b"back"
    assert recorder.payloads(2)[-1] != KEYFRAME + b"back" and recorder.states(2)[-1] == "paused"


async def test_a_room_that_fails_closes_its_copies(recorder: Recorder) -> None:
    stage, publisher, _ = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    stage.engine.fail_router("r", "test")
    stage.wait(0.04)
    recorder.read()
    assert recorder.states(1)[-1] == recorder.states(2)[-1] == "closed"
    assert recorder.payloads(1) == [KEYFRAME]
    assert recorder.ended


async def test_a_fault_of_a_copy_costs_that_copy(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, publisher, viewer = await call(recorder)
    tap = stage.engine._producers["v"][0].taps[0]
    monkeypatch.setattr(type(tap), "_write", lambda self, packets: 1 // (0 if self.number == 1 else 1))
    say(stage, publisher, 1, KEYFRAME)
    stage.wait(0.04)
    assert lost(stage) == [api.TapLost((1,), "failed")]
    assert len(viewer.rtp) == 1 and not stage.engine._producers["v"][0].taps


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (lambda path: api.OpenTap("r", 1, "v", path), "tap_exists"),
        (lambda path: api.OpenTap("r", 3, "nobody", path), "producer_not_found"),
        (lambda path: api.OpenTap("other", 3, "v", path), "producer_not_found"),
        (lambda path: api.OpenTap("r", 3, "v", path + ".not"), "recorder_unreachable"),
        (lambda path: api.OpenTap("r", 0, "v", path), "bad_request"),
    ],
)
async def test_what_cannot_be_opened_is_refused(recorder: Recorder, request_: Any, code: str) -> None:
    stage, _, _ = await call(recorder)
    with pytest.raises(RpcError) as refused:
        stage.engine.handle(request_(recorder.path))
    assert refused.value.code == code


async def test_the_end_of_the_worker_closes_the_logs(recorder: Recorder) -> None:
    stage, publisher, _ = await call(recorder)
    say(stage, publisher, 1, KEYFRAME)
    stage.engine.close()
    recorder.read()
    assert recorder.states(1)[-1] == "closed" and recorder.payloads(1) == [KEYFRAME]
    assert recorder.ended


async def test_a_real_worker_writes_to_a_recorder(recorder: Recorder) -> None:
    async with running_rig() as rig:
        publisher = await rig.publish()
        await rig.worker.call(api.OpenTap("r", 5, "v", recorder.path, {"track": "v"}))
        for number, payload in enumerate((KEYFRAME, DELTA, DELTA)):
            send(publisher, packet(number + 1, payload, timestamp=number * 900))

        def all_came() -> bool:
            recorder.read()
            return len(recorder.payloads(5)) == 3

        await until(all_came)
        await rig.worker.call(api.CutTaps((5,), True))
        recorder.read()
        assert recorder.states(5) == ["flowing", "paused"]
        recorder.die()
        await until(lambda: api.TapLost((5,), "recorder_gone") in rig.events)

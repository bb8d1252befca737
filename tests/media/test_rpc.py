"""The RPC between the control plane and a Worker, over real Unix sockets."""

from __future__ import annotations

import asyncio
import itertools
import struct
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from media import api, rpc
from media.rpc import MAX_FRAME, RpcClient, RpcError, RpcServer, WorkerLost, pack_frame, read_frame
from tests.media.rig import until

STATS = api.WorkerStats(1, 2, 3, 4, 5, 6, 7, 8.5, 9.0, {"size": 1})
INFO = api.WorkerInfo(77, 1000, 1001, "AA")


class Ends:
    """Both ends: ``client`` calls, ``handle`` answers; ``events`` are what the client heard."""

    def __init__(self, worker_side: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.reader, self.writer = worker_side
        self.handle: Callable[[api.Request[Any]], Any] = lambda request: None
        self.server = RpcServer(self.reader, self.writer, lambda request: self.handle(request))
        self.events: list[api.Event] = []
        self.client: RpcClient
        self.tasks: list[asyncio.Task[None]] = []


@asynccontextmanager
async def both_ends(*, serve: bool = True) -> AsyncIterator[Ends]:
    """A connected pair; with ``serve`` the Worker's end answers."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = loop.create_future()
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "rpc.sock")
        listener = await asyncio.start_unix_server(lambda reader, writer: accepted.set_result((reader, writer)), path)
        ends = Ends(await asyncio.open_unix_connection(path))
        reader, writer = await accepted
        ends.client = RpcClient(reader, writer, ends.events.append)
        ends.tasks.append(loop.create_task(ends.client.run()))
        if serve:
            ends.tasks.append(loop.create_task(ends.server.run()))
        try:
            yield ends
        finally:
            ends.client.close()
            ends.writer.close()
            for task in ends.tasks:
                task.cancel()
            await asyncio.gather(*ends.tasks, return_exceptions=True)
            listener.close()


async def test_a_call_brings_its_arguments_and_its_result() -> None:
    async with both_ends() as ends:
        seen: list[object] = []

        def handle(request: api.Request[Any]) -> object:
            seen.append(request)
            return STATS if isinstance(request, api.GetStats) else None

        ends.handle = handle
        assert await ends.client.call(api.GetStats("room", "publish")) == STATS
        pause: api.Request[None] = api.PauseProducer("p", True)
        assert await ends.client.call(pause) is None  # type: ignore[func-returns-value]
        assert seen == [api.GetStats("room", "publish"), pause]


async def test_calls_in_flight_get_their_own_answers() -> None:
    async with both_ends() as ends:
        numbers = itertools.count()
        ends.handle = lambda request: api.WorkerStats(next(numbers), 0, 0, 0, 0, 0, 0, 0.0, 0.0)
        answers = await asyncio.gather(*(ends.client.call(api.GetStats()) for _ in range(200)))
        assert [answer.pid for answer in answers] == list(range(200))


async def test_a_refusal_keeps_its_code() -> None:
    async with both_ends() as ends:

        def refuse(request: api.Request[Any]) -> None:
            raise RpcError("router_not_found", "no router r")

        ends.handle = refuse
        with pytest.raises(RpcError) as refused:
            await ends.client.call(api.CloseRouter("r"))
        assert (refused.value.code, refused.value.message) == ("router_not_found", "no router r")
        assert str(refused.value) == "router_not_found: no router r"


async def test_a_bug_in_a_handler_is_an_error_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async with both_ends() as ends:
        ends.handle = lambda request: 1 // 0
        with pytest.raises(RpcError) as refused:
            await ends.client.call(api.CloseRouter("r"))
        assert refused.value.code == "internal"
        assert "request failed" in caplog.text
        ends.handle = lambda request: None
        await ends.client.call(api.CloseRouter("r"))


@pytest.mark.parametrize(
    "message",
    [
        {"id": 1, "method": "no_such_method", "params": {}},
        {"id": 1, "method": "close_router"},
        {"id": 1, "params": {}},
        {"id": 1, "method": "close_router", "params": {"router_id": 5}},
        {"id": 1, "method": "close_router", "params": {"router_id": "r", "force": True}},
        {"id": 1, "method": "close_router", "params": []},
    ],
)
async def test_a_request_of_a_wrong_shape_is_answered(message: dict[str, Any]) -> None:
    async with both_ends() as ends:
        ends.client._writer.write(pack_frame(message))
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        ends.client._pending[1] = answered
        reply = await asyncio.wait_for(answered, 5)
        assert reply["error"]["code"] == "bad_request"


async def test_events_arrive_in_order() -> None:
    async with both_ends() as ends:
        sent: list[api.Event] = [
            api.TransportStateChanged("t", "connected"),
            api.SpeakersChanged("r", ("a", "b")),
            api.ProducerFlowChanged("p", False),
            api.CertificateChanged("AA:BB"),
            api.RouterFailed("r", "why"),
        ]
        for event in sent:
            ends.server.emit(event)
        await until(lambda: len(ends.events) == len(sent))
        assert ends.events == sent


async def test_hello_comes_first() -> None:
    async with both_ends(serve=False) as ends:
        ends.tasks[0].cancel()
        await asyncio.gather(ends.tasks[0], return_exceptions=True)
        ends.server.hello(INFO)
        message = await read_frame(ends.client._reader)
        assert message == {
            "hello": {"pid": 77, "udp_port": 1000, "tcp_port": 1001, "fingerprint": "AA"},
        }


async def test_a_listener_that_fails_costs_nothing_but_its_event(caplog: pytest.LogCaptureFixture) -> None:
    async with both_ends() as ends:
        heard: list[api.Event] = []

        def listen(event: api.Event) -> None:
            heard.append(event)
            raise LookupError("the listener's own mistake")

        ends.client._on_event = listen
        ends.handle = lambda request: STATS
        for _ in range(2):
            ends.server.emit(api.CertificateChanged("AA"))
        assert await ends.client.call(api.GetStats()) == STATS
        assert len(heard) == 2
        assert "the listener's own mistake" in caplog.text


# --- what goes wrong -------------------------------------------------------------------------------------------------


async def test_an_unanswered_call_ends_at_its_deadline_and_its_answer_is_ignored() -> None:
    async with both_ends(serve=False) as ends:
        with pytest.raises(WorkerLost):
            await ends.client.call(api.GetStats(), timeout_s=0.01)
        assert not ends.client._pending
        ends.tasks.append(asyncio.get_running_loop().create_task(ends.server.run()))
        ends.handle = lambda request: STATS
        assert await ends.client.call(api.GetStats()) == STATS


async def test_a_lost_worker_ends_every_call_at_once() -> None:
    async with both_ends(serve=False) as ends:
        calls = [asyncio.ensure_future(ends.client.call(api.GetStats(), timeout_s=60)) for _ in range(5)]
        await until(lambda: len(ends.client._pending) == 5)
        ends.writer.close()
        results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
        assert [type(result) for result in results] == [WorkerLost] * 5
        with pytest.raises(WorkerLost):
            await ends.client.call(api.GetStats())


async def test_calls_waiting_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MAX_PENDING", 3)
    async with both_ends(serve=False) as ends:
        calls = [asyncio.ensure_future(ends.client.call(api.GetStats(), timeout_s=60)) for _ in range(3)]
        await until(lambda: len(ends.client._pending) == 3)
        with pytest.raises(WorkerLost):
            await ends.client.call(api.GetStats())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert not ends.client._pending


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!I", MAX_FRAME + 1),
        struct.pack("!I", 3) + b"{x}",
        struct.pack("!I", 2) + b"[]",
        struct.pack("!I", 2) + b"\xff\xfe",
        struct.pack("!I", 100) + b"{",
        b"\x00",
        pack_frame({"id": 99999}) + pack_frame({"neither": 1}),
        pack_frame({"event": "no_such_event", "params": {}}),
        pack_frame({"event": "router_failed", "params": {"router_id": 1, "reason": ""}}),
    ],
)
async def test_a_broken_stream_ends_the_connection_and_every_call(data: bytes) -> None:
    async with both_ends(serve=False) as ends:
        call = asyncio.ensure_future(ends.client.call(api.GetStats(), timeout_s=60))
        await until(lambda: bool(ends.client._pending))
        ends.writer.write(data)
        if len(data) < 10 or data.endswith(b"{"):
            ends.writer.write_eof()
        with pytest.raises(WorkerLost):
            await asyncio.wait_for(call, 5)
        assert not ends.events


async def test_an_answer_nobody_waits_for_is_ignored() -> None:
    async with both_ends() as ends:
        ends.writer.write(pack_frame({"id": 4242, "result": None}))
        ends.handle = lambda request: STATS
        assert await ends.client.call(api.GetStats()) == STATS


async def test_a_server_ends_when_the_control_plane_goes() -> None:
    async with both_ends() as ends:
        ends.client.close()
        await asyncio.wait_for(ends.tasks[1], 5)
        # What it reports to nobody is no error.
        ends.server.emit(api.CertificateChanged("AA"))


async def test_a_control_plane_that_does_not_read_is_given_up() -> None:
    async with both_ends(serve=False) as ends:
        ends.tasks[0].cancel()
        await asyncio.gather(ends.tasks[0], return_exceptions=True)
        ends.client._reader._transport.pause_reading()  # type: ignore[attr-defined]
        event = api.RouterFailed("r", "x" * 100_000)
        for _ in range(200):
            ends.server.emit(event)
        assert ends.writer.transport.is_closing()


def test_frames_are_length_and_compact_json() -> None:
    frame = pack_frame({"id": 1, "x": "购"})
    assert frame == struct.pack("!I", len(frame) - 4) + b'{"id":1,"x":"\\u8d2d"}'


def test_every_request_and_event_has_its_own_name() -> None:
    assert len({cls.method for cls in api.REQUESTS}) == len(api.REQUESTS)
    assert len({cls.event for cls in api.EVENTS}) == len(api.EVENTS)
    assert all(cls.method for cls in api.REQUESTS) and all(cls.event for cls in api.EVENTS)

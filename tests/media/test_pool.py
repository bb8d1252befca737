"""Where Rooms go: the Worker with the fewest open Transports, however Transports end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from media import api
from media.pool import PoolConfig, WorkerHandle, WorkerPool
from media.rpc import RpcClient, RpcError, WorkerLost

INFO = api.WorkerInfo(pid=1, udp_port=2, tcp_port=3, fingerprint="AA")


class Line(RpcClient):
    """A connection to a Worker that agrees to everything but ``refused``, and may be slow."""

    def __init__(self, refused: tuple[str, ...] = ()) -> None:
        self.refused = refused
        self.gate = asyncio.Event()
        self.gate.set()

    async def call(self, request: api.Request[Any], timeout_s: float = 5.0) -> Any:
        await self.gate.wait()
        if request.method in self.refused:
            raise RpcError("nope", "refused")


def worker(name: str, refused: tuple[str, ...] = ()) -> WorkerHandle:
    return WorkerHandle(name, INFO, (), Line(refused))


def pool(*workers: WorkerHandle) -> WorkerPool:
    made = WorkerPool(PoolConfig(workers=len(workers)))
    made.workers = dict(enumerate(workers))
    return made


def transport(name: str, router: str = "r") -> api.OpenTransport:
    ice = api.IceParams("ufrag", "password")
    return api.OpenTransport(api.TransportParams(name, router, "subscribe", ice, "AA"))


async def opened(handle: WorkerHandle, count: int, router: str = "r") -> None:
    await handle.call(api.OpenRouter(router))
    for index in range(count):
        await handle.call(transport(f"{router}-t{index}", router))


async def test_a_room_goes_where_there_is_least_to_do() -> None:
    busy, free = worker("busy"), worker("free")
    await opened(busy, 3)
    await opened(free, 2)
    assert pool(busy, free).place() is free
    free.alive = False
    assert pool(busy, free).place() is busy
    busy.alive = False
    with pytest.raises(WorkerLost):
        pool(busy, free).place()


async def test_rooms_that_nobody_has_entered_are_spread_too() -> None:
    handles = [worker("a"), worker("b"), worker("c")]
    chosen = []
    for name in "uvwxyz":
        handle = pool(*handles).place()
        chosen.append(handle.id)
        await handle.call(api.OpenRouter(name))
    assert sorted(chosen) == ["a", "a", "b", "b", "c", "c"]


async def test_a_room_under_way_counts_before_the_worker_has_answered() -> None:
    first, second = worker("first"), worker("second")
    assert isinstance(first.client, Line)
    first.client.gate.clear()
    opening = asyncio.create_task(first.call(api.OpenRouter("r")))
    await asyncio.sleep(0)
    assert pool(first, second).place() is second
    first.client.gate.set()
    await opening


@pytest.mark.parametrize("state", ["failed", "closed"])
async def test_a_transport_that_ends_by_itself_and_is_then_closed_counts_once(state: api.TransportState) -> None:
    """The control plane answers the news of the end with CloseTransport, as for one that it ends itself."""
    handle = worker("a")
    await opened(handle, 3)
    made = pool(handle)
    heard = []
    made.on_event = lambda _, event: heard.append(event)
    for news in (api.TransportStateChanged("r-t0", "stalled", ""), api.TransportStateChanged("r-t0", state, "")):
        made._on_event(handle, news)
    await handle.call(api.CloseTransport("r-t0"))
    await handle.call(api.CloseTransport("unknown"))
    assert (handle.load, len(heard)) == (2, 2)


@pytest.mark.parametrize("how", ["closed", "failed"])
async def test_a_router_takes_its_transports_with_it(how: str) -> None:
    handle = worker("a")
    await opened(handle, 3, "r")
    await opened(handle, 1, "s")
    if how == "closed":
        await handle.call(api.CloseRouter("r"))
    else:
        pool(handle)._on_event(handle, api.RouterFailed("r", "bug"))
    assert (handle.load, list(handle.routers)) == (1, ["s"])
    await handle.call(transport("late", "r"))
    assert (handle.load, list(handle.routers)) == (1, ["s"])


async def test_what_is_refused_counts_for_nothing() -> None:
    handle = worker("a", refused=("open_transport",))
    await handle.call(api.OpenRouter("r"))
    with pytest.raises(RpcError):
        await handle.call(transport("t"))
    assert handle.load == 0
    handle = worker("a", refused=("open_router",))
    with pytest.raises(RpcError):
        await handle.call(api.OpenRouter("r"))
    assert handle.routers == {}


async def test_a_lost_worker_is_not_asked() -> None:
    handle = worker("a")
    handle.alive = False
    with pytest.raises(WorkerLost):
        await handle.call(api.OpenRouter("r"))
    assert handle.routers == {}


async def test_a_new_certificate_is_kept_with_the_worker() -> None:
    handle = worker("a")
    made = pool(handle)
    made.on_event = lambda *_: pytest.fail("the control plane need not hear of it")
    made._on_event(handle, api.CertificateChanged("BB"))
    assert handle.info == api.WorkerInfo(1, 2, 3, "BB")


@pytest.mark.parametrize("failure", [OSError(12, "no memory"), asyncio.CancelledError()])
async def test_a_process_that_cannot_be_made_leaves_no_server(
    monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    servers: list[asyncio.Server] = []
    listen = asyncio.start_unix_server

    async def listening(*args: Any, **more: Any) -> asyncio.Server:
        servers.append(await listen(*args, **more))
        return servers[-1]

    async def spawn(*_: object) -> None:
        raise failure

    made = WorkerPool(PoolConfig(workers=1))
    # What is cancelled says nothing to whoever waits for it.
    monkeypatch.setattr("media.pool.START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(asyncio, "start_unix_server", listening)
    monkeypatch.setattr(made, "_spawn", spawn)
    with pytest.raises((WorkerLost, asyncio.CancelledError)):
        await made.start()
    await made.close()
    assert [server.is_serving() for server in servers] == [False]

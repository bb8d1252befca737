"""Stand-ins for the Workers, SDP texts of a made-up client, and a WebSocket client that keeps what it hears."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from aiohttp import ClientWebSocketResponse, WSMsgType

from media import api
from media.rpc import RpcError, WorkerLost
from signaling.auth import Authority, Grants, Role
from signaling.config import Config, load
from signaling.hub import Hub
from signaling.store import Store

R = TypeVar("R")
WAIT_S = 5.0
SECRET = "0123456789abcdef" * 4
FINGERPRINT = ":".join(["AB"] * 32)


class FakeWorker:
    """Notes every request and says yes; ``refuse`` maps a method to the exception that it raises instead."""

    def __init__(self, number: int) -> None:
        self.id = f"w{number}"
        self.info = api.WorkerInfo(number, 40000 + number, 40000 + number, FINGERPRINT)
        self.candidates = (api.Candidate("udp", "192.0.2.1", 40000 + number),)
        self.alive = True
        self.calls: list[api.Request[Any]] = []
        self.refuse: dict[str, Exception] = {}
        self.stats = api.WorkerStats(number, 0, 0, 0, 0, 0, 0, 0.0, 0.0)

    async def call(self, request: api.Request[R], timeout_s: float = WAIT_S) -> R:
        if not self.alive:
            raise WorkerLost("gone")
        self.calls.append(request)
        await asyncio.sleep(0)
        if request.method in self.refuse:
            raise self.refuse[request.method]
        if not self.alive:
            raise WorkerLost("gone")
        return cast(R, self.stats if isinstance(request, api.GetStats) else None)

    def asked(self, kind: type[api.Request[Any]]) -> list[Any]:
        """The requests of one kind so far."""
        return [call for call in self.calls if isinstance(call, kind)]

    def refuses(self, method: str, code: str) -> None:
        """Have one method fail from now on."""
        self.refuse[method] = RpcError(code, "no")


class FakePool:
    """Two Workers; :meth:`lose` kills one."""

    def __init__(self) -> None:
        self.all = [FakeWorker(1), FakeWorker(2)]

    def place(self) -> FakeWorker:
        alive = [worker for worker in self.all if worker.alive]
        if not alive:
            raise WorkerLost("none")
        return alive[0]


def config(**flags: Any) -> Config:
    """Settings for tests; ``rooms__max_peers=3`` sets ``rooms.max_peers``."""
    values: dict[tuple[str, str], Any] = {("store", "url"): "sqlite://", ("auth", "keys"): {"k": SECRET}}
    for name, value in flags.items():
        section, _, key = name.partition("__")
        values[section, key] = value
    return load(environ={}, flags=values)


@dataclass
class Rig:
    """A hub on fake Workers."""

    hub: Hub
    pool: FakePool
    store: Store
    config: Config
    wall: Callable[[], float] = field(default=time.time)

    def token(self, identity: str, role: Role = "viewer", *, room: str = "demo", **options: Any) -> str:
        """A token that this hub accepts."""
        options.setdefault("lifetime_s", 3600.0)
        return self.hub.authority.mint(room=room, identity=identity, role=role, now=self.wall(), **options)

    def limited(self, identity: str, **grants: Any) -> str:
        """A token with exactly these grants."""
        return self.token(identity, "agent", grants=Grants.from_wire(grants))

    def lose(self, worker: FakeWorker) -> None:
        """Kill a Worker."""
        worker.alive = False
        self.hub.lifecycle.on_lost(worker)


async def make_rig(settings: Config) -> Rig:
    """Open the store and make the hub; the caller closes both."""
    store = Store(settings.store.url, time.time)
    await store.open()
    authority = Authority(settings.auth.keys, await store.revocations())
    pool = FakePool()
    hub = Hub(settings, pool, store, authority, clock=asyncio.get_running_loop().time)
    return Rig(hub, pool, store, settings)


class Client:
    """A WebSocket client: requests with their replies, events in a list."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 0
        self._news = asyncio.Event()
        self._seen = 0
        self._task = asyncio.create_task(self._read())

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a request and wait for its reply."""
        self._next_id += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[self._next_id] = future
        await self.socket.send_json({"type": kind, "id": self._next_id, **fields})
        async with asyncio.timeout(WAIT_S):
            return await future

    async def ok(self, kind: str, **fields: Any) -> dict[str, Any]:
        """:meth:`ask`, and the reply is no error."""
        reply = await self.ask(kind, **fields)
        assert reply["type"] == "ok", reply
        return reply

    async def code(self, kind: str, **fields: Any) -> str:
        """:meth:`ask`, and the reply is an error with this code."""
        reply = await self.ask(kind, **fields)
        assert reply["type"] == "error", reply
        return str(reply["code"])

    async def join(self, token: str, **fields: Any) -> dict[str, Any]:
        """Join, successfully."""
        return await self.ok("join", v=1, token=token, **fields)

    async def event(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The next event of this type, with these fields, after the last one that was waited for."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._seen < len(self.events):
                    event = self.events[self._seen]
                    self._seen += 1
                    if event["type"] == kind and wanted.items() <= event.items():
                        return event
                self._news.clear()
                await self._news.wait()

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """Every event of a type so far."""
        return [event for event in self.events if event["type"] == kind]

    async def closed(self) -> int:
        """Wait until the server has closed; the close code."""
        async with asyncio.timeout(WAIT_S):
            await self._task
        return int(self.socket.close_code or 0)

    async def cut(self) -> None:
        """Drop the connection as a network does: without a word."""
        self._task.cancel()
        transport = self.socket.get_extra_info("socket")
        assert transport is not None
        self.socket._writer.transport.abort()
        await asyncio.sleep(0)

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            data = message.json()
            if "re" in data:
                self._replies.pop(data["re"]).set_result(data)
            elif data["type"] == "error":
                self.errors.append(data)
            else:
                self.events.append(data)
                self._news.set()


# --- SDP ---------------------------------------------------------------------------------------------------------

_SESSION = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE {mids}
"""
_COMMON = """c=IN IP4 0.0.0.0
a=mid:{mid}
a={direction}
a=rtcp-mux
a=ice-ufrag:{ufrag}
a=ice-pwd:0123456789abcdef01234567
a=fingerprint:sha-256 {fingerprint}
a=setup:actpass
"""
_KINDS = {
    "audio": "m=audio 9 UDP/TLS/RTP/SAVPF 111\n{common}a=rtpmap:111 opus/48000/2\na=ssrc:{ssrc} cname:x\n",
    "video": (
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97\n{common}a=rtpmap:96 {codec}/90000\na=rtcp-fb:96 nack pli\n"
        "a=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\na=ssrc:{ssrc} cname:x\n"
    ),
}


def offer(*kinds: str, codec: str = "VP8", ufrag: str = "abcd", direction: str = "sendonly") -> str:
    """What a browser offers for m-lines of these kinds; the mids are 0, 1, ..."""
    text = _SESSION.format(mids=" ".join(map(str, range(len(kinds)))))
    for mid, kind in enumerate(kinds):
        common = _COMMON.format(mid=mid, direction=direction, ufrag=ufrag, fingerprint=FINGERPRINT)
        text += _KINDS[kind].format(common=common, codec=codec, ssrc=1000 + mid)
    return text.replace("\n", "\r\n")


def answer(offer_sdp: str, *, refuse: str = "") -> str:
    """What a browser makes of our offer; m-lines of the kind ``refuse`` get port 0."""
    lines = []
    for line in offer_sdp.splitlines():
        name = line.split(":")[0]
        if refuse and line.startswith(f"m={refuse} "):
            parts = line.split()
            line = " ".join([parts[0], "0", *parts[2:]])
        if name in ("a=ssrc", "a=ssrc-group", "a=msid", "a=candidate", "a=end-of-candidates", "a=ice-lite"):
            continue
        if name == "a=ice-ufrag":
            line = "a=ice-ufrag:wxyz"
        elif name == "a=setup":
            line = "a=setup:active"
        elif line == "a=sendonly":
            line = "a=recvonly"
        lines.append(line)
    return "\r\n".join([*lines, ""])


def tracks(*sources: str) -> list[dict[str, Any]]:
    """The ``tracks`` field of ``publish`` for m-lines 0, 1, ..."""
    return [{"mid": str(mid), "source": source} for mid, source in enumerate(sources)]

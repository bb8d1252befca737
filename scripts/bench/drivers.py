"""How the load client negotiates with each server that is compared: Lianmai by its WebSocket, Janus by its HTTP API."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Protocol

import aiohttp

from media.dtls import Certificate
from scripts.bench.raw_peer import RawPeer, read_remote
from scripts.bench.sources import PAYLOAD_TYPE, SSRC

ROOM = "bench"


class Driver(Protocol):
    """Connects raw peers to one server."""

    async def publish(self) -> RawPeer:
        """A connected publisher of one VP8 Track."""

    async def view(self) -> RawPeer:
        """A connected viewer of that Track."""

    async def close(self) -> None:
        """Release the session."""


def _sdp(peer: RawPeer, direction: str, setup: str, mid: str = "0") -> str:
    lines = [
        "v=0",
        f"o=- {secrets.randbelow(1 << 40)} 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mid}",
        f"m=video 9 UDP/TLS/RTP/SAVPF {PAYLOAD_TYPE} 97",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        f"a={direction}",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        f"a=rtpmap:{PAYLOAD_TYPE} VP8/90000",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack pli",
        f"a=rtcp-fb:{PAYLOAD_TYPE} ccm fir",
        "a=rtpmap:97 rtx/90000",
        f"a=fmtp:97 apt={PAYLOAD_TYPE}",
        *peer.transport_lines(setup),
    ]
    if direction == "sendonly":
        lines += [f"a=ssrc:{SSRC} cname:bench", f"a=ssrc:{SSRC} msid:bench video", "a=msid:bench video"]
    return "\r\n".join(lines) + "\r\n"


#: Lines of an offer that describe the offerer's own side and have no place in our answer.
_OFFERERS = ("a=ssrc", "a=msid", "a=candidate", "a=end-of", "a=ice-", "a=fingerprint", "a=setup", "a=rid", "a=simulcast")


def answer_to(offer: str, peer: RawPeer) -> str:
    """Accept everything that an offer sends, with our transport attributes in every section."""
    lines: list[str] = []
    for line in offer.splitlines():
        if line.startswith(_OFFERERS):
            continue
        lines.append("a=recvonly" if line == "a=sendonly" else line)
        if line.startswith("a=mid:"):
            lines += peer.transport_lines("active")
    return "\r\n".join(lines) + "\r\n"


class LianmaiDriver:
    """The product's own path: the WebSocket, with tokens from the demo endpoint."""

    def __init__(self, base_url: str, bind_address: str) -> None:
        self._base = base_url
        self._address = bind_address
        self._certificate = Certificate.generateCertificate()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._readers: list[asyncio.Task[None]] = []

    async def _join(self, role: str, **fields: Any) -> tuple[aiohttp.ClientWebSocketResponse, dict[str, Any]]:
        body = {"room": ROOM, "identity": f"{role}-{secrets.token_hex(4)}", "role": role}
        async with self._session.post(f"{self._base}/dev/token", json=body) as response:
            response.raise_for_status()
            token = (await response.json())["token"]
        socket = await self._session.ws_connect(f"{self._base}/ws", max_msg_size=1 << 20)
        return socket, await self._ask(socket, "join", v=1, token=token, **fields)

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse, kind: str, **fields: Any) -> dict[str, Any]:
        number = secrets.randbelow(1 << 30)
        await socket.send_json({"type": kind, "id": number, **fields})
        async with asyncio.timeout(20):
            while True:
                message: dict[str, Any] = await socket.receive_json()
                if message.get("re") == number:
                    if message["type"] != "ok":
                        raise ConnectionError(str(message))
                    return message

    def _keep(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Read and ignore events from now on, and say that we are here."""

        async def read() -> None:
            while not socket.closed:
                try:
                    await asyncio.wait_for(socket.receive(), 15)
                except TimeoutError:
                    await socket.send_json({"type": "ping", "id": 0})

        self._readers.append(asyncio.create_task(read()))

    async def publish(self) -> RawPeer:
        peer = RawPeer(self._certificate, self._address)
        socket, _ = await self._join("host", subscribe="none")
        tracks = [{"mid": "0", "source": "camera"}]
        reply = await self._ask(socket, "publish", sdp=_sdp(peer, "sendonly", "actpass"), tracks=tracks)
        remote = read_remote(reply["sdp"])
        await peer.connect(remote, "server" if remote.setup == "active" else "client")
        self._keep(socket)
        return peer

    async def view(self) -> RawPeer:
        peer = RawPeer(self._certificate, self._address)
        socket, joined = await self._join("viewer")
        offer = joined["offer"]
        connecting = asyncio.create_task(peer.connect(read_remote(offer["sdp"]), "client"))
        sdp = answer_to(offer["sdp"], peer)
        await self._ask(socket, "answer", transport=offer["transport"], version=offer["version"], sdp=sdp)
        self._keep(socket)
        await connecting
        return peer

    async def close(self) -> None:
        for reader in self._readers:
            reader.cancel()
        await self._session.close()


class JanusDriver:
    """The videoroom plugin: one publisher, each viewer a subscriber handle of the same session."""

    def __init__(self, base_url: str, bind_address: str) -> None:
        self._base = f"{base_url}/janus"
        self._address = bind_address
        self._certificate = Certificate.generateCertificate()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self._waiting: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._session_url = ""
        self._poller: asyncio.Task[None] | None = None
        self._feed = 0

    async def _request(self, url: str, body: dict[str, Any], wait_event: bool = False) -> dict[str, Any]:
        transaction = secrets.token_hex(6)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if wait_event:
            self._waiting[transaction] = future
        async with self._session.post(url, json={**body, "transaction": transaction}) as response:
            reply: dict[str, Any] = await response.json(content_type=None)
        if reply.get("janus") == "error":
            raise ConnectionError(str(reply))
        if not wait_event:
            return reply
        async with asyncio.timeout(20):
            event = await future
        if "error" in event.get("plugindata", {}).get("data", {}):
            raise ConnectionError(str(event))
        return event

    async def _open(self) -> None:
        if not self._session_url:
            reply = await self._request(self._base, {"janus": "create"})
            self._session_url = f"{self._base}/{reply['data']['id']}"
            self._poller = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        while True:
            async with self._session.get(f"{self._session_url}?maxev=50") as response:
                events = await response.json(content_type=None)
            for event in events if isinstance(events, list) else [events]:
                future = self._waiting.pop(event.get("transaction", ""), None)
                if future is not None and not future.done():
                    future.set_result(event)

    async def _attach(self) -> str:
        reply = await self._request(self._session_url, {"janus": "attach", "plugin": "janus.plugin.videoroom"})
        return f"{self._session_url}/{reply['data']['id']}"

    async def _message(self, handle: str, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        message: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        return await self._request(handle, message, wait_event=True)

    async def publish(self) -> RawPeer:
        await self._open()
        handle = await self._attach()
        room = {"request": "create", "room": 1, "publishers": 1, "videocodec": "vp8", "notify_joining": False}
        await self._request(handle, {"janus": "message", "body": room})
        joined = await self._message(handle, {"request": "join", "ptype": "publisher", "room": 1})
        self._feed = joined["plugindata"]["data"]["id"]
        peer = RawPeer(self._certificate, self._address)
        offer = {"type": "offer", "sdp": _sdp(peer, "sendonly", "actpass")}
        answer = await self._message(handle, {"request": "configure", "video": True, "audio": False}, offer)
        remote = read_remote(answer["jsep"]["sdp"])
        await peer.connect(remote, "server" if remote.setup == "active" else "client")
        return peer

    async def view(self) -> RawPeer:
        handle = await self._attach()
        body = {"request": "join", "ptype": "subscriber", "room": 1, "streams": [{"feed": self._feed}]}
        event = await self._message(handle, body)
        offer = event["jsep"]["sdp"]
        mid = next(line[6:].strip() for line in offer.splitlines() if line.startswith("a=mid:"))
        peer = RawPeer(self._certificate, self._address)
        answer = {"type": "answer", "sdp": _sdp(peer, "recvonly", "active", mid)}
        remote = read_remote(offer)
        connecting = asyncio.ensure_future(peer.connect(remote, "client"))
        await self._message(handle, {"request": "start"}, answer)
        await connecting
        return peer

    async def close(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
        await self._session.close()

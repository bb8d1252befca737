"""The typed RPC between the control plane and a Worker, over one Unix stream socket.

Frames are a 4-byte big-endian length and a JSON object: ``{"id", "method", "params"}`` asks, ``{"id", "result"}`` or
``{"id", "error": {"code", "message"}}`` answers, ``{"event", "params"}`` reports. Both ends are ours, so a frame that
does not parse is a broken peer and ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from media import api
from media.wire_types import ShapeError, decode, encode

logger = logging.getLogger(__name__)

R = TypeVar("R")
MAX_FRAME = 16 * 1024 * 1024
MAX_PENDING = 4096
_LENGTH = struct.Struct("!I")
_REQUESTS = {cls.method: cls for cls in api.REQUESTS}
_EVENTS: dict[str, type[api.Event]] = {cls.event: cls for cls in api.EVENTS}
_RESULTS: dict[str, type[Any]] = {api.GetStats.method: api.WorkerStats}


class RpcError(Exception):
    """The Worker refused a request; ``code`` is stable, ``message`` readable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class WorkerLost(Exception):
    """The Worker is gone, or did not answer within its deadline."""


def pack_frame(message: dict[str, Any]) -> bytes:
    """One message as it goes on the socket."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    """Read one message. Raises ConnectionError at the end of the stream or on a frame that is not ours."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(4))
        if length > MAX_FRAME:
            raise ConnectionError(f"RPC frame of {length} bytes")
        message = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ValueError) as exc:
        raise ConnectionError("RPC stream ended") from exc
    if not isinstance(message, dict):
        raise ConnectionError("RPC frame is not an object")
    return message


class RpcClient:
    """The control plane's end. One per Worker; :meth:`run` reads until the Worker goes away.

    ``events`` and ``results`` by name: the Worker's, unless another process of ours is spoken to.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_event: Callable[[api.Event], None],
        *,
        events: Mapping[str, type[api.Event]] = _EVENTS,
        results: Mapping[str, type[Any]] = _RESULTS,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_event = on_event
        self._events = events
        self._results = results
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._next_id = 0
        self._closed = False

    async def call(self, request: api.Request[R], timeout_s: float = 5.0) -> R:
        """Send one request and wait for its answer. Raises RpcError or WorkerLost."""
        if self._closed or len(self._pending) >= MAX_PENDING:
            raise WorkerLost("the media worker is not reachable")
        self._next_id += 1
        call_id = self._next_id
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[call_id] = future
        try:
            self._writer.write(pack_frame({"id": call_id, "method": request.method, "params": encode(request)}))
            async with asyncio.timeout(timeout_s):
                reply = await future
        except (TimeoutError, ConnectionError) as exc:
            raise WorkerLost(f"{request.method} was not answered") from exc
        finally:
            self._pending.pop(call_id, None)
        if "error" in reply:
            raise RpcError(reply["error"]["code"], reply["error"]["message"])
        result_type = self._results.get(request.method)
        return cast(R, decode(result_type, reply["result"]) if result_type else None)

    async def run(self) -> None:
        """Read answers and events until the connection ends; then every pending call fails with WorkerLost."""
        try:
            while True:
                message = await read_frame(self._reader)
                if "event" in message:
                    self._report(decode(self._events[message["event"]], message["params"]))
                elif (future := self._pending.get(message["id"])) is not None and not future.done():
                    future.set_result(message)
        except (ConnectionError, ShapeError, KeyError) as exc:
            logger.debug("RPC connection ended: %s", exc)
        finally:
            self.close()

    def _report(self, event: api.Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            # The listener's own mistake must not cost a Worker with all its calls.
            logger.exception("event %s", event.event)

    def close(self) -> None:
        """Drop the connection. Safe to call twice."""
        self._closed = True
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ConnectionResetError("worker lost"))
                future.exception()
        with contextlib.suppress(RuntimeError):
            self._writer.close()


class RpcServer:
    """The Worker's end: serves one control plane, in order, until it disconnects."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        handle: Callable[[api.Request[Any]], Any],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._handle = handle

    def hello(self, info: api.WorkerInfo) -> None:
        """Tell the control plane that the Worker is ready, once, before anything else."""
        self._writer.write(pack_frame({"hello": encode(info)}))

    def emit(self, event: api.Event) -> None:
        """Report an event. If the control plane reads too slowly (8 MiB behind) the connection is given up."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > 8 * 1024 * 1024:
            transport.abort()
            return
        self._writer.write(pack_frame({"event": event.event, "params": encode(event)}))

    async def run(self) -> None:
        """Answer requests until the control plane goes away."""
        with contextlib.suppress(ConnectionError):
            while True:
                message = await read_frame(self._reader)
                self._writer.write(pack_frame(self._answer(message)))
                await self._writer.drain()

    def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        call_id = message.get("id")
        try:
            request = decode(_REQUESTS[message["method"]], message["params"])
            return {"id": call_id, "result": encode(self._handle(request))}
        except RpcError as exc:
            return {"id": call_id, "error": {"code": exc.code, "message": exc.message}}
        except (KeyError, ShapeError) as exc:
            return {"id": call_id, "error": {"code": "bad_request", "message": str(exc)}}
        except Exception as exc:
            logger.exception("request failed")
            return {"id": call_id, "error": {"code": "internal", "message": repr(exc)}}

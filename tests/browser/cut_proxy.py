"""A TCP proxy whose cable can be pulled: what a page loses when its network drops, without touching the page."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self

BLOCK = 1 << 16


class CutProxy:
    """Forwards connections to ``port`` of 127.0.0.1 until :meth:`cut`; after :meth:`mend` again. HTTP and WebSocket
    both pass; media does not go through it."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self.refused = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._drop()

    @property
    def origin(self) -> str:
        """What a page is opened from instead of the service's own origin."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def cut(self) -> None:
        """Reset what is open and refuse what comes."""
        self._is_cut = True
        self._drop()

    def mend(self) -> None:
        """Let new connections through."""
        self._is_cut = False

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.refused += 1
            writer.transport.abort()
            return
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, onward}
        try:
            await asyncio.gather(self._copy(reader, onward), self._copy(onward_reader, writer))
        finally:
            self._writers -= {writer, onward}

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while block := await reader.read(BLOCK):
                writer.write(block)
                await writer.drain()
        writer.close()

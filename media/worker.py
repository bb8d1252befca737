"""A Worker process: ``python -m media.worker --socket PATH --port N``.

Connects to the control plane's Unix socket, binds one UDP and one TCP port, says hello, and then only reacts: to
datagrams, to requests, to its timer. It ends when the control plane goes away.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time

from media import api
from media.candidates import interface_addresses
from media.engine import FAST_TICK_S, TICK_S, Engine
from media.rpc import RpcServer
from media.tcp import TcpServer
from media.udp import UdpSocket, bind

logger = logging.getLogger(__name__)

CERTIFICATE_LIFE_S = 24 * 3600.0


class BindError(OSError):
    """The media port cannot be had; the message says which and why."""


class Worker:
    """The shell around :class:`media.engine.Engine`."""

    def __init__(self, socket_path: str, host: str, port: int) -> None:
        self._socket_path = socket_path
        self._host = host
        self._port = port
        self._server: RpcServer | None = None
        self._engine = Engine(self._emit, hurry=lambda: self._keep_pace(FAST_TICK_S))
        self._tcp = TcpServer(self._engine.demux.on_frame, self._engine.demux.gone, self._count_drop)
        self._fast: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve until the control plane disconnects."""
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_unix_connection(self._socket_path, limit=1 << 20)
        self._server = RpcServer(reader, writer, self._handle)
        demux = self._engine.demux
        demux.sockets = await self._bind()
        fingerprint = self._engine.rotate_certificate()
        self._server.hello(api.WorkerInfo(os.getpid(), self._port, self._tcp.port, fingerprint))
        for udp in demux.sockets:
            loop.add_reader(udp.fd, self._readable, udp)
        timer = loop.create_task(self._keep_time())
        # What start-up made lives as long as the process: the collector need never look at it again, and its pauses
        # would be felt as jitter.
        gc.collect()
        gc.freeze()
        try:
            await self._server.run()
        finally:
            timer.cancel()
            for udp in demux.sockets:
                loop.remove_reader(udp.fd)
            self._engine.close()
            self._tcp.close()
            for udp in demux.sockets:
                udp.close()
            writer.close()

    async def _bind(self) -> list[UdpSocket]:
        """UDP and TCP on the same number; with port 0, on one that is free for both."""
        why = ""
        for _ in range(20):
            sockets: list[UdpSocket] = []
            try:
                sockets = bind(self._host, self._port, (address for _, address in interface_addresses()))
                port = sockets[0].sock.getsockname()[1]
                await self._tcp.start(self._host, port)
            except OSError as exc:
                for udp in sockets:
                    udp.close()
                why = os.strerror(exc.errno) if exc.errno is not None and exc.errno > 0 else str(exc)
                if self._port:
                    break
                continue
            self._port = port
            return sockets
        where = f"{self._host or 'every address'}, port {self._port or 'any'}, UDP and TCP"
        raise BindError(f"cannot listen on {where}: {why}")

    def _emit(self, event: api.Event) -> None:
        if self._server is not None:
            self._server.emit(event)

    def _count_drop(self, reason: str) -> None:
        self._engine.drops[reason] += 1

    def _handle(self, request: api.Request[object]) -> object:
        result = self._engine.handle(request)
        self._keep_pace(FAST_TICK_S)
        return result

    def _readable(self, udp: UdpSocket) -> None:
        try:
            self._engine.demux.drain(udp)
        except Exception:
            # A datagram must never end the Worker; what it broke is in the log and in the count.
            logger.exception("datagram")
            self._engine.drops["internal"] += 1

    def _keep_pace(self, delay: float) -> None:
        if self._fast is None:
            self._fast = asyncio.get_running_loop().call_later(delay, self._fast_tick)

    def _fast_tick(self) -> None:
        self._fast = None
        if self._engine.fast_tick():
            self._keep_pace(FAST_TICK_S)

    async def _keep_time(self) -> None:
        rotate_at = time.monotonic() + CERTIFICATE_LIFE_S
        due = time.monotonic()
        while True:
            due = max(due + TICK_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            now = time.monotonic()
            self._engine.loop_lag_s = max(now - due, self._engine.loop_lag_s * 0.99)
            try:
                if self._engine.tick():
                    self._keep_pace(FAST_TICK_S)
            except Exception:
                logger.exception("tick")
                self._engine.drops["internal"] += 1
            if now > rotate_at:
                rotate_at = now + CERTIFICATE_LIFE_S
                self._engine.rotate_certificate()


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description="Lianmai media worker (started by lianmai serve)")
    parser.add_argument("--socket", required=True, help="Unix socket of the control plane")
    parser.add_argument("--host", default="", help="address to bind; empty: all, IPv4 and IPv6")
    parser.add_argument("--port", type=int, default=0, help="UDP and TCP port; 0: any free one")
    parser.add_argument("--log-level", default="INFO")
    args = parser.parse_args()
    logging.basicConfig(level=args.log_level, format="%(asctime)s %(levelname)s worker %(name)s: %(message)s")
    # Ctrl-C goes to the whole process group; the control plane decides when its Workers stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    with contextlib.suppress(ImportError):
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    try:
        with contextlib.suppress(ConnectionError):
            asyncio.run(Worker(args.socket, args.host, args.port).run())
    except BindError as exc:
        logger.error("%s", exc)
        sys.exit(1)


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the control plane is killed, so that no Worker is left behind."""
    with contextlib.suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


if __name__ == "__main__":
    main()

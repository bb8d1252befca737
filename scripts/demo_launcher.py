"""What ``scripts/demo`` runs: the service in demo mode, the synthetic host and an example shop, as one thing that starts
and stops.

Every child is in a process group of its own, so that Ctrl-C in the terminal reaches the launcher alone and the
children end in order; at the end each whole group is killed, so that nothing is left. If the launcher itself is
killed, Linux tells the children (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import io
import os
import secrets
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import ifaddr
import segno

ROOT = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 4.0
HOST_RESTART_S = 2.0
#: The example shop is this many ports above the service.
SHOP_OFFSET = 10
SERVE = ["-c", "import sys; from signaling.cli import main; sys.exit(main())", "serve"]
PR_SET_PDEATHSIG = 1
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104


class StartError(Exception):
    """The demo cannot run; the message says why and what to do."""


class Child:
    """One process in its own group. ``log`` None: its output goes to the terminal; ``more``: of its environment."""

    def __init__(
        self, command: Sequence[str], folder: Path, log: Path | None, more: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._more = more or {}
        self._folder = folder
        self._log = log
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        """Start it; its output is appended to the log."""
        output = None if self._log is None else self._log.open("ab")
        path = (str(ROOT), os.environ.get("PYTHONPATH"))
        try:
            self.process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self._folder,
                env={**os.environ, **self._more, "PYTHONPATH": os.pathsep.join(filter(None, path))},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        finally:
            if output is not None:
                output.close()
        return self.process

    async def stop(self, deadline: float) -> None:
        """Ask it to end, wait until ``deadline`` (monotonic seconds), then kill whatever is left of its group."""
        process = self.process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                    await process.wait()
        # The group outlives its leader while it has members. Its number cannot be anybody else's: as long as the
        # group exists no process gets it, and when it is gone the call fails.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.returncode is None:
            await process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        if self._log is None:
            return ""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-6:])


def _die_with(parent: int) -> Callable[[], None]:
    """What a child does between fork and exec: ask for SIGTERM when ``parent`` dies."""
    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return lambda: None

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


class Demo:
    """The service and the synthetic host, from start to end."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._home: Path = arguments.home.resolve()
        self._tls: bool = arguments.tls or arguments.cert is not None
        self._scheme = "https" if self._tls else "http"
        listen = self._listen()
        self._name = "localhost" if listen in ("127.0.0.1", *EVERYWHERE) else listen
        address = "127.0.0.1" if self._name == "localhost" else listen
        self._origin = f"{self._scheme}://{address}:{arguments.port}"
        self._local = f"{self._scheme}://{self._name}:{arguments.port}"
        self._stopping = asyncio.Event()
        log = None if arguments.verbose else self._home / "data" / "demo.log"
        # A page of another origin: with TLS it would need a certificate of its own.
        self._shop_port = 0 if self._tls or arguments.no_shop else free_port(arguments.port + SHOP_OFFSET)
        kid, key, hook = "shop", secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        shop = f"http://127.0.0.1:{self._shop_port}"
        knows = {"SHOPS": f"{kid}={key}", "HOOK_URL": f"{shop}/shop/hook", "HOOK_SECRET": hook} if self._shop_port else {}
        told = {f"LIANMAI_HELP_{name}": value for name, value in knows.items()}
        self._serve = Child([sys.executable, *SERVE, *self._flags()], self._home, log, told)
        self._shop = Child(
            [sys.executable, "-m", "scripts.example_shop", "--port", str(self._shop_port), "--node", self._local],
            self._home,
            log,
            {"EXAMPLE_SHOP_KEY": f"{kid}={key}", "EXAMPLE_SHOP_HOOK_SECRET": hook},
        )
        self._host = Child([sys.executable, "-m", "scripts.synthetic_host", *self._host_flags()], self._home, log)
        self._log = log

    def stop(self) -> None:
        """End everything; for signal handlers."""
        self._stopping.set()

    async def run(self) -> int:
        """Run until a signal, or until the service ends by itself. Returns the exit status."""
        tasks: list[asyncio.Task[Any]] = []
        try:
            self._prepare()
            service = await self._serve.start()
            ended = asyncio.create_task(service.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            ready = asyncio.create_task(self._until_ready())
            tasks += [ended, stopping, ready]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                ready.result()
                if not self._arguments.no_synthetic:
                    tasks.append(asyncio.create_task(self._keep_host()))
                if self._shop_port:
                    await self._shop.start()
                print(self._welcome(), flush=True)
                await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                return 0
            raise StartError(f"The service ended with status {service.returncode}.\n{self._serve.last_words()}")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            deadline = time.monotonic() + STOP_TIMEOUT_S
            await asyncio.gather(*(child.stop(deadline) for child in (self._host, self._shop, self._serve)))

    def _prepare(self) -> None:
        arguments = self._arguments
        (self._home / "data").mkdir(parents=True, exist_ok=True)
        if self._log is not None:
            self._log.write_bytes(b"")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self._listen(), arguments.port))
            except OSError as exc:
                raise StartError(
                    f"Port {arguments.port} cannot be used ({exc.strerror}). Is a demo running already? "
                    f"Otherwise try ./scripts/demo --port {arguments.port + 1}"
                ) from None

    def _listen(self) -> str:
        # Demo mode gives a token to whoever asks: only this machine, unless somebody wants phones to reach it.
        return self._arguments.host or (EVERYWHERE[0] if self._tls else "127.0.0.1")

    def _flags(self) -> list[str]:
        arguments = self._arguments
        flags = ["--demo-enabled", "--http-host", self._listen(), "--http-port", str(arguments.port)]
        if arguments.workers is not None:
            flags += ["--media-workers", str(arguments.workers)]
        if arguments.cert is not None:
            flags += ["--http-tls-cert", str(arguments.cert.resolve()), "--http-tls-key", str(arguments.key.resolve())]
        elif self._tls:
            flags.append("--http-tls")
        if "LIANMAI_MEDIA_PORT" not in os.environ and not _media_ports_free(arguments.workers or os.cpu_count() or 1):
            flags += ["--media-port", "0"]
        return [*flags, *arguments.more]

    def _host_flags(self) -> list[str]:
        flags = ["--url", self._origin]
        if self._tls:
            pin = self._arguments.cert or self._home / "data" / "tls-certificate.pem"
            flags += ["--pin", str(pin.resolve())]
        return flags

    async def _until_ready(self) -> None:
        # A certificate of our own making, or one for another name: this asks only whether the service answers.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        timeout = aiohttp.ClientTimeout(total=2)
        async with asyncio.timeout(START_TIMEOUT_S), aiohttp.ClientSession(timeout=timeout) as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with http.get(f"{self._origin}/healthz", ssl=context) as reply:
                        if reply.status == 200:
                            return
                await asyncio.sleep(0.1)

    async def _keep_host(self) -> None:
        """The synthetic host connects again by itself; only a crash of it brings us here."""
        while True:
            process = await self._host.start()
            await process.wait()
            await asyncio.sleep(HOST_RESTART_S)

    def _welcome(self) -> str:
        arguments = self._arguments
        local = self._local
        studio = "demo" if arguments.no_synthetic else "studio"
        rows = [
            ("首页", "Start here", f"{local}/"),
            ("直播间", "Live page", f"{local}/live/demo"),
            ("主播开播", "Host studio", f"{local}/host/{studio}"),
        ]
        if not arguments.no_synthetic:
            rows.append(("观看主播", "Watch that host", f"{local}/live/{studio}"))
        rows.append(("客服台", "Agent console", f"{local}/agent"))
        if self._shop_port:
            rows.append(("商城示例", "A shop's page", f"http://localhost:{self._shop_port}/"))
        lines = ["", "  连麦 Lianmai 已就绪 · is running", ""]
        lines += [f"  {_padded(f'{zh} {en}', 26)}{link}" for zh, en, link in rows]
        lan = lan_address() if self._listen() in EVERYWHERE else None
        if lan is not None:
            link = f"{self._scheme}://{lan}:{arguments.port}/"
            lines += ["", f"  {_padded('手机扫码 On a phone', 26)}{link}", "", *_qr(link)]
            if self._tls and arguments.cert is None:
                lines += [
                    "  证书是自签名的，请在浏览器的提示页选择继续访问。",
                    "  The certificate is self-signed: choose to proceed on the browser's warning page.",
                ]
        if self._log is not None:
            lines += ["", f"  日志 Log: {os.path.relpath(self._log)}"]
        return "\n".join([*lines, "  按 Ctrl-C 停止 · Ctrl-C stops it", ""])


def lan_address() -> str | None:
    """The IPv4 address by which others on this network reach this machine, or None."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # No packet is sent: connecting only asks the routing table. The address is reserved for documentation.
        probe.connect(("198.51.100.1", 9))
        found = str(probe.getsockname()[0])
        if not found.startswith("127."):
            return found
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str) and not ip.ip.startswith(("127.", "169.254.")):
                return ip.ip
    return None


def free_port(first: int) -> int:
    """The first TCP port of this machine, from ``first`` on, that can be had; 0 if none of twenty can."""
    for port in range(first, min(first + 20, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    return 0


def _media_ports_free(count: int, first: int = 41000) -> bool:
    """Whether the usual media ports can be had; a second demo on the machine takes others."""
    for port in range(first, first + count):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    probe.bind(("", port))
                except OSError:
                    return False
    return True


def _padded(text: str, columns: int) -> str:
    """Fill up with spaces; a Chinese character is two columns wide."""
    return text + " " * max(1, columns - sum(2 if ord(letter) > 0x2E80 else 1 for letter in text))


def _qr(link: str) -> list[str]:
    drawn = io.StringIO()
    segno.make(link, micro=False).terminal(drawn, border=2, compact=True)
    return [f"  {line}" for line in drawn.getvalue().splitlines()]


async def _run(arguments: argparse.Namespace) -> int:
    demo = Demo(arguments)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, demo.stop)
    return await demo.run()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Starts the service in demo mode with a synthetic host in room 'demo' and an example shop, and prints the links.",
        epilog="What follows -- is handed to 'lianmai serve', for example: -- --media-advertise 203.0.113.5",
    )
    parser.add_argument("--port", type=int, default=8080, help="HTTP port (default: 8080)")
    parser.add_argument("--host", help="address to listen on (default: this machine only; with --tls every one)")
    parser.add_argument("--workers", type=int, help="media processes (default: one per core)")
    parser.add_argument("--no-synthetic", action="store_true", help="without the synthetic host")
    parser.add_argument("--no-shop", action="store_true", help="without the example shop")
    parser.add_argument("--tls", action="store_true", help="https, so that cameras work from other devices")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate chain (PEM) instead of a generated one")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its private key (PEM)")
    parser.add_argument("--home", type=Path, default=ROOT, metavar="DIR", help="where data/ is kept (default: here)")
    parser.add_argument("--verbose", action="store_true", help="show the log here instead of keeping it in data/demo.log")
    parser.add_argument("more", nargs="*", metavar="-- FLAGS", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if (arguments.cert is None) != (arguments.key is None):
        parser.error("--cert and --key belong together")
    for file in (arguments.cert, arguments.key):
        if file is not None and not file.is_file():
            parser.error(f"no such file: {file}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that has no Chinese letters must not keep the demo from starting.
        sys.stdout.reconfigure(errors="replace")
    try:
        return asyncio.run(_run(arguments))
    except StartError as exc:
        print(f"scripts/demo: {exc}", file=sys.stderr)
    except TimeoutError:
        print(f"scripts/demo: the service is not ready after {START_TIMEOUT_S:.0f} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

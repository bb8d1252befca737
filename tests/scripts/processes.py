"""Start a program and find every process that came of it, whoever its parent is now."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WAIT_S = 30.0
_MARK = "TREE_MARK"


class Tree:
    """``python -m module arguments`` and its descendants, known by a variable in their environment."""

    def __init__(self, output: Path, module: str, *arguments: str) -> None:
        self._output = output
        self._command = [sys.executable, "-m", module, *arguments]
        self._mark = secrets.token_hex(8)
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it in a process group of its own."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LIANMAI_")}
        environment |= {_MARK: self._mark, "PYTHONPATH": str(ROOT)}
        with self._output.open("wb") as output:
            self.process = await asyncio.create_subprocess_exec(
                *self._command, cwd=ROOT, env=environment, stdin=asyncio.subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        """Signal the first process only."""
        assert self.process is not None
        self.process.send_signal(number)

    async def wait(self, timeout_s: float = WAIT_S) -> int:
        """Its exit status."""
        assert self.process is not None
        async with asyncio.timeout(timeout_s):
            return await self.process.wait()

    def text(self) -> str:
        """What it has said."""
        return self._output.read_text(errors="replace")

    def running(self, containing: str = "") -> list[int]:
        """Ids of the living processes whose command line contains a text."""
        found = []
        mark = f"{_MARK}={self._mark}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            # A process may end while it is looked at; a zombie has an empty environment.
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes() and containing.encode() in (
                    folder / "cmdline"
                ).read_bytes().replace(b"\0", b" "):
                    found.append(int(folder.name))
        return found

    async def until(self, condition: Callable[[], bool], what: str, timeout_s: float = WAIT_S) -> None:
        """Wait until ``condition`` holds; fails with the output when it does not."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.text()}"
            await asyncio.sleep(0.05)

    async def kill(self) -> None:
        """End whatever is left."""
        for pid in self.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            await self.process.wait()

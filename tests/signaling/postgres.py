"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket, as a user who may do nothing else."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

OWNER = "lianmai"
START_S = 30.0
_PR_SET_PDEATHSIG = 1
# Nothing here outlives the tests, so nothing need reach the disk.
OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}
_libc = ctypes.CDLL(None)


def programs() -> Path | None:
    """The folder of the newest server installed, or None. Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _user() -> str | None:
    """Whom to run as: the server refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


@contextmanager
def server() -> Iterator[Path]:
    """Run one; gives the folder of its socket, where :data:`OWNER` may do everything. Skips if none is installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (scripts/test install)")
    user = _user()
    place = Path(tempfile.mkdtemp(prefix="lianmai-pg-"))
    try:
        if user is not None:
            shutil.chown(place, user)
        subprocess.run(
            [folder / "initdb", "-D", place / "data", "-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
            user=user,
            cwd=place,
            check=True,
            capture_output=True,
            timeout=60,
        )
        with _running(folder, place, user):
            yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _running(folder: Path, place: Path, user: str | None) -> Iterator[None]:
    flags = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    with (
        (place / "log").open("wb") as log,
        subprocess.Popen(
            [folder / "postgres", "-D", place / "data", "-k", place, *flags],
            user=user,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,
        ) as process,
    ):
        try:
            _wait(folder, place, process)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)


def _wait(folder: Path, place: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    ask: list[str | Path] = [folder / "pg_isready", "-q", "-h", place, "-U", OWNER, "-d", "postgres"]
    while subprocess.run(ask, check=False, timeout=START_S).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((place / "log").read_text(encoding="utf-8", errors="replace"))
        time.sleep(0.05)


def url(place: Path, name: str) -> str:
    """What ``store.url`` would be for a database of this server."""
    return f"postgresql://{OWNER}@/{name}?host={place}"

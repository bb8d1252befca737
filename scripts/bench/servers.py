"""Start and stop the servers that bench_forward compares, inside the server's namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from scripts.bench.netns import SERVER_ADDRESS, Namespaces

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 30.0


def wait_until(namespaces: Namespaces, url: str) -> None:
    """Poll ``url`` from the clients' namespace until it answers. Raises TimeoutError."""
    deadline = time.monotonic() + START_TIMEOUT_S
    script = f"import urllib.request as u; u.urlopen({url!r}, timeout=1)"
    while time.monotonic() < deadline:
        command = namespaces.command(namespaces.client, sys.executable, "-c", script)
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            return
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer")


def children(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for parent in found:
        listing = Path(f"/proc/{parent}/task/{parent}/children")
        if listing.exists():
            found += [int(child) for child in listing.read_text().split()]
    return found


class Server:
    """A running server; ``pids`` are all its processes and ``media_pids`` those that touch packets."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, media_marker: str, directory: str) -> None:
        self.process = process
        self.url = url
        self.pids = children(process.pid)
        self.media_pids = [pid for pid in self.pids if media_marker in _command_line(pid)] or self.pids
        self._directory = directory

    def stop(self) -> None:
        """Terminate it and remove its files."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def start_lianmai(namespaces: Namespaces, workers: int) -> Server:
    """The service as ``lianmai serve`` runs it, with ``workers`` media processes."""
    directory = tempfile.mkdtemp(prefix="lianmai-bench-")
    config = Path(directory) / "bench.toml"
    config.write_text(
        f'[http]\nhost = "{SERVER_ADDRESS}"\nport = 8080\n'
        f'[media]\nworkers = {workers}\nport = 41000\nadvertise = ["{SERVER_ADDRESS}"]\n'
        f'[rooms]\nmax_peers = 5000\n[store]\nurl = "sqlite:///{directory}/bench.db"\n[demo]\nenabled = true\n'
    )
    command = namespaces.command(
        namespaces.server, sys.executable, "-m", "signaling.cli", "serve", "--config", str(config)
    )
    log = (Path(directory) / "log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
    url = f"http://{SERVER_ADDRESS}:8080"
    try:
        wait_until(namespaces, f"{url}/healthz")
    except TimeoutError:
        process.kill()
        print((Path(directory) / "log").read_text(), file=sys.stderr)
        raise
    return Server(process, url, "media.worker", directory)


def start_janus(namespaces: Namespaces) -> Server:
    """Debian's Janus with the videoroom plugin and the HTTP transport only."""
    directory = tempfile.mkdtemp(prefix="janus-bench-")
    plugins = Path(directory) / "plugins"
    transports = Path(directory) / "transports"
    for folder in (plugins, transports):
        folder.mkdir()
    library = next(Path("/usr/lib").glob("*/janus"))
    os.symlink(library / "plugins/libjanus_videoroom.so", plugins / "libjanus_videoroom.so")
    os.symlink(library / "transports/libjanus_http.so", transports / "libjanus_http.so")
    (Path(directory) / "janus.jcfg").write_text(
        f'general: {{ configs_folder = "{directory}" plugins_folder = "{plugins}" transports_folder = "{transports}"\n'
        f'  events_folder = "{directory}" loggers_folder = "{directory}" debug_level = 3 session_timeout = 0 }}\n'
        'nat: { nice_debug = false full_trickle = false ice_lite = true }\nmedia: { ipv6 = false }\n'
    )
    (Path(directory) / "janus.transport.http.jcfg").write_text(
        f'general: {{ json = "compact" base_path = "/janus" http = true port = 8088 ip = "{SERVER_ADDRESS}" }}\n'
    )
    (Path(directory) / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")
    command = namespaces.command(namespaces.server, "janus", "-F", directory)
    log = (Path(directory) / "log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://{SERVER_ADDRESS}:8088"
    try:
        wait_until(namespaces, f"{url}/janus/info")
    except (TimeoutError, urllib.error.URLError):
        process.kill()
        print((Path(directory) / "log").read_text(), file=sys.stderr)
        raise
    return Server(process, url, "janus", directory)

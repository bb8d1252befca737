"""Two network namespaces joined by a veth pair: the server's and the clients'. Needs root and iproute2."""

from __future__ import annotations

import os
import subprocess

SERVER_ADDRESS = "10.99.7.1"
CLIENT_ADDRESS = "10.99.7.2"


class Namespaces:
    """Use as a context manager; the names carry our pid, so two runs do not meet."""

    def __init__(self) -> None:
        self.server = f"lmsrv{os.getpid()}"
        self.client = f"lmcli{os.getpid()}"

    def __enter__(self) -> Namespaces:
        a, b = f"lma{os.getpid()}"[:15], f"lmb{os.getpid()}"[:15]
        for name in (self.server, self.client):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", a, "type", "veth", "peer", "name", b)
        for name, device, address in ((self.server, a, SERVER_ADDRESS), (self.client, b, CLIENT_ADDRESS)):
            _ip("link", "set", device, "netns", name)
            _ip("-n", name, "address", "add", f"{address}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for name in (self.server, self.client):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)

    def command(self, namespace: str, *args: str) -> list[str]:
        """The command line that runs ``args`` inside ``namespace``."""
        return ["ip", "netns", "exec", namespace, *args]


def _ip(*args: str) -> None:
    subprocess.run(["ip", *args], check=True, capture_output=True)

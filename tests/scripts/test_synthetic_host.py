"""The synthetic host where there is no service; tests/scripts/test_demo.py has it on air."""

from __future__ import annotations

import signal
from pathlib import Path

import aioice.ice
import pytest

from scripts.synthetic_host import use_loopback
from tests.scripts.processes import Tree


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_tries_again_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    host = Tree(tmp_path / "output.txt", "scripts.synthetic_host", "--url", "http://127.0.0.1:9")
    await host.start()
    try:
        await host.until(lambda: host.text().count("not on air") >= 2, "one attempt only")
        host.send(number)
        assert await host.wait(10.0) == 0
        assert "Traceback" not in host.text()
    finally:
        await host.kill()


@pytest.mark.parametrize(
    ("url", "found", "expected"),
    [
        ("http://127.0.0.1:8080", ["192.0.2.1"], ["127.0.0.1", "192.0.2.1"]),
        ("http://localhost:8080", [], ["127.0.0.1"]),
        ("http://[::1]:8080", ["192.0.2.1"], ["::1", "192.0.2.1"]),
        ("https://live.example", ["192.0.2.1"], ["192.0.2.1"]),
        ("https://live.example", [], ["127.0.0.1"]),
        ("https://192.0.2.7", ["192.0.2.1"], ["192.0.2.1"]),
    ],
)
def test_addresses(monkeypatch: pytest.MonkeyPatch, url: str, found: list[str], expected: list[str]) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: found)
    use_loopback(url)
    assert aioice.ice.get_host_addresses(True, True) == expected

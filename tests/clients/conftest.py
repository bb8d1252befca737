"""The service for clients that are no browsers of ours, and a player that looks and listens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import pytest

from scripts.synthetic_host import use_loopback
from tests.browser.service import Service


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """A service of the test's own, on 127.0.0.1. Nothing that a client does may make it log a traceback."""
    log = tmp_path / "service.log"
    log.touch()
    async with Service(tmp_path, log) as running:
        # aiortc's clients leave 127.0.0.1 out, and this service has no other address.
        monkeypatch.setattr(aioice.ice, "get_host_addresses", aioice.ice.get_host_addresses)
        use_loopback(running.origin)
        yield running
    found = log.read_text(errors="replace")
    assert "Traceback" not in found, found

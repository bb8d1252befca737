"""The other end of an ICE-lite agent in tests: a full agent's checks, each with a transaction id of its own."""

from __future__ import annotations

import itertools
from collections.abc import Hashable

from media import stun
from media.api import IceParams
from media.ice_lite import IceAgent, IceResult

OLD = IceParams("oldufrag", "o" * 24)
NEW = IceParams("newufrag", "n" * 24)
NEWER = IceParams("newerufrag", "m" * 24)
WRONG = b"wrong password, 22 bytes"
HIGH, LOW = 0x6E7F00FF, 0x6E7E00FF


class Peer:
    """A full agent's checks towards one agent; every check has a transaction id of its own."""

    def __init__(self, params: IceParams = OLD) -> None:
        self.agent = IceAgent(params, 0.0)
        self.params = params
        self._serial = itertools.count(1)

    def make(self, *, params: IceParams | None = None, nominate: bool = False, priority: int = HIGH) -> bytes:
        """The next check, not sent yet."""
        params = params or self.params
        tid = next(self._serial).to_bytes(12, "big")
        username = f"{params.ufrag}:peer"
        return stun.binding_request(tid, username, params.pwd.encode(), priority=priority, use_candidate=nominate)

    def send(self, data: bytes, source: Hashable, now: float) -> IceResult:
        """What the agent makes of a datagram from ``source``."""
        return self.agent.handle(data, source, now, ("192.0.2.9", 5000))

    def check(
        self,
        source: Hashable,
        now: float,
        *,
        nominate: bool = False,
        priority: int = HIGH,
        params: IceParams | None = None,
    ) -> bool:
        """One new check; True when the path changed to its source."""
        result = self.send(self.make(params=params, nominate=nominate, priority=priority), source, now)
        assert result.validated
        assert result.drop is None
        assert result.response is not None
        assert not result.nominated or self.agent.selected == source
        return result.nominated


def code_of(result: IceResult) -> int | None:
    """The error code of the agent's response, None when it is a success."""
    assert result.response is not None
    message = stun.parse(result.response)
    assert message is not None
    return message.error_code

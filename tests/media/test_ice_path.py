"""Which path the ICE-lite agent takes: every style of nomination, a bad link, a real agent, any order of events."""

from __future__ import annotations

import asyncio
import math

import aioice
import aioice.ice
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media import stun
from media.api import IceParams
from media.ice_lite import MAX_SOURCES, STALLED_AFTER_S, IceAgent, IceResult
from tests.media.ice_peer import HIGH, LOW, OLD, WRONG, Peer
from tests.media.lossy_link import LossyLink

# --- the path ----------------------------------------------------------------------------------------------------


def test_first_check_makes_a_provisional_path() -> None:
    peer = Peer()
    assert peer.check("a", 0.0)
    assert not peer.check("b", 0.01), "a second plain check moves nothing"
    assert peer.check("b", 0.02, nominate=True, priority=LOW), "the first nomination does"
    assert not peer.check("b", 0.03, nominate=True, priority=LOW), "the same path is not announced again"
    assert peer.check("a", 0.04, nominate=True), "having been provisional is not having been left"


def test_regular_nomination_moves_at_once() -> None:
    """Chosen once, kept alive by plain checks, chosen anew: Firefox and aioice."""
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    for now in (5.0, 10.0):
        assert not peer.check("b", now + 1)
        assert not peer.check("a", now)
    assert peer.check("b", 12.0, nominate=True, priority=LOW)
    for now in (15.0, 20.0, 25.0):
        assert not peer.check("a", now)
        assert not peer.check("b", now + 2)
    assert peer.check("a", 30.0, nominate=True)


def test_chromium_moves_its_nomination() -> None:
    """Chromium nominates in every check on the pair it uses; the former pair is still checked, without."""
    peer = Peer()
    peer.check("wifi", 0.0, nominate=True)
    peer.check("wifi", 2.5, nominate=True)
    assert not peer.check("cell", 2.6, nominate=True, priority=LOW)
    assert not peer.check("wifi", 2.7)
    assert peer.check("cell", 2.8, nominate=True, priority=LOW)
    assert peer.agent.selected == "cell"


def test_hand_over_from_a_dead_network() -> None:
    peer = Peer()
    for now in (0.0, 2.5, 5.0):
        peer.check("wifi", now, nominate=True)
    moved = [now for now in (7.6, 8.0, 8.2, 8.5) if peer.check("cell", now, nominate=True, priority=LOW)]
    assert moved == [8.2], "1.25 intervals of 2.5 s after the last check"
    assert not peer.check("wifi", 8.6, nominate=True), "a late check must not lead back"
    assert peer.agent.selected == "cell"


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("pace", [0.02, 0.5, 5.0])
def test_aggressive_nomination_does_not_flap(order: str, pace: float) -> None:
    peer = Peer()
    priority = {"a": HIGH, "b": LOW}
    changes: list[tuple[int, str]] = []
    for round_ in range(40):
        for index, source in enumerate(order):
            now = round_ * pace + index * pace / 3
            if peer.check(source, now, nominate=True, priority=priority[source]):
                changes.append((round_, source))
    if pace < 1:
        assert [source for _, source in changes] in (["a"], ["b", "a"])
        assert peer.agent.selected == "a"
    else:
        # No agent begins this slowly: until the pace is known, a pause of more than a second looks like silence.
        assert all(round_ < 2 for round_, _ in changes)


def test_aggressive_nomination_with_equal_priority_stays() -> None:
    peer = Peer()
    assert peer.check("a", 0.0, nominate=True)
    assert not any(peer.check(s, 0.05 * n, nominate=True) for n, s in enumerate("bababab", 1))


def test_aggressive_peer_returns_only_when_the_path_fails() -> None:
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    assert peer.check("b", 1.1, nominate=True, priority=LOW)
    for number in range(10):
        now = 1.2 + number * 0.5
        assert not peer.check("a", now, nominate=True)
        assert not peer.check("b", now + 0.2, nominate=True, priority=LOW)
    assert peer.check("a", 7.2, nominate=True)


def test_declined_nomination_is_remembered() -> None:
    """One nominating check that lost is made good by plain ones, once the path has died."""
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    assert not peer.check("b", 0.5, nominate=True, priority=LOW)
    assert not peer.check("b", STALLED_AFTER_S)
    assert not peer.check("never", STALLED_AFTER_S + 0.5)
    assert peer.check("b", STALLED_AFTER_S + 0.6)


def test_gone_connection_frees_the_path() -> None:
    peer = Peer()
    peer.check("tcp", 0.0, nominate=True)
    peer.agent.forget("tcp")
    assert peer.agent.selected is None
    assert peer.agent.sources == ()
    assert peer.check("udp", 0.1)
    peer.agent.forget("unknown")
    assert peer.agent.selected == "udp"


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_link_neither_moves_nor_ends_the_path(seed: int) -> None:
    """Chromium's pace on a chosen and a spare pair, each losing, repeating and reordering, for five minutes."""
    peer = Peer()
    links = {
        name: LossyLink(seed + index, delay_s=0.05, jitter_s=0.1, loss=0.2, reorder=0.1, reorder_s=0.3, duplicate=0.1)
        for index, name in enumerate(("chosen", "spare"))
    }
    moves: list[tuple[float, str]] = []

    def due(until: float) -> list[tuple[float, str]]:
        return sorted((at, name) for name, link in links.items() if (at := link.next_at) is not None and at <= until)

    def deliver(until: float) -> None:
        while waiting := due(until):
            at, name = waiting[0]
            results = [peer.send(data, name, at) for data in links[name].receive(at)]
            moves.extend((at, name) for result in results if result.nominated)
            assert not peer.agent.expired(at)

    for step in range(600):
        now = step * 0.5
        deliver(now)
        # Five times a pair's own pace at the start, as browsers do.
        if step < 10 or step % 5 == 0:
            links["chosen"].send(peer.make(nominate=step > 0, priority=LOW), now)
        if step < 10 or step % 50 == 0:
            links["spare"].send(peer.make(), now)
    deliver(math.inf)
    assert peer.agent.selected == "chosen"
    assert [name for _, name in moves] in (["chosen"], ["spare", "chosen"])
    assert all(at < 5 for at, _ in moves)
    assert set(peer.agent.sources) == {"chosen", "spare"}


# --- a real full agent -------------------------------------------------------------------------------------------


class _Server(asyncio.DatagramProtocol):
    """The agent behind a real socket; counts what it refuses and echoes what is no STUN back on the path."""

    def __init__(self, agent: IceAgent) -> None:
        self.agent = agent
        self.drops: list[str] = []
        self.results: list[IceResult] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[0] > 3:
            assert self.agent.selected == addr
            self.transport.sendto(data, addr)
            return
        result = self.agent.handle(data, addr, asyncio.get_running_loop().time(), addr)
        self.results.append(result)
        if result.drop is not None:
            self.drops.append(result.drop)
        if result.response is not None:
            self.transport.sendto(result.response, addr)


@pytest.mark.parametrize("controlling", [True, False])
async def test_aioice_connects(monkeypatch: pytest.MonkeyPatch, controlling: bool) -> None:
    """aioice finds the path, nominates it and sends over it; begun in the wrong role, it turns round on our 487."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: _Server(IceAgent(OLD, loop.time())), local_addr=("127.0.0.1", 0)
    )
    client = aioice.Connection(ice_controlling=controlling)
    try:
        async with asyncio.timeout(20):
            await client.gather_candidates()
            client.remote_username, client.remote_password = OLD.ufrag, OLD.pwd
            # Only a client that is told so takes the controlling role by itself.
            client.remote_is_lite = controlling
            port = transport.get_extra_info("sockname")[1]
            line = f"1 1 udp 2130706431 127.0.0.1 {port} typ host"
            await client.add_remote_candidate(aioice.Candidate.from_sdp(line))
            await client.add_remote_candidate(None)
            await client.connect()
            await client.send(b"\x80media")
            assert await client.recv() == b"\x80media"
        assert server.drops == [] if controlling else set(server.drops) == {"role_conflict"}
        assert sum(result.nominated for result in server.results) == 1
        assert len(server.agent.sources) == 1
    finally:
        await client.close()
        transport.close()


# --- any order of events -----------------------------------------------------------------------------------------

_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["check", "check", "check", "replay", "restart", "forget", "wrong"]),
        st.integers(0, 11),
        st.booleans(),
        st.integers(0, 3),
        st.floats(0.0, 8.0),
    ),
    max_size=60,
)


@given(_EVENTS)
@settings(max_examples=200, deadline=None)
def test_invariants_hold_in_any_order(events: list[tuple[str, int, bool, int, float]]) -> None:
    peer = Peer()
    agent = peer.agent
    now, generation = 0.0, 0
    live = [OLD]
    sent: list[bytes] = []
    for kind, source, nominate, priority, gap in events:
        now += gap
        before = agent.selected
        match kind:
            case "check":
                params = live[-1 if source % 2 else 0]
                data = peer.make(params=params, nominate=nominate, priority=priority)
                result = peer.send(data, source, now)
                sent.append(data)
                assert result.validated
                assert source in agent.sources
                assert result.nominated == (before != agent.selected)
                assert agent.selected == (source if result.nominated else before)
                assert result.evicted is None or result.evicted not in agent.sources
                if result.retired:
                    live = [params]
                    agent.take_retired()
            case "replay" if sent:
                result = peer.send(sent[source % len(sent)], ("thief", source), now)
                assert not result.validated
                assert agent.selected == before
            case "restart":
                generation += 1
                fresh = IceParams(f"gen{generation}", "g" * 24)
                agent.restart(fresh)
                agent.take_retired()
                live = [live[0], fresh]
            case "forget":
                agent.forget(source)
                assert source not in agent.sources
            case _:
                data = stun.binding_request(bytes(12), f"{live[0].ufrag}:x", WRONG, use_candidate=True)
                assert peer.send(data, source, now).drop == "unauthorized"
                assert agent.selected == before
        assert len(agent.sources) <= MAX_SOURCES
        assert agent.selected is None or agent.selected in agent.sources
        assert agent.ufrags == tuple(params.ufrag for params in live)

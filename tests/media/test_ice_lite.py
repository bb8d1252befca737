"""The ICE-lite agent in virtual time: authentication, path choice, restart, replay, expiry, bounds."""

from __future__ import annotations

import asyncio
import itertools
import math
import sys
from collections.abc import Hashable

import aioice
import aioice.ice
import pytest
from aioice import stun as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from media import stun
from media.api import IceParams
from media.ice_lite import EXPIRED_AFTER_S, MAX_SOURCES, STALLED_AFTER_S, IceAgent, IceResult
from tests.media.lossy_link import LossyLink

OLD = IceParams("oldufrag", "o" * 24)
NEW = IceParams("newufrag", "n" * 24)
NEWER = IceParams("newerufrag", "m" * 24)
HIGH, LOW = 0x6E7F00FF, 0x6E7E00FF


class Peer:
    """A full agent's checks towards one agent; every check has a transaction id of its own."""

    def __init__(self, params: IceParams = OLD) -> None:
        self.agent = IceAgent(params, 0.0)
        self.params = params
        self._serial = itertools.count(1)

    def make(self, *, params: IceParams | None = None, nominate: bool = False, priority: int = HIGH) -> bytes:
        params = params or self.params
        tid = next(self._serial).to_bytes(12, "big")
        username = f"{params.ufrag}:peer"
        return stun.binding_request(tid, username, params.pwd.encode(), priority=priority, use_candidate=nominate)

    def send(self, data: bytes, source: Hashable, now: float) -> IceResult:
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
    assert result.response is not None
    message = stun.parse(result.response)
    assert message is not None
    return message.error_code


# --- answering ---------------------------------------------------------------------------------------------------


def test_check_is_answered_and_validates() -> None:
    peer = Peer()
    data = peer.make()
    result = peer.send(data, "a", 1.0)
    assert result.validated
    assert result.drop is None
    assert result.response is not None
    response = oracle.parse_message(result.response)
    assert response.check_message_integrity(OLD.pwd.encode())
    assert response.transaction_id == data[8:20]
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.9", 5000)
    assert peer.agent.last_heard == 1.0


def test_ipv6_and_connections_are_sources_too() -> None:
    peer = Peer()
    result = peer.agent.handle(peer.make(nominate=True), object(), 1.0, ("2001:db8::1", 443))
    assert result.response is not None
    assert oracle.parse_message(result.response).attributes["XOR-MAPPED-ADDRESS"] == ("2001:db8::1", 443)


TID = bytes(12)
WRONG = b"wrong password, 22 bytes"


@pytest.mark.parametrize(
    "data,code,drop",
    [
        (stun.binding_request(TID, "oldufrag:peer", None), 400, "unauthenticated"),
        (stun.binding_request(TID, "oldufrag", OLD.pwd.encode()), 400, "unauthenticated"),
        (stun.binding_request(TID, "oldufrag:peer", WRONG, use_candidate=True), 401, "unauthorized"),
        (stun.binding_request(TID, "oldufrag:peer", b""), 401, "unauthorized"),
        (stun.binding_request(TID, "someone:peer", OLD.pwd.encode()), 401, "unauthorized"),
        (stun.binding_request(TID, "oldufrag:peer", OLD.pwd.encode(), extra=((3, b""),)), 420, "unknown_attribute"),
        (stun.binding_request(TID, "oldufrag:peer", OLD.pwd.encode(), controlled=0), 487, "role_conflict"),
        (
            stun.binding_request(TID, "oldufrag:peer", OLD.pwd.encode(), controlling=None, controlled=2**64 - 1),
            487,
            "role_conflict",
        ),
    ],
)
def test_refused_requests_leave_nothing(data: bytes, code: int, drop: str) -> None:
    agent = IceAgent(OLD, 0.0)
    result = agent.handle(data, "a", 5.0, ("192.0.2.9", 5000))
    assert (result.validated, result.nominated, result.drop) == (False, False, drop)
    assert code_of(result) == code
    assert result.response is not None
    message = stun.parse(result.response)
    assert message is not None
    # Only an authentic request gets a signed error (RFC 8489 section 9.1.3).
    assert message.verify(OLD.pwd.encode()) == (code in (420, 487))
    assert agent.sources == ()
    assert agent.selected is None
    assert agent.last_heard == 0.0
    assert agent.expired(EXPIRED_AFTER_S + 1)


def test_420_names_the_attributes() -> None:
    data = stun.binding_request(TID, "oldufrag:peer", OLD.pwd.encode(), extra=((0x7001, b"x"), (3, b"")))
    result = IceAgent(OLD, 0.0).handle(data, "a", 1.0, ("192.0.2.9", 1))
    assert result.response is not None
    message = stun.parse(result.response)
    assert message is not None
    assert message.attributes[stun.UNKNOWN_ATTRIBUTES] == b"\x00\x03\x70\x01"


def test_error_is_no_larger_than_the_request() -> None:
    """Errors go to unproven addresses; they must not be worth reflecting."""
    for data in (
        stun.binding_request(TID, "oldufrag:peer", None),
        stun.binding_request(TID, "oldufrag:peer", WRONG),
    ):
        result = IceAgent(OLD, 0.0).handle(data, "a", 1.0, ("192.0.2.9", 1))
        assert result.response is not None
        assert len(result.response) <= len(data)


@pytest.mark.parametrize("priority,controlling", [(None, 1), (1, None), (None, None)])
def test_missing_priority_or_role_is_tolerated(priority: int | None, controlling: int | None) -> None:
    data = stun.binding_request(
        TID, "oldufrag:peer", OLD.pwd.encode(), priority=priority, controlling=controlling, use_candidate=True
    )
    assert IceAgent(OLD, 0.0).handle(data, "a", 1.0, ("192.0.2.9", 1)).nominated


@pytest.mark.parametrize(
    "kind,drop",
    [
        (stun.BINDING_INDICATION, "not_request"),
        (stun.BINDING_SUCCESS, "not_request"),
        (stun.BINDING_ERROR, "not_request"),
        (0x0003, "not_request"),
    ],
)
def test_other_messages_are_not_answered(kind: int, drop: str) -> None:
    message = bytearray(stun.binding_request(TID, "oldufrag:peer", None)[:-8])
    message[0:2] = kind.to_bytes(2, "big")
    message[2:4] = (len(message) - 20).to_bytes(2, "big")
    assert IceAgent(OLD, 0.0).handle(bytes(message), "a", 1.0, ("192.0.2.9", 1)) == IceResult(drop=drop)


# --- strangers cost nothing --------------------------------------------------------------------------------------


def _footprint(agent: IceAgent) -> int:
    return sum(sys.getsizeof(getattr(agent, name)) for name in agent.__slots__)


def test_unauthenticated_sources_leave_no_trace() -> None:
    agent = IceAgent(OLD, 0.0)
    before = _footprint(agent)
    for number in range(2000):
        tid = number.to_bytes(12, "big")
        data = stun.binding_request(tid, "oldufrag:peer", WRONG, use_candidate=True)
        assert not agent.handle(data, ("stranger", number), 1.0, ("192.0.2.9", 1)).validated
    assert agent.sources == ()
    assert _footprint(agent) == before


def test_memory_of_a_long_life_is_bounded() -> None:
    peer = Peer()
    for number in range(3000):
        peer.check(("source", number % 40), float(number), nominate=number % 7 == 0)
    assert len(peer.agent.sources) <= MAX_SOURCES
    assert _footprint(peer.agent) < 4096


@given(st.binary(max_size=120), st.integers(0, 91), st.integers(0, 7), st.integers(0, 92))
@settings(max_examples=300, deadline=None)
def test_damaged_checks_never_validate(junk: bytes, at: int, bit: int, cut: int) -> None:
    peer = Peer()
    good = peer.make(nominate=True)
    flipped = bytearray(good)
    flipped[at % (len(good) - 8)] ^= 1 << bit
    for data in (junk, good[:20] + junk, bytes(flipped), good[: min(cut, len(good) - 1)], good + junk[:1] + b"\0"):
        result = peer.send(data, "a", 1.0)
        assert not result.validated
        assert not result.nominated
        assert result.drop is not None
    assert peer.agent.sources == ()
    assert peer.check("a", 2.0, nominate=True)


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


# --- source limit ------------------------------------------------------------------------------------------------


def test_ninth_source_evicts_the_one_heard_longest_ago_but_never_the_path() -> None:
    peer = Peer()
    peer.check("path", 0.0, nominate=True)
    for number in range(1, MAX_SOURCES):
        peer.check(number, float(number))
    peer.check(1, 10.0)
    result = peer.send(peer.make(), "ninth", 11.0)
    assert result.evicted == 2
    assert len(peer.agent.sources) == MAX_SOURCES
    assert {"path", 1, "ninth"} <= set(peer.agent.sources)
    assert peer.send(peer.make(), "ninth", 12.0).evicted is None


# --- replay ------------------------------------------------------------------------------------------------------


def test_retransmission_is_answered_and_changes_nothing() -> None:
    peer = Peer()
    data = peer.make(nominate=True)
    first = peer.send(data, "a", 1.0)
    again = peer.send(data, "a", 20.0)
    assert again == IceResult(response=first.response)
    assert peer.agent.last_heard == 1.0
    assert peer.agent.expired(1.0 + EXPIRED_AFTER_S + 0.1)


def test_replay_from_elsewhere_is_refused() -> None:
    peer = Peer()
    recorded = [peer.make(nominate=True) for _ in range(3)]
    for now, data in enumerate(recorded):
        peer.send(data, "victim", float(now))
    peer.check("victim", 3.0, nominate=True)
    for data in recorded:
        assert peer.send(data, "thief", 100.0) == IceResult(drop="replay")
    assert peer.agent.sources == ("victim",)
    assert peer.agent.selected == "victim"


def test_replay_over_a_validated_source_moves_no_path() -> None:
    peer = Peer()
    recorded = peer.make(nominate=True)
    peer.send(recorded, "a", 0.0)
    peer.check("b", 5.0)
    assert peer.check("b", 20.0, nominate=True)
    assert not peer.send(recorded, "a", 40.0).nominated
    assert peer.agent.selected == "b"


def test_replay_memory_is_the_last_512_checks() -> None:
    peer = Peer()
    recorded = [peer.make() for _ in range(600)]
    for data in recorded:
        assert peer.send(data, "a", 1.0).validated
    refused = [peer.send(data, "thief", 2.0).drop == "replay" for data in recorded[-512:]]
    assert all(refused)


# --- restart -----------------------------------------------------------------------------------------------------


def test_restart_keeps_the_path_until_a_new_nomination() -> None:
    peer = Peer()
    peer.check("wifi", 0.0, nominate=True)
    peer.agent.restart(NEW)
    assert [*peer.agent.ufrags] == [OLD.ufrag, NEW.ufrag]
    assert not peer.check("wifi", 1.0, nominate=True)
    assert not peer.check("cell", 1.1, params=NEW)
    assert peer.check("cell", 1.2, params=NEW, nominate=True, priority=LOW)
    assert [*peer.agent.ufrags] == [OLD.ufrag, NEW.ufrag], "until the caller has taken it over"
    assert [*peer.agent.take_retired()] == [OLD.ufrag]
    assert [*peer.agent.take_retired()] == []
    assert [*peer.agent.ufrags] == [NEW.ufrag]
    late = peer.send(peer.make(nominate=True), "wifi", 1.3)
    assert (late.validated, late.drop, code_of(late)) == (False, "unauthorized", 401)
    assert peer.agent.selected == "cell"


def test_nomination_with_new_credentials_says_that_old_ones_ended() -> None:
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    peer.agent.restart(NEW)
    assert not peer.send(peer.make(params=NEW), "a", 1.0).retired
    result = peer.send(peer.make(params=NEW, nominate=True), "a", 1.1)
    assert result.retired
    assert not result.nominated, "same source, same path"
    assert not peer.send(peer.make(params=NEW, nominate=True), "a", 1.2).retired


def test_restart_answers_with_the_credentials_asked_for() -> None:
    peer = Peer()
    peer.agent.restart(NEW)
    for params in (OLD, NEW):
        result = peer.send(peer.make(params=params), "a", 1.0)
        assert result.response is not None
        message = stun.parse(result.response)
        assert message is not None
        assert message.verify(params.pwd.encode())


def test_old_path_does_not_win_over_a_new_nomination() -> None:
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    peer.agent.restart(NEW)
    peer.check("b", 0.1, params=NEW)
    peer.check("b", 0.2, params=NEW, nominate=True, priority=LOW)
    assert peer.check("a", 0.3, params=NEW, nominate=True), "in the new generation everything starts anew"


def test_plain_check_of_a_restart_replaces_a_silent_path() -> None:
    peer = Peer()
    peer.check("wifi", 0.0, nominate=True)
    peer.agent.restart(NEW)
    assert not peer.check("cell", 0.9, params=NEW)
    assert peer.check("cell", 1.1, params=NEW)


def test_failed_restart_falls_back() -> None:
    """The client gave up its restart and goes on with the old credentials."""
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    peer.agent.restart(NEW)
    peer.check("b", 2.0, params=NEW)
    assert peer.agent.selected == "b"
    assert not peer.check("a", 2.5, nominate=True)
    assert peer.check("a", 3.5, nominate=True)


def test_repeated_restarts_keep_two_credentials() -> None:
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    peer.agent.restart(NEW)
    peer.agent.restart(NEWER)
    assert [*peer.agent.take_retired()] == [NEW.ufrag]
    assert [*peer.agent.ufrags] == [OLD.ufrag, NEWER.ufrag]
    assert peer.send(peer.make(params=NEW), "b", 1.0).drop == "unauthorized"
    peer.check("a", 1.0)
    peer.check("a", 1.1, params=NEWER, nominate=True)
    assert [*peer.agent.take_retired()] == [OLD.ufrag]


def test_restart_with_the_same_credentials_is_none() -> None:
    peer = Peer()
    peer.agent.restart(OLD)
    assert [*peer.agent.ufrags] == [OLD.ufrag]
    peer.agent.restart(IceParams(OLD.ufrag, "x" * 24))
    assert [*peer.agent.ufrags] == [OLD.ufrag]
    assert [*peer.agent.take_retired()] == []
    assert peer.send(peer.make(), "a", 1.0).drop == "unauthorized"


# --- time --------------------------------------------------------------------------------------------------------


def test_stall_and_expiry() -> None:
    peer = Peer()
    peer.check("a", 10.0, nominate=True)
    agent = peer.agent
    assert not agent.stalled(10.0 + STALLED_AFTER_S)
    assert agent.stalled(10.1 + STALLED_AFTER_S)
    assert not agent.expired(10.0 + EXPIRED_AFTER_S)
    assert agent.expired(10.1 + EXPIRED_AFTER_S)
    peer.check("b", 39.0)
    assert not agent.stalled(40.0)
    assert not agent.expired(41.0)


def test_media_keeps_from_stalling_but_is_no_consent() -> None:
    peer = Peer()
    peer.check("a", 0.0, nominate=True)
    peer.agent.last_heard = 31.0
    assert not peer.agent.stalled(32.0)
    assert peer.agent.expired(32.0)


def test_agent_that_never_hears_anything_expires() -> None:
    agent = IceAgent(OLD, 100.0)
    assert not agent.expired(100.0 + EXPIRED_AFTER_S)
    assert agent.expired(100.1 + EXPIRED_AFTER_S)


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

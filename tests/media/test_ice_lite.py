"""The ICE-lite agent in virtual time: authentication, replay, restart, expiry, bounds."""

from __future__ import annotations

import sys

import pytest
from aioice import stun as oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from media import stun
from media.api import IceParams
from media.ice_lite import EXPIRED_AFTER_S, MAX_SOURCES, STALLED_AFTER_S, IceAgent, IceResult
from tests.media.ice_peer import LOW, NEW, NEWER, OLD, WRONG, Peer, code_of

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

"""A Peer's numbered events and what a resume gets of them."""

from __future__ import annotations

import json

import pytest

from signaling.auth import Claims, Grants
from signaling.errors import ApiError
from signaling.peer import RING, Peer, new_id
from signaling.subscribing import Subscriber


class Outlet:
    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.finished: list[tuple[int, str]] = []

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def finish(self, code: int, reason: str) -> None:
        self.finished.append((code, reason))


def make(kind: str = "ws") -> Peer:
    claims = Claims("demo", "ann", "Ann", "viewer", Grants(), 0.0, 1.0, "j")
    return Peer(new_id("p"), "demo", claims, kind, "en", Subscriber())  # type: ignore[arg-type]


def numbers(missed: list[str] | None) -> list[int] | None:
    return None if missed is None else [json.loads(text)["seq"] for text in missed]


def test_events_are_numbered_with_and_without_a_session() -> None:
    peer, outlet = make(), Outlet()
    peer.emit("viewers", {"count": 1})
    peer.outlet = outlet
    peer.emit("viewers", {"count": 2, "name": "李"})
    assert outlet.sent == [{"seq": 2, "type": "viewers", "count": 2, "name": "李"}]


@pytest.mark.parametrize(
    ("seq", "expected"),
    [(0, [1, 2, 4]), (1, [2, 4]), (3, [4]), (4, []), (5, None), (99, None)],
)
def test_missed_events_without_those_that_make_no_sense_later(seq: int, expected: list[int] | None) -> None:
    peer = make()
    for number in range(1, 5):
        peer.emit("viewers", {"count": number}, replay=number != 3)
    assert numbers(peer.missed(seq)) == expected


def test_the_ring_forgets() -> None:
    peer = make()
    for number in range(RING + 10):
        peer.emit("viewers", {"count": number})
    assert peer.missed(9) is None
    assert numbers(peer.missed(10)) == list(range(11, RING + 11))


def test_nobody_has_missed_anything_before_the_first_event() -> None:
    assert make().missed(0) == []
    assert make().missed(1) is None


def test_dismiss() -> None:
    peer, outlet = make(), Outlet()
    peer.outlet = outlet
    peer.dismiss(ApiError("peer_removed"))
    assert outlet.sent[0]["code"] == "peer_removed"
    assert outlet.finished == [(1008, "peer_removed")]
    assert peer.missed(0) == [], "a bye is not repeated"


def test_stand_alone_peers_hear_nothing_and_are_there_until_they_are_gone() -> None:
    peer = make("whip")
    peer.emit("viewers", {"count": 1})
    peer.dismiss(ApiError("room_ended"))
    assert peer.connected and peer.seq == 1 - 1
    peer.gone = True
    assert not peer.connected


def test_resume_keys_differ_and_are_checked() -> None:
    peer = make()
    assert peer.accepts_key(peer.resume_key)
    assert not peer.accepts_key(make().resume_key)
    assert not peer.accepts_key("é")

"""A viewer through any order of events, and the payload types that it is given meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from media.api import Codec
from media.negotiation import NegotiationError, OutTrack, SubscribeNegotiation, new_ice
from media.payload_types import PayloadTypes
from media.sdp import parse
from tests.media.sdp.offered import OFFERED, SERVER, out_track
from tests.media.sdp.viewer import check, respond


def test_payload_types_never_run_out_for_what_is_not_in_use() -> None:
    numbers = PayloadTypes()
    seen = set()
    for level in range(300):
        (codec,) = (
            numbers.assign([Codec("H264", 0, 90000, parameters={"profile-level-id": f"{level:06x}"})], True, ()) or ()
        )
        seen |= {codec.payload_type, codec.rtx_payload_type}
    assert {*seen} <= {*range(96, 128), *range(35, 64)}


def test_payload_types_in_use_are_kept() -> None:
    numbers = PayloadTypes()
    in_use: set[int] = set()
    given_out = 0
    for level in range(300):
        result = numbers.assign(
            [Codec("H264", 0, 90000, parameters={"profile-level-id": f"{level:06x}"})], True, in_use
        )
        if result is None:
            break
        pair = {result[0].payload_type, result[0].rtx_payload_type or -1}
        assert not pair & in_use
        in_use |= pair
        given_out += 1
    assert given_out == 30


class AnyOrder(RuleBasedStateMachine):
    """A room whose Tracks come and go, and a viewer that answers, refuses, or never gets the offer."""

    @initialize()
    def begin(self) -> None:
        self.viewer = SubscribeNegotiation(SERVER)
        self.wanted: dict[str, OutTrack] = {}
        self.sent: set[str] = set()
        self.refused: set[str] = set()
        self.kinds: list[tuple[str, str]] = []
        self.stopped: set[str] = set()
        self.connected = False
        self.generation = 0

    @rule(name=st.sampled_from(["a", "b", "c", "d", "e"]), codec=st.sampled_from([*OFFERED]))
    def publish(self, name: str, codec: str) -> None:
        self.generation += 1
        track = out_track(f"{name}{self.generation}", OFFERED[codec])
        self.wanted[name] = track._replace(track_id=name)
        self.tell()

    @rule(name=st.sampled_from(["a", "b", "c", "d", "e"]))
    def end(self, name: str) -> None:
        self.wanted.pop(name, None)
        self.tell()

    @rule()
    def restart(self) -> None:
        self.viewer.restart_ice(replace(SERVER, ice=new_ice()))

    def tell(self) -> None:
        assert self.viewer.set_tracks(self.wanted.values()) == ()
        self.refused &= self.wanted.keys()

    @precondition(lambda self: self.viewer.needs_offer or self.viewer.pending)
    @rule()
    def offer(self) -> None:
        offer = self.viewer.offer()
        check(offer)
        media = parse(offer.sdp).media
        # m-lines stay in place, of their kind, and only a stopped one gets a new mid.
        assert len(media) >= len(self.kinds)
        for (kind, mid), item in zip(self.kinds, media, strict=False):
            assert item.kind == kind
            assert item.mid == mid or mid in self.stopped
        assert len({item.mid for item in media}) == len(media)
        self.kinds = [(item.kind, item.mid) for item in media]

    @precondition(lambda self: self.viewer.pending)
    @rule(refuse=st.sets(st.sampled_from([str(number) for number in range(12)]), max_size=2))
    def answer(self, refuse: set[str]) -> None:
        offer = self.viewer.pending
        assert offer is not None
        answer = respond(offer.sdp, refuse)
        self.stopped = {item.mid for item in parse(answer).media if item.rejected}
        if not self.connected and len(self.stopped) == len(self.kinds):
            with pytest.raises(NegotiationError, match="refused every track"):
                self.viewer.answer(offer.version, answer)
            self.refused |= {track for _, track in offer.tracks}
            return
        result = self.viewer.answer(offer.version, answer)
        self.connected = True
        assert {*result.removed} <= self.sent
        assert not {consumer.id for consumer in result.accepted} & self.sent
        self.sent -= {*result.removed}
        self.sent |= {consumer.id for consumer in result.accepted}
        self.refused |= {item.ref for item in result.rejected}

    @invariant()
    def settled(self) -> None:
        if not self.viewer.needs_offer and self.viewer.pending is None:
            expected = {track.consumer_id for name, track in self.wanted.items() if name not in self.refused}
            assert self.sent == expected


AnyOrder.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase

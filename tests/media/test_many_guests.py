"""Guests come on air and leave it again, many times: m-lines and what the negotiations remember stay few."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from media import api
from media.negotiation import OutTrack, SubscribeNegotiation
from media.outbound_ssrcs import REMEMBERED, OutboundSsrcs
from media.sdp import parse, serialise
from media.sdp_model import MediaDescription, SsrcAttribute, SsrcGroup
from tests.media.sdp.offered import SERVER, out_track, text
from tests.media.sdp.publisher import ALL, negotiation
from tests.media.sdp.publisher import check as check_answer
from tests.media.sdp.viewer import check, respond

CYCLES = 200


# --- descriptions ----------------------------------------------------------------------------------------------------


def with_ssrcs(media: MediaDescription, first: int) -> MediaDescription:
    """The m-line with SSRCs of its own, as Chromium makes new ones for each sender."""
    video = media.kind == "video"
    given = (first, first + 1) if video else (first,)
    groups = (SsrcGroup("FID", given),) if video else ()
    return replace(media, ssrcs=tuple(SsrcAttribute(ssrc, "cname", "c") for ssrc in given), ssrc_groups=groups)


@pytest.mark.parametrize("how", ["stopped", "inactive"])
def test_a_publisher_that_uses_its_m_lines_again(how: str) -> None:
    """``stopped``: transceivers are stopped and their m-lines recycled under new mids; ``inactive``: kept."""
    publisher = negotiation()
    base = parse(text("chromium_publish.offer"))
    mids, ssrcs = itertools.count(2), itertools.count(10_000, 10)
    own = base.media
    guests: tuple[MediaDescription, ...] = ()
    seen: set[str] = set()
    for cycle in range(CYCLES):
        sources: dict[str, api.Source] = {"0": "microphone", "1": "camera"} if not cycle else {}
        if how == "stopped" or not guests:
            guests = tuple(replace(item, mid=str(next(mids)), port=9) for item in own)
        guests = tuple(with_ssrcs(replace(item, direction="sendonly"), next(ssrcs)) for item in guests)
        sources |= {guests[0].mid: "screen_audio", guests[1].mid: "screen"}
        live = tuple(item.mid for item in (*own, *guests))
        offer = serialise(replace(base, media=(*own, *guests), bundle=live))
        answer = publisher.answer(offer, sources, ALL)
        check_answer(parse(offer), answer)
        added = [producer for producer in answer.producers if producer.source.startswith("screen")]
        assert [producer.encodings[0].ssrc for producer in added] == [item.ssrcs[0].ssrc for item in guests]
        assert not seen & {producer.id for producer in added}
        seen |= {producer.id for producer in added}

        off = tuple(
            replace(item, port=0) if how == "stopped" else replace(item, direction="inactive") for item in guests
        )
        bundle = live[:2] if how == "stopped" else live
        answer = publisher.answer(serialise(replace(base, media=(*own, *off), bundle=bundle)), {}, ALL)
        assert set(answer.removed) == {producer.id for producer in added}
        assert len(parse(answer.sdp).media) == 4
        assert len(publisher.producers) == 2


def guest_tracks(number: int, rng: random.Random) -> list[OutTrack]:
    """A guest's sound and picture; pictures come in several codecs and with parameters of their own."""
    video = rng.choice([("VP8", {}), ("VP9", {"profile-id": "0"}), ("AV1", {"profile": "0", "level-idx": str(number)})])
    codec = api.Codec(video[0], 96, 90_000, parameters=video[1])
    tracks = (out_track("microphone"), out_track("camera", (codec,)))
    made = []
    for one in tracks:
        name = f"{number}{one.producer.kind}"
        producer = replace(one.producer, id=f"p{name}", number=api.next_producer_number())
        made.append(OutTrack(f"t{name}", producer, "guest", f"c{name}"))
    return made


@pytest.mark.parametrize("swap", [False, True], ids=["one after the other", "one for the other"])
@pytest.mark.parametrize("taken", [True, False], ids=["taken", "refused"])
def test_a_viewer_of_many_guests(swap: bool, taken: bool) -> None:
    rng = random.Random(11)
    viewer = SubscribeNegotiation(SERVER)
    host = [out_track("microphone"), out_track("camera")]
    given: list[int] = []
    accepted: set[str] = set()

    def show(*tracks: OutTrack) -> None:
        viewer.set_tracks(tracks)
        if not viewer.needs_offer:
            return
        offer = viewer.offer()
        check(offer)
        names = {mid for mid, track in offer.tracks if track.startswith("t") and not track.startswith("track")}
        answer = viewer.answer(offer.version, respond(offer.sdp, () if taken else names))
        given.extend(ssrc for one in answer.accepted for ssrc in (one.ssrc, one.rtx_ssrc) if ssrc is not None)
        accepted.update(one.id for one in answer.accepted)
        accepted.difference_update(answer.removed)
        # A swap needs a second m-line of each kind, and two guests may be there at once.
        assert len(parse(offer.sdp).media) <= 6

    show(*host)
    for number in range(CYCLES):
        show(*host, *guest_tracks(number, rng))
        if not swap:
            show(*host)
    show(*host)
    assert not viewer.needs_offer
    assert accepted == {"consumer-microphone", "consumer-camera"}
    assert len({*given}) == len(given) == 3 + (3 * CYCLES if taken else 0)
    ssrcs = [item.ssrc for media in parse(viewer.offer().sdp).media for item in media.ssrcs]
    assert {*ssrcs} == {*given[:3]}
    held = {name: getattr(viewer, name) for name in viewer.__slots__}
    sizes = {name: len(value) for name, value in held.items() if isinstance(value, dict | set | list | OutboundSsrcs)}
    assert sizes.pop("_ssrcs") <= REMEMBERED
    assert sizes == {"_refused": 0, "_told": 2, "_understated": 0, "_unplaced": 0, "_wanted": 2}
    # One number for each format, until there is none left.
    assert len(viewer._payload_types._assigned) <= 50


def test_all_viewers_get_the_same_ssrcs_for_a_guest() -> None:
    """Whenever they came, and though one of them has seen more guests than are remembered."""
    rng = random.Random(3)
    first = OutboundSsrcs()
    for number in range(2 * REMEMBERED):
        pairs = [first.deal(track.producer.number) for track in guest_tracks(number, rng)]
        assert [OutboundSsrcs().deal(track.producer.number) for track in guest_tracks(number, rng)] != pairs
    tracks = guest_tracks(0, rng)
    assert [first.deal(one.producer.number) for one in tracks] == [
        OutboundSsrcs().deal(one.producer.number) for one in tracks
    ]

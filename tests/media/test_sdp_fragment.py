"""Fragments of WHIP and WHEP's PATCH."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.api import IceParams
from media.negotiation import SdpError, parse_fragment, restart_fragment
from media.sdp import parse
from tests.media.sdp.offered import SERVER
from tests.media.test_sdp import spoilt

ICE = IceParams("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1")
#: As RFC 9725 section 4.3.1 lays a trickle out.
TRICKLE = """a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=candidate:3471623853 1 udp 2122194687 198.51.100.2 61765 typ host generation 0 ufrag EsAw network-id 2
a=end-of-candidates
"""
RESTART = """a=ice-options:trickle ice2
a=group:BUNDLE 0 1
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "mids", "candidates", "finished"),
    [
        (TRICKLE, ("0",), 2, True),
        (RESTART, ("0",), 1, False),
        ("a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\na=end-of-candidates\n", (), 0, True),
        (TRICKLE + TRICKLE.partition("\n")[2].replace("audio", "video").replace("mid:0", "mid:1"), ("0", "1"), 4, True),
    ],
)
def test_what_clients_send(text: str, mids: tuple[str, ...], candidates: int, finished: bool, end: str) -> None:
    fragment = parse_fragment(text.replace("\n", end))
    assert (fragment.ice, fragment.mids, fragment.end_of_candidates) == (ICE, mids, finished)
    assert len(fragment.candidates) == candidates


def test_candidates_alone() -> None:
    fragment = parse_fragment("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n")
    assert (fragment.ice, fragment.candidates) == (None, ("1 1 udp 1 192.0.2.1 9 typ host",))


def test_our_reply_to_a_restart() -> None:
    reply = restart_fragment(SERVER, ["1", "0"])
    fragment = parse_fragment(reply)
    assert (fragment.ice, fragment.mids, fragment.end_of_candidates) == (SERVER.ice, ("1",), True)
    assert len(fragment.candidates) == len(SERVER.candidates)
    assert "a=ice-lite\r\n" in reply
    assert reply.endswith("\r\n")
    assert parse_fragment(restart_fragment(SERVER)).mids == ()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "hello",
        '{"candidate": ""}',
        "a=ice-ufrag:EsAw\n",
        "a=ice-ufrag:x\na=ice-pwd:y\n",
        "m=audio\n",
        "a=x\0\n",
        "a=mid:0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\n",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\n" * 40,
    ],
)
def test_what_is_no_fragment(bad: str) -> None:
    with pytest.raises(SdpError):
        parse_fragment(bad)


@settings(deadline=None)
@given(
    st.one_of(spoilt(), st.text(max_size=60), st.lists(st.sampled_from((TRICKLE + RESTART).split("\n"))).map("\n".join))
)
def test_junk(junk: str) -> None:
    try:
        fragment = parse_fragment(junk)
    except SdpError:
        return
    if fragment.ice is not None:
        parse(f"v=0\nm=- 9 - -\na=ice-ufrag:{fragment.ice.ufrag}\na=ice-pwd:{fragment.ice.pwd}")

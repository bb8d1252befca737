"""WHIP and WHEP over HTTP: what is answered, what is refused and how, and when a session ends."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest
from aiohttp import ClientResponse

from media import api
from signaling import whip
from signaling.limits import TokenBucket
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import WAIT_S, config, offer

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
PWD = "0123456789abcdef01234567"
#: As libdatachannel 0.22 writes it, on which OBS stands: certificate and BUNDLE for the session, no candidates.
OBS = """v=0
o=rtc 3358777192 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 0E:19:41:64:1B:D7:25:3C:04:D7:63:50:3E:3F:B3:64:12:CC:C0:D3:9D:AF:BA:07:78:07:A0:55:AC:AA:41:9F
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ssrc:1111 cname:cname
a=ssrc:1111 msid:stream stream-audio
a=msid:stream stream-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=setup:actpass
a=ice-ufrag:UOud
a=ice-pwd:SEYe1VOAplOBqgkSMLGAMl
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ssrc:2222 cname:cname
a=ssrc:2222 msid:stream stream-video
a=msid:stream stream-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
a=setup:actpass
a=ice-ufrag:UOud
a=ice-pwd:SEYe1VOAplOBqgkSMLGAMl
"""


class Caller:
    """One identity's HTTP requests; keeps the Location and the ETag of its session."""

    def __init__(self, site: Site, token: str, kind: str = "whip", room: str = "demo") -> None:
        self.site = site
        self.path = f"/{kind}/{room}"
        self.headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        self.location = ""
        self.etag = ""

    async def post(self, text: str | bytes | None = None, **headers: str) -> ClientResponse:
        body = offer("audio", "video", direction=self._direction) if text is None else text
        reply = await self.site.http.post(self.path, data=body, headers={**self.headers, **SDP, **headers})
        self.location = reply.headers.get("Location", "")
        self.etag = reply.headers.get("ETag", "")
        return reply

    async def started(self) -> Caller:
        reply = await self.post()
        assert reply.status == 201, await reply.text()
        return self

    async def patch(self, text: str, match: str | None = "etag", **headers: str) -> ClientResponse:
        if match is not None:
            headers["If-Match"] = self.etag if match == "etag" else match
        return await self.site.http.patch(self.location, data=text, headers={**self.headers, **FRAGMENT, **headers})

    async def delete(self, **headers: str) -> ClientResponse:
        return await self.site.http.delete(self.location, headers={**self.headers, **headers})

    @property
    def _direction(self) -> str:
        return "recvonly" if self.path.startswith("/whep") else "sendonly"


def fragment(ufrag: str = "abcd", pwd: str = PWD, *candidates: str) -> str:
    """What a client trickles; the defaults are the credentials of :func:`offer`."""
    lines = [f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{pwd}", "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"]
    return "\r\n".join([*lines, *(f"a=candidate:{candidate}" for candidate in candidates), ""])


async def refused(reply: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """Check a refusal's shape; returns the problem."""
    assert reply.status == status, await reply.text()
    assert reply.content_type == "application/problem+json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    problem: dict[str, Any] = await reply.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["error"]["code"] == code
    assert problem["detail"] == problem["error"]["message"] != ""
    return problem


@pytest.fixture
async def host(site: Site) -> Caller:
    """A publisher that is on air."""
    return await Caller(site, site.token("camera", "host")).started()


# --- going on air ------------------------------------------------------------------------------------------------


async def test_whip_publishes_and_starts_the_show(site: Site) -> None:
    viewer, _ = await site.joined("v")
    caller = Caller(site, site.token("camera", "host"))
    reply = await caller.post()
    assert reply.status == 201
    assert reply.content_type == "application/sdp"
    assert reply.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert caller.location.startswith("/whip/demo/") and len(caller.location) > 30
    assert caller.etag.startswith('"') and caller.etag.endswith('"')
    answer = await reply.text()
    assert answer.count("a=recvonly") == 2 and "a=ice-lite" in answer and "a=candidate:" in answer
    sources = {(await viewer.event("track_published"))["track"]["source"] for _ in range(2)}
    assert sources == {"microphone", "camera"}
    assert site.hub.rooms["demo"].state.snapshot()["state"] == "live"
    (opened,) = [call for call in site.pool.all[0].asked(api.OpenTransport) if call.producers]
    assert opened.dtls is not None and opened.transport.direction == "publish"


async def test_whip_needs_a_place_on_the_stage(site: Site) -> None:
    caller = Caller(site, site.limited("camera", publish=["camera", "microphone"]))
    await refused(await caller.post(), 403, "not_on_stage")
    assert site.hub.rooms["demo"].state.tracks == {}


async def test_obs_offer(site: Site) -> None:
    caller = Caller(site, site.token("obs", "host"))
    reply = await caller.post(OBS.replace("\n", "\r\n"), **{"User-Agent": "Mozilla/5.0 (OBS-Studio/31.0)"})
    answer = await reply.text()
    assert reply.status == 201, answer
    assert "a=group:BUNDLE 0 1" in answer and "a=setup:active" in answer
    assert "a=rtpmap:111 opus/48000/2" in answer and "a=rtpmap:96 H264/90000" in answer
    (opened,) = site.pool.all[0].asked(api.OpenTransport)
    assert [(entry.source, entry.encodings[0].ssrc) for entry in opened.producers] == [
        ("microphone", 1111),
        ("camera", 2222),
    ]


async def test_whep_plays(site: Site, host: Caller) -> None:
    player = Caller(site, site.token("player"), "whep")
    reply = await player.post()
    answer = await reply.text()
    assert reply.status == 201 and answer.count("a=sendonly") == 2
    assert player.location.startswith("/whep/demo/")


async def test_whep_before_the_show(site: Site) -> None:
    reply = await Caller(site, site.token("player"), "whep").post()
    await refused(reply, 409, "not_live")
    assert int(reply.headers["Retry-After"]) >= 1
    assert not site.hub.peers


async def test_delete_ends(site: Site, host: Caller) -> None:
    reply = await host.delete(**{"If-Match": '"ignored"'})
    assert reply.status == 200
    assert not site.hub.peers
    await asyncio.sleep(0)
    assert site.pool.all[0].asked(api.CloseTransport)
    await refused(await host.delete(), 404, "session_not_found")


async def test_post_again_replaces(site: Site, host: Caller) -> None:
    first = host.location
    await host.started()
    assert host.location != first
    assert len(site.hub.peers) == 1
    host.location = first
    await refused(await host.patch(fragment(), "*"), 404, "session_not_found")


@pytest.mark.parametrize("state", ["failed", "closed"])
async def test_failed_transport_ends_session(site: Site, host: Caller, state: api.TransportState) -> None:
    worker = site.pool.all[0]
    (opened,) = worker.asked(api.OpenTransport)
    site.hub.lifecycle.on_event(worker, api.TransportStateChanged(opened.transport.id, state, "consent"))
    assert not site.hub.peers
    await refused(await host.patch(fragment()), 404, "session_not_found")
    # The goodbye of a client that has closed its transport first.
    assert (await host.delete()).status == 200
    await refused(await host.delete(), 404, "session_not_found")


async def test_lost_worker_ends_session(site: Site, host: Caller) -> None:
    site.lose(site.pool.all[0])
    assert not site.hub.peers
    await host.started()
    assert site.pool.all[1].asked(api.OpenTransport)


async def test_half_a_success_is_none(site: Site) -> None:
    both = offer("audio", "video", codec="H263")
    await refused(await Caller(site, site.token("camera", "host")).post(both), 406, "no_common_codec")
    partly = Caller(site, site.limited("mic", publish=["microphone"], show=True))
    await refused(await partly.post(), 403, "forbidden")
    assert not site.hub.peers
    assert not site.pool.all[0].asked(api.OpenTransport)


# --- trickle and restart -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("match", ["etag", "*", '"other", {}', "{}"])
async def test_trickle(site: Site, host: Caller, match: str) -> None:
    text = fragment("abcd", PWD, "1 1 udp 1 192.0.2.9 5000 typ host", "2 1 udp 1 x.local 5000 typ host")
    reply = await host.patch(text, match.format(host.etag))
    assert reply.status == 204 and await reply.text() == ""
    assert "ETag" not in reply.headers
    assert not site.pool.all[0].asked(api.RestartIce)


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_restart(site: Site, host: Caller, kind: str) -> None:
    caller = host if kind == "whip" else await Caller(site, site.token("player"), "whep").started()
    before = caller.etag
    reply = await caller.patch(fragment("efgh"), "*")
    text = await reply.text()
    assert reply.status == 200, text
    assert reply.content_type == "application/trickle-ice-sdpfrag"
    caller.etag = reply.headers["ETag"]
    assert caller.etag != before
    (asked,) = site.pool.all[0].asked(api.RestartIce)
    assert f"a=ice-ufrag:{asked.ice.ufrag}\r\n" in text and f"a=ice-pwd:{asked.ice.pwd}\r\n" in text
    assert "a=ice-lite" in text and "a=candidate:" in text
    # What was trickled for the former ICE session is late, what is trickled for the new one is not a restart.
    await refused(await caller.patch(fragment(), before), 412, "etag_mismatch")
    assert (await caller.patch(fragment("efgh"))).status == 204
    assert len(site.pool.all[0].asked(api.RestartIce)) == 1


async def test_player_that_forgot_its_etag(site: Site, host: Caller) -> None:
    player = await Caller(site, site.token("player"), "whep").started()
    assert (await player.patch(fragment(), None)).status == 204
    await refused(await player.patch(fragment("efgh"), None), 428, "precondition_required")


async def test_restart_that_fails_keeps_the_session(site: Site, host: Caller) -> None:
    site.pool.all[0].refuses("restart_ice", "transport_not_found")
    await refused(await host.patch(fragment("efgh"), "*"), 404, "transport_not_found")
    site.pool.all[0].refuse.clear()
    assert (await host.patch(fragment())).status == 204
    assert (await host.patch(fragment("efgh"), "*")).status == 200


@pytest.mark.parametrize(
    ("text", "match", "headers", "status", "code"),
    [
        (fragment(), None, {}, 428, "precondition_required"),
        (fragment(), '"other"', {}, 412, "etag_mismatch"),
        (fragment(), "W/{}", {}, 412, "etag_mismatch"),
        (fragment(), "nonsense", {}, 412, "etag_mismatch"),
        (fragment("efgh"), '"other"', {}, 412, "etag_mismatch"),
        (fragment(), "{}", {"Content-Type": "application/sdp"}, 415, "unsupported_media_type"),
        ("hello\r\n", "{}", {}, 400, "sdp_invalid"),
        ("a=ice-ufrag:x\r\na=ice-pwd:short\r\n", "{}", {}, 400, "sdp_invalid"),
        ("a=x\r\n" * 4000, "{}", {}, 413, "message_too_large"),
    ],
)
async def test_patch_refusals(
    site: Site, host: Caller, text: str, match: str | None, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await host.patch(text, match and match.format(host.etag), **headers)
    await refused(reply, status, code)
    if status == 415:
        assert reply.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"
    assert (await host.patch(fragment())).status == 204


async def test_patch_flood(site: Site, host: Caller) -> None:
    replies = [await host.patch(fragment()) for _ in range(int(whip.PATCH_BURST) + 5)]
    assert replies[0].status == 204
    await refused(replies[-1], 429, "rate_limited")
    assert "Retry-After" in replies[-1].headers


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_who_may(site: Site, host: Caller, kind: str) -> None:
    nobody = await site.http.post(f"/{kind}/demo", data=offer("audio"), headers=SDP)
    await refused(nobody, 401, "token_missing")
    assert nobody.headers["WWW-Authenticate"] == "Bearer"
    for token, code in (
        ("junk", "token_invalid"),
        (site.token("x", lifetime_s=-60), "token_expired"),
        (site.token("x", room="other"), "token_wrong_room"),
    ):
        reply = await Caller(site, token, kind).post()
        await refused(reply, 401, code)
        assert reply.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    denied = site.limited("x", subscribe=True) if kind == "whip" else site.limited("x", publish=["camera"])
    await refused(await Caller(site, denied, kind).post(), 403, "forbidden")
    assert len(site.hub.peers) == 1


async def test_session_belongs_to_its_identity(site: Site, host: Caller) -> None:
    other = Caller(site, site.token("somebody", "host"))
    other.location, other.etag = host.location, host.etag
    await refused(await other.delete(), 404, "session_not_found")
    await refused(await other.patch(fragment("efgh"), "*"), 404, "session_not_found")
    nobody = await site.http.delete(host.location)
    await refused(nobody, 401, "token_missing")
    # A fresh token of the same identity will do.
    fresh = Caller(site, site.token("camera", "host"))
    fresh.location = host.location
    assert (await fresh.delete()).status == 200


@pytest.mark.parametrize(
    ("text", "headers", "status", "code"),
    [
        ("v=0", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("", {}, 400, "sdp_invalid"),
        ("junk", {}, 400, "sdp_invalid"),
        (b"v=0\r\ns=\xff\xfe", {}, 400, "sdp_invalid"),
        (offer("audio") * 200, {}, 413, "message_too_large"),
        (gzip.compress(b"a" * 10_000_000), {"Content-Encoding": "gzip"}, 413, "message_too_large"),
        (offer("audio", "video", "video"), {}, 422, "track_limit"),
        (offer("audio", "video", direction="recvonly"), {}, 400, "sdp_invalid"),
        (offer("video", codec="H263"), {}, 406, "no_common_codec"),
    ],
)
async def test_post_refusals(
    site: Site, host: Caller, text: str | bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = await Caller(site, site.token("other", "host")).post(text, **headers)
    await refused(reply, status, code)
    assert "Location" not in reply.headers
    if status == 415:
        assert reply.headers["Accept-Post"] == "application/sdp"
    assert len(site.hub.peers) == 1
    assert (await host.patch(fragment())).status == 204


@pytest.mark.parametrize(
    ("kind", "role", "text", "status", "code"),
    [
        ("whip", "viewer", None, 403, "forbidden"),
        ("whip", "host", offer("video", codec="H263"), 406, "no_common_codec"),
        ("whip", "host", offer("audio", "video", codec="H263"), 406, "no_common_codec"),
        ("whip", "host", offer("audio", "video", direction="recvonly"), 400, "sdp_invalid"),
        ("whep", "host", None, 409, "not_live"),
        ("whep", "host", offer("audio", "video"), 406, "codec_unsupported"),
    ],
)
async def test_refused_offer_replaces_nobody(
    site: Site, host: Caller, kind: str, role: Any, text: str | None, status: int, code: str
) -> None:
    if code == "codec_unsupported":
        await Caller(site, site.token("second", "host")).started()
    before = dict(site.hub.rooms["demo"].state.tracks)
    again = Caller(site, site.token("camera", role), kind)
    await refused(await again.post(text), status, code)
    assert site.hub.rooms["demo"].state.tracks == before
    assert (await host.patch(fragment())).status == 204


async def test_unreadable_offer_replaces_nobody(site: Site, host: Caller) -> None:
    location = host.location
    await refused(await host.post("junk"), 400, "sdp_invalid")
    host.location = location
    assert (await host.delete()).status == 200


async def test_body_deadline(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whip, "BODY_TIMEOUT_S", 0.01)
    release = asyncio.Event()

    async def never() -> Any:
        yield b"v=0\r\n"
        await release.wait()

    caller = Caller(site, site.token("camera", "host"))
    async with asyncio.timeout(WAIT_S):
        reply = await site.http.post(caller.path, data=never(), headers={**caller.headers, **SDP})
        await refused(reply, 408, "idle_timeout")
    release.set()


async def test_post_flood(site: Site) -> None:
    caller = Caller(site, site.token("camera", "host"))
    replies = [await caller.post() for _ in range(int(whip.POST_BURST) + 2)]
    assert replies[0].status == 201
    await refused(replies[-1], 429, "rate_limited")
    assert (await Caller(site, site.token("another", "host")).post()).status == 201
    assert len(site.hub.peers) == 2


async def test_room_policy(make_site: MakeSite) -> None:
    site = await make_site(config(rooms__create_on_join=False))
    await refused(await Caller(site, site.token("camera", "host")).post(), 404, "room_not_found")


async def test_no_worker(site: Site) -> None:
    for worker in site.pool.all:
        worker.alive = False
    reply = await Caller(site, site.token("camera", "host")).post()
    await refused(reply, 503, "worker_unavailable")
    assert int(reply.headers["Retry-After"]) >= 1
    assert not site.hub.peers


async def test_sentence_in_the_askers_language(site: Site) -> None:
    reply = await site.http.post("/whip/demo", headers={**SDP, "Accept-Language": "zh-CN"})
    assert "凭证" in (await refused(reply, 401, "token_missing"))["detail"]


# --- methods and origins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["whip", "whep"])
async def test_methods(site: Site, kind: str) -> None:
    for path, allowed in ((f"/{kind}/demo", "POST"), (f"/{kind}/demo/session", "PATCH, DELETE")):
        for method in ("PUT", "DELETE", "POST", "PATCH", "TRACE"):
            if method in allowed.split(", "):
                continue
            reply = await site.http.request(method, path, headers={"Accept-Language": "en"})
            await refused(reply, 405, "method_not_allowed")
            assert reply.headers["Allow"] == f"GET, HEAD, OPTIONS, {allowed}"
        for method in ("GET", "HEAD"):
            reply = await site.http.request(method, path)
            assert reply.status == 200 and await reply.read() == b""
    head = await site.http.head(f"/{kind}/demo")
    assert (head.content_type == "application/sdp") == (kind == "whep")


async def test_preflight(site: Site) -> None:
    asking = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    reply = await site.http.options("/whip/demo", headers=asking)
    assert reply.status == 200
    assert reply.headers["Accept-Post"] == "application/sdp"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Access-Control-Allow-Methods"] == "POST"
    assert {"Authorization", "Content-Type", "If-Match"} <= set(
        reply.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert {"Location", "ETag", "Link"} <= set(reply.headers["Access-Control-Expose-Headers"].split(", "))
    reply = await site.http.options("/whip/demo/session", headers=asking)
    assert reply.headers["Access-Control-Allow-Methods"] == "PATCH, DELETE"
    assert reply.headers["Accept-Patch"] == "application/trickle-ice-sdpfrag"


async def test_listed_origins_only(make_site: MakeSite) -> None:
    site = await make_site(config(http__allow_origins=("https://shop.example",)))
    for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
        reply = await site.http.options("/whip/demo", headers={"Origin": origin})
        assert reply.headers.get("Access-Control-Allow-Origin") == allowed
        assert reply.headers["Vary"] == "Origin"


async def test_sessions_that_ended_are_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whip, "MAX_ENDED", 1)
    caller = Caller(site, site.token("camera", "host"))
    endpoint = whip._Endpoint(site.hub, "whip")
    paths = []
    for _ in range(3):
        paths.append((await caller.started()).location)
        peer = next(iter(site.hub.peers.values()))
        endpoint._sessions[caller.location] = whip._Session(peer, None, TokenBucket(1, 1, 0.0))
    assert [session.peer.gone for session in endpoint._sessions.values()] == [True, True, False]
    endpoint._forget_ended()
    assert list(endpoint._sessions) == paths[1:]

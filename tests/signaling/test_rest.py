"""The REST API and the other plain HTTP addresses, on fake Workers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from signaling.auth import Authority
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import config, offer, tracks


def bearer(site: Site, role: Any = "admin", room: str = "*") -> dict[str, str]:
    return {"Authorization": f"Bearer {site.token('backend', role, room=room)}", "Accept-Language": "en"}


async def ask(site: Site, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
    options.setdefault("headers", bearer(site))
    response = await site.http.request(method, f"/api/v1{path}", json=body, **options)
    text = await response.text()
    return response.status, json.loads(text) if text else None


async def test_life_of_a_room(site: Site) -> None:
    status, room = await ask(site, "POST", "/rooms", {"name": "shop", "title": "双十一", "max_peers": 2})
    assert status == 201
    assert (room["title"], room["state"], room["policy"]["max_peers"]) == ("双十一", "idle", 2)
    assert room["policy"]["away_grace_s"] == site.config.rooms.away_grace_s
    assert (await ask(site, "POST", "/rooms", {"name": "shop"}))[1]["error"]["code"] == "room_exists"
    assert [entry["name"] for entry in (await ask(site, "GET", "/rooms"))[1]["rooms"]] == ["shop"]
    # A room that the database alone remembers reads like any other.
    live = site.hub.rooms.pop("shop")
    assert (await ask(site, "GET", "/rooms/shop"))[1].keys() == room.keys()
    site.hub.rooms["shop"] = live
    client = await site.client()
    await client.join(site.token("h", "host", room="shop"))
    status, room = await ask(site, "GET", "/rooms/shop")
    assert (room["members"], room["peers"][0]["identity"]) == (1, "h")
    assert (await ask(site, "POST", "/rooms/shop/end"))[0] == 204
    assert (await client.event("bye"))["code"] == "room_ended"
    assert await client.closed() == 1008
    late = await site.client()
    assert await late.code("join", v=1, token=site.token("h", "host", room="shop")) == "room_ended"
    assert (await ask(site, "GET", "/rooms/shop"))[1]["state"] == "ended"
    assert (await ask(site, "GET", "/rooms"))[1]["rooms"] == []
    assert (await ask(site, "POST", "/rooms", {"name": "shop"}))[0] == 201
    await (await site.client()).join(site.token("h", "host", room="shop"))


async def test_a_room_made_by_joining_can_be_ended_too(site: Site) -> None:
    await site.joined("v")
    assert (await ask(site, "POST", "/rooms/demo/end"))[0] == 204
    client = await site.client()
    assert await client.code("join", v=1, token=site.token("v")) == "room_ended"


async def test_stats(site: Site) -> None:
    host, joined = await site.joined("h", "host", client="Chrome 1")
    assert (await ask(site, "GET", "/rooms/demo/stats"))[1]["transports"] == []
    await host.ok("publish", sdp=offer("video"), tracks=tracks("camera"))
    _, stats = await ask(site, "GET", "/rooms/demo/stats")
    assert stats["worker"] == "w1"
    assert (stats["peers"][0]["id"], stats["peers"][0]["client"]) == (joined["peer"], "Chrome 1")


async def test_removing_a_peer(site: Site) -> None:
    client, joined = await site.joined("v")
    assert (await ask(site, "DELETE", f"/rooms/demo/peers/{joined['peer']}"))[0] == 204
    assert (await client.event("bye"))["code"] == "peer_removed"
    assert (await ask(site, "DELETE", f"/rooms/demo/peers/{joined['peer']}"))[0] == 404


async def test_granting_lets_a_viewer_publish(site: Site) -> None:
    client, joined = await site.joined("v")
    path = f"/rooms/demo/peers/{joined['peer']}/grants"
    assert (await ask(site, "PUT", path, {"publish": ["everything"]}))[0] == 400
    assert (await ask(site, "PUT", path, {"publish": ["microphone"], "subscribe": True, "show": True}))[0] == 200
    assert (await client.event("grants"))["grants"]["publish"] == ["microphone"]
    await client.ok("publish", sdp=offer("audio"), tracks=tracks("microphone"))
    assert (await ask(site, "PUT", "/rooms/demo/peers/nobody/grants", {}))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("POST", "/rooms", {}, 400, "bad_message", "name"),
        ("POST", "/rooms", {"name": "../x"}, 400, "bad_message", "name"),
        ("POST", "/rooms", {"name": "a", "max_peers": 0}, 400, "bad_message", "max_peers"),
        ("POST", "/rooms", {"name": "a", "duplicate_identity": "x"}, 400, "bad_message", "duplicate_identity"),
        ("POST", "/rooms", {"name": "a", "title": "x" * 20000}, 413, "message_too_large", None),
        ("POST", "/rooms", None, 415, "unsupported_media_type", None),
        ("GET", "/rooms/none", None, 404, "room_not_found", None),
        ("GET", "/rooms/none/stats", None, 404, "room_not_found", None),
        ("POST", "/rooms/none/end", None, 404, "room_not_found", None),
        ("DELETE", "/rooms/none/peers/x", None, 404, "room_not_found", None),
        ("POST", "/tokens/revoke", {}, 400, "bad_message", "token_id"),
        ("POST", "/tokens/revoke", {"token_id": "a", "identity": "b"}, 400, "bad_message", "token_id"),
        ("PUT", "/rooms", {}, 405, "method_not_allowed", None),
        ("GET", "/nothing", None, 404, "not_found", None),
    ],
)
async def test_refusals(
    site: Site, method: str, path: str, body: Any, status: int, code: str, field: str | None
) -> None:
    answer = await ask(site, method, path, body)
    assert (answer[0], answer[1]["error"]["code"], answer[1]["error"].get("field")) == (status, code, field)
    assert answer[1]["error"]["message"].endswith(".")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rooms", {"name": "demo"}),
        ("GET", "/rooms", None),
        ("GET", "/rooms/demo", None),
        ("GET", "/rooms/demo/stats", None),
        ("POST", "/rooms/demo/end", None),
        ("DELETE", "/rooms/demo/peers/x", None),
        ("PUT", "/rooms/demo/peers/x/grants", {}),
        ("POST", "/tokens/revoke", {"identity": "x", "room": "demo"}),
        ("POST", "/tokens/revoke", {"token_id": "x"}),
    ],
)
async def test_everything_needs_the_grant_manage(site: Site, method: str, path: str, body: Any) -> None:
    strange = Authority({"k": "z" * 32}).mint(room="*", identity="a", role="admin", now=site.wall(), lifetime_s=60.0)
    expired = site.token("a", "admin", room="*", lifetime_s=-60.0)
    for headers, status, code in (
        ({}, 401, "token_missing"),
        ({"Authorization": "Basic abc"}, 401, "token_missing"),
        ({"Authorization": f"Bearer {strange}"}, 401, "token_invalid"),
        ({"Authorization": f"Bearer {expired}"}, 401, "token_expired"),
        (bearer(site, "host", "demo"), 403, "forbidden"),
        (bearer(site, "supervisor", "other"), 403, "forbidden"),
    ):
        answer = await ask(site, method, path, body, headers=headers)
        assert (answer[0], answer[1]["error"]["code"]) == (status, code)


async def test_401_says_how(site: Site) -> None:
    response = await site.http.get("/api/v1/rooms")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    response = await site.http.get("/api/v1/rooms", headers={"Authorization": "Bearer x"})
    assert response.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


async def test_revoking_by_token_id(site: Site) -> None:
    client, joined = await site.joined("v")
    token_id = site.hub.peers[joined["peer"]].claims.token_id
    assert await ask(site, "POST", "/tokens/revoke", {"token_id": token_id}) == (200, {"removed": 1})
    assert (await client.event("bye"))["code"] == "token_revoked"
    assert [line.token_id for line in await site.store.revocations()] == [token_id]
    await site.joined("v")


async def test_revoking_in_one_room_with_a_token_for_it(site: Site) -> None:
    await site.joined("v")
    headers = bearer(site, "supervisor", "demo")
    answer = await ask(site, "POST", "/tokens/revoke", {"identity": "v", "room": "demo"}, headers=headers)
    assert answer == (200, {"removed": 1})
    assert (await ask(site, "POST", "/tokens/revoke", {"identity": "v"}, headers=headers))[0] == 403


async def test_health(site: Site) -> None:
    response = await site.http.get("/healthz")
    assert (response.status, (await response.json())["status"]) == (200, "ok")
    await site.hub.close()
    assert (await site.http.get("/healthz")).status == 503


async def test_demo_tokens_only_in_demo_mode(site: Site, make_site: MakeSite) -> None:
    wish = {"room": "demo", "identity": "me", "role": "host"}
    assert (await site.http.post("/dev/token", json=wish)).status == 404
    demo = await make_site(config(demo__enabled=True))
    response = await demo.http.post("/dev/token", json={**wish, "name": "我"})
    claims = demo.hub.authenticate((await response.json())["token"], "demo")
    assert (claims.identity, claims.name, claims.role) == ("me", "我", "host")
    for change, status in (
        ({"role": "admin"}, 403),
        ({"role": "king"}, 400),
        ({"room": "a b"}, 400),
        ({"identity": "\u0007"}, 400),
        ({"room": ""}, 400),
    ):
        assert (await demo.http.post("/dev/token", json={**wish, **change})).status == status
    for wrong, field in (
        ({"room": "a b"}, "room"),
        ({"room": "*"}, "room"),
        ({"identity": "\u0007"}, "identity"),
        ({"skills": ["\u0007"]}, "skills"),
        ({"skills": ["s"] * 17}, "skills"),
    ):
        refused = await demo.http.post("/dev/token", json={**wish, **wrong})
        assert (refused.status, (await refused.json())["error"]["field"]) == (400, field)
    assert (await demo.http.post("/dev/token", data=json.dumps(wish))).status == 415

"""Sessions on a real WebSocket with fake Workers: order, limits, deadlines, resume."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from signaling.auth import Grants
from signaling.message_types import MAX_MESSAGE
from signaling.messages import EVENTS
from tests.signaling.conftest import LIMITS, MakeSite, Site
from tests.signaling.fakes import Client, config, offer, tracks


async def refused(site: Site, **fields: Any) -> tuple[str, int]:
    """Join in vain: the error's code and the close code."""
    client = await site.client()
    code = await client.code("join", **{"v": 1, **fields})
    return code, await client.closed()


async def test_join(site: Site) -> None:
    client, reply = await site.joined("ann", "host", locale="en")
    assert reply["resumed"] is False
    assert reply["seq"] == 0
    assert reply["self"]["identity"] == "ann"
    assert reply["self"]["grants"]["show"] is True
    assert reply["limits"]["message_bytes"] == MAX_MESSAGE
    assert [peer["id"] for peer in reply["room"]["peers"]] == [reply["peer"]]
    assert "offer" not in reply
    assert reply["room"]["name"] == "demo"
    _, reply = await site.joined("bob")
    assert reply["room"]["viewers"] == 1
    assert (await client.event("viewers"))["count"] == 1


async def test_join_is_refused_without_a_good_token(site: Site) -> None:
    good = site.token("a")
    for token, code in (
        (None, "token_missing"),
        ("", "token_missing"),
        ("a.b.c", "token_invalid"),
        (good[:-3], "token_invalid"),
        (site.token("a", lifetime_s=-60), "token_expired"),
        (site.token("a", room="*"), "bad_message"),
        (site.limited("a"), "forbidden"),
    ):
        fields = {} if token is None else {"token": token}
        assert await refused(site, **fields) == (code, 1008)
    assert await refused(site, token=good, room="other") == ("token_wrong_room", 1008)
    assert await refused(site, token=good, v=2) == ("version_unsupported", 1008)
    assert site.hub.peers == {}


async def test_a_token_for_every_room_names_one(site: Site) -> None:
    client = await site.client()
    reply = await client.join(site.token("a", "admin", room="*"), room="demo")
    assert reply["room"]["name"] == "demo"


async def test_sentences_follow_the_locale(site: Site) -> None:
    for locale, text in (("en", "no message called"), ("zh-CN", "没有名为")):
        client, _ = await site.joined(locale, locale=locale)
        reply = await client.ask("fly")
        assert (reply["code"], text in reply["message"]) == ("unknown_type", True)
    client = Client(await site.http.ws_connect("/ws", headers={"Accept-Language": "en"}))
    assert (await client.ask("join", v=1))["message"].startswith("No access token")


async def test_order_of_messages(site: Site) -> None:
    client = await site.client()
    assert await client.code("ping") == "join_required"
    assert await client.closed() == 1008
    client, _ = await site.joined("a")
    assert await client.code("join", v=1, token=site.token("a")) == "already_joined"
    assert (await client.ok("ping", t=1.5))["t"] == 1.5


async def test_bad_messages_do_not_end_a_joined_session(site: Site) -> None:
    client, _ = await site.joined("a", locale="en")
    await client.socket.send_str("{")
    await client.socket.send_str('{"type":"ping"}')
    reply = await client.ask("mute", track="t")
    assert (reply["code"], reply["field"]) == ("bad_message", "muted")
    await client.ok("ping")
    assert [error["code"] for error in client.errors] == ["bad_message", "bad_message"]


@pytest.mark.parametrize("size", [MAX_MESSAGE + 1, 5 * MAX_MESSAGE])
async def test_oversize_messages_end_the_session(site: Site, size: int) -> None:
    client, _ = await site.joined("a")
    await client.socket.send_str(json.dumps({"type": "ping", "id": 7, "x": "y" * size}))
    assert await client.closed() == 1009
    if size < 4 * MAX_MESSAGE:
        assert client.errors[0]["code"] == "message_too_large"


async def test_binary_is_refused(site: Site) -> None:
    client, _ = await site.joined("a")
    await client.socket.send_bytes(b"\x00\x01")
    assert await client.closed() == 1008
    assert client.errors[0]["code"] == "bad_message"


async def test_floods_are_refused_and_then_ended(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, rate=0.001, burst=3.0, max_refused=5))
    client, _ = await site.joined("a")
    replies = [await client.ask("ping") for _ in range(7)]
    assert [reply["type"] for reply in replies] == ["ok"] * 2 + ["error"] * 5
    assert replies[-1]["code"] == "rate_limited" and replies[-1]["retry_after_s"] > 0
    assert await client.closed() == 1008


async def test_join_deadline(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, join_s=0.05))
    client = await site.client()
    assert await client.closed() == 1008
    assert client.errors[0]["code"] == "join_timeout"


async def test_silence_ends_the_session_and_pongs_are_not_silence(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, idle_s=0.4, ping_s=0.05))
    deaf = await site.http.ws_connect("/ws", autoping=False)
    await deaf.send_json({"type": "join", "id": 1, "v": 1, "token": site.token("deaf")})
    living, _ = await site.joined("living")
    kinds = []
    async with asyncio.timeout(5.0):
        while (message := await deaf.receive()).type in (WSMsgType.TEXT, WSMsgType.PING):
            kinds.append(message.json()["type"] if message.type is WSMsgType.TEXT else "ping")
            if message.type is WSMsgType.TEXT and "code" in message.json():
                assert message.json()["code"] == "idle_timeout"
    assert kinds.count("ping") > 1 and kinds[-1] == "error"
    assert deaf.close_code == 4408
    await living.ok("ping")


async def test_leave(site: Site) -> None:
    watcher, _ = await site.joined("w")
    client, reply = await site.joined("a", "host")
    await client.ok("leave")
    assert await client.closed() == 1000
    assert (await watcher.event("peer_left", peer=reply["peer"]))["reason"] == "left"
    assert client.heard("peer_left") == [], "nobody is told of their own leaving"


async def test_slow_consumer_loses_its_session_and_not_its_peer(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, outbox_messages=8))
    client, reply = await site.joined("a")
    peer = site.hub.peers[reply["peer"]]
    for _ in range(9):
        peer.emit("viewers", {"count": 1})
    assert await client.closed() == 1013
    for _ in range(100):
        if not peer.connected:
            break
        await asyncio.sleep(0.01)
    assert not peer.connected and not peer.gone


async def test_a_client_that_never_reads_is_cut_off(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, outbox_chars=100_000))
    socket = await site.http.ws_connect("/ws")
    await socket.send_json({"type": "join", "id": 1, "v": 1, "token": site.token("a")})
    reply = await socket.receive_json()
    other, _ = await site.joined("other")
    peer = site.hub.peers[reply["peer"]]
    connection = socket._conn
    assert connection is not None and connection.transport is not None
    connection.transport.pause_reading()
    async with asyncio.timeout(10.0):
        while peer.connected:
            peer.emit("grants", {"padding": "x" * 50_000})
            await asyncio.sleep(0.001)
    await other.ok("ping")
    connection.transport.abort()


# --- resume ------------------------------------------------------------------------------------------------------


async def resume(site: Site, reply: dict[str, Any], seq: int, identity: str = "a", role: Any = "host") -> Any:
    client = await site.client()
    back = await client.join(
        site.token(identity, role), resume={"peer": reply["peer"], "key": reply["resume_key"], "seq": seq}
    )
    return client, back


async def dropped(site: Site, peer: str) -> None:
    async with asyncio.timeout(5.0):
        while site.hub.peers[peer].connected:
            await asyncio.sleep(0.005)


async def test_resume_replays_what_was_missed(site: Site) -> None:
    watcher, _ = await site.joined("w")
    client, first = await site.joined("a", "host")
    await client.ok("start_show")
    await client.event("room_state")
    seq = client.events[-1]["seq"]
    await client.cut()
    away = await watcher.event("room_state", state="away")
    assert away["away_until"] > away["since"]
    _, second = await site.joined("b", "host")
    client, back = await resume(site, first, seq)
    assert (back["resumed"], back["peer"], back["seq"]) == (True, first["peer"], seq)
    assert "room" not in back
    assert (await client.event("peer_joined"))["peer"]["id"] == second["peer"]
    await client.event("room_state", state="live")
    await watcher.event("room_state", state="live")
    numbers = [event["seq"] for event in client.events]
    assert numbers == list(range(seq + 1, seq + 1 + len(numbers)))
    assert watcher.heard("peer_left") == []


async def test_resume_after_too_much_gives_the_whole_room(site: Site) -> None:
    client, first = await site.joined("a", "host")
    await client.cut()
    await dropped(site, first["peer"])
    for _ in range(300):
        site.hub.peers[first["peer"]].emit("viewers", {"count": 1})
    client, back = await resume(site, first, 0)
    assert back["resumed"] is True
    assert back["room"]["name"] == "demo"
    assert back["seq"] >= 300
    _, again = await resume(site, first, 10**9)
    assert "room" in again, "a seq that was never reached"


async def test_resume_takes_over_a_half_dead_connection(site: Site) -> None:
    watcher, _ = await site.joined("w")
    old, first = await site.joined("a", "host")
    client, back = await resume(site, first, 0)
    assert back["resumed"] is True
    assert await old.closed() == 1000
    await client.ok("ping")
    assert watcher.heard("peer_left") == watcher.heard("peer_updated") == []
    assert site.hub.peers[first["peer"]].connected


async def test_resume_keeps_grants_that_were_changed(site: Site) -> None:
    token = site.token("v")
    client = await site.client()
    first = await client.join(token)
    site.hub.set_grants(site.hub.peers[first["peer"]], Grants(publish=frozenset({"microphone"})))
    await client.event("grants")
    await client.cut()
    await dropped(site, first["peer"])
    again = await site.client()
    fields = {"peer": first["peer"], "key": first["resume_key"], "seq": 0}
    assert (await again.join(token, resume=fields))["self"]["grants"]["publish"] == ["microphone"]
    await again.cut()
    await dropped(site, first["peer"])
    other = await site.client()
    assert (await other.join(site.token("v"), resume=fields))["self"]["grants"]["publish"] == []


@pytest.mark.parametrize("wrong", ["key", "peer", "identity"])
async def test_a_wrong_resume_is_a_new_peer(site: Site, wrong: str) -> None:
    client, first = await site.joined("a", "host")
    await client.cut()
    await dropped(site, first["peer"])
    used = {**first, "resume_key": "x"} if wrong == "key" else {**first, "peer": "x"} if wrong == "peer" else first
    _, back = await resume(site, used, 0, identity="b" if wrong == "identity" else "a")
    assert back["resumed"] is False
    assert back["peer"] != first["peer"]
    # The same identity, come back as somebody new, replaces its ghost; another one does not touch it.
    assert (first["peer"] in site.hub.peers) == (wrong == "identity")


async def test_resume_needs_a_good_token_too(site: Site) -> None:
    client, first = await site.joined("a", "host")
    await client.cut()
    fields = {"resume": {"peer": first["peer"], "key": first["resume_key"], "seq": 0}}
    assert await refused(site, token=site.token("a", lifetime_s=-60), **fields) == ("token_expired", 1008)


async def test_after_the_window_nobody_is_left(make_site: MakeSite) -> None:
    site = await make_site(config(rooms__resume_window_s=0.05))
    watcher, _ = await site.joined("w")
    client, first = await site.joined("a", "host")
    await client.cut()
    assert (await watcher.event("peer_left", peer=first["peer"]))["reason"] == "timeout"
    _, back = await resume(site, first, 0)
    assert back["resumed"] is False


# --- identities, room limits, shutdown -----------------------------------------------------------------------------


async def test_identity_replaced(site: Site) -> None:
    client, _ = await site.joined("a", locale="en")
    await site.joined("a")
    bye = await client.event("bye")
    assert (bye["code"], bye["message"]) == ("identity_replaced", "You joined this room from another page.")
    assert await client.closed() == 1008


async def test_identity_taken(make_site: MakeSite) -> None:
    site = await make_site(config(rooms__duplicate_identity="refuse"))
    client, _ = await site.joined("a")
    assert await refused(site, token=site.token("a")) == ("identity_taken", 1008)
    await client.ok("ping")


async def test_room_full_and_unknown(make_site: MakeSite) -> None:
    site = await make_site(config(rooms__max_peers=1, rooms__max_rooms=1))
    await site.joined("a")
    assert await refused(site, token=site.token("b")) == ("room_full", 1008)
    assert await refused(site, token=site.token("b", room="second")) == ("room_full", 1008)
    await site.joined("h", "host")
    site = await make_site(config(rooms__create_on_join=False))
    assert await refused(site, token=site.token("a")) == ("room_not_found", 1008)


async def test_shutdown_says_so(site: Site) -> None:
    client, _ = await site.joined("a")
    await site.hub.close()
    assert (await client.event("bye"))["code"] == "server_restart"
    assert await client.closed() == 1012
    assert client.heard("room_state") == [], "a restart is not the end of the show"
    assert await refused(site, token=site.token("a")) == ("server_restart", 1012)


async def test_our_own_bug_is_an_incident_and_not_the_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client, _ = await site.joined("a", "host", locale="en")

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(site.hub, "start_show", broken)
    reply = await client.ask("start_show")
    assert reply["code"] == "internal" and "incident" in reply["message"]
    assert "ZeroDivision" not in json.dumps(reply)
    await client.ok("ping")


async def test_every_event_on_the_wire_is_in_the_table(site: Site) -> None:
    watcher, _ = await site.joined("w", "viewer")
    client, _ = await site.joined("a", "host")
    await client.ok("publish", sdp=offer("audio", "video"), tracks=tracks("microphone", "camera"))
    await client.ok("start_show")
    await client.ok("end_show")
    await watcher.event("room_state", state="ended")
    assert {event["type"] for event in (*watcher.events, *client.events)} <= set(EVENTS)


async def test_strangers_are_limited(make_site: MakeSite) -> None:
    site = await make_site(limits=replace(LIMITS, max_unjoined=2))
    waiting = [await site.client() for _ in range(2)]
    with pytest.raises(WSServerHandshakeError) as refusal:
        await site.client()
    assert refusal.value.status == 429
    await waiting[0].cut()
    while site.hub.unjoined > 1:
        await asyncio.sleep(0.01)
    _, reply = await site.joined("ann")
    assert reply["resumed"] is False
    assert site.hub.unjoined == 1

"""Calls from the Room to the Worker: what it is asked, exactly, and what others do while it is being asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from media import api
from signaling.circle import Circle, Seat
from signaling.placement import LiveRoom
from signaling.room_model import CircleAired, CircleEnded, CircleGrounded, CircleSet
from tests.signaling.conftest import Site
from tests.signaling.fakes import Client, FakeWorker, offer, tracks
from tests.signaling.steps import AV, accept, publish, settle
from tests.signaling.test_stage_races import Held

BOTH = {"s": "shopper full", "a": "agent full"}
SOUND_AND_PICTURE: frozenset[Any] = frozenset(AV)


@dataclass
class Call:
    """A live show with a viewer, and a shopper and an agent who would like to talk in private."""

    site: Site
    host: Client
    viewer: Client
    shopper: Client
    agent: Client
    show: set[str]

    @property
    def room(self) -> LiveRoom:
        return self.site.hub.rooms["demo"]

    def seats(self, **seats: str) -> None:
        """They talk."""
        self.site.hub.apply(self.room, CircleSet(Circle("c", made(seats), True)))

    def ring(self, **seats: str) -> None:
        """They do not yet."""
        self.site.hub.apply(self.room, CircleSet(Circle("c", made(seats), False)))

    def air(self, shopper: frozenset[Any] = SOUND_AND_PICTURE) -> None:
        self.site.hub.apply(self.room, CircleAired("c", {"s": shopper, "a": SOUND_AND_PICTURE}))

    def consumer(self, identity: str, track: str) -> str | None:
        """The Consumer that this person has of a track."""
        peer = next(peer for peer in self.room.peers.values() if peer.claims.identity == identity)
        return None if peer.subscriber.path is None else peer.subscriber.path.consumers.get(track)

    async def both(self) -> tuple[dict[str, str], dict[str, str]]:
        """They talk, and see each other: the ids of the tracks of the one and the other."""
        self.seats(**BOTH)
        theirs, ours = (await publish(self.shopper, *AV))["ids"], (await publish(self.agent, *AV))["ids"]
        await self.watch(self.shopper, ours)
        await self.watch(self.agent, theirs)
        await settle(self.site)
        return theirs, ours

    async def watch(self, client: Client, ids: dict[str, str]) -> dict[str, Any]:
        """Answer offers until these are in one."""
        while True:
            given = await client.event("offer")
            await accept(client, given)
            if set(ids.values()) <= {entry["track"] for entry in given["tracks"]}:
                return given


def made(seats: dict[str, str]) -> dict[str, Seat]:
    return {who: Seat(*text.split()) for who, text in seats.items()}  # type: ignore[arg-type]


@pytest.fixture
async def call(site: Site) -> Call:
    """See :class:`Call`."""
    host, _ = await site.joined("host", "host")
    show = set((await publish(host, *AV))["ids"].values())
    await host.ok("start_show")
    viewer, joined = await site.joined("viewer")
    await accept(viewer, joined["offer"])
    shopper, joined = await site.joined("s", "shopper")
    await accept(shopper, joined["offer"])
    agent, _ = await site.joined("a", "agent", subscribe="none")
    return Call(site, host, viewer, shopper, agent, show)


def since(worker: FakeWorker, mark: int) -> list[api.Request[Any]]:
    return [request for request in worker.calls[mark:] if not isinstance(request, api.GetStats)]


def received(given: dict[str, Any]) -> set[str]:
    return {entry["track"] for entry in given["tracks"]}


async def test_prepared_while_it_rings_and_released_when_answered(call: Call) -> None:
    worker = await settle(call.site)
    call.ring(s="shopper full", a="agent ring")
    theirs = await publish(call.shopper, *AV)
    ours = await publish(call.agent, *AV)
    assert all(entry["held"] for entry in theirs["tracks"] + ours["tracks"])
    opened = [request for request in worker.asked(api.OpenTransport) if request.producers][-2:]
    assert all(producer.paused for request in opened for producer in request.producers)
    # Both are offered the other's, the agent nothing of the show, and nobody is told.
    assert received(await call.watch(call.shopper, ours["ids"])) == call.show | set(ours["ids"].values())
    assert received(await call.watch(call.agent, theirs["ids"])) == set(theirs["ids"].values())
    assert not call.agent.heard("track_published") and not call.viewer.heard("offer")

    await settle(call.site)
    mark, held = len(worker.calls), {*theirs["ids"].values(), *ours["ids"].values()}
    call.seats(**BOTH)
    await settle(call.site)
    assert {(type(request), request.producer_id, request.paused) for request in since(worker, mark)} == {  # type: ignore[attr-defined]
        (api.PauseProducer, track, False) for track in held
    }
    assert {event["track"]["id"] for event in call.agent.heard("track_published")} == held
    assert len(call.agent.heard("offer")) == 1, "nothing is left to negotiate"
    assert not [event for event in call.viewer.events + call.host.events if held & set(str(event).split("'"))]


async def test_on_hold_and_back(call: Call) -> None:
    theirs, ours = await call.both()
    worker = await settle(call.site)
    cut = {call.consumer("a", track) for track in theirs.values()} | {call.consumer("s", track) for track in ours.values()}
    mark = len(worker.calls)
    call.seats(s="shopper hold", a="agent full")
    await settle(call.site)
    assert {request.consumer_id for request in since(worker, mark) if isinstance(request, api.CloseConsumer)} == cut
    assert not worker.asked(api.CloseProducer)
    assert received(await call.shopper.event("offer")) == call.show, "the show goes on"
    await accept(call.shopper, call.shopper.heard("offer")[-1])
    call.seats(**BOTH)
    assert received(await call.watch(call.shopper, ours)) == call.show | set(ours.values())


async def test_escalation_and_back_change_no_producer_and_no_transport(call: Call) -> None:
    theirs, ours = await call.both()
    worker = await settle(call.site)
    private = {*theirs.values(), *ours.values()}
    mates = {call.consumer("a", track) for track in theirs.values()} | {call.consumer("s", track) for track in ours.values()}
    mark, offers = len(worker.calls), len(call.agent.heard("offer"))
    call.air()
    given = await call.watch(call.viewer, {track: track for track in private})
    assert received(given) == call.show | private
    await settle(call.site)
    # The host watches nobody else, so this is its first transport for that.
    opened = [request for request in since(worker, mark) if isinstance(request, api.OpenTransport)]
    assert len(opened) <= 1 and not any(request.producers for request in opened)
    assert {type(request) for request in since(worker, mark)} <= {api.ConnectTransport, api.OpenTransport}
    watching = {call.consumer("viewer", track) for track in private}

    mark = len(worker.calls)
    await call.host.ok("remove_guest", identity="s")
    await settle(call.site)
    closed = [request.consumer_id for request in since(worker, mark) if isinstance(request, api.CloseConsumer)]
    hosts = {consumer for consumer in closed if consumer not in watching}
    assert watching <= set(closed) and len(closed) == len(set(closed)) and not set(closed) & mates
    assert len(hosts) <= len(private)
    assert {type(request) for request in since(worker, mark)} == {api.CloseConsumer}
    assert {call.consumer("a", track) for track in theirs.values()} < mates, "those in the call notice nothing"
    assert len(call.agent.heard("offer")) == offers and not call.agent.heard("track_unpublished")
    assert {event["track"] for event in call.viewer.heard("track_unpublished")} == private
    assert received(await call.viewer.event("offer")) == call.show


async def test_the_end_of_a_call_and_of_the_show(call: Call) -> None:
    theirs, ours = await call.both()
    worker = await settle(call.site)
    call.air()
    await call.host.ok("end_show")
    await settle(call.site)
    closed = [request.producer_id for request in worker.asked(api.CloseProducer)]
    assert set(closed) == call.show, "what is of a call goes on"
    assert not [event for event in call.shopper.heard("transport_state") if event["reason"] == "show_ended"]
    assert [event["reason"] for event in call.host.heard("transport_state")] == ["show_ended"]
    call.site.hub.apply(call.room, CircleEnded("c"))
    await settle(call.site)
    assert {request.producer_id for request in worker.asked(api.CloseProducer)} - call.show == {*theirs.values(), *ours.values()}
    assert await call.shopper.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "room_ended"


async def test_a_second_agent_who_is_rung_overhears_nothing(call: Call) -> None:
    theirs, ours = await call.both()
    second, _ = await call.site.joined("b", "agent", subscribe="none")
    call.seats(**BOTH, b="agent ring")
    await call.watch(second, theirs | ours)
    worker = await settle(call.site)
    prepared = worker.asked(api.ConnectTransport)[-1].consumers
    assert {entry.producer_id for entry in prepared} == {*theirs.values(), *ours.values()}
    assert all(entry.paused for entry in prepared)
    mark = len(worker.calls)
    call.seats(**BOTH, b="agent full")
    await settle(call.site)
    assert {(request.consumer_id, request.paused) for request in since(worker, mark)} == {  # type: ignore[attr-defined]
        (entry.id, False) for entry in prepared
    }
    call.seats(**BOTH)
    await settle(call.site)
    assert {request.consumer_id for request in worker.asked(api.CloseConsumer)} >= {entry.id for entry in prepared}


async def test_an_agent_takes_only_what_is_asked_for_besides_the_call(call: Call) -> None:
    theirs, _ = await call.both()
    await call.agent.ok("subscribe", tracks=sorted(call.show))
    given = await call.watch(call.agent, {track: track for track in call.show})
    assert received(given) == call.show | set(theirs.values())
    await call.agent.ok("unsubscribe", tracks=[theirs["camera"], *call.show])
    assert received(await call.agent.event("offer")) == {theirs["microphone"]}
    await accept(call.agent, call.agent.heard("offer")[-1])
    await call.agent.ok("subscribe", tracks=[theirs["camera"]])
    assert received(await call.agent.event("offer")) == set(theirs.values())
    stranger, _ = await call.site.joined("x", subscribe="none")
    assert await stranger.code("subscribe", tracks=[theirs["camera"]]) == "track_not_found"
    assert await stranger.code("keyframe", track=theirs["camera"]) == "track_not_found"


async def test_nothing_of_a_call_reaches_players_or_figures(call: Call) -> None:
    theirs, ours = await call.both()
    response = await call.site.http.post(
        "/whep/demo",
        data=offer("audio", "video", "audio", "video", direction="recvonly"),
        headers={"Authorization": f"Bearer {call.site.token('p')}", "Content-Type": "application/sdp"},
    )
    assert response.status == 201
    worker = await settle(call.site)
    assert {entry.producer_id for entry in worker.asked(api.OpenTransport)[-1].consumers} <= call.show
    manager = {"Authorization": f"Bearer {call.site.token('m', 'supervisor')}"}
    await call.shopper.ok("report", tracks=[{"track": track} for track in ours.values()])
    private, public = next(iter(theirs.values())), next(iter(call.show))
    consumers = tuple(api.ConsumerStats("c", name, 0, 0, 0, 0.0, 0.0, None, 0, 0, 0, 0, False) for name in (private, public))
    transport = api.TransportStats("x", "r", "subscribe", "connected", "udp", "", "", None, 0, (), consumers)
    worker.stats = replace(worker.stats, transports=(transport,))
    for path in ("/api/v1/rooms/demo", "/api/v1/rooms/demo/stats"):
        text = await (await call.site.http.get(path, headers=manager)).text()
        assert public in text and not any(track in text for track in (*theirs.values(), *ours.values()))


# --- what happens while the Worker is asked --------------------------------------------------------------------------


async def test_a_call_that_ends_while_somebody_publishes(call: Call) -> None:
    worker = await settle(call.site)
    call.seats(**BOTH)
    held = Held(worker, api.OpenTransport)
    publishing = asyncio.create_task(call.shopper.ask("publish", sdp=offer("audio"), tracks=tracks("microphone")))
    await held.arrived.wait()
    call.site.hub.apply(call.room, CircleEnded("c"))
    held.release()
    assert (await publishing)["code"] == "not_on_stage"
    await settle(call.site)
    assert worker.asked(api.CloseTransport) and not call.room.state.tracks_of("s")


async def test_a_call_that_is_answered_while_somebody_publishes(call: Call) -> None:
    worker = await settle(call.site)
    call.ring(s="shopper full", a="agent ring")
    held = Held(worker, api.OpenTransport)
    publishing = asyncio.create_task(call.shopper.ask("publish", sdp=offer("audio"), tracks=tracks("microphone")))
    await held.arrived.wait()
    call.seats(**BOTH)
    held.release()
    reply = await publishing
    assert not reply["tracks"][0]["held"]
    await settle(call.site)
    assert worker.asked(api.PauseProducer) == [api.PauseProducer(reply["tracks"][0]["id"], False)]


async def test_sight_that_is_lost_between_offer_and_answer(call: Call) -> None:
    call.seats(**BOTH)
    ours = (await publish(call.agent, *AV))["ids"]
    given = await call.shopper.event("offer")
    while not set(ours.values()) <= received(given):
        await accept(call.shopper, given)
        given = await call.shopper.event("offer")
    worker = await settle(call.site)
    call.seats(s="shopper hold", a="agent full")
    await accept(call.shopper, given)
    await settle(call.site)
    connected = {entry.producer_id for request in worker.asked(api.ConnectTransport) for entry in request.consumers}
    assert not connected & set(ours.values())
    # Lost and found again before the answer: what was cut is not what is made now.
    call.seats(**BOTH)
    given = await call.watch(call.shopper, ours)
    await settle(call.site)
    made = {entry.producer_id: entry.id for entry in worker.asked(api.ConnectTransport)[-1].consumers}
    assert {track: call.consumer("s", track) for track in ours.values()} == made


async def test_sight_that_is_lost_while_the_answer_is_with_the_worker(call: Call) -> None:
    call.seats(**BOTH)
    ours = (await publish(call.agent, *AV))["ids"]
    given = await call.shopper.event("offer")
    worker = await settle(call.site)
    held = Held(worker, api.ConnectTransport)
    answering = asyncio.create_task(accept(call.shopper, given))
    await held.arrived.wait()
    call.seats(s="shopper hold", a="agent full")
    held.release()
    await answering
    await settle(call.site)
    connected = {entry.id for entry in worker.asked(api.ConnectTransport)[-1].consumers if entry.producer_id in ours.values()}
    assert connected <= {request.consumer_id for request in worker.asked(api.CloseConsumer)}


async def test_ones_own_mute_outlasts_a_mute_of_the_host_that_ends_meanwhile(call: Call) -> None:
    theirs, _ = await call.both()
    worker = await settle(call.site)
    call.air()
    await call.host.ok("mute_guest", identity="s", audio=True)
    await settle(call.site)
    held = Held(worker, api.PauseProducer)
    muting = asyncio.create_task(call.shopper.ok("mute", track=theirs["microphone"], muted=True))
    await held.arrived.wait()
    call.site.hub.apply(call.room, CircleGrounded("c"))
    held.release()
    await muting
    await settle(call.site)
    said = [request.paused for request in worker.asked(api.PauseProducer) if request.producer_id == theirs["microphone"]]
    assert said[-1] and call.room.state.tracks[theirs["microphone"]].muted


async def test_a_mute_of_the_host_ends_with_the_stage_at_the_worker_too(call: Call) -> None:
    theirs, _ = await call.both()
    worker = await settle(call.site)
    call.air()
    await call.host.ok("mute_guest", identity="s", audio=True)
    call.site.hub.apply(call.room, CircleGrounded("c"))
    await settle(call.site)
    microphone = theirs["microphone"]
    assert worker.asked(api.PauseProducer)[-2:] == [api.PauseProducer(microphone, True), api.PauseProducer(microphone, False)]


# --- help rooms ------------------------------------------------------------------------------------------------------


async def test_a_help_room_is_for_calls_alone(site: Site) -> None:
    people = [await joined_in(site, identity, role) for identity, role in zip("hsaw", roles(), strict=True)]
    host, shopper, agent, other = people
    assert await host.code("start_show") == "forbidden"
    assert await host.code("publish", sdp=offer("audio"), tracks=tracks("microphone")) == "forbidden"
    assert await shopper.code("chat", text="hello") == "forbidden"
    assert await shopper.code("raise_hand") == "hands_closed"
    seats = {"s": Seat("shopper"), "a": Seat("agent")}
    site.hub.apply(site.hub.rooms["help.de"], CircleSet(Circle("c", seats, True)))
    ids = set((await publish(shopper, *AV))["ids"].values())
    assert received(await agent.event("offer")) == ids
    await other.ok("ping")
    quiet = ("offer", "viewers", "track_published", "peer_joined")
    assert not [event for event in (*other.events, *host.events) if event["type"] in quiet]


def roles() -> Iterator[str]:
    yield from ("host", "shopper", "agent", "viewer")


async def joined_in(site: Site, identity: str, role: str) -> Client:
    client = await site.client()
    await client.join(site.token(identity, role, room="help.de"))  # type: ignore[arg-type]
    return client

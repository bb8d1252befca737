"""One-to-one help over the wire: what shoppers, agents and supervisors send, and what each of them gets to hear."""

from __future__ import annotations

import time
from typing import Any

import pytest

from media.api import CloseConsumer, CloseProducer, PauseProducer
from tests.signaling.conftest import Site
from tests.signaling.help_steps import agent, call_state, enters, mode_of, shopper, talking
from tests.signaling.steps import AV, accept, publish, settle

SECRET_FIELDS = ("context", "cards", "earlier", "notes", "priority")


async def test_ask_ring_answer_talk_end_rate(site: Site) -> None:
    desk = await agent(site)
    customer, _ = await shopper(site)
    context = {"entry": "product", "product": {"id": "h1", "title": "Headphones"}, "page_url": "https://shop.example/h1"}
    call = (await customer.ok("help", media="video", text="it does not pair", context=context))["call"]
    assert call["state"] in ("waiting", "ringing")
    assert not [name for name in SECRET_FIELDS if name in call]
    ring = await call_state(desk, "ringing")
    assert ring["shopper"]["identity"] == "shopper"
    assert mode_of(ring, "agent") == "ring"
    assert ring["context"]["product"]["title"] == "Headphones"
    assert ring["context"]["verified"] is False
    console, joined = await enters(site, "agent")
    assert joined["room"]["call"]["id"] == call["id"]
    active = (await console.ok("answer_call", call=call["id"]))["call"]
    assert active["state"] == "active"
    told = await call_state(customer, "active")
    assert mode_of(told, "agent") == "full"
    said = (await customer.ok("call_say", call=call["id"], text="hello"))["message"]
    assert (await console.event("call_message", call=call["id"]))["message"] == said
    await customer.ok("end_call", call=call["id"])
    assert (await call_state(console, "wrap_up"))["outcome"] == "completed"
    await console.ok("wrap_up", call=call["id"], note="paired", reasons=["pairing"], solved="yes", done=True)
    await customer.ok("rate_call", call=call["id"], score=5, comment="quick", solved="yes")
    kept = await site.store.calls.call(call["id"])
    assert kept is not None
    assert (kept.outcome, kept.notes.note, kept.agent) == ("completed", "paired", "agent")
    assert kept.rating is not None
    assert (kept.rating.score, kept.rating.comment) == (5, "quick")
    kinds = [event.kind for event in await site.store.calls.events(call["id"])]
    assert kinds.index("asked") < kinds.index("answered") < kinds.index("ended")


async def test_asking_again_is_the_same_call(site: Site) -> None:
    customer, _ = await shopper(site)
    first = (await customer.ok("help"))["call"]
    assert (await customer.ok("help"))["call"]["id"] == first["id"]
    elsewhere, _ = await shopper(site, room="help.2")
    assert await elsewhere.code("help") == "already_in_call"


async def test_media_is_held_until_the_answer_and_then_let_through(site: Site) -> None:
    desk = await agent(site)
    customer, joined = await shopper(site)
    call = (await customer.ok("help"))["call"]
    mine = await publish(customer, *AV)
    assert all(entry["held"] for entry in mine["tracks"])
    await call_state(desk, "ringing")
    console, _ = await enters(site, "agent")
    theirs = await publish(console, *AV)
    worker = await settle(site)
    assert all(entry["held"] for entry in theirs["tracks"])
    assert not customer.heard("track_published")
    await console.ok("answer_call", call=call["id"])
    while (await customer.event("track_published"))["track"]["id"] not in theirs["ids"].values():
        pass
    await settle(site)
    released = {request.producer_id for request in worker.asked(PauseProducer) if not request.paused}
    assert released == {*mine["ids"].values(), *theirs["ids"].values()}
    assert joined["self"]["identity"] == "shopper"


async def test_nobody_else_hears_of_a_call(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    other, _ = await shopper(site, "other")
    await publish(customer, *AV)
    await publish(console, *AV)
    await settle(site)
    for kind in ("track_published", "call", "peer_joined", "offer", "call_message"):
        assert not other.heard(kind), kind
    for request in ({"type": "call_say", "text": "hi"}, {"type": "hold_call"}, {"type": "end_call"}, {"type": "answer_call"}):
        kind = str(request.pop("type"))
        assert await other.code(kind, call=call, **request) in ("not_in_call", "call_not_found"), kind
    snapshot = await site.client()
    room = (await snapshot.join(site.token("third", "shopper", room="help")))["room"]
    assert room["tracks"] == []
    assert room["peers"] == []
    assert "call" not in room or room["call"] is None


async def test_hold_cuts_at_the_worker_and_resume_brings_back(site: Site) -> None:
    desk = await agent(site)
    customer, _ = await shopper(site)
    call = (await customer.ok("help"))["call"]["id"]
    await call_state(desk, "ringing")
    console, _ = await enters(site, "agent")
    theirs = await publish(console, *AV)
    await accept(customer, await customer.event("offer"))
    await console.ok("answer_call", call=call)
    worker = await settle(site)
    assert not worker.asked(CloseConsumer)
    held = (await console.ok("hold_call", call=call))["call"]
    assert (held["state"], held["held_by"]) == ("on_hold", "agent")
    await settle(site)
    assert len(worker.asked(CloseConsumer)) == len(AV)
    assert {event["track"] for event in customer.heard("track_unpublished")} == set(theirs["ids"].values())
    assert not worker.asked(CloseProducer), "what is sent goes on, it only reaches nobody"
    assert (await console.ok("resume_call", call=call))["call"]["state"] == "active"
    again = await customer.event("track_published")
    assert again["track"]["id"] in theirs["ids"].values()


async def test_a_decline_rings_the_next_and_the_shopper_never_notices(site: Site) -> None:
    first = await agent(site, "first")
    second = await agent(site, "second")
    customer, _ = await shopper(site)
    call = (await customer.ok("help"))["call"]["id"]
    await call_state(first, "ringing")
    await first.ok("decline_call", call=call, reason="lunch")
    ring = await call_state(second, "ringing")
    assert mode_of(ring, "second") == "ring"
    console, _ = await enters(site, "second")
    await console.ok("answer_call", call=call)
    assert mode_of(await call_state(customer, "active"), "first") is None
    assert await first.code("answer_call", call=call) in ("call_answered", "not_in_call")


async def test_a_supervisor_listens_unseen_whispers_and_barges_in(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    boss_desk = await site.client()
    await boss_desk.join(site.token("boss", "supervisor", room="*"), desk=True)
    boss, _ = await enters(site, "boss", "supervisor")
    await publish(customer, *AV)
    await publish(console, *AV)
    assert await console.code("supervise_call", call=call, mode="listen") == "forbidden"
    view = (await boss.ok("supervise_call", call=call, mode="listen"))["call"]
    assert mode_of(view, "boss") == "listen"
    assert await boss.code("publish", sdp="v=0", tracks=[{"mid": "0", "source": "microphone"}]) != "ok"
    await boss.ok("supervise_call", call=call, mode="whisper")
    spoken = await publish(boss, "microphone")
    await settle(site)
    voice = spoken["ids"]["microphone"]
    assert voice in [event["track"]["id"] for event in console.heard("track_published")]
    assert voice not in [event["track"]["id"] for event in customer.heard("track_published")]
    assert all(mode_of(event["call"], "boss") is None for event in customer.heard("call"))
    await boss.ok("supervise_call", call=call, mode="barge")
    await settle(site)
    assert voice in [event["track"]["id"] for event in customer.heard("track_published")]
    assert mode_of(customer.heard("call")[-1]["call"], "boss") == "full"
    await boss.ok("supervise_call", call=call, mode="off")
    await settle(site)
    assert mode_of(customer.heard("call")[-1]["call"], "boss") is None


async def test_a_warm_transfer(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    colleague = await agent(site, "colleague")
    asked = (await console.ok("transfer_call", call=call, to={"identity": "colleague"}, warm=True, note="knows it"))["call"]
    assert asked["transfer"]["warm"] is True
    await call_state(colleague, "ringing", "on_hold", "active")
    expert, _ = await enters(site, "colleague")
    await expert.ok("answer_call", call=call)
    voice = (await publish(expert, "microphone"))["ids"]["microphone"]
    await settle(site)
    assert voice in [event["track"]["id"] for event in console.heard("track_published")]
    assert voice not in [event["track"]["id"] for event in customer.heard("track_published")]
    # The shopper does not know of the colleague yet, and reads and sees nothing of theirs.
    wrote: dict[str, dict[str, Any]] = {"call_say": {"text": "he again"}, "call_clear": {}, "call_pointer": {"pointer": None},
             "call_checklist": {"checklist": {"title": "Pair", "steps": ["Open"]}}, "call_device": {"ask": "flip"}}  # fmt: skip
    for request, fields in wrote.items():
        assert await expert.code(request, call=call, **fields) == "transfer_open"
    await settle(site)
    assert not [kind for kind in ("call_message", "call_checklist", "call_device") if customer.heard(kind)]
    await console.ok("call_say", call=call, text="One moment please")
    done = (await console.ok("complete_transfer", call=call))["call"]
    assert done["transfer"] is None
    await settle(site)
    assert voice in [event["track"]["id"] for event in customer.heard("track_published")]
    last = customer.heard("call")[-1]["call"]
    assert (mode_of(last, "colleague"), mode_of(last, "agent")) == ("full", None)
    await expert.ok("call_say", call=call, text="Hello, I am the expert")
    await settle(site)
    assert [event["message"]["text"] for event in customer.heard("call_message")] == ["One moment please", "Hello, I am the expert"]


async def test_to_the_stage_and_back_on_the_same_connections(site: Site) -> None:
    host, _ = await site.joined("host", "host", room="demo")
    await host.ok("start_show")
    await publish(host, *AV)
    viewer, _ = await site.joined("viewer")
    customer, console, _desk, call = await talking(site, room="demo")
    mine = await publish(customer, *AV)
    theirs = await publish(console, *AV)
    worker = await settle(site)
    assert not [event for event in viewer.heard("track_published") if event["track"]["id"] in mine["ids"].values()]
    asking = (await console.ok("escalate_call", call=call, topic="pairing live"))["call"]
    assert asking["escalation"]["state"] == "asking"
    assert not host.heard("invite"), "the shopper is asked first"
    await customer.ok("consent_stage", call=call, consent="voice")
    invite = (await host.event("invite"))["invite"]
    assert {person["identity"] for person in invite["with"]} == {"shopper"}
    await host.ok("accept_invite", invite=invite["id"])
    await settle(site)
    shown = {event["track"]["id"] for event in viewer.heard("track_published")}
    assert shown == {mine["ids"]["microphone"], *theirs["ids"].values()}, "the shopper agreed to the voice only"
    places = viewer.heard("stage")[-1]["stage"]["places"]
    assert [place["identity"] for place in places] == ["host", "agent", "shopper"]
    await console.ok("deescalate_call", call=call)
    await settle(site)
    gone = {event["track"] for event in viewer.heard("track_unpublished")}
    assert gone == shown
    assert not worker.asked(CloseProducer)
    assert console.heard("call")[-1]["call"]["state"] == "active"


async def test_no_consent_no_stage(site: Site) -> None:
    host, _ = await site.joined("host", "host", room="demo")
    await host.ok("start_show")
    customer, console, _desk, call = await talking(site, room="demo")
    await console.ok("escalate_call", call=call)
    await customer.ok("consent_stage", call=call, consent="no")
    await settle(site)
    assert not host.heard("invite")
    assert console.heard("call")[-1]["call"]["escalation"]["state"] == "declined"


async def test_there_is_no_stage_in_a_help_room(site: Site) -> None:
    host = await site.client()
    await host.join(site.token("host", "host", room="help"))
    assert await host.code("start_show") == "forbidden"
    customer, console, _desk, call = await talking(site)
    assert await console.code("escalate_call", call=call) == "not_in_show"
    assert await customer.code("chat", text="hello all") == "forbidden"


async def test_a_shopper_who_reloads_stays_in_the_call(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    await customer.cut()
    again, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == call
    assert joined["room"]["call"]["state"] == "active"
    mine = await publish(again, *AV)
    assert not any(entry["held"] for entry in mine["tracks"])
    while True:
        if (await console.event("track_published"))["track"]["id"] in mine["ids"].values():
            break


async def test_wait_with_position_and_callback(site: Site) -> None:
    first, _ = await shopper(site, "first")
    second, _ = await shopper(site, "second")
    assert (await first.ok("help"))["call"]["position"] == 1
    call = (await second.ok("help"))["call"]
    assert call["position"] == 2
    at = round((time.time() + 3600) * 1000)
    left = (await second.ok("leave_callback", call=call["id"], at=at, phone="13800000000"))["callback"]
    assert left["at"] == at
    assert (await call_state(second, "ended"))["outcome"] == "callback"
    assert [entry.id for entry in await site.store.calls.callbacks()] == [left["id"]]
    assert await second.code("leave_callback", at=1) == "callback_invalid"


async def test_who_gives_up_was_abandoned(site: Site) -> None:
    customer, _ = await shopper(site)
    call = (await customer.ok("help"))["call"]["id"]
    await customer.ok("end_call", call=call)
    ended = await call_state(customer, "ended")
    assert ended["outcome"] == "abandoned"


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("help", {"queue": "none-such"}, "queue_unknown"),
        ("help", {"envelope": "no.such.thing"}, "envelope_invalid"),
        ("help", {"link": "gone"}, "link_expired"),
        ("answer_call", {"call": "c"}, "call_not_found"),
        ("call_say", {"call": "c", "text": "x"}, "call_not_found"),
        ("rate_call", {"call": "c", "score": 3}, "call_not_found"),
        ("supervise_call", {"call": "c", "mode": "listen"}, "forbidden"),
        ("call_shopper", {"identity": "x"}, "forbidden"),
        ("watch_wall", {"on": True}, "unknown_type"),
    ],
)
async def test_refusals(site: Site, kind: str, fields: dict[str, Any], code: str) -> None:
    customer, _ = await shopper(site)
    assert await customer.code(kind, **fields) == code


async def test_who_may_not_ask(site: Site) -> None:
    client = await site.client()
    await client.join(site.limited("someone", subscribe=True))
    assert await client.code("help") == "forbidden"
    assert await client.code("help_status") == "forbidden"


async def test_transfer_to_nobody_goes_on(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    for target, code in (
        ({"identity": "stranger"}, "agent_not_found"),
        ({"identity": "agent"}, "forbidden"),
        ({"queue": "none-such"}, "queue_unknown"),
        ({}, "bad_message"),
    ):
        refused = await console.code("transfer_call", call=call, to=target)
        assert refused == code or (code == "forbidden" and refused in ("agent_busy", "wrong_state")), (target, refused)
    assert (await customer.ok("call_say", call=call, text="still here"))["message"]["text"] == "still here"


async def test_an_agent_rings_a_shopper_who_is_in_the_room(site: Site) -> None:
    await agent(site)
    customer, _ = await shopper(site)
    console, _ = await enters(site, "agent")
    call = (await console.ok("call_shopper", identity="shopper", media="voice", topic="your order"))["call"]
    ring = await call_state(customer, "ringing")
    assert (ring["direction"], ring["topic"]) == ("out", "your order")
    await customer.ok("answer_call", call=call["id"])
    assert mode_of(await call_state(console, "active"), "shopper") == "full"


async def test_a_link_leads_to_the_agent_who_made_it(site: Site) -> None:
    await agent(site, "idle")
    desk = await agent(site, "maker")
    link = (await desk.ok("call_link", topic="your order"))["link"]
    assert link["id"] in link["url"]
    customer, _ = await shopper(site)
    await customer.ok("help", link=link["id"])
    ring = await call_state(desk, "ringing")
    assert mode_of(ring, "maker") == "ring"
    assert ring["direction"] == "link"


async def test_the_wall_shows_what_goes_on(site: Site) -> None:
    _customer, _console, _desk, call = await talking(site)
    await shopper(site, "waits")
    boss = await site.client()
    await boss.join(site.token("boss", "supervisor", room="*"), desk=True)
    await boss.ok("watch_wall", on=True)
    wall = await boss.event("wall")
    assert [entry["id"] for entry in wall["calls"]] == [call]
    assert {entry["identity"]: entry["presence"] for entry in wall["agents"]}["agent"] == "busy"
    assert wall["today"]["answered"] == 1


async def test_marks_reach_the_other_side_and_who_comes_back(site: Site) -> None:
    customer, console, _desk, call = await talking(site)
    camera = (await publish(customer, *AV))["ids"]["camera"]
    mark = {"kind": "arrow", "color": "#ff0000", "width": 0.01, "target": camera, "points": [[0.1, 0.2], [0.5, 0.5]]}
    await console.ok("call_mark", call=call, mark=mark)
    drawn = (await customer.event("call_mark", call=call))["mark"]
    assert (drawn["by"], drawn["points"]) == ("agent", [[0.1, 0.2], [0.5, 0.5]])
    assert await console.code("call_mark", call=call, mark={**mark, "points": [[0.1, 0.2], [1.5, 0.5]]}) == "mark_invalid"
    await console.ok("call_pointer", call=call, pointer={"x": 0.5, "y": 0.5, "target": camera})
    assert (await customer.event("call_pointer"))["pointer"]["x"] == 0.5
    assert not console.heard("call_pointer"), "no echo"
    await customer.cut()
    _, joined = await shopper(site)
    assert [entry["id"] for entry in joined["room"]["call"]["marks"]] == [drawn["id"]]


async def test_only_what_the_call_shows_can_be_drawn_on(site: Site) -> None:
    """Tracks come and go: a mark on one that has just ended is refused, and everything else goes on."""
    customer, console, _desk, call = await talking(site)
    other, _ = await shopper(site, "other")
    await other.ok("help")
    mine, theirs, foreign = [(await publish(each, *AV))["ids"] for each in (customer, console, other)]
    mark = {"kind": "step", "color": "#ff0000", "width": 0.01, "points": [[0.1, 0.2]], "n": 1}
    for target, code in (
        (mine["camera"], None),
        (theirs["camera"], None),
        (mine["microphone"], "mark_invalid"),
        (foreign["camera"], "mark_invalid"),
        ("nothing", "mark_invalid"),
    ):
        reply = await console.ask("call_mark", call=call, mark={**mark, "target": target})
        assert reply.get("code") == code, target
    await customer.ok("unpublish", track=mine["camera"])
    assert await console.code("call_mark", call=call, mark={**mark, "target": mine["camera"]}) == "mark_invalid"
    await console.ok("call_mark", call=call, mark={**mark, "target": theirs["camera"]})
    await customer.ok("call_say", call=call, text="still here")


async def test_an_agent_who_was_in_the_room_already_is_found_there(site: Site) -> None:
    desk = await agent(site)
    _console, joined = await enters(site, "agent")
    customer, _ = await shopper(site)
    call = (await customer.ok("help"))["call"]["id"]
    await call_state(desk, "ringing")
    await desk.ok("answer_call", call=call)
    told = await call_state(customer, "active")
    assert [person["peer"] for person in told["people"] if person["identity"] == "agent"] == [joined["peer"]]

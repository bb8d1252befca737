"""One-to-one help between real browsers: asked for in a live room, answered, on hold, handed on, on the stage and back."""

from __future__ import annotations

import asyncio

from tests.browser.conftest import Pages
from tests.browser.help_kit import (
    AGENT,
    ALL,
    BOSS,
    EXPERT,
    SHOPPER,
    STILL_THERE,
    Line,
    Person,
    answer,
    ask,
    do,
    meets,
    open_page,
    prepare,
    reload,
    shop,
    show,
    sit,
    tiles,
)
from tests.browser.page import Page
from tests.browser.service import Service
from tests.browser.stage_kit import join
from tests.browser.test_room import go_live

HOST_MOVES = "() => help.moves('host')"
SEES = "(who) => help.sees(...who)"
HEARS = "(who) => help.hears(...who)"
STATE = "(states) => help.state(...states)"
STARE = "(who) => help.stare(...who)"
STARED = "() => help.stared()"
ESCALATED = """(state) => kit.until(() => help.call().escalation?.state === state && help.call().escalation,
    10000, `escalation ${state}, not ${JSON.stringify(help.call().escalation)}`)"""
HOST_ACCEPTS = """async () => {
    const { room } = kit.rooms.get("me");
    const invite = await kit.until(() => room.info.invites[0], 10000, "the host is asked");
    await room.acceptInvite(invite.id);
    return invite;
}"""


async def face_to_face(line: Line, shopper: Page, other: Page, who: Person = AGENT) -> None:
    """Both see and hear each other."""
    await asyncio.gather(meets(shopper, line, who), meets(other, line, SHOPPER))


async def talking(pages: Pages, line: Line, shopper: Page, agent: Page) -> str:
    """A shopper and an agent in an active call who see and hear each other; its id."""
    await sit(agent, line, AGENT)
    await shop(shopper, line)
    call = await ask(shopper, line)
    await answer(agent, line, AGENT, call)
    await face_to_face(line, shopper, agent)
    return call


async def test_help_while_the_show_goes_on(pages: Pages, service: Service, room: str) -> None:
    """Asked in a live room: wait, ring, answer, hold, the stage with either consent, and the rating in the database."""
    line = await Line.open(service, room)
    host, agent, viewer = [await open_page(pages) for _ in range(3)]
    shopper = await open_page(pages, "firefox")
    await go_live(host, room)
    await join(viewer, room, "viewer")
    await shop(shopper, line)
    await shopper.evaluate(HOST_MOVES)

    # The viewer asked first, and gives up.
    await viewer.evaluate("() => help.begin()")
    await do(viewer, "ask", {"queue": line.skill, "media": "text"})
    call = await ask(shopper, line, text="It does not pair", context={"entry": "live", "locale": "en"})
    waiting = await shopper.evaluate(STATE, ["waiting"])
    assert waiting["position"] == 2 and "context" not in waiting
    await do(viewer, "end")
    await shopper.wait_for("() => help.call().position === 1")
    await sit(agent, line, AGENT)
    rung = await agent.evaluate("(id) => help.rung(id)", call)
    assert rung["context"]["entry"] == "live" and rung["room"] == room
    await prepare(agent, line, AGENT, call)
    await show(agent, AGENT)

    # Held: both are connected, and not a packet has left either of them.
    await agent.wait_for("() => help.transports().every((state) => state === 'connected')")
    assert (await agent.evaluate("() => help.packets()")) == {"received": 0, "sent": 0}
    assert (await shopper.evaluate("() => help.packets()"))["sent"] == 0
    await shopper.evaluate(HOST_MOVES)
    opened = [await page.evaluate("() => kit.rooms.get('me').peers.length") for page in (shopper, agent)]
    await do(agent, "answer")
    await face_to_face(line, shopper, agent)
    await shopper.evaluate(HOST_MOVES)
    assert [await page.evaluate("() => kit.rooms.get('me').peers.length") for page in (shopper, agent)] == opened
    await tiles(agent, line, {"shopper": ALL})
    await tiles(viewer, line, {"host": ALL})

    # On hold nothing passes in either direction; resumed, everything does.
    await do(agent, "hold")
    assert (await shopper.evaluate(STATE, ["on_hold"]))["held_by"] == line.name(AGENT)
    await tiles(shopper, line, {"host": ALL})
    await tiles(agent, line, {})
    await shopper.evaluate(HOST_MOVES)
    await do(agent, "resume")
    await face_to_face(line, shopper, agent)

    # To the stage and back, twice: nobody in the call sees anything of the change.
    for consent, seen in (("voice", ["microphone"]), ("video", ALL)):
        await agent.evaluate(STARE, [line.name(SHOPPER), SHOPPER.colour])
        await shopper.evaluate(STARE, [line.name(AGENT), AGENT.colour])
        await do(agent, "escalate", "Pairing, live")
        await shopper.evaluate(ESCALATED, "asking")
        await do(shopper, "consent", consent)
        invite = await host.evaluate(HOST_ACCEPTS)
        assert [(one["identity"], one["consent"]) for one in invite["with"]] == [(line.name(SHOPPER), consent)]
        for page in (agent, shopper):
            await page.evaluate(ESCALATED, "on_stage")
        await tiles(viewer, line, {"host": ALL, "agent": ALL, "shopper": seen})
        if "camera" in seen:
            await viewer.evaluate(SEES, [line.name(SHOPPER), SHOPPER.colour])
        await asyncio.gather(
            meets(viewer, line, AGENT),
            *(page.evaluate(HEARS, [line.name(SHOPPER), SHOPPER.tone]) for page in (viewer, host)),
        )
        await face_to_face(line, shopper, agent)
        await do(agent if consent == "voice" else shopper, "deescalate")
        await tiles(viewer, line, {"host": ALL})
        await agent.wait_for("() => help.call().escalation === null")
        await face_to_face(line, shopper, agent)
        assert await agent.evaluate(STARED) == STILL_THERE
        assert await shopper.evaluate(STARED) == STILL_THERE
        await shopper.evaluate(HOST_MOVES)

    # Hung up, rated, written down; the show never ended.
    await do(shopper, "end")
    await agent.evaluate(STATE, ["wrap_up"])
    await tiles(agent, line, {})
    await tiles(shopper, line, {"host": ALL})
    await do(shopper, "rate", 5, {"comment": "Quick", "solved": "yes"})
    await do(agent, "wrapUp", {"note": "Paired", "reasons": ["pairing"], "solved": "yes", "done": True})
    kept = await service.rest("GET", f"/calls/{call}")
    assert (kept["outcome"], kept["notes"]["note"]) == ("completed", "Paired")
    assert (kept["rating"]["score"], kept["rating"]["comment"], kept["rating"]["solved"]) == (5, "Quick", "yes")
    kinds = [event["kind"] for event in kept["events"]]
    assert kinds.index("asked") < kinds.index("answered") < kinds.index("ended")
    await shopper.evaluate(HOST_MOVES)


async def test_handed_on_overheard_and_reloaded(pages: Pages, service: Service, room: str) -> None:
    """Warm transfer, a whisper that the shopper does not hear, and a new document on either side in mid-call."""
    line = await Line.open(service, room)
    shopper, agent, expert, boss = [await open_page(pages) for _ in range(4)]
    call = await talking(pages, line, shopper, agent)

    # The boss listens unseen, then whispers: the agent hears it, and nothing of it reaches the shopper.
    await prepare(boss, line, BOSS, call, "supervisor")
    await do(boss, "supervise", "listen")
    await meets(boss, line, AGENT, SHOPPER)
    await do(boss, "supervise", "whisper")
    await show(boss, BOSS, ["microphone"])
    await agent.evaluate(HEARS, [line.name(BOSS), BOSS.tone])
    assert await shopper.evaluate("() => help.tones()") == [AGENT.tone]
    told = await shopper.evaluate("() => JSON.stringify(kit.rooms.get('me').room.info)")
    assert BOSS.identity not in told
    await do(boss, "supervise", "barge")
    await shopper.evaluate(HEARS, [line.name(BOSS), BOSS.tone])
    assert await shopper.evaluate("() => help.tones()") == [AGENT.tone, BOSS.tone]
    await do(boss, "supervise", "off")
    await tiles(shopper, line, {"agent": ALL})

    # A new document of the shopper, and then of the agent: the same call, nothing to be asked again.
    await reload(pages, shopper)
    await shop(shopper, line)
    assert (await shopper.evaluate(STATE, ["active"]))["id"] == call
    await show(shopper, SHOPPER)
    await face_to_face(line, shopper, agent)
    await reload(pages, agent)
    await sit(agent, line, AGENT)
    await agent.wait_for("(id) => desk.calls.get(id)?.state === 'active'", call)
    await prepare(agent, line, AGENT, call)
    await show(agent, AGENT)
    await face_to_face(line, shopper, agent)

    # The agents talk about it first; the shopper waits, hears neither, and then has the other.
    await sit(expert, line, EXPERT)
    await do(agent, "transfer", {"identity": line.name(EXPERT)}, {"warm": True, "note": "Bluetooth"})
    await answer(expert, line, EXPERT, call)
    await meets(agent, line, EXPERT)
    await meets(expert, line, AGENT)
    await tiles(shopper, line, {})
    await shopper.wait_for("async () => (await help.tones()).length === 0")
    await do(agent, "completeTransfer")
    await face_to_face(line, shopper, expert, EXPERT)
    await tiles(shopper, line, {"expert": ALL})
    await tiles(agent, line, {})
    await do(expert, "end")
    assert (await shopper.evaluate(STATE, ["ended", "wrap_up"]))["outcome"] == "completed"

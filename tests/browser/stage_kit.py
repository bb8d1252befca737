"""What tests of the stage need beyond the kit: persons by identity, the desk, and what a viewer hears of whom."""

from __future__ import annotations

from typing import Any

from signaling.auth import ANY_ROOM
from tests.browser.conftest import Pages
from tests.browser.page import HERE, Page
from tests.browser.service import Service

SEES = "(identity) => stage.sees(identity)"
ACCEPT = "(id) => stage.accept(id)"
PLACES = "() => kit.rooms.get('me').room.info.stage.places.map(({ identity }) => identity)"

# Two cores encode and decode for everybody.
SMALL: dict[str, Any] = {"width": 160, "height": 120, "frameRate": 10}
STAGE_KIT = f"() => {{ {(HERE / 'stage_kit.js').read_text(encoding='utf-8')} }}"


async def open_page(pages: Pages, browser: str = "chromium", *, origin: str | None = None) -> Page:
    """A page with the kit of the stage."""
    page = await pages.open(browser, origin=origin)
    await page.evaluate(STAGE_KIT)
    return page


async def join(page: Page, room: str, identity: str, role: str = "viewer", **more: Any) -> None:
    """Join a room."""
    outcome = await page.evaluate(
        "(fields) => kit.join(fields)", {"room": room, "identity": identity, "role": role, **more}
    )
    assert outcome["joined"], outcome


async def invite(host: Page, identity: str) -> str:
    """The host invites somebody; the id."""
    found: str = await host.evaluate(
        """async (identity) => {
            const { room } = kit.rooms.get("me");
            await kit.until(() => room.info.agents?.some((agent) => agent.identity === identity), 10000, "agents");
            return (await room.invite({ identity }, { topic: "How do I pair it?" })).id;
        }""",
        identity,
    )
    return found


async def reload(pages: Pages, page: Page) -> None:
    """A new document in the same tab, which knows nothing of the one before."""
    await page.goto(pages.origin + "/web/styles/base.css")
    await page.evaluate(STAGE_KIT)


async def prewarm(host: Page, agent: Page, service: Service, room: str, identity: str = "agent", **wanted: Any) -> str:
    """From the ring to the tap: the guest is in the room, and everything of theirs is held. The invitation's id."""
    token = service.token(ANY_ROOM, identity, "agent")
    await agent.evaluate("(token) => stage.sit(token)", token)
    await invite(host, identity)
    rung = await agent.evaluate("() => stage.ring()")
    assert rung["topic"] == "How do I pair it?" and rung["room"] == room
    await agent.evaluate(
        "({ room, token, wanted }) => stage.prepare(room, token, wanted)",
        {"room": room, "token": token, "wanted": wanted},
    )
    return str(rung["id"])


async def bring_on(
    host: Page, agent: Page, service: Service, room: str, identity: str = "agent", **wanted: Any
) -> None:
    """From the ring to the air."""
    invitation = await prewarm(host, agent, service, room, identity, **wanted)
    assert await agent.evaluate(ACCEPT, invitation) is None

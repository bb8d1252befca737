"""What tests of one-to-one help need beyond the kit: who asks, who sits at the desk, and what each sees and hears."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

from signaling.auth import ANY_ROOM, Authority, Role
from tests.browser.conftest import BLANK, Pages
from tests.browser.page import HERE, Page
from tests.browser.service import KEY, SECRET, Service
from tests.browser.stage_kit import STAGE_KIT

HELP_KIT = f"() => {{ {(HERE / 'help_kit.js').read_text(encoding='utf-8')} }}"
RED, BLUE, GREEN = [200, 30, 40], [30, 50, 200], [30, 160, 50]
ALL = ["camera", "microphone"]
STILL_THERE = {"looked": True, "wrong": [], "same": True, "connections": True, "open": True}


@dataclass(frozen=True)
class Person:
    """How somebody looks and sounds. Where Web Audio does not run the tone is the browser's own."""

    identity: str
    colour: list[int]
    tone: int


SHOPPER = Person("shopper", RED, 1000)
AGENT = Person("agent", BLUE, 600)
EXPERT = Person("expert", GREEN, 2400)
BOSS = Person("boss", GREEN, 3300)


@dataclass(frozen=True)
class Line:
    """A queue of one test: nobody else's agent is rung."""

    service: Service
    room: str
    skill: str

    @classmethod
    async def open(cls, service: Service, room: str, **queue: Any) -> Line:
        """Make the queue."""
        skill = f"s{secrets.token_hex(4)}"
        await service.rest("PUT", f"/queues/{skill}", {"title": skill, "skills": [skill], **queue})
        return cls(service, room, skill)

    def desk_token(self, identity: str, role: Role = "agent") -> str:
        """A token for the desk and every room, with the skill of this queue."""
        return Authority({KEY: SECRET}).mint(
            room=ANY_ROOM, identity=f"{identity}-{self.skill}", role=role, now=time.time(), lifetime_s=600.0,
            skills=[self.skill],
        )  # fmt: skip

    def name(self, person: Person) -> str:
        """The identity of somebody here: agents are busy for a while after a call, so each test has its own."""
        return f"{person.identity}-{self.skill}"


async def equip(page: Page) -> Page:
    """Give a page the kits."""
    await page.evaluate(STAGE_KIT)
    await page.evaluate(HELP_KIT)
    return page


async def open_page(pages: Pages, browser: str = "chromium", *, origin: str | None = None) -> Page:
    """A page with the kits."""
    return await equip(await pages.open(browser, origin=origin))


async def reload(pages: Pages, page: Page, *, origin: str | None = None) -> None:
    """A new document in the same tab, which knows nothing of the one before."""
    other = BLANK.replace("tokens", "base")
    await page.goto((origin or pages.origin) + other)
    await equip(page)


async def do(page: Page, name: str, *rest: Any) -> None:
    """One request of the page's HelpLine; fails with the code when it is refused."""
    refused = await page.evaluate("(what) => help.ask(what)", [name, *rest])
    assert refused is None, (page.name, name, refused)


async def refused(page: Page, name: str, *rest: Any) -> Any:
    """One request of the page's HelpLine: the code of the refusal, or None."""
    return await page.evaluate("(what) => help.ask(what)", [name, *rest])


async def enter(page: Page, line: Line, person: Person, role: Role, options: dict[str, Any] | None = None) -> None:
    """Join the room of the call."""
    token = line.desk_token(person.identity, role) if role != "shopper" else line.service.token(
        line.room, line.name(person), role
    )  # fmt: skip
    outcome = await page.evaluate(
        "(fields) => kit.join(fields)",
        {"room": line.room, "token": token, "options": {"room": line.room, **(options or {})}},
    )
    assert outcome["joined"], outcome


async def shop(page: Page, line: Line) -> None:
    """The shopper is in the room."""
    await enter(page, line, SHOPPER, "shopper")
    await page.evaluate("() => help.begin()")


async def ask(page: Page, line: Line, **more: Any) -> str:
    """The shopper taps, and publishes what is held until the answer; the id of the call."""
    await do(page, "ask", {"queue": line.skill, "media": "video", **more})
    await show(page, SHOPPER)
    return str(await page.evaluate("() => help.call().id"))


async def show(page: Page, person: Person, sources: list[str] | None = None) -> None:
    """Publish, held until somebody may see it."""
    await page.evaluate(
        "([colour, tone, sources]) => help.show(colour, tone, sources)", [person.colour, person.tone, sources or ALL]
    )


async def sit(page: Page, line: Line, person: Person, role: Role = "agent") -> None:
    """At the desk."""
    await page.evaluate("(token) => stage.sit(token)", line.desk_token(person.identity, role))


async def prepare(page: Page, line: Line, person: Person, call: str, role: Role = "agent") -> None:
    """In the room of the call, with nothing of the show."""
    await enter(page, line, person, role, {"subscribe": "none"})
    await page.evaluate("(call) => help.begin({ call, receive: true })", call)


async def answer(page: Page, line: Line, person: Person, call: str) -> None:
    """From the ring to the tap."""
    await page.evaluate("(id) => help.rung(id)", call)
    await prepare(page, line, person, call)
    await show(page, person)
    await do(page, "answer")


async def meets(page: Page, line: Line, *people: Person) -> None:
    """Each of these is seen and heard."""
    for person in people:
        await page.evaluate("(who) => help.sees(...who)", [line.name(person), person.colour])
        await page.evaluate("(who) => help.hears(...who)", [line.name(person), person.tone])


async def tiles(page: Page, line: Line, expected: dict[str, list[str]]) -> None:
    """Just these people can be seen and heard; the names are those before the dash."""
    wanted = sorted(f"{identity} {source}" for identity, sources in expected.items() for source in sources)
    await page.wait_for(
        """({ wanted, skill }) => JSON.stringify(help.tiles().map((tile) => tile.replace(`-${skill}`, "")).sort())
            === JSON.stringify(wanted)""",
        {"wanted": wanted, "skill": line.skill},
    )

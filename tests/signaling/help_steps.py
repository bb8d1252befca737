"""What tests of one-to-one help do again and again: ask, sit down, answer, wait for a state."""

from __future__ import annotations

from typing import Any

from tests.signaling.conftest import Site
from tests.signaling.fakes import Client

HELP = "help"


async def shopper(site: Site, identity: str = "shopper", room: str = HELP, **fields: Any) -> tuple[Client, dict[str, Any]]:
    """Somebody with the grant to ask, in a room."""
    client = await site.client()
    return client, await client.join(site.token(identity, "shopper", room=room), **fields)


async def agent(site: Site, identity: str = "agent", *, skills: tuple[str, ...] = ("pairing",)) -> Client:
    """An agent at the desk."""
    client = await site.client()
    await client.join(site.token(identity, "agent", room="*", skills=skills), desk=True)
    return client


async def enters(site: Site, identity: str, role: Any = "agent", room: str = HELP, **fields: Any) -> tuple[Client, dict[str, Any]]:
    """The second connection of an agent or a supervisor: the room of the call."""
    client = await site.client()
    joined = await client.join(site.token(identity, role, room="*"), room=room, subscribe="none", **fields)
    return client, joined


async def call_state(client: Client, *states: str) -> dict[str, Any]:
    """The next ``call`` event in one of these states."""
    while True:
        call: dict[str, Any] = (await client.event("call"))["call"]
        if call["state"] in states:
            return call


async def talking(site: Site, room: str = HELP) -> tuple[Client, Client, Client, str]:
    """Shopper, the agent in the room, the agent's desk, and the id of their active call."""
    desk = await agent(site)
    customer, _ = await shopper(site, room=room)
    asked = (await customer.ok("help", media="video", text="it does not pair"))["call"]
    await call_state(desk, "ringing")
    console, _ = await enters(site, "agent", room=room)
    await console.ok("answer_call", call=asked["id"])
    await call_state(customer, "active")
    return customer, console, desk, asked["id"]


def mode_of(call: dict[str, Any], identity: str) -> str | None:
    """How somebody takes part, as this view of the call says."""
    return next((person["mode"] for person in call["people"] if person["identity"] == identity), None)

"""What others do while a Worker is being asked, and what a right that was taken away must end at once."""

from __future__ import annotations

import asyncio
from typing import Any

from media import api
from tests.signaling.fakes import Client, FakeWorker, offer, tracks
from tests.signaling.steps import AV, publish, settle
from tests.signaling.test_staging import Show, show

__all__ = ["show"]


class Held:
    """The next request of one kind waits in the Worker until :meth:`release`."""

    def __init__(self, worker: FakeWorker, kind: type[api.Request[Any]]) -> None:
        self.arrived = asyncio.Event()
        self._gate = asyncio.Event()
        call = worker.call

        async def hold(request: Any, timeout_s: float = 5.0) -> Any:
            if isinstance(request, kind) and not self.arrived.is_set():
                self.arrived.set()
                await self._gate.wait()
            return await call(request, timeout_s)

        worker.call = hold  # type: ignore[method-assign]

    def release(self) -> None:
        """Go on."""
        self._gate.set()


async def on_stage(show: Show) -> tuple[Client, dict[str, str]]:
    """The agent, on air, and the ids of the tracks."""
    rung = await show.ring()
    agent, _ = await show.agent()
    ids = (await publish(agent, *AV))["ids"]
    await agent.ok("accept_invite", invite=rung["id"])
    return agent, ids


# --- mute ------------------------------------------------------------------------------------------------------------


async def test_a_host_who_mutes_while_a_guest_unmutes_has_the_last_word(show: Show) -> None:
    agent, ids = await on_stage(show)
    worker = await settle(show.site)
    await agent.ok("mute", track=ids["microphone"], muted=True)
    held = Held(worker, api.PauseProducer)
    unmuting = asyncio.create_task(agent.ask("mute", track=ids["microphone"], muted=False))
    await held.arrived.wait()
    await show.host.ok("mute_guest", identity="agent", audio=True)
    held.release()
    assert (await unmuting)["code"] == "muted_by_host"
    await settle(show.site)
    asked = [call for call in worker.asked(api.PauseProducer) if call.producer_id == ids["microphone"]]
    assert asked[-1].paused, "the Worker lets nothing through"
    assert show.site.hub.rooms["demo"].state.tracks[ids["microphone"]].muted


# --- endings in between ----------------------------------------------------------------------------------------------


async def test_a_track_that_ends_while_somebody_joins(show: Show) -> None:
    worker = await settle(show.site)
    held = Held(worker, api.OpenTransport)
    client = await show.site.client()
    joining = asyncio.create_task(client.ask("join", v=1, token=show.site.token("late")))
    await held.arrived.wait()
    for track in list(show.site.hub.rooms["demo"].state.tracks):
        await show.host.ok("unpublish", track=track)
    held.release()
    reply = await joining
    assert reply["type"] == "ok", reply


async def test_a_show_that_ends_while_its_host_renegotiates(show: Show) -> None:
    host, _ = await show.site.joined("second", "host")
    first = await host.ok("publish", sdp=offer("audio"), tracks=tracks("microphone"))
    worker = await settle(show.site)
    held = Held(worker, api.AddProducers)
    adding = asyncio.create_task(
        host.ask("publish", sdp=offer("audio", "video"), tracks=tracks(*AV), transport=first["transport"])
    )
    await held.arrived.wait()
    await show.host.ok("end_show")
    held.release()
    assert (await adding)["code"] == "transport_not_found"
    assert not show.site.hub.rooms["demo"].state.tracks
    assert not show.site.hub.rooms["demo"].producers

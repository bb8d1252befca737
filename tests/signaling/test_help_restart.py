"""What a Node that starts again makes of the calls that the last one left."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from signaling.call_records import CallRecord, Notes
from signaling.store import Store
from tests.signaling.conftest import MakeSite
from tests.signaling.fakes import config
from tests.signaling.help_steps import agent, call_state, enters, shopper


async def _left_behind(url: str, *records: CallRecord) -> None:
    store = Store(url, time.time)
    await store.open()
    await store.calls.save_calls(records)
    await store.close()


def _record(name: str, **fields: object) -> CallRecord:
    values = {"room": "help", "shopper": "shopper", "created": time.time() - 20, "state": "waiting", "queue": "general"}
    return CallRecord(name, **{**values, **fields})  # type: ignore[arg-type]


async def test_a_call_that_went_on_keeps_what_was_known_of_it(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    now = time.time()
    person = {"id": "7", "name": "Li"}
    left = _record(
        "c1",
        state="active",
        answered=now - 10,
        rung=now - 12,
        agent="former",
        agent_name="Former",
        transfers=1,
        context={"entry": "order", "verified": True, "person": person},
        notes=Notes("tried a reset", (), "unknown", now - 5),
    )
    await _left_behind(url, left)
    site = await make_site(config(store__url=url))
    customer, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == "c1"
    desk = await agent(site)
    await call_state(desk, "ringing")
    console, _ = await enters(site, "agent")
    call = (await console.ok("answer_call", call="c1"))["call"]
    assert (call["context"]["verified"], call["context"]["person"]) == (True, person)
    assert call["notes"]["note"] == "tried a reset"
    await customer.ok("end_call", call="c1")
    await console.ok("wrap_up", call="c1", note="solved", done=True)
    kept = await site.store.calls.call("c1")
    assert kept is not None
    assert kept.answered == pytest.approx(now - 10, abs=0.01)
    assert (kept.transfers, kept.agent, kept.notes.note) == (1, "agent", "solved")


async def test_two_unfinished_calls_of_one_person_do_not_stop_the_service(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    await _left_behind(url, _record("c1"), _record("c2", room="demo"), _record("c3"))
    site = await make_site(config(store__url=url))
    _customer, joined = await shopper(site)
    assert joined["room"]["call"]["id"] == "c1"
    await site.hub.helping.saved()
    assert [record.id for record in await site.store.calls.unfinished()] == ["c1"]


async def test_a_call_in_wrap_up_is_over(make_site: MakeSite, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    now = time.time()
    left = _record("c1", state="wrap_up", answered=now - 10, ended=now - 1, outcome="completed", notes=Notes("n", (), "yes", now))
    await _left_behind(url, left)
    site = await make_site(config(store__url=url))
    await site.hub.helping.saved()
    kept = await site.store.calls.call("c1")
    assert kept is not None
    assert (kept.state, kept.outcome, kept.notes.note) == ("ended", "completed", "n")

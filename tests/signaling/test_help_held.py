"""What REST says about calls that the Helpline holds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from signaling.auth import Claims
from signaling.call_records import Notes, QueueRecord, Rating
from signaling.errors import ApiError
from signaling.help_held import HeldCalls
from signaling.help_model import CallAsked, CallContext, CallEnded
from tests.signaling.fakes import Rig, config, make_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = await make_rig(config())
    await rig.hub.start()
    yield rig
    await rig.hub.close()
    await rig.store.close()


def claims(rig: Rig, identity: str, room: str = "demo") -> Claims:
    return rig.hub.authenticate(rig.token(identity, "shopper", room=room))


async def test_rating_a_call_that_is_held(rig: Rig) -> None:
    held = HeldCalls(rig.hub.helping)
    rig.hub.helping.apply(CallAsked("c1", "ann", "Ann", "demo", None, "text", CallContext()))
    rating = Rating(4, "n", None, 1.0)
    with pytest.raises(ApiError, match="wrong_state"):
        await held.rate_held(claims(rig, "ann"), "c1", rating)
    rig.hub.helping.apply(CallEnded("c1", "ann", ""))
    with pytest.raises(ApiError, match="not_in_call"):
        await held.rate_held(claims(rig, "bob"), "c1", rating)
    with pytest.raises(ApiError, match="call_not_found"):
        await held.rate_held(claims(rig, "ann", "other"), "c1", rating)
    assert await held.rate_held(claims(rig, "ann"), "c1", rating)
    stored = await rig.store.calls.call("c1")
    assert stored is not None and stored.rating is not None and stored.rating.score == 4
    with pytest.raises(ApiError, match="not_in_call"):
        await held.note_held(claims(rig, "kim"), "c1", Notes("x"))


async def test_what_nobody_holds(rig: Rig) -> None:
    held = HeldCalls(rig.hub.helping)
    assert not await held.rate_held(claims(rig, "ann"), "none", Rating(4))
    assert not await held.note_held(claims(rig, "ann"), "none", Notes("x"))


async def test_queues_change_at_once(rig: Rig) -> None:
    await HeldCalls(rig.hub.helping).queues_changed([QueueRecord("vip", skills=("gold",))])
    assert list(rig.hub.helping.line.queues) == ["vip"]

"""docs/states.md is what the tables say, and the tables are whole."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from scripts.draw_states import CALL_EVENTS, INVITE_EVENTS, PLACE_EVENTS, SHOW_EVENTS, Edges, Events, page
from signaling.call import TRANSITIONS as CALLS
from signaling.call import CallEventKind
from signaling.help_model import CallState
from signaling.invite import ANSWERS, TRANSITIONS, Happening, InviteState
from signaling.room_model import ShowState
from signaling.room_state import SHOW, ShowEvent
from signaling.stage import PLACES, PlaceEvent, PlaceState

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_drawn_from_the_code() -> None:
    drawn = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
    assert drawn == page(), "run: python -m scripts.draw_states > docs/states.md"


@pytest.mark.parametrize(
    ("edges", "states", "events", "described"),
    [
        (TRANSITIONS, get_args(InviteState), (*ANSWERS, *get_args(Happening)), INVITE_EVENTS),
        (PLACES, get_args(PlaceState), get_args(PlaceEvent), PLACE_EVENTS),
        (SHOW, get_args(ShowState), get_args(ShowEvent), SHOW_EVENTS),
        (CALLS, get_args(CallState), get_args(CallEventKind), CALL_EVENTS),
    ],
    ids=["invite", "place", "show", "call"],
)
def test_tables_are_whole(edges: Edges, states: tuple[str, ...], events: tuple[str, ...], described: Events) -> None:
    assert {state for state, _ in edges} | set(edges.values()) == set(states)
    assert {event for _, event in edges} == set(events) == set(described)
    # Every state can be reached from the first.
    reached = {states[0]}
    for _ in states:
        reached |= {following for (state, _), following in edges.items() if state in reached}
    assert reached == set(states)

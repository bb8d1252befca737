"""Prints docs/states.md: the state machines of the stage and of help calls, drawn from the tables that the server runs on.

``python -m scripts.draw_states > docs/states.md``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from signaling.call import TRANSITIONS as CALLS
from signaling.call import CallEventKind
from signaling.help_model import CallState, HelpSettings, QueueSpec
from signaling.invite import ANSWERS, LATE, REASONS, TRANSITIONS, InviteEvent, InviteState
from signaling.invites import MAX_PENDING, REMEMBERED, REQUEST_S
from signaling.room_model import Policy, ShowState
from signaling.room_state import SHOW, ShowEvent
from signaling.stage import JOINING_S, MAX_HANDS, PLACES, PlaceEvent, PlaceState

#: A table: (state, event) to state.
Edges = Mapping[Any, str]
#: What each event means.
Events = Mapping[Any, str]

INVITE_EVENTS: Mapping[InviteEvent, str] = {
    "accept": "the invitee says yes, or to a request somebody in control; or both sides have asked each other",
    "decline": "the one person asked says no",
    "cancel": "who made it, or somebody in control, takes it back",
    "ring_timeout": f"no answer in time; a request waits {REQUEST_S:g} s",
    "invitee_gone": "the one person asked is neither at the desk nor in the room any more",
    "passed": "one of a group declined, did not answer, left, or cannot come",
    "next_candidate": "the next one of the group rings",
    "nobody_left": "nobody of the group is left",
    "inviter_gone": "who made it has left the room for good",
    "show_ended": "the show or the room is over",
    "no_media": f"accepted, but nothing to see or hear came within {JOINING_S:g} s",
}
PLACE_EVENTS: Mapping[PlaceEvent, str] = {
    "accept": "an invitation or a request is accepted, and nothing is held yet",
    "media": "a track goes on air: held ones with the acceptance, others as they are published",
    "silence": f"nothing came within {JOINING_S:g} s",
    "host_away": "a host left for good and the show waits for one; the place waits with it",
    "end": "left, did not come back in time, stepped down, was taken off, or the show is over",
}
SHOW_EVENTS: Mapping[ShowEvent, str] = {
    "start": "somebody starts the show, or a host's encoder begins to send",
    "host_gone": "no host is connected any more",
    "host_back": "a host resumes, or publishes again",
    "grace_over": f"no host was connected for {Policy().away_grace_s:g} s (`away_grace_s`)",
    "end": "somebody ends the show, or the room is closed",
}
CALL_EVENTS: Mapping[CallEventKind, str] = {
    "ring": "an agent is found and rung",
    "unring": f"the agent declines, does not answer within {QueueSpec('').ring_s:g} s, or has left; or the shopper's connection broke",
    "answer": "the agent answers, or takes the call from the list; for a call that an agent made, the shopper",
    "hold": "an agent puts the shopper on hold, also to speak with a colleague first (warm transfer)",
    "resume": "back to the shopper, or the colleague takes over",
    "lost": f"handed on (cold transfer), or the last agent is gone for {HelpSettings().drop_grace_s:g} s: the shopper is next in the queue",
    "hang_up": f"either side ends it, or the shopper is gone for {HelpSettings().drop_grace_s:g} s",
    "give_up": "the shopper goes or leaves a callback, the wait is too long, or whoever was rung does not come",
    "done": f"the agent has written it up, or {HelpSettings().wrap_up_s:g} s are over",
}


def diagram(edges: Edges, start: str, finals: Iterable[str]) -> list[str]:
    """A Mermaid state diagram; events between the same two states share an arrow, and what changes nothing has none."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), following in edges.items():
        if state != following or event not in ANSWERS:
            arrows.setdefault((state, following), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
    lines += [f"    {state} --> {following}: {', '.join(events)}" for (state, following), events in arrows.items()]
    lines += [f"    {state} --> [*]" for state in finals]
    return [*lines, "```"]


def table(edges: Edges, states: Sequence[str], events: Events, late: Mapping[Any, str]) -> list[str]:
    """A row for each event, a column for each state: the state after it, the error that it gets, or nothing."""
    lines = ["| event | " + " | ".join(f"in `{state}`" for state in states) + " | what happens |"]
    lines.append("| --- " * (len(states) + 2) + "|")
    for event, meaning in events.items():
        cells = []
        for state in states:
            following = edges.get((state, event))
            refused = f"*{late[state]}*" if event in ANSWERS and state in late else ""
            cells.append(refused if following is None else "the same" if following == state else f"`{following}`")
        lines.append(f"| `{event}` | " + " | ".join(cells) + f" | {meaning} |")
    return lines


def page() -> str:
    """The whole document."""
    invite_states: tuple[InviteState, ...] = get_args(InviteState)
    place_states: tuple[PlaceState, ...] = get_args(PlaceState)
    show_states: tuple[ShowState, ...] = get_args(ShowState)
    call_states: tuple[CallState, ...] = get_args(CallState)
    reasons = ", ".join(f"`{reason}` ({event})" for event, reason in REASONS.items())
    ends = [state for state in invite_states if state != "pending"]
    lines = [
        "# State machines of the stage and of help calls",
        "",
        "<!-- Printed by `python -m scripts.draw_states` from the tables in signaling/; do not edit. -->",
        "",
        "Drawn from the tables that the server runs on (`signaling/invite.py`, `stage.py`, `room_state.py`, `call.py`). An empty",
        "cell is an event that changes nothing there; an error code in italics is the answer to somebody who comes too late.",
        "",
        "## Invitation",
        "",
        "A request, the offer of an agent to come, has the same life. A group's invitation (a skill, or anyone) stays",
        f"`pending` from one candidate to the next. At most {MAX_PENDING} are pending in a room, and one for each guest; the",
        f"last {REMEMBERED} that ended are remembered, so that late answers learn why.",
        "",
        *diagram(TRANSITIONS, "pending", ends),
        "",
        *table(TRANSITIONS, invite_states, INVITE_EVENTS, LATE),
        "",
        f"Reasons: {reasons};",
        "a decline has the words of the invitee, if any.",
        "",
        "## Place on the stage",
        "",
        "A place belongs to an identity. Dropping, resuming, reloading and coming from another device change only its Peer;",
        f"the resume window over, the place ends. At most {Policy().max_stage} places (`max_stage`), but whoever has the",
        f"grant `show` always gets one; at most {MAX_HANDS} raised hands. Without a place nobody is on air.",
        "",
        *diagram(PLACES, "off", ()),
        "",
        *table(PLACES, place_states, PLACE_EVENTS, {}),
        "",
        "## Show",
        "",
        "Invitations can be made while it is `live` or `away`. Its end clears the stage.",
        "",
        *diagram(SHOW, "idle", ()),
        "",
        *table(SHOW, show_states, SHOW_EVENTS, {}),
        "",
        "## Help call",
        "",
        "`active` and `on_hold` are the only states in which anybody sees or hears anybody. Colleagues, supervisors, a",
        "transfer and the way to the stage are parts of a call, not states of it. A call is `ended` once and for all.",
        "",
        *diagram(CALLS, "waiting", ("ended",)),
        "",
        *table(CALLS, call_states, CALL_EVENTS, {}),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

"""The board of a call: what is drawn and written on it, what is refused, and what who comes back is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.board import MAX_ALL_POINTS, MAX_MARKS, MAX_MESSAGES, Board, FileInfo, Writer
from signaling.errors import ApiError
from signaling.help_messages import Article, CallDevice, CallDeviceState, CallSay, Checklist, Frame, Pointer, Zoom
from signaling.message_types import MAX_MESSAGE

LI = Writer("li", "小李", "shopper")
WANG = Writer("wang", "王五", "agent")
BOSS = Writer("boss", "Boss", "supervisor")
PICTURE = FileInfo("f1", "box.jpg", "image/jpeg", 1000, 640, 480)
MANUAL = FileInfo("f2", "manual.pdf", "application/pdf", 2000)
TRACK = "cam-1"


def arrow(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "id": "m1",
        "kind": "arrow",
        "color": "#FF5A3C",
        "width": 0.006,
        "target": TRACK,
        "points": [[0.1, 0.2], [0.5, 0.5]],
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def code_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ApiError) as caught:
        call(*args, **kwargs)
    return caught.value.code


# --- marks ---------------------------------------------------------------------------------------------------------


def test_a_mark_is_relayed_to_all_and_kept_for_who_comes_back() -> None:
    board = Board()
    relay = board.add_mark(LI, arrow(label=" 这里 \u202e"), now=0, at_ms=7)
    expected = {**arrow(color="#ff5a3c", label="这里"), "by": "li", "at": 7}
    assert (relay.type, relay.to, relay.fields) == ("call_mark", "all", {"mark": expected})
    assert board.snapshot()["marks"] == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "blob"},
        {"kind": ["free"]},
        {"points": [[0.1, 0.2]]},
        {"points": [[0.1, 0.2]] * 3},
        {"points": [[0.1, 0.2], [0.5, 1.00001]]},
        {"points": [[0.1, 0.2], [-0.01, 0.5]]},
        {"points": [[0.1, 0.2], [0.5]]},
        {"points": [[0.1, 0.2], [True, 0.5]]},
        {"points": [[0.1, 0.2], ["0.5", 0.5]]},
        {"points": [[0.1, 0.2], [float("nan"), 0.5]]},
        {"points": [[0.1, 0.2], [float("inf"), 0.5]]},
        {"points": [[0.1, 0.2], [10**400, 0.5]]},
        {"points": {"0": [0.1, 0.2]}},
        {"points": None},
        {"kind": "free", "points": [[0.5, 0.5]] * 513},
        {"color": "red"},
        {"color": "#ff5a3c;x"},
        {"color": None},
        {"width": 0.0009},
        {"width": 0.051},
        {"width": None},
        {"target": ""},
        {"target": "x" * 65},
        {"target": "\ud800"},
        {"target": None},
        {"id": "a b"},
        {"id": "<i>"},
        {"id": 7},
        {"kind": "step", "points": [[0.5, 0.5]]},
        {"kind": "step", "points": [[0.5, 0.5]], "n": 0},
        {"kind": "step", "points": [[0.5, 0.5]], "n": 100},
        {"kind": "step", "points": [[0.5, 0.5]], "n": True},
        {"kind": "text", "points": [[0.5, 0.5]]},
        {"kind": "text", "points": [[0.5, 0.5]], "label": " \u200b"},
        {"label": "x" * 41},
        {"label": 5},
    ],
)
def test_a_mark_that_is_none_is_refused_and_changes_nothing(changes: dict[str, Any]) -> None:
    board = Board()
    assert code_of(board.add_mark, LI, arrow(**changes), now=0, at_ms=0) == "mark_invalid"
    assert board.marks == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "free", "points": [[0, 1]] * 512},
        {"kind": "ring", "points": [[0.9, 0.9], [0.1, 0.1]]},
        {"kind": "step", "points": [[0, 0]], "n": 99},
        {"kind": "text", "points": [[1, 1]], "label": "按住 5 秒"},
        {"id": None},
        {"width": 0.001},
        {"width": 0.05},
    ],
)
def test_the_edges_are_inside(changes: dict[str, Any]) -> None:
    board = Board()
    board.add_mark(LI, arrow(**changes), now=0, at_ms=0)
    assert len(board.marks) == 1


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_junk_never_crashes(junk: Any) -> None:
    board = Board()
    for name in arrow():
        try:
            board.add_mark(LI, arrow() | {name: junk}, now=0, at_ms=0)
        except ApiError as error:
            assert error.code == "mark_invalid"  # noqa: PT017


def test_a_stroke_grows_under_its_id_but_not_under_another_ones() -> None:
    board = Board()
    board.add_mark(LI, arrow(kind="free", points=[[0, 0], [0.1, 0.1]]), now=0, at_ms=0)
    board.add_mark(LI, arrow(kind="free", points=[[0, 0], [0.1, 0.1], [0.2, 0.2]]), now=0, at_ms=1)
    assert [len(mark.points) for mark in board.marks] == [3]
    assert code_of(board.add_mark, WANG, arrow(), now=0, at_ms=2) == "mark_invalid"
    assert board.marks[0].by == "li"


def test_marks_are_limited_in_number_points_and_rate() -> None:
    board = Board()
    for number in range(40):
        board.add_mark(LI, arrow(id=f"m{number}"), now=0, at_ms=0)
    with pytest.raises(ApiError) as caught:
        board.add_mark(LI, arrow(id="late"), now=0, at_ms=0)
    assert caught.value.code == "mark_limit"
    assert caught.value.retry_after_s == pytest.approx(0.05)
    board.add_mark(WANG, arrow(id="other"), now=0, at_ms=0)
    for number in range(41, MAX_MARKS):
        board.add_mark(LI, arrow(id=f"m{number}"), now=number, at_ms=0)
    assert code_of(board.add_mark, LI, arrow(id="m200"), now=999, at_ms=0) == "mark_limit"
    board.add_mark(LI, arrow(id="m199"), now=1000, at_ms=0)

    board = Board()
    stroke = arrow(kind="free", points=[[0.12345, 0.12345]] * 500)
    for number in range(MAX_ALL_POINTS // 500):
        board.add_mark(LI, stroke | {"id": f"m{number}"}, now=number, at_ms=0)
    assert code_of(board.add_mark, LI, stroke | {"id": "more"}, now=99, at_ms=0) == "mark_limit"
    board.add_mark(LI, stroke | {"id": "m0"}, now=100, at_ms=0)
    assert len(json.dumps(board.snapshot())) < 4 * MAX_MESSAGE


def test_marks_belong_to_a_picture_of_this_call() -> None:
    board = Board()
    assert code_of(board.add_mark, LI, arrow(target="else"), now=0, at_ms=0, targets={TRACK}) == "mark_invalid"
    assert code_of(board.add_mark, LI, arrow(target="f1"), now=0, at_ms=0, targets={TRACK}) == "mark_invalid"
    board.freeze(WANG, Frame("f1", TRACK, 640, 480), PICTURE, now=0, at_ms=0)
    board.add_mark(LI, arrow(target="f1"), now=0, at_ms=0, targets={TRACK})
    board.freeze(WANG, None, None, now=0, at_ms=0)
    # Drawn while the other one thawed it.
    board.add_mark(LI, arrow(id="m2", target="f1"), now=0, at_ms=0, targets={TRACK})
    assert [mark.target for mark in board.marks] == ["f1", "f1"]


def test_rubbing_out() -> None:
    board = Board()
    for number in range(3):
        board.add_mark(LI, arrow(id=f"m{number}"), now=0, at_ms=0)
    one = board.clear(WANG, "m1")
    assert one is not None and (one.type, one.fields) == ("call_clear", {"mark": "m1", "by": "wang"})
    assert board.clear(LI, "m1") is None
    everything = board.clear(LI, None)
    assert everything is not None and everything.fields == {"mark": None, "by": "li"}
    assert board.clear(LI, None) is None and board.marks == ()


def test_the_pointer_is_passed_on_up_to_a_rate_and_always_put_away() -> None:
    board = Board()
    spot = Pointer(0.5, 0.25, TRACK)
    first = board.point(LI, spot, now=0)
    assert first is not None
    assert first.fields == {"by": "li", "pointer": {"x": 0.5, "y": 0.25, "target": TRACK}}
    passed = sum(board.point(LI, spot, now=0) is not None for _ in range(100))
    assert passed == 24
    away = board.point(LI, None, now=0)
    assert away is not None and away.fields == {"by": "li", "pointer": None}
    assert board.point(WANG, spot, now=0) is not None
    assert board.point(LI, spot, now=0.1) is not None


# --- a frozen picture ----------------------------------------------------------------------------------------------


def test_all_see_the_frozen_picture_in_its_own_size() -> None:
    board = Board()
    relay = board.freeze(LI, Frame("f1", TRACK, 1, 1), PICTURE, now=0, at_ms=5)
    frame = {"file": "f1", "target": TRACK, "width": 640, "height": 480, "at": 5}
    assert relay.fields == {"frame": frame, "by": "li"}
    assert board.frame == board.snapshot()["frame"] == frame
    thawed = board.freeze(WANG, None, None, now=0, at_ms=6)
    assert thawed.fields == {"frame": None, "by": "wang"} and board.frame is None


@pytest.mark.parametrize(
    ("file", "code"), [(None, "file_not_found"), (PICTURE, "file_not_found"), (MANUAL, "file_type")]
)
def test_what_cannot_be_frozen(file: FileInfo | None, code: str) -> None:
    board = Board()
    assert code_of(board.freeze, LI, Frame("f2", TRACK, 1, 1), file, now=0, at_ms=0) == code
    assert board.frame is None


# --- messages ------------------------------------------------------------------------------------------------------


def test_a_message_says_who_wrote_it_and_is_cleaned() -> None:
    board = Board()
    relay = board.say(WANG, CallSay("c", text="请按\u200b住\n\n电源键"), None, now=0, at_ms=3)
    message = relay.fields["message"]
    assert message == {
        "id": message["id"],
        "by": {"identity": "wang", "name": "王五", "side": "agent"},
        "at": 3,
        "text": "请按住\n电源键",
        "article": None,
        "file": None,
    }
    article = board.say(WANG, CallSay("c", article=Article("配网", "https://s.example/a?b=1")), None, now=0, at_ms=4)
    assert article.fields["message"]["article"] == {"title": "配网", "url": "https://s.example/a?b=1"}
    picture = board.say(LI, CallSay("c", file="f1"), PICTURE, now=0, at_ms=5).fields["message"]["file"]
    assert picture == {
        "id": "f1", "name": "box.jpg", "type": "image/jpeg", "bytes": 1000, "width": 640, "height": 480
    }  # fmt: skip
    manual = board.say(LI, CallSay("c", file="f2"), MANUAL, now=0, at_ms=6).fields["message"]["file"]
    assert manual == {"id": "f2", "name": "manual.pdf", "type": "application/pdf", "bytes": 2000}
    assert len({message["id"] for message in board.snapshot()["messages"]}) == 4


@pytest.mark.parametrize(
    ("request_", "file", "code"),
    [
        (CallSay("c"), None, "bad_message"),
        (CallSay("c", text="a", file="f1"), PICTURE, "bad_message"),
        (CallSay("c", text="\u200b \n"), None, "bad_message"),
        (CallSay("c", file="f1"), None, "file_not_found"),
        (CallSay("c", file="f1"), MANUAL, "file_not_found"),
        (CallSay("c", article=Article("a", "javascript:alert(1)")), None, "bad_message"),
        (CallSay("c", article=Article("a", "data:text/html,x")), None, "bad_message"),
        (CallSay("c", article=Article("a", "//s.example/a")), None, "bad_message"),
        (CallSay("c", article=Article("a", "https://[oops")), None, "bad_message"),
        (CallSay("c", article=Article("a", "https:///a")), None, "bad_message"),
        (CallSay("c", article=Article("a", "https://s.example/a b")), None, "bad_message"),
        (CallSay("c", article=Article("\u200b", "https://s.example/")), None, "bad_message"),
    ],
)
def test_what_cannot_be_said(request_: CallSay, file: FileInfo | None, code: str) -> None:
    board = Board()
    assert code_of(board.say, LI, request_, file, now=0, at_ms=0) == code
    assert board.snapshot()["messages"] == []


def test_a_flood_of_messages_is_slowed_and_the_last_hundred_are_kept() -> None:
    board = Board()
    for number in range(10):
        board.say(LI, CallSay("c", text=str(number)), None, now=0, at_ms=0)
    assert code_of(board.say, LI, CallSay("c", text="more"), None, now=0, at_ms=0) == "chat_too_fast"
    for number in range(10, 130):
        board.say(LI, CallSay("c", text=str(number)), None, now=number, at_ms=0)
    kept = [message["text"] for message in board.snapshot()["messages"]]
    assert kept == [str(number) for number in range(130 - MAX_MESSAGES, 130)]


# --- checklist and device ------------------------------------------------------------------------------------------


def test_steps_are_shown_and_ticked_by_the_staff() -> None:
    board = Board()
    relay = board.set_checklist(WANG, Checklist("配网", ("开机", "按住 5 秒")))
    steps = [{"text": "开机", "done": False}, {"text": "按住 5 秒", "done": False}]
    assert relay.fields == {"checklist": {"title": "配网", "steps": steps}}
    ticked = board.tick(BOSS, 1, True).fields["checklist"]
    assert [step["done"] for step in ticked["steps"]] == [False, True]
    assert code_of(board.tick, WANG, 2, True) == "bad_message"
    assert code_of(board.tick, LI, 0, True) == "forbidden"
    assert code_of(board.set_checklist, LI, None) == "forbidden"
    assert code_of(board.set_checklist, WANG, Checklist("x", ())) == "bad_message"
    assert code_of(board.set_checklist, WANG, Checklist("x", ("\u200b",))) == "bad_message"
    assert board.snapshot()["checklist"] == ticked
    assert board.set_checklist(WANG, None).fields == {"checklist": None}
    assert code_of(board.tick, WANG, 0, True) == "bad_message"


def test_the_shoppers_device_is_asked_what_it_can_do() -> None:
    board = Board()
    relay = board.ask_device(WANG, CallDevice("c", "torch", 1), now=0)
    assert (relay.type, relay.to, relay.fields) == ("call_device", "shopper", {"ask": "torch", "value": 1})
    state = CallDeviceState("c", "environment", True, Zoom(1, 8, 2), ("zoom", "still", "zoom"))
    told = board.set_device(LI, state, now=0)
    zoom = {"min": 1, "max": 8, "value": 2}
    assert told.fields == {"facing": "environment", "torch": True, "zoom": zoom, "can": ["still", "zoom"]}
    assert told.to == "agents" and board.snapshot()["device"] == told.fields
    assert code_of(board.ask_device, WANG, CallDevice("c", "torch", 1), now=0) == "wrong_state"
    assert code_of(board.ask_device, WANG, CallDevice("c", "zoom"), now=0) == "bad_message"
    assert code_of(board.ask_device, LI, CallDevice("c", "still"), now=0) == "forbidden"
    assert code_of(board.set_device, WANG, state, now=0) == "forbidden"
    assert code_of(board.set_device, LI, CallDeviceState("c", zoom=Zoom(2, 1, 1)), now=0) == "bad_message"
    for _ in range(19):
        board.ask_device(WANG, CallDevice("c", "still"), now=0)
    assert code_of(board.ask_device, WANG, CallDevice("c", "still"), now=0) == "rate_limited"

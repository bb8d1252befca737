"""Reading messages: what is right passes, what is wrong is named, and junk is never more than an ApiError."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signaling import messages as m
from signaling.errors import ApiError
from signaling.message_types import Request

GOOD: dict[str, dict[str, Any]] = {
    "join": {"v": 1, "token": "t"},
    "update_token": {"token": "t"},
    "publish": {"sdp": "v=0", "tracks": [{"mid": "0", "source": "camera", "muted": True}], "transport": "x"},
    "unpublish": {"track": "t"},
    "mute": {"track": "t", "muted": False},
    "subscribe": {"tracks": ["a", "b"]},
    "unsubscribe": {"tracks": ["a"]},
    "answer": {"transport": "x", "version": 3, "sdp": "v=0"},
    "restart_ice": {"transport": "x"},
    "keyframe": {"track": "t"},
    "report": {"tracks": [{"track": "t", "fps": 29.97, "freezes": 1}]},
    "start_show": {},
    "end_show": {},
    "remove_peer": {"peer": "p"},
    "ping": {},
    "leave": {},
    "invite": {"target": {"identity": "a"}, "topic": "pairing", "product": {"title": "Speaker"}, "ring_s": 5},
    "offer_stage": {"topic": "I know"},
    "accept_invite": {"invite": "i"},
    "decline_invite": {"invite": "i", "reason": "busy"},
    "cancel_invite": {"invite": "i"},
    "raise_hand": {},
    "lower_hand": {},
    "open_hands": {"open": True},
    "leave_stage": {},
    "remove_guest": {"identity": "a"},
    "clear_stage": {},
    "mute_guest": {"identity": "a", "audio": True},
    "ask_unmute": {"identity": "a", "video": True},
    "move_guest": {"identity": "a", "position": 5},
    "pin": {"identity": None},
    "lock_stage": {"locked": True},
    "set_layout": {"layout": "inset"},
    "set_cohost": {"identity": "a", "cohost": True},
    "chat": {"text": "你好"},
    "delete_chat": {"message": "m"},
    "mute_chatter": {"identity": "a", "seconds": 60},
    "slow_mode": {"seconds": 0},
    "backchannel": {"text": "stop", "urgent": True},
    "ack_backchannel": {"message": "m"},
    "set_presence": {"presence": "break", "skills": []},
    "help_status": {},
    "help": {"media": "text", "queue": "pairing", "text": "it does not pair", "context": {"product": {"id": "h1"}}},
    "set_call_media": {"call": "c", "media": "video"},
    "answer_call": {"call": "c"},
    "decline_call": {"call": "c", "reason": "lunch"},
    "take_call": {"call": "c"},
    "hold_call": {"call": "c"},
    "resume_call": {"call": "c"},
    "transfer_call": {"call": "c", "to": {"skill": "pairing"}, "warm": True, "note": "knows it"},
    "complete_transfer": {"call": "c"},
    "cancel_transfer": {"call": "c"},
    "add_to_call": {"call": "c", "to": {"identity": "a"}},
    "leave_call": {"call": "c"},
    "supervise_call": {"call": "c", "mode": "whisper"},
    "escalate_call": {"call": "c"},
    "consent_stage": {"call": "c", "consent": "blurred"},
    "deescalate_call": {"call": "c"},
    "end_call": {"call": "c"},
    "wrap_up": {"call": "c", "note": "paired", "reasons": ["pairing"], "solved": "yes", "done": True},
    "rate_call": {"call": "c", "score": 5, "solved": "yes"},
    "leave_callback": {"at": 1, "call": "c"},
    "call_shopper": {"identity": "s"},
    "call_link": {},
    "call_say": {"call": "c", "text": "你好"},
    "call_mark": {"call": "c", "mark": {"kind": "ring"}},
    "call_clear": {"call": "c", "mark": None},
    "call_pointer": {"call": "c", "pointer": {"x": 0.5, "y": 1, "target": "t"}},
    "call_freeze": {"call": "c", "frame": {"file": "f", "target": "t", "width": 640, "height": 360}},
    "call_checklist": {"call": "c", "checklist": {"title": "Pairing", "steps": ["Hold the button"]}},
    "call_step": {"call": "c", "step": 0, "done": True},
    "call_device": {"call": "c", "ask": "zoom", "value": 2},
    "call_device_state": {"call": "c", "zoom": {"min": 1, "max": 3, "value": 1}, "can": ["flip"]},
    "watch_wall": {"on": True},
}


#: What looks wrong and is not.
RIGHT: list[tuple[str, str, Any]] = [
    ("ping", "t", 1.5),
    ("mute_chatter", "seconds", 1.5),
    ("slow_mode", "seconds", 1.5),
    ("invite", "target", {}),
    ("help", "context", {}),
    ("transfer_call", "to", {}),
    ("add_to_call", "to", {}),
    ("call_mark", "mark", {}),
    ("call_device", "value", 1.5),
]


def read(message: Any) -> Request:
    return m.read_request(m.read_envelope(message if isinstance(message, str) else json.dumps(message)))


def refusal(message: Any) -> tuple[str, Any]:
    with pytest.raises(ApiError) as caught:
        read(message)
    return caught.value.code, caught.value.arguments.get("field")


def test_the_table_is_complete() -> None:
    assert GOOD.keys() == m.REQUESTS.keys()


@pytest.mark.parametrize("kind", GOOD)
def test_good_messages(kind: str) -> None:
    request = read({"type": kind, "id": 1, **GOOD[kind]})
    assert type(request) is m.REQUESTS[kind]
    assert read({"type": kind, "id": 1, **GOOD[kind], "from_the_future": [{}]}) == request


@pytest.mark.parametrize("kind", GOOD)
def test_every_missing_field_is_named(kind: str) -> None:
    for item in fields(m.REQUESTS[kind]):
        if item.default is MISSING:
            rest = {key: value for key, value in GOOD[kind].items() if key != item.name}
            assert refusal({"type": kind, "id": 1, **rest}) == ("bad_message", item.name)


@pytest.mark.parametrize("kind", GOOD)
@pytest.mark.parametrize("wrong", [{}, 1.5, [[]], "\ud800"])
def test_every_wrong_field_is_named(kind: str, wrong: Any) -> None:
    for item in fields(m.REQUESTS[kind]):
        if (kind, item.name, wrong) in RIGHT:
            continue
        code, field = refusal({"type": kind, "id": 1, **GOOD[kind], item.name: wrong})
        assert code == "bad_message"
        assert str(field).startswith(item.name)


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        ("{", "bad_message", ""),
        ("[]", "bad_message", ""),
        ("null", "bad_message", ""),
        ('{"id":1,"type":"ping","t":NaN}', "bad_message", ""),
        ("[" * 60000, "bad_message", ""),
        ('{"id":' + "9" * 5000 + "}", "bad_message", ""),
        (" " * 65537, "message_too_large", None),
        ({"type": "ping"}, "bad_message", "id"),
        ({"type": "ping", "id": True}, "bad_message", "id"),
        ({"type": "ping", "id": -1}, "bad_message", "id"),
        ({"type": "ping", "id": 2**53}, "bad_message", "id"),
        ({"id": 1}, "bad_message", "type"),
        ({"id": 1, "type": 4}, "bad_message", "type"),
        ({"id": 1, "type": "fly"}, "unknown_type", None),
        ({"id": 1, "type": "join", "v": True}, "bad_message", "v"),
        ({"id": 1, "type": "join", "v": 1, "locale": "fr"}, "bad_message", "locale"),
        ({"id": 1, "type": "join", "v": 1, "codecs": ["x"] * 65}, "bad_message", "codecs"),
        ({"id": 1, "type": "join", "v": 1, "client": "x" * 201}, "bad_message", "client"),
        ({"id": 1, "type": "join", "v": 1, "resume": {"peer": "p", "key": "k"}}, "bad_message", "resume.seq"),
        ({"id": 1, "type": "subscribe", "tracks": "all"}, "bad_message", "tracks"),
        ({"id": 1, "type": "subscribe", "tracks": [""]}, "bad_message", "tracks[0]"),
        ({"id": 1, "type": "publish", "sdp": "v", "tracks": [{"mid": "0", "source": "x"}]}, "bad_message",
         "tracks[0].source"),
        ({"id": 1, "type": "report", "tracks": [{"track": "t", "fps": -1}]}, "bad_message", "tracks[0].fps"),
    ],
)  # fmt: skip
def test_refusals(message: Any, code: str, field: str | None) -> None:
    assert refusal(message) == (code, field)


def test_null_stands_for_an_absent_optional_field() -> None:
    assert read({"type": "join", "id": 1, "v": 1, "locale": None, "resume": None, "codecs": None}) == m.Join(1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


# How fast examples are drawn on a busy machine says nothing about the messages.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(GOOD)), st.dictionaries(st.sampled_from(["v", "token", "sdp", "tracks", "t"]), JSON))
def test_any_json_is_a_request_or_an_api_error(kind: str, values: dict[str, Any]) -> None:
    assert outcome({"id": 1, "type": kind, **values}) in (kind, "bad_message")


@given(st.text())
def test_any_text_is_an_api_error_or_an_object(text: str) -> None:
    assert outcome(text) in ("bad_message", "unknown_type")


def outcome(message: Any) -> str:
    """The request's type, or the code of its refusal."""
    try:
        return read(message).type
    except ApiError as error:
        return error.code

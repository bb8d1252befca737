"""Dataclasses to JSON and back: everything the RPC carries survives, and nothing of another shape gets in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media import api
from media.wire_types import ShapeError, decode, encode


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    ratio: float = 1.5


@dataclass(frozen=True, slots=True)
class Outer:
    number: int
    flag: bool
    inner: Inner
    kind: Literal["audio", "video"] = "audio"
    maybe: Inner | None = None
    many: tuple[Inner, ...] = ()
    table: dict[str, int] = field(default_factory=dict)
    anything: Any = None


GOOD: dict[str, Any] = {"number": 1, "flag": True, "inner": {"name": "x"}}


def test_defaults_fill_what_is_missing() -> None:
    assert decode(Outer, GOOD) == Outer(1, True, Inner("x", 1.5))


def test_everything_is_read() -> None:
    value = Outer(7, False, Inner("a", 2.0), "video", Inner("b"), (Inner("c"), Inner("d")), {"k": 3}, [1, {"x": None}])
    assert decode(Outer, json.loads(json.dumps(encode(value)))) == value


def test_a_whole_number_is_a_float() -> None:
    assert decode(Inner, {"name": "x", "ratio": 3}) == Inner("x", 3.0)
    assert isinstance(decode(Inner, {"name": "x", "ratio": 3}).ratio, float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"number": "1"}, "Outer.number must be int"),
        ({"number": 1.0}, "Outer.number must be int"),
        ({"number": True}, "Outer.number must be int"),
        ({"number": None}, "Outer.number must be int"),
        ({"flag": 1}, "Outer.flag must be bool"),
        ({"inner": []}, "Outer.inner must be an object"),
        ({"inner": {}}, "name"),
        ({"inner": {"name": b"x"}}, "Outer.inner.name must be str"),
        ({"inner": {"name": "x", "ratio": "1"}}, "Outer.inner.ratio must be float"),
        ({"inner": {"name": "x", "ratio": True}}, "Outer.inner.ratio must be float"),
        ({"inner": {"name": "x", "nickname": "y"}}, "Outer.inner has unknown field nickname"),
        ({"kind": "text"}, "Outer.kind must be one of audio, video"),
        ({"kind": ["audio"]}, "Outer.kind must be one of audio, video"),
        ({"maybe": 0}, "Outer.maybe must be an object"),
        ({"many": {}}, "Outer.many must be a list"),
        ({"many": "xy"}, "Outer.many must be a list"),
        ({"many": [{"name": "x"}, 5]}, "Outer.many[1] must be an object"),
        ({"table": []}, "Outer.table must be an object"),
        ({"table": {"k": "v"}}, "Outer.table.k must be int"),
        ({"surprise": 1}, "Outer has unknown field surprise"),
    ],
)
def test_a_wrong_shape_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ShapeError) as refused:
        decode(Outer, {**GOOD, **change})
    assert message in str(refused.value)


@pytest.mark.parametrize("data", [None, 1, "x", [], True])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(ShapeError):
        decode(Outer, data)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(ShapeError) as refused:
        decode(Outer, {"number": 1, "flag": True})
    assert "inner" in str(refused.value)


def test_annotations_that_cannot_be_read_are_found_at_once() -> None:
    @dataclass(frozen=True)
    class Odd:
        either: int | str

    with pytest.raises((TypeError, NameError)):
        decode(Odd, {"either": 1})


CARRIED: list[type[Any]] = [*api.REQUESTS, *api.EVENTS, api.WorkerStats, api.WorkerInfo]


@pytest.mark.parametrize("cls", CARRIED, ids=lambda cls: cls.__name__)
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_everything_the_rpc_carries_survives(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(st.from_type(cls))
    assert repr(decode(cls, json.loads(json.dumps(encode(value))))) == repr(value)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["transport", "transport_id", "consumers", "dtls", "producers", "ice", "paused", "router_id", "direction"]


@pytest.mark.parametrize("cls", [api.OpenTransport, api.ConnectTransport, api.GetStats], ids=lambda cls: cls.__name__)
@given(data=st.one_of(junk, st.dictionaries(st.sampled_from(FIELDS), junk)))
def test_junk_is_refused_with_a_shape_error(cls: type[Any], data: object) -> None:
    try:
        decode(cls, data)
    except ShapeError:
        return
    assert isinstance(data, dict)
    assert data.keys() <= {"router_id", "direction"}

"""JSON from strangers into frozen dataclasses, driven by their annotations; errors name the field.

A field is ``bool``, a ``Literal``, another dataclass, ``Annotated[str, Length(..)]``, ``Annotated[int, Between(..)]``,
a ``tuple[X, ...]`` of those, or any of them ``| None`` or ``| Literal[..]``. A ``Mapping[str, Any]`` is an object that
somebody else checks; the message's size bounds it. A text or number without limits is refused
when the table is built, so that no unbounded value can slip in. Unknown fields are ignored.
"""

from __future__ import annotations

import dataclasses
import json
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from signaling.errors import bad_message

MAX_LIST = 64


@dataclass(frozen=True, slots=True)
class Length:
    """A text of ``least`` to ``most`` characters."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``."""

    low: float
    high: float


def parse_json(raw: str | bytes) -> dict[str, Any]:
    """A JSON object. Raises ApiError ``bad_message``: strict about NaN, and a deep nest is an error, not a crash."""
    try:
        data = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise bad_message("", "json") from None
    if not isinstance(data, dict):
        raise bad_message("", "type")
    return data


def read_object(cls: type[Any], data: Any, where: str = "") -> Any:
    """Build the dataclass ``cls`` from a JSON object. Raises ApiError ``bad_message`` naming the field."""
    if not isinstance(data, Mapping):
        raise bad_message(where, "type")
    values = {}
    for name, (reader, required) in _readers(cast(Hashable, cls)).items():
        place = f"{where}.{name}" if where else name
        if name in data:
            values[name] = reader(data[name], place)
        elif required:
            raise bad_message(place, "missing")
    return cls(**values)


Reader = Callable[[Any, str], Any]


@cache
def _readers(cls: Any) -> dict[str, tuple[Reader, bool]]:
    hints = get_type_hints(cls, include_extras=True)
    return {
        item.name: (
            _reader(hints[item.name]),
            item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING,
        )
        for item in dataclasses.fields(cls)
    }


def _reader(hint: Any) -> Reader:
    origin = get_origin(hint)
    if origin is Annotated:
        base, limit = get_args(hint)
        return _text_reader(limit) if isinstance(limit, Length) else _number_reader(base, limit)
    if origin in (Union, types.UnionType):
        return _union_reader(get_args(hint))
    if origin is Literal:
        return _choice_reader(get_args(hint))
    if origin is tuple:
        return _list_reader(_reader(get_args(hint)[0]))
    if hint is bool:
        return _bool_reader
    if hint == Mapping[str, Any]:
        return _object_reader
    if dataclasses.is_dataclass(hint):
        return lambda value, where: read_object(cast(type, hint), value, where)
    raise TypeError(f"a field of type {hint} needs limits")


def _union_reader(choices: tuple[Any, ...]) -> Reader:
    optional = type(None) in choices
    literals = [value for choice in choices if get_origin(choice) is Literal for value in get_args(choice)]
    plain = [choice for choice in choices if choice is not type(None) and get_origin(choice) is not Literal]
    inner = _reader(plain[0]) if plain else _choice_reader(tuple(literals))

    def read(value: Any, where: str) -> Any:
        if (optional and value is None) or (isinstance(value, str) and value in literals):
            return value
        return inner(value, where)

    return read


def _choice_reader(choices: tuple[Any, ...]) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, str):
            raise bad_message(where, "type")
        if value not in choices:
            raise bad_message(where, "choice")
        return value

    return read


def _list_reader(item: Reader) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise bad_message(where, "type")
        if len(value) > MAX_LIST:
            raise bad_message(where, "range")
        return tuple(item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read


def _text_reader(limit: Length) -> Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, str):
            raise bad_message(where, "type")
        if not limit.least <= len(value) <= limit.most:
            raise bad_message(where, "range")
        try:
            value.encode()
        except UnicodeEncodeError:
            # A lone surrogate is legal JSON and would break every later attempt to write the text anywhere.
            raise bad_message(where, "type") from None
        return value

    return read


def _object_reader(value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise bad_message(where, "type")
    return value


def _bool_reader(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise bad_message(where, "type")
    return value


def _number_reader(hint: Any, limit: Between) -> Reader:
    def read(value: Any, where: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int if hint is int else int | float):
            raise bad_message(where, "type")
        if not limit.low <= value <= limit.high:
            raise bad_message(where, "range")
        return value

    return read


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)

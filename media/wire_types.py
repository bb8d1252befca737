"""Frozen dataclasses to JSON values and back, checked against their annotations.

Covers what :mod:`media.api` uses: dataclasses, ``str``/``int``/``float``/``bool``, ``X | None``, ``Literal``,
``tuple[X, ...]`` and ``dict[str, X]``. A value of the wrong shape raises :class:`ShapeError` that names the place.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Reader = Callable[[Any, str], Any]


class ShapeError(ValueError):
    """A JSON value does not have the shape that its type asks for."""


def encode(value: Any) -> Any:
    """Turn a dataclass (nested to any depth) into values that ``json.dumps`` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in _fields(type(value))}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    return value


def decode(cls: type[T], data: Any) -> T:
    """Build ``cls`` from JSON values. Missing fields take their defaults; unknown fields are an error.

    Raises ShapeError.
    """
    read: Reader = _reader(cls)  # type: ignore[arg-type]  # functools.cache wants Hashable; every class is
    result: T = read(data, cls.__name__)
    return result


@cache
def _fields(cls: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


@cache
def _reader(hint: Any) -> Reader:
    origin = get_origin(hint)
    if hint is Any:
        return lambda value, _where: value
    if origin in (Union, types.UnionType):
        return _optional_reader(hint)
    if origin is Literal:
        return _literal_reader(get_args(hint))
    if origin is tuple:
        return _tuple_reader(get_args(hint)[0])
    if origin is dict:
        return _dict_reader(get_args(hint)[1])
    if dataclasses.is_dataclass(hint):
        return _dataclass_reader(hint)
    return _scalar_reader(hint)


def _scalar_reader(hint: Any) -> Reader:
    def read(value: Any, where: str) -> Any:
        if hint is float and type(value) is int:
            return float(value)
        if type(value) is not hint:
            raise ShapeError(f"{where} must be {getattr(hint, '__name__', hint)}")
        return value

    return read


def _literal_reader(allowed: tuple[Any, ...]) -> Reader:
    def read(value: Any, where: str) -> Any:
        if value not in allowed:
            raise ShapeError(f"{where} must be one of {', '.join(map(str, allowed))}")
        return value

    return read


def _optional_reader(hint: Any) -> Reader:
    inner = [arg for arg in get_args(hint) if arg is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"only X | None is supported, not {hint}")
    read_inner = _reader(inner[0])
    return lambda value, where: None if value is None else read_inner(value, where)


def _tuple_reader(item: Any) -> Reader:
    read_item = _reader(item)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise ShapeError(f"{where} must be a list")
        return tuple(read_item(entry, f"{where}[{index}]") for index, entry in enumerate(value))

    return read


def _dict_reader(item: Any) -> Reader:
    read_item = _reader(item)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ShapeError(f"{where} must be an object")
        return {str(key): read_item(entry, f"{where}.{key}") for key, entry in value.items()}

    return read


def _dataclass_reader(cls: Any) -> Reader:
    hints = get_type_hints(cls)
    readers = {f.name: _reader(hints[f.name]) for f in _fields(cls)}

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise ShapeError(f"{where} must be an object")
        unknown = value.keys() - readers.keys()
        if unknown:
            raise ShapeError(f"{where} has unknown field {sorted(unknown)[0]}")
        try:
            return cls(**{name: readers[name](entry, f"{where}.{name}") for name, entry in value.items()})
        except TypeError as exc:
            raise ShapeError(f"{where}: {exc}") from None

    return read

"""Settings: defaults < TOML file < environment < flags. Frozen; an unknown key is an error that names it."""

from __future__ import annotations

import dataclasses
import math
import os
import re
import tomllib
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

PREFIX = "LIANMAI_"
_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?")
T = TypeVar("T")


class ConfigError(ValueError):
    """A setting is unknown or has a wrong value; the message names it and where it came from."""


def setting(default: Any, text: str, check: Callable[[Any], bool] | None = None) -> Any:
    """A field with a help text and, if given, a test that its value must pass."""
    metadata = {"help": text, "check": check}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def _port(value: int) -> bool:
    return 0 <= value <= 65535


def _origins(values: tuple[str, ...]) -> bool:
    """Whether each is an origin (RFC 6454, or one with ``*.`` before its host) and can stand in a header."""
    return len(values) <= 32 and all(_ORIGIN.fullmatch(value) for value in values)


def _positive(value: float) -> bool:
    return value > 0


def _not_negative(value: float) -> bool:
    return value >= 0


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """Where pages, WebSocket, WHIP and REST are served."""

    host: str = setting("127.0.0.1", "address to listen on; 0.0.0.0 for every IPv4 interface")
    port: int = setting(8080, "TCP port; 0 takes a free one", _port)
    tls: bool = setting(False, "serve https; without tls_cert a self-signed certificate is made")
    tls_cert: str = setting("", "certificate chain, PEM")
    tls_key: str = setting("", "private key, PEM")
    allow_origins: tuple[str, ...] = setting(("*",), "origins whose pages may use WHIP, WHEP and help (CORS); * for all")


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """The media Workers."""

    workers: int = setting(0, "worker processes; 0 is one per core", lambda value: 0 <= value <= 256)
    host: str = setting("", "address the media ports listen on; empty is every interface")
    port: int = setting(41000, "first UDP and TCP port; each worker takes the next; 0 takes free ones", _port)
    advertise: tuple[str, ...] = setting((), "addresses to put into SDP (NAT 1:1); empty finds the interfaces'")


@dataclass(frozen=True, slots=True)
class RoomsConfig:
    """Defaults for every Room; the REST API can set them per Room."""

    create_on_join: bool = setting(True, "a join makes a room that does not exist")
    max_rooms: int = setting(1000, "rooms open at once", _positive)
    max_peers: int = setting(1000, "people in a room, viewers included, hosts not counted", _positive)
    max_publishers: int = setting(8, "people who may publish at the same time in a room", _positive)
    max_tracks: int = setting(8, "tracks one person may publish", lambda value: 1 <= value <= 32)
    max_stage: int = setting(6, "people on stage at the same time, the host included", lambda value: 1 <= value <= 6)
    empty_timeout_s: float = setting(60.0, "an empty room that nobody has joined yet closes after this", _positive)
    departure_timeout_s: float = setting(20.0, "a room closes this long after the last one left", _positive)
    away_grace_s: float = setting(30.0, "how long a host may be gone before the show ends", _not_negative)
    resume_window_s: float = setting(30.0, "how long a dropped person can come back as the same one", _not_negative)
    duplicate_identity: Literal["replace", "refuse"] = setting("replace", "who wins when an identity joins twice")


@dataclass(frozen=True, slots=True)
class AuthConfig:
    """Token keys."""

    keys: dict[str, str] = setting({}, "signing keys: id = secret of at least 32 bytes; the first one signs")
    token_lifetime_s: float = setting(6 * 3600.0, "lifetime of tokens that this node makes", _positive)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The database."""

    url: str = setting("sqlite:///data/lianmai.db", "SQLAlchemy URL: sqlite:///PATH, sqlite:// (memory), postgresql://")


@dataclass(frozen=True, slots=True)
class HelpConfig:
    """One-to-one help. Queues are kept in the database (REST API); these hold for all of them."""

    shops: dict[str, str] = setting({}, "keys of the shops' signed context: id = secret of at least 32 bytes")
    hook_url: str = setting("", "asked for cards about the shopper when an agent answers (POST); empty: nobody is")
    hook_secret: str = setting("", "signs what is sent to the hook")
    hook_timeout_s: float = setting(2.0, "how long the hook may take", _positive)
    image_origins: tuple[str, ...] = setting(
        (), "origins from which the console shows the pictures of cards, like https://img.shop.example", _origins
    )
    link_url: str = setting("/help#link={id}", "where a link to an agent leads")
    files: str = setting("data/files", "folder for the pictures and files of calls")
    ring_s: float = setting(15.0, "how long one agent is rung", lambda value: 5 <= value <= 120)
    wrap_up_s: float = setting(60.0, "how long an agent has for notes after a call", _not_negative)
    drop_grace_s: float = setting(60.0, "how long somebody who dropped keeps the place or the call", _not_negative)
    max_calls: int = setting(5000, "calls at the same time, waiting ones included", _positive)


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """Demo mode."""

    enabled: bool = setting(False, "landing page, POST /dev/token and a generated key; never on a public machine")


@dataclass(frozen=True, slots=True)
class CodecsConfig:
    """What publishers are steered to."""

    video_order: tuple[str, ...] = setting(
        ("VP8", "VP9", "H264", "AV1"),
        "video codecs in the order of preference; one left out is refused",
        lambda value: bool(value) and set(value) <= {"VP8", "VP9", "H264", "AV1"},
    )
    audio_red: bool = setting(True, "accept redundant audio (RFC 2198) when the publisher offers it")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, one section each."""

    http: HttpConfig = field(default_factory=HttpConfig)
    media: MediaConfig = field(default_factory=MediaConfig)
    rooms: RoomsConfig = field(default_factory=RoomsConfig)
    auth: AuthConfig = field(default_factory=AuthConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    help: HelpConfig = field(default_factory=HelpConfig)
    demo: DemoConfig = field(default_factory=DemoConfig)
    codecs: CodecsConfig = field(default_factory=CodecsConfig)


SECTIONS: dict[str, type[Any]] = dict(get_type_hints(Config))


def settings() -> list[tuple[str, str, Any, dataclasses.Field[Any]]]:
    """Every setting as (section, key, type, field), for flags and documentation."""
    return [
        (section, item.name, get_type_hints(cls)[item.name], item)
        for section, cls in SECTIONS.items()
        for item in dataclasses.fields(cls)
    ]


def load(
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[tuple[str, str], Any] | None = None,
) -> Config:
    """Merge the four layers. ``flags`` maps (section, key) to a value, text or typed. Raises ConfigError."""
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    if path is not None:
        _merge_file(values, path)
    _merge_environment(values, os.environ if environ is None else environ)
    for (section, key), value in (flags or {}).items():
        _put(values, section, key, value, f"flag --{section}-{key}".replace("_", "-"))
    config = Config(**{section: SECTIONS[section](**entries) for section, entries in values.items()})
    if bool(config.http.tls_cert) != bool(config.http.tls_key):
        raise ConfigError("http.tls_cert and http.tls_key must be given together")
    return config


def _merge_file(values: dict[str, dict[str, Any]], path: Path) -> None:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: {exc}") from None
    for section, entries in document.items():
        if section not in SECTIONS:
            raise ConfigError(f"{path}: unknown section [{section}]")
        if not isinstance(entries, dict):
            raise ConfigError(f"{path}: {section} must be a section")
        for key, value in entries.items():
            _put(values, section, key, value, str(path))


def _merge_environment(values: dict[str, dict[str, Any]], environ: Mapping[str, str]) -> None:
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name == f"{PREFIX}CONFIG":
            continue
        section, _, key = name[len(PREFIX) :].lower().partition("_")
        if section not in SECTIONS:
            raise ConfigError(f"environment: unknown setting {name}")
        _put(values, section, key, text, f"environment {name}")


def _put(values: dict[str, dict[str, Any]], section: str, key: str, value: Any, origin: str) -> None:
    fields = {item.name: item for item in dataclasses.fields(SECTIONS[section])}
    if key not in fields:
        raise ConfigError(f"{origin}: unknown setting {section}.{key}")
    hint = get_type_hints(SECTIONS[section])[key]
    try:
        converted = _convert(value, hint)
    except (ValueError, TypeError):
        shown = "" if section == "auth" or key in ("shops", "hook_secret") else f", not {value!r}"
        raise ConfigError(f"{origin}: {section}.{key} must be {_describe(hint)}{shown}") from None
    check = fields[key].metadata["check"]
    if check is not None and not check(converted):
        raise ConfigError(f"{origin}: {section}.{key} is out of range: {value!r}")
    values[section][key] = converted


def _convert(value: Any, hint: Any) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError
        return value
    if get_origin(hint) is tuple:
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise TypeError
        return tuple(items)
    if get_origin(hint) is dict:
        return _mapping(value)
    if get_origin(hint) in (Union, types.UnionType):
        raise TypeError(f"unsupported setting type {hint}")
    return _scalar(value, hint)


def _mapping(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        value = {key.strip(): secret for key, separator, secret in pairs if separator}
        if len(value) != len(pairs):
            raise ValueError
    if not isinstance(value, dict) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise TypeError
    return value


def _scalar(value: Any, hint: Any) -> Any:
    if hint is bool and isinstance(value, str):
        if value.lower() not in ("1", "true", "yes", "on", "0", "false", "no", "off"):
            raise ValueError
        return value.lower() in ("1", "true", "yes", "on")
    if hint in (int, float) and not isinstance(value, bool) and isinstance(value, str | int | float):
        number = hint(value)
        if not math.isfinite(number) or (isinstance(value, float) and number != value):
            raise ValueError
        return number
    if hint in (bool, str) and isinstance(value, hint):
        return value
    raise TypeError


def _describe(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return names.get(hint, "a list of texts" if get_origin(hint) is tuple else "a table of texts")

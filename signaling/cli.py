"""The ``lianmai`` command: ``serve``, ``token``, ``version``, ``config check``, ``audit verify``."""

# ruff: noqa: T201

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from signaling import __version__
from signaling.auth import FLAGS, ROLES, SOURCES, Grants
from signaling.config import PREFIX, Config, ConfigError, load, settings

LOG_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
#: What stands where a secret is.
HIDDEN = "(secret)"


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status: 0, 1 for a failure, 2 for wrong usage or settings."""
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except ConfigError as exc:
        print(f"lianmai: {exc}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lianmai", description="WebRTC media service for live commerce.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service until it is interrupted")
    _add_settings(serve)
    serve.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    serve.set_defaults(run=_serve)

    token = commands.add_parser("token", help="make an access token and print it")
    token.add_argument("--room", required=True, help="the room it is for; * for every room")
    token.add_argument("--identity", required=True, help="who it is for; unique within a room")
    token.add_argument("--role", required=True, choices=ROLES, help="decides the grants, unless they are given")
    token.add_argument("--name", help="display name (default: the identity)")
    token.add_argument("--lifetime", type=float, metavar="SECONDS", help="default: the setting auth.token_lifetime_s")
    token.add_argument("--publish", metavar="SOURCES", help=f"instead of the role's: {', '.join(SOURCES)}, or empty")
    token.add_argument("--skills", metavar="LIST", default="", help="what an agent can be asked about, with commas")
    for grant in FLAGS:
        token.add_argument(f"--{grant}", action=argparse.BooleanOptionalAction, help=f"the grant {grant!r}")
    token.add_argument("--key", metavar="ID", help="the signing key (default: the first)")
    _add_settings(token)
    token.set_defaults(run=_token)

    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)

    config = commands.add_parser("config", help="work with settings")
    config_commands = config.add_subparsers(required=True, metavar="COMMAND")
    check = config_commands.add_parser("check", help="check the settings and print them, secrets left out")
    _add_settings(check)
    check.set_defaults(run=_config_check)

    audit = commands.add_parser("audit", help="work with the audit of recordings")
    audit_commands = audit.add_subparsers(required=True, metavar="COMMAND")
    verify = audit_commands.add_parser("verify", help="check that no line was changed, removed, inserted or moved")
    verify.add_argument("--head", metavar="HASH", help="a hash that was written down earlier: its line must be there still")
    _add_settings(verify)
    verify.set_defaults(run=_audit_verify)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("settings", f"Each is also a TOML key and an environment variable {PREFIX}*.")
    group.add_argument("--config", type=Path, metavar="FILE", help=f"TOML file (default: ${PREFIX}CONFIG)")
    shorthands = {("http", "port"): "--port", ("media", "workers"): "--workers", ("http", "tls"): "--tls"}
    for section, key, hint, item in settings():
        flag = f"--{section}-{key}".replace("_", "-")
        names = [flag, *([shorthands[section, key]] if (section, key) in shorthands else [])]
        options: dict[str, Any] = {"dest": f"setting:{section}:{key}", "default": None}
        if hint is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            options["metavar"] = "VALUE"
        group.add_argument(*names, help=item.metadata["help"].replace("%", "%%"), **options)


def _config(arguments: argparse.Namespace) -> Config:
    flags = {}
    for name, value in vars(arguments).items():
        if name.startswith("setting:") and value is not None:
            _, section, key = name.split(":")
            flags[section, key] = value
    path = arguments.config
    if path is None and os.environ.get(f"{PREFIX}CONFIG"):
        path = Path(os.environ[f"{PREFIX}CONFIG"])
    return load(path, flags=flags)


def _verify(config: Config) -> None:
    """Try out what only shows when a setting is used. Raises ConfigError naming it."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from media.candidates import AdvertiseError, advertised
    from signaling.auth import Authority
    from signaling.tls import context

    try:
        Authority(config.auth.keys)
    except ValueError as exc:
        raise ConfigError(f"auth.keys: {exc}") from None
    try:
        advertised((), config.media.host, 1, 1, interfaces=tuple)
    except AdvertiseError as exc:
        raise ConfigError(f"media.host: {exc}") from None
    try:
        advertised(config.media.advertise, "", 1, 1, interfaces=tuple)
    except AdvertiseError as exc:
        raise ConfigError(f"media.advertise: {exc}") from None
    http = config.http
    if http.tls_cert:
        for name, file in (("tls_cert", http.tls_cert), ("tls_key", http.tls_key)):
            if not os.access(file, os.R_OK):
                raise ConfigError(f"http.{name}: there is no readable file {file}")
        try:
            context(Path(http.tls_cert), Path(http.tls_key))
        except OSError as exc:
            raise ConfigError(f"http.tls_cert and http.tls_key do not fit: {exc}") from None
    try:
        database = make_url(config.store.url).get_backend_name()
    except ArgumentError:
        # What was given may hold a password.
        raise ConfigError("store.url is not a database URL; see docs/settings.md") from None
    if database == "postgresql" and find_spec("asyncpg") is None:
        raise ConfigError("store.url: PostgreSQL needs the package asyncpg, which is not installed")


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one: it halves what a WebSocket message costs."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        asyncio.run(work)
        return
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(work)


def _serve(arguments: argparse.Namespace) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    from media.pool import WorkerLost
    from signaling.app import serve

    config = _config(arguments)
    if not config.auth.keys and not config.demo.enabled:
        raise ConfigError("auth.keys is empty: give a signing key, or turn demo mode on")
    _verify(config)
    logging.basicConfig(level=arguments.log_level, format=LOG_FORMAT)
    try:
        _run(serve(config, arguments.log_level))
    except (OSError, ValueError, WorkerLost, SQLAlchemyError) as exc:
        print(f"lianmai: {exc}", file=sys.stderr)
        return 1
    return 0


def _token(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    try:
        asyncio.run(_print_token(arguments, config))
    except ValueError as exc:
        print(f"lianmai: {exc}", file=sys.stderr)
        return 2
    return 0


async def _print_token(arguments: argparse.Namespace, config: Config) -> None:
    from signaling.auth import ROLE_GRANTS, Authority
    from signaling.store import Store

    authority = Authority(config.auth.keys)
    if not config.auth.keys:
        # A demo node keeps its key in the database, where this command finds it (or makes it).
        store = Store(config.store.url, time.time)
        made = None if store.file is None or store.file.exists() else store.file.resolve()
        await store.open()
        if made is not None:
            # In the wrong folder this is a database that no node knows, and a token that no node takes.
            print(f"lianmai: made a new database, {made}; the node must use the same one", file=sys.stderr)
        try:
            authority = Authority(await store.ensure_key())
        finally:
            await store.close()
    wire = ROLE_GRANTS[arguments.role].to_wire()
    if arguments.publish is not None:
        wire["publish"] = [part.strip() for part in arguments.publish.split(",") if part.strip()]
    for grant in FLAGS:
        if getattr(arguments, grant) is not None:
            wire[grant] = getattr(arguments, grant)
    token = authority.mint(
        room=arguments.room,
        identity=arguments.identity,
        role=arguments.role,
        name=arguments.name,
        grants=Grants.from_wire(wire),
        skills=[part.strip() for part in arguments.skills.split(",") if part.strip()],
        now=time.time(),
        lifetime_s=config.auth.token_lifetime_s if arguments.lifetime is None else arguments.lifetime,
        key_id=arguments.key,
    )
    print(token)


def _version(_arguments: argparse.Namespace) -> int:
    print(__version__)
    return 0


def _config_check(arguments: argparse.Namespace) -> int:
    config = _config(arguments)
    _verify(config)
    from sqlalchemy.engine import make_url

    shown = asdict(config)
    for section, key in (("auth", "keys"), ("help", "shops")):
        shown[section][key] = dict.fromkeys(shown[section][key], HIDDEN)
    if config.help.hook_secret:
        shown["help"]["hook_secret"] = HIDDEN
    shown["store"]["url"] = make_url(config.store.url).render_as_string(hide_password=True)
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


def _audit_verify(arguments: argparse.Namespace) -> int:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(_verify_audit(_config(arguments), arguments.head))
    except (OSError, SQLAlchemyError, ValueError) as exc:
        print(f"lianmai: the audit could not be read: {exc}", file=sys.stderr)
        return 2


async def _verify_audit(config: Config, head: str | None) -> int:
    from signaling.store import Store

    store = Store(config.store.url, time.time)
    if store.file is not None and not store.file.exists():
        raise ValueError(f"there is no database {store.file}")
    await store.open()
    try:
        number, last, faults = await store.audit.verify()
        lost = head is not None and not await store.audit.has(head)
    finally:
        await store.close()
    for fault in faults:
        print(f"line {fault.number}: {fault.problem}")
    if lost:
        print(f"no line has the hash {head}")
    if not faults and not lost:
        print(f"{number} lines, all as they were written; the last hash is {last}")
    return 1 if faults or lost else 0


if __name__ == "__main__":
    sys.exit(main())

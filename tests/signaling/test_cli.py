"""The ``lianmai`` command."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from signaling import __version__, cli
from signaling.auth import Authority, Grants
from signaling.cli import main
from signaling.store import Store
from tests.signaling.fakes import SECRET

KEYS = ["--auth-keys", f"k={SECRET}"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIANMAI_CONFIG", raising=False)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("command", [[], ["serve"], ["token"], ["version"], ["config"], ["config", "check"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    assert caught.value.code == 0
    assert "usage: lianmai" in capsys.readouterr().out


def test_token(capsys: pytest.CaptureFixture[str]) -> None:
    who = ["token", "--room", "demo", "--identity", "ann", "--role", "agent", "--name", "安"]
    assert main([*who, *KEYS, "--publish", "camera", "--manage", "--no-subscribe", "--lifetime", "60"]) == 0
    claims = Authority({"k": SECRET}).verify(capsys.readouterr().out.strip(), time.time(), "demo")
    assert (claims.identity, claims.name, claims.role) == ("ann", "安", "agent")
    assert claims.grants == Grants(frozenset(("camera",)), manage=True, chat=True, backchannel=True, desk=True)
    assert claims.expires_at - claims.issued_at == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    "wrong", [["--room", "a b"], ["--identity", ""], ["--publish", "dog"], ["--key", "none"], ["--http-port", "x"]]
)
def test_token_that_would_not_verify(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--room", "demo", "--identity", "a", "--role", "host", *KEYS, *wrong]) == 2
    assert capsys.readouterr().err.startswith("lianmai: ")


def test_token_from_the_databases_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path}/x.db"
    assert main(["token", "--room", "demo", "--identity", "a", "--role", "host", "--store-url", url]) == 0

    async def keys() -> dict[str, str]:
        store = Store(url, time.time)
        await store.open()
        try:
            return await store.keys()
        finally:
            await store.close()

    printed = capsys.readouterr()
    assert f"made a new database, {tmp_path}/x.db" in printed.err
    assert Authority(asyncio.run(keys())).verify(printed.out.strip(), time.time(), "demo").identity == "a"
    assert main(["token", "--room", "demo", "--identity", "a", "--role", "host", "--store-url", url]) == 0
    assert capsys.readouterr().err == ""


def test_config_check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.toml").write_text("[http]\nport = 9\n")
    monkeypatch.setenv("LIANMAI_CONFIG", "c.toml")
    assert main(["config", "check", *KEYS, "--no-http-tls", "--workers", "3"]) == 0
    shown = capsys.readouterr().out
    assert SECRET not in shown
    assert (json.loads(shown)["http"]["port"], json.loads(shown)["media"]["workers"]) == (9, 3)
    (tmp_path / "c.toml").write_text("[http]\nprot = 9\n")
    assert main(["config", "check"]) == 2
    assert "http.prot" in capsys.readouterr().err
    assert main(["config", "check", "--config", "none.toml"]) == 2


def test_serve_needs_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve"]) == 2
    assert "auth.keys" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["config", "check"], ["serve", "--port", "0", "--media-port", "0"]])
@pytest.mark.parametrize(
    ("flags", "named"),
    [
        (["--auth-keys", "k=short"], "auth.keys: signing key 'k' is shorter than 32 bytes"),
        (["--media-advertise", "192.0.2.1,shop.example"], "media.advertise: 'shop.example'"),
        (["--media-host", "eth0"], "media.host: 'eth0'"),
        (["--http-tls-cert", "none.pem", "--http-tls-key", "none.pem"], "http.tls_cert: there is no readable file"),
        (["--http-tls-cert", "c.toml", "--http-tls-key", "c.toml"], "http.tls_cert and http.tls_key do not fit"),
        (["--store-url", "lianmai.db"], "store.url is not a database URL"),
        (["--store-url", "postgresql://u:hush@db/x"], "store.url: PostgreSQL needs the package asyncpg"),
    ],
)
def test_settings_that_cannot_work_are_named_before_anything_starts(
    command: list[str],
    flags: list[str],
    named: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _: None)
    (tmp_path / "c.toml").write_text("")
    assert main([*command, *KEYS, *flags]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("lianmai: ") and named in err and err.count("\n") == 1
    assert out == ""

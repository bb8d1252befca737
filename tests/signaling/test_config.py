"""Settings: the order of the layers, and errors that name what is wrong and where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signaling.config import Config, ConfigError, load, settings


def write(folder: Path, text: str) -> Path:
    path = folder / "lianmai.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults() -> None:
    assert load(environ={}) == Config()


def test_layers(tmp_path: Path) -> None:
    path = write(tmp_path, "[http]\nport = 1\nhost = 'file'\n[media]\nworkers = 3\n")
    environ = {"LIANMAI_HTTP_PORT": "2", "LIANMAI_MEDIA_ADVERTISE": "192.0.2.1, 192.0.2.2", "OTHER": "x"}
    config = load(path, environ, {("http", "port"): "3"})
    assert (config.http.port, config.http.host, config.media.workers) == (3, "file", 3)
    assert config.media.advertise == ("192.0.2.1", "192.0.2.2")
    assert load(path, environ).http.port == 2
    assert load(path, {}).http.port == 1


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("HTTP_TLS", "yes", True),
        ("HTTP_TLS", "0", False),
        ("ROOMS_AWAY_GRACE_S", "1.5", 1.5),
        ("ROOMS_DUPLICATE_IDENTITY", "refuse", "refuse"),
        ("AUTH_KEYS", "a=b=c,d=e", {"a": "b=c", "d": "e"}),
        ("CODECS_VIDEO_ORDER", "H264,VP8", ("H264", "VP8")),
        ("MEDIA_ADVERTISE", "", ()),
    ],
)
def test_environment_values(name: str, text: str, value: Any) -> None:
    section, _, key = name.lower().partition("_")
    assert getattr(getattr(load(environ={f"LIANMAI_{name}": text}), section), key) == value


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[htp]\nport = 1", "[htp]"),
        ("port = 1", "[port]"),
        ("http = 1", "http"),
        ("[http]\nprot = 1", "http.prot"),
        ("[http]\nport = 'x'", "http.port"),
        ("[http]\nport = true", "http.port"),
        ("[http]\nport = 1.5", "http.port"),
        ("[http]\nport = 70000", "http.port"),
        ("[http]\ntls = 1", "http.tls"),
        ("[media]\nadvertise = 'a, b'\nworkers = -1", "media.workers"),
        ("[media]\nadvertise = [1]", "media.advertise"),
        ("[rooms]\nduplicate_identity = 'maybe'", "rooms.duplicate_identity"),
        ("[rooms]\naway_grace_s = nan", "rooms.away_grace_s"),
        ("[rooms]\naway_grace_s = inf", "rooms.away_grace_s"),
        ("[codecs]\nvideo_order = ['VP10']", "codecs.video_order"),
        ("[codecs]\nvideo_order = []", "codecs.video_order"),
        ("[auth.keys]\na = 1", "auth.keys"),
        ("[help]\nimage_origins = ['https://x.example; script-src *']", "help.image_origins"),
        ("[help]\nimage_origins = ['*']", "help.image_origins"),
        ("[help]\nimage_origins = ['https://x.example/']", "help.image_origins"),
        ("[http]\ntls_cert = 'x'", "tls_key"),
        ("[http", "lianmai.toml"),
    ],
)
def test_errors_name_the_setting(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, text), {})
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"LIANMAI_HTP_PORT": "1"}, "LIANMAI_HTP_PORT"),
        ({"LIANMAI_HTTP_PROT": "1"}, "http.prot"),
        ({"LIANMAI_HTTP_PORT": ""}, "http.port"),
        ({"LIANMAI_HTTP_TLS": "perhaps"}, "http.tls"),
        ({"LIANMAI_AUTH_KEYS": "nokey"}, "auth.keys"),
    ],
)
def test_environment_errors(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ=environ)
    assert named in str(caught.value)


def test_secrets_are_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, "[auth]\nkeys = 'hush-hush'"), {})
    assert "hush" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load(tmp_path / "none.toml", {})


def test_every_setting_has_a_help_text() -> None:
    assert all(item.metadata["help"] for _, _, _, item in settings())

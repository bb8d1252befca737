"""Keys: wrapped and opened, rotated, and never opened by another."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.vault import SealedError, Vault, VaultError, rotate


def vault(current: str = "a", *names: str) -> Vault:
    return Vault({name: name.encode() * 32 for name in ("a", *names)}, current)


def test_a_wrapped_key_opens() -> None:
    key, wrapped = vault().new_key()
    assert vault().open(wrapped) == key
    assert key.secret.hex() not in repr(key) and repr(key.secret) not in repr(key)
    assert vault().new_key()[0] != key


def test_rotation() -> None:
    key, old = vault().new_key()
    both = vault("b", "b")
    new = both.rewrap(old)
    assert new != old and both.open(new) == both.open(old) == key
    assert both.rewrap(new) == new
    only = Vault({"b": b"b" * 32}, "b")
    assert only.open(new) == key
    with pytest.raises(SealedError) as caught:
        only.open(old)
    assert caught.value.code == "key_unknown"


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a.k.!!!", "a.k.AAAA", "../x.k.AAAA", "a.k.é"])
def test_junk_is_refused(text: str) -> None:
    with pytest.raises(SealedError) as caught:
        vault().open(text)
    assert caught.value.code == "file_broken"


def test_another_master_or_a_changed_name_is_refused() -> None:
    _, wrapped = vault().new_key()
    with pytest.raises(SealedError) as caught:
        Vault({"a": b"x" * 32}, "a").open(wrapped)
    assert caught.value.code == "wrong_key"
    kid, name, rest = wrapped.split(".")
    with pytest.raises(SealedError, match="wrong_key"):
        vault().open(f"{kid}.{name}0.{rest}")


def test_the_key_file_is_made_once_and_rotated(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "recording.json"
    first = Vault.from_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    key, wrapped = first.new_key()
    assert Vault.from_file(path).open(wrapped) == key
    added = rotate(path)
    later = Vault.from_file(path)
    assert later.current == added != first.current
    assert later.open(wrapped) == key and later.rewrap(wrapped).startswith(f"{added}.")
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("text", ["", "x", "x:AAAA", "x:!!", "a b:" + "A" * 43 + "="])
def test_configured_keys_are_checked(text: str) -> None:
    with pytest.raises(VaultError):
        Vault.parse(text)


def test_configured_keys() -> None:
    assert Vault.parse("n:" + "A" * 43 + "=, o:" + "B" * 43 + "=").current == "n"


def test_a_damaged_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for text in ("", "[]", "{}", '{"current": "a", "keys": {}}', '{"current": "a", "keys": {"a": "AAAA"}}'):
        path.write_text(text)
        with pytest.raises(VaultError):
            Vault.from_file(path)
        assert path.read_text() == text

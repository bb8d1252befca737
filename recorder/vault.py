"""Keys of recordings: a data key for each recording and each of its Tracks, kept only wrapped by a master key.

A wrapped key is text, ``<master key id>.<data key id>.<base64url>``, made with AES-256-GCM over both ids. Whoever throws
it away has erased what it opens. To rotate, add a master key, make it the current one, and :meth:`Vault.rewrap`; what was
not rewrapped opens as long as its master key is still there.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE = 12
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class SealedError(Exception):
    """A key or a sealed file cannot be used. ``code``:

    ``file_broken`` what is stored was damaged or forged; ``key_unknown`` its master key is not configured;
    ``wrong_key`` it was made with another key.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class VaultError(Exception):
    """The master keys cannot be had: the file is damaged, or an entry is no key. The message says which."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key that opens files. Never stored, and not shown in logs."""

    id: str
    secret: bytes = field(repr=False)


class Vault:
    """Makes and opens data keys. ``masters`` are 32-byte keys by id; new keys are wrapped by ``current``."""

    __slots__ = ("_masters", "current")

    def __init__(self, masters: Mapping[str, bytes], current: str) -> None:
        for kid, secret in masters.items():
            if not _ID.fullmatch(kid):
                raise VaultError("a master key's id is letters, digits, - and _, at most 64")
            if len(secret) != KEY_BYTES:
                raise VaultError(f"master key {kid} has {len(secret)} bytes, not {KEY_BYTES}")
        if current not in masters:
            raise VaultError(f"the current master key {current!r} is not among the keys")
        self._masters = {kid: AESGCM(secret) for kid, secret in masters.items()}
        self.current = current

    # --- where master keys come from -----------------------------------------------------------------------------

    @classmethod
    def parse(cls, text: str) -> Vault:
        """``id:base64,id:base64``; the first one is current. Raises VaultError, which never quotes a key."""
        masters: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            kid, _, encoded = entry.partition(":")
            masters[kid] = _unbase64(encoded, kid)
        if not masters:
            raise VaultError("no master key is given")
        return cls(masters, next(iter(masters)))

    @classmethod
    def from_file(cls, path: Path, *, create: bool = True) -> Vault:
        """Read ``{"current": id, "keys": {id: base64}}``; with ``create``, a missing file is made (0600).

        Two processes that make it at the same time end up with the same keys. Raises VaultError, OSError.
        """
        if create and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            kid = f"m{secrets.token_hex(4)}"
            write_keys(path, {kid: secrets.token_bytes(KEY_BYTES)}, kid, replace=False)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            keys = {str(kid): _unbase64(str(text), str(kid)) for kid, text in data["keys"].items()}
            current = str(data["current"])
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise VaultError(f"{path.name} is not a file of master keys") from exc
        return cls(keys, current)

    # --- data keys -----------------------------------------------------------------------------------------------

    def new_key(self) -> tuple[DataKey, str]:
        """A fresh data key, and the same key wrapped."""
        key = DataKey(f"k{secrets.token_hex(8)}", secrets.token_bytes(KEY_BYTES))
        return key, self._wrap(key)

    def open(self, wrapped: str) -> DataKey:
        """Unwrap. Raises SealedError."""
        kid, key_id, sealed = _split(wrapped)
        master = self._masters.get(kid)
        if master is None:
            raise SealedError("key_unknown", f"master key {kid} is not configured")
        try:
            secret = master.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(kid, key_id))
        except InvalidTag:
            raise SealedError("wrong_key", f"master key {kid} does not open {key_id}") from None
        return DataKey(key_id, secret)

    def rewrap(self, wrapped: str) -> str:
        """The same data key, wrapped by the current master key. Raises SealedError."""
        key = self.open(wrapped)
        return wrapped if wrapped.startswith(f"{self.current}.") else self._wrap(key)

    def _wrap(self, key: DataKey) -> str:
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._masters[self.current].encrypt(nonce, key.secret, _bound(self.current, key.id))
        return f"{self.current}.{key.id}.{base64.urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"


def rotate(path: Path) -> str:
    """Add a master key to the file and make it current; the others stay. Returns its id. Raises VaultError, OSError."""
    data = Vault.from_file(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    keys = {kid: _unbase64(text, kid) for kid, text in stored["keys"].items()}
    kid = f"m{secrets.token_hex(4)}"
    if data.current == kid or kid in keys:
        raise VaultError("the same id was drawn twice; try again")
    write_keys(path, {**keys, kid: secrets.token_bytes(KEY_BYTES)}, kid, replace=True)
    return kid


def write_keys(path: Path, keys: Mapping[str, bytes], current: str, *, replace: bool) -> None:
    """Write a file of master keys (0600), whole or not at all. An existing one stays unless ``replace``."""
    text = {"current": current, "keys": {kid: base64.b64encode(secret).decode() for kid, secret in keys.items()}}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(text, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return
    finally:
        temporary.unlink(missing_ok=True)


def _bound(kid: str, key_id: str) -> bytes:
    return f"lianmai data key/{kid}/{key_id}".encode()


def _split(wrapped: str) -> tuple[str, str, bytes]:
    parts = wrapped.split(".")
    if len(parts) != 3 or not all(map(_ID.fullmatch, parts[:2])):
        raise SealedError("file_broken", "not a wrapped key")
    try:
        sealed = base64.b64decode(parts[2] + "=" * (-len(parts[2]) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SealedError("file_broken", "not a wrapped key") from None
    if len(sealed) != _NONCE + KEY_BYTES + 16:
        raise SealedError("file_broken", "not a wrapped key")
    return parts[0], parts[1], sealed


def _unbase64(text: str, kid: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise VaultError(f"master key {kid} is not base64") from None

"""The node's own certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from signaling import tls


def test_self_signed_is_kept_and_renewed(tmp_path: Path) -> None:
    names = ["localhost", "127.0.0.1", "::1"]
    certificate, key = tls.ensure_self_signed(tmp_path / "new", names)
    assert key.stat().st_mode & 0o777 == 0o600
    tls.context(certificate, key)
    first = certificate.read_bytes()
    tls.ensure_self_signed(tmp_path / "new", names[:2])
    assert certificate.read_bytes() == first, "it covers these names already"
    tls.ensure_self_signed(tmp_path / "new", [*names, "192.0.2.1"])
    assert certificate.read_bytes() != first
    key.write_text("junk")
    tls.ensure_self_signed(tmp_path / "new", names)
    tls.context(certificate, key)


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    certificate, _ = tls.ensure_self_signed(tmp_path / "a", ["a"])
    _, key = tls.ensure_self_signed(tmp_path / "b", ["b"])
    with pytest.raises(ssl.SSLError):
        tls.context(certificate, key)
    with pytest.raises(OSError, match="No such file"):
        tls.context(tmp_path / "none", key)

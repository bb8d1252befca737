"""Tokens: every way to be refused, default deny, and revocation."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.auth import (
    ROLE_GRANTS,
    ROLES,
    SOURCES,
    Authority,
    Claims,
    Grants,
    Revocation,
    clean_name,
    valid_identity,
)
from signaling.errors import ApiError
from tests.signaling.fakes import SECRET

NOW = 1_700_000_000.0
OTHER = "f" * 32


@pytest.fixture
def authority() -> Authority:
    return Authority({"k": SECRET, "old": OTHER})


def payload(**changes: Any) -> dict[str, Any]:
    claims: dict[str, Any] = {
        "sub": "ann",
        "room": "demo",
        "role": "host",
        "name": "Ann",
        "grants": {"publish": ["camera"], "subscribe": True},
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "j1",
    }
    claims.update(changes)
    return {key: value for key, value in claims.items() if value is not None}


def sign(claims: dict[str, Any], secret: str = SECRET, kid: Any = "k", algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm, headers={} if kid is None else {"kid": kid})


def refusal(authority: Authority, token: str | None, now: float = NOW, room: str | None = "demo") -> str:
    with pytest.raises(ApiError) as caught:
        authority.verify(token, now, room)
    return caught.value.code


def test_good_token(authority: Authority) -> None:
    claims = authority.verify(sign(payload()), NOW, "demo")
    assert claims == Claims("demo", "ann", "Ann", "host", Grants(frozenset({"camera"}), True), NOW, NOW + 60, "j1")
    assert claims.is_host and claims.may_publish and not claims.grants.show


@pytest.mark.parametrize("key", ["k", "old"])
def test_minted_tokens_verify(authority: Authority, key: str) -> None:
    for role in ROLES:
        token = authority.mint(room="demo", identity="i", role=role, now=NOW, lifetime_s=60, key_id=key)
        claims = authority.verify(token, NOW, "demo")
        assert (claims.role, claims.grants, claims.name) == (role, ROLE_GRANTS[role], "i")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": NOW - 6}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"exp": "soon"}, "token_invalid"),
        ({"exp": True}, "token_invalid"),
        ({"exp": 1e300}, "token_invalid"),
        ({"iat": None}, "token_invalid"),
        ({"iat": NOW + 3600, "exp": NOW + 7200}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "a\nb"}, "token_invalid"),
        ({"sub": "a\u202eb"}, "token_invalid"),
        ({"sub": "x" * 129}, "token_invalid"),
        ({"room": None}, "token_invalid"),
        ({"room": "../x"}, "token_invalid"),
        ({"room": "a/b"}, "token_invalid"),
        ({"room": "other"}, "token_wrong_room"),
        ({"role": "king"}, "token_invalid"),
        ({"role": None}, "token_invalid"),
        ({"name": 7}, "token_invalid"),
        ({"jti": None}, "token_invalid"),
        ({"jti": ""}, "token_invalid"),
        ({"grants": "all"}, "token_invalid"),
        ({"grants": {"publish": "camera"}}, "token_invalid"),
        ({"grants": {"publish": ["everything"]}}, "token_invalid"),
        ({"grants": {"publish": [["camera"]]}}, "token_invalid"),
        ({"grants": {"subscribe": 1}}, "token_invalid"),
        ({"nbf": time.time() + 3600}, "token_invalid"),
    ],
)
def test_bad_claims(authority: Authority, claims: dict[str, Any], code: str) -> None:
    assert refusal(authority, sign(payload(**claims))) == code


def test_bad_signatures(authority: Authority) -> None:
    good = sign(payload())
    head, body, mac = good.split(".")
    assert refusal(authority, None) == "token_missing"
    assert refusal(authority, "") == "token_missing"
    for token in (
        sign(payload(), secret=OTHER),
        sign(payload(), kid="nobody"),
        sign(payload(), kid=None),
        sign(payload(), algorithm="HS512"),
        jwt.encode(payload(), "", algorithm="none", headers={"kid": "k"}),
        f"{head}.{body}.",
        f"{head}.{body}.{mac[:-2]}xx",
        f"{head}.{body}",
        "x" * 9000,
        "a.b.c",
        "é",
    ):
        assert refusal(authority, token) == "token_invalid"


@given(st.text(max_size=300))
def test_junk_is_never_more_than_invalid(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        Authority({"k": SECRET}).verify(text, NOW)
    assert caught.value.code in ("token_invalid", "token_missing")


def test_expiry_has_five_seconds_of_leeway(authority: Authority) -> None:
    token = sign(payload())
    assert authority.verify(token, NOW + 65, "demo").identity == "ann"
    assert refusal(authority, token, NOW + 65.1) == "token_expired"


def test_token_for_every_room(authority: Authority) -> None:
    token = sign(payload(room="*"))
    assert authority.verify(token, NOW, "demo").room == "demo"
    assert authority.verify(token, NOW).room == "*"


def test_default_deny() -> None:
    assert Grants.from_wire({}) == Grants()
    assert Grants.from_wire({"future": True}) == Grants()
    for grants in ROLE_GRANTS.values():
        assert Grants.from_wire(grants.to_wire()) == grants
    assert ROLE_GRANTS["viewer"].publish == frozenset()
    assert set(ROLE_GRANTS["host"].publish) == set(SOURCES) - {"whisper"}
    assert [role for role in ROLES if ROLE_GRANTS[role].manage] == ["supervisor", "admin"]


@pytest.mark.parametrize(
    ("revocation", "revoked"),
    [
        (Revocation(NOW, token_id="j1"), True),
        (Revocation(NOW, token_id="j2"), False),
        (Revocation(NOW, identity="ann"), True),
        (Revocation(NOW, identity="ann", room="demo"), True),
        (Revocation(NOW, identity="ann", room="other"), False),
        (Revocation(NOW - 1, identity="ann"), False),
        (Revocation(NOW, identity="bob"), False),
    ],
)
def test_revocation(revocation: Revocation, revoked: bool) -> None:
    for authority in (Authority({"k": SECRET}, [revocation]), Authority({"k": SECRET})):
        authority.revoke(revocation)
        token = sign(payload())
        if revoked:
            assert refusal(authority, token) == "token_revoked"
        else:
            assert authority.verify(token, NOW, "demo").identity == "ann"


def test_manage_is_per_room(authority: Authority) -> None:
    manage = {"manage": True}
    one = authority.verify(sign(payload(grants=manage)), NOW)
    every = authority.verify(sign(payload(grants=manage, room="*")), NOW)
    none = authority.verify(sign(payload(room="*")), NOW)
    one.require_manage("demo")
    every.require_manage("demo")
    every.require_manage(None)
    for claims, room in ((one, "other"), (one, None), (none, "demo")):
        with pytest.raises(ApiError, match="forbidden"):
            claims.require_manage(room)


def test_keys_and_mint_are_strict() -> None:
    with pytest.raises(ValueError, match="shorter than 32"):
        Authority({"k": "short"})
    for options, text in (
        ({"room": "a b"}, "room"),
        ({"identity": "\x07"}, "identity"),
        ({"role": "king"}, "role"),
        ({"key_id": "none"}, "signing key"),
    ):
        values: dict[str, Any] = {"room": "demo", "identity": "a", "role": "host", **options}
        with pytest.raises(ValueError, match=text):
            Authority({"k": SECRET}).mint(now=NOW, lifetime_s=1, **values)
    with pytest.raises(ValueError, match="no signing key"):
        Authority({}).mint(room="demo", identity="a", role="host", now=NOW, lifetime_s=1)


def test_names_are_harmless() -> None:
    assert clean_name("  李\u202e华\n\x1b[31m ") == "李华[31m"
    assert len(clean_name("x" * 500)) == 64
    assert not valid_identity("a\u200bb")
    assert not valid_identity(5)
    assert valid_identity("李华 (主播)")

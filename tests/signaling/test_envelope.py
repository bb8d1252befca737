"""The signed context: what is taken, what is refused and by which code, and that each is good once."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.envelope import LEEWAY_S, Envelopes, web_address
from signaling.errors import ApiError
from signaling.help_views import context_of

SECRET, OTHER = "s" * 32, "o" * 32
NOW = 1_800_000_000.0
CLAIMS: dict[str, Any] = {
    "sub": "user-4711",
    "iat": int(NOW),
    "exp": int(NOW) + 300,
    "jti": "6f1c",
    "person": {"id": "4711", "name": "林小满", "value": 82, "tags": ["老客户"]},
    "value": 82,
    "urgency": 40,
    "mood": 20.5,
    "skills": ["headphones"],
    "language": "zh-CN",
    "entry": "product",
    "product": {"id": "H7", "title": "聆音 H7", "price": "¥899", "url": "https://shop.example.com/p/H7"},
    "order": {"id": "A-2026-118", "title": "聆音 H7 石墨黑"},
}


def sealed(secret: str = SECRET, kid: Any = "shop", headers: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": kid, **(headers or {})})


def envelopes(**options: Any) -> Envelopes:
    return Envelopes({"shop": SECRET, "outlet": OTHER}, **options)


def code(text: str, identity: str = "user-4711", now: float = NOW, keep: Envelopes | None = None) -> str:
    with pytest.raises(ApiError) as caught:
        (keep or envelopes()).open(text, identity, now)
    return caught.value.code


def test_what_the_shop_says() -> None:
    said = envelopes().open(sealed(), "user-4711", NOW)
    assert said == {name: CLAIMS[name] for name in CLAIMS if name not in ("sub", "iat", "exp", "jti")}
    context = context_of(None, "en", said)
    assert (context.verified, context.value, context.skills, context.language) == (True, 82.0, ("headphones",), "zh-CN")
    assert context.person == CLAIMS["person"] and context.shown["order"]["id"] == "A-2026-118"


def test_a_shop_need_not_say_anything() -> None:
    bare: dict[str, Any] = {name: ... for name in CLAIMS if name not in ("sub", "iat", "exp", "jti")}
    assert envelopes().open(sealed(**bare), "user-4711", NOW) == {}
    some: dict[str, Any] = {**bare, "person": None, "product": {"id": "H7"}}
    assert envelopes().open(sealed(**some), "user-4711", NOW)["product"]["title"] == ""


def test_texts_are_made_safe_to_show() -> None:
    said = envelopes().open(
        sealed(
            person={"name": "Li\u202en\x00", "tags": ["\u200b", "VIP"]},
            product={"title": "H7", "url": "javascript:alert(1)"},
            page_url="https://shop.example.com/a b",
        ),
        "user-4711",
        NOW,
    )
    assert (said["person"]["name"], said["person"]["tags"], said["product"]["url"]) == ("Lin", ["VIP"], "")
    assert "page_url" not in said


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"sub": "user-1"}, "envelope_foreign"),
        ({"secret": OTHER}, "envelope_foreign"),
        ({"kid": "nobody"}, "envelope_foreign"),
        ({"kid": "outlet"}, "envelope_foreign"),
        ({"kid": 7}, "envelope_invalid"),
        ({"headers": {"crit": ["x"], "x": 1}}, "envelope_invalid"),
        ({"sub": ...}, "envelope_invalid"),
        ({"sub": 4711}, "envelope_invalid"),
        ({"jti": ...}, "envelope_invalid"),
        ({"jti": ""}, "envelope_invalid"),
        ({"jti": "j" * 129}, "envelope_invalid"),
        ({"iat": ...}, "envelope_invalid"),
        ({"iat": True}, "envelope_invalid"),
        ({"exp": "soon"}, "envelope_invalid"),
        ({"exp": int(NOW) + 601}, "envelope_invalid"),
        ({"exp": int(NOW)}, "envelope_invalid"),
        ({"iat": int(NOW) + 31, "exp": int(NOW) + 60}, "envelope_invalid"),
        ({"iat": int(NOW) - 400, "exp": int(NOW) - 31}, "envelope_expired"),
        ({"value": 101}, "envelope_invalid"),
        ({"mood": "bad"}, "envelope_invalid"),
        ({"skills": "headphones"}, "envelope_invalid"),
        ({"skills": ["s"] * 17}, "envelope_invalid"),
        ({"person": {"tags": ["t"] * 17}}, "envelope_invalid"),
        ({"person": {"name": "n" * 65}}, "envelope_invalid"),
        ({"product": []}, "envelope_invalid"),
        ({"entry": "dream"}, "envelope_invalid"),
        ({"page_title": "x" * 8192}, "envelope_invalid"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], expected: str) -> None:
    secret, kid, headers = changes.pop("secret", SECRET), changes.pop("kid", "shop"), changes.pop("headers", None)
    try:
        text = sealed(secret, kid, headers, **changes)
    except jwt.PyJWTError:
        text = forged({"alg": "HS256", "kid": kid, **(headers or {})}, {**CLAIMS, **changes})
    assert code(text) == expected


def forged(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, "AAAA"])


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "a.b.c", "....", "\ud800.\ud800.", "Ж" * 20,
        forged({"alg": "none", "kid": "shop"}, CLAIMS),
        forged({"alg": "HS512", "kid": "shop"}, CLAIMS),
        forged({"alg": "HS256", "kid": ["shop"]}, CLAIMS),
        forged({"alg": "HS256"}, CLAIMS),
    ],
)
def test_what_is_no_envelope(text: str) -> None:
    assert code(text) == "envelope_invalid"


def test_a_clock_may_be_a_little_off() -> None:
    assert envelopes().open(sealed(), "user-4711", NOW - LEEWAY_S)
    assert envelopes().open(sealed(), "user-4711", NOW + 300 + LEEWAY_S - 1)


def test_each_is_good_for_one_call() -> None:
    kept = envelopes()
    signed = kept.read(sealed(), "user-4711", NOW)
    # The call was refused for another reason: it may be tried again.
    assert kept.read(sealed(), "user-4711", NOW + 1) == signed
    kept.spend(signed)
    kept.spend(signed)
    assert code(sealed(), keep=kept) == "envelope_replayed"
    assert code(sealed(), now=NOW + 329, keep=kept) == "envelope_replayed"
    assert code(sealed(), now=NOW + 330, keep=kept) == "envelope_expired", "and nobody needs to remember"
    # Another shop's may have the same id.
    assert kept.open(sealed(OTHER, "outlet"), "user-4711", NOW)


def test_the_memory_is_bounded_and_forgets_nothing_too_early() -> None:
    kept = envelopes(most=2)
    for name in ("1", "2"):
        kept.open(sealed(jti=name), "user-4711", NOW)
    assert code(sealed(jti="3"), keep=kept) == "rate_limited"
    assert code(sealed(jti="1"), keep=kept) == "envelope_replayed"
    later = NOW + 330
    assert kept.open(sealed(jti="3", iat=int(later), exp=int(later) + 60), "user-4711", later)
    assert len(kept) == 1


def test_strangers_fill_no_memory() -> None:
    kept = envelopes()
    assert code(sealed(OTHER), keep=kept) == code(sealed(sub="else"), keep=kept) == "envelope_foreign"
    assert len(kept) == 0


def test_a_short_secret_is_none() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Envelopes({"shop": "short"})


@given(st.text(max_size=200))
def test_nothing_but_a_code_comes_of_junk(text: str) -> None:
    assert code(text) in ("envelope_invalid", "envelope_foreign")


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)))
def test_whatever_a_shop_signs_gives_a_context_or_a_code(changes: dict[str, Any]) -> None:
    claims = {**CLAIMS, **changes}
    text = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256", headers={"kid": "shop"})
    try:
        context_of(None, "en", envelopes().open(text, "user-4711", NOW))
    except ApiError as error:
        assert error.code.startswith("envelope_")  # noqa: PT017


@pytest.mark.parametrize(
    ("text", "kept"),
    [("https://x.example/p", True), ("http://x", True), ("ftp://x", False), ("https://x\n", False), ("//x", False)],
)
def test_addresses(text: str, kept: bool) -> None:
    assert web_address(text) == (text if kept else "")

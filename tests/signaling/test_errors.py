"""The error table: complete, in both languages, and never a raw placeholder."""

from __future__ import annotations

import pytest

from signaling.errors import ERRORS, PROBLEMS, ApiError, as_locale, bad_message, known


@pytest.mark.parametrize("code", ERRORS)
def test_every_error_reads_in_both_languages(code: str) -> None:
    error = ApiError(code)
    for locale, stop in (("zh-CN", "。"), ("en", ".")):
        sentence = error.sentence(locale)  # type: ignore[arg-type]
        assert sentence.endswith(stop)
        assert "{" not in sentence
    assert 400 <= error.status < 600
    assert error.info.close in (1008, 1009, 1011, 1012, 1013, 4408)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_bad_message_names_the_field(problem: str) -> None:
    error = bad_message("tracks[0].mid", problem)
    assert error.body("en")["field"] == "tracks[0].mid"
    assert "tracks[0].mid" in error.sentence("zh-CN")
    assert "tracks[0].mid" in str(error)


def test_bad_message_as_a_whole() -> None:
    error = bad_message("", "json")
    assert error.sentence("zh-CN") == "消息有误：内容不是有效的 JSON。"
    assert error.sentence("en") == "The message is malformed: it is not valid JSON."


def test_the_limit_that_is_named_is_the_one_that_holds() -> None:
    assert "64 KiB" in ApiError("message_too_large").sentence("en")
    assert "16 KiB" in ApiError("message_too_large", limit_kib=16).sentence("zh-CN")


def test_body() -> None:
    assert ApiError("room_full", retry_after_s=1.23456).body("en") == {
        "code": "room_full",
        "message": "The room is full; please come back later.",
        "retry_after_s": 1.235,
    }
    assert ApiError("sdp_invalid", detail="{0}").sentence("en").count("{0}") == 1


def test_unknown_codes_become_internal() -> None:
    assert known("router_not_found") == "internal"
    assert known("forbidden") == "forbidden"
    assert ApiError("nonsense").status == 500


@pytest.mark.parametrize(
    ("tag", "locale"),
    [
        (None, "zh-CN"),
        ("", "zh-CN"),
        ("en", "en"),
        ("en-GB,zh;q=0.5", "en"),
        ("zh-TW", "zh-CN"),
        ("fr, en;q=0.8", "en"),
        ("fr", "zh-CN"),
    ],
)
def test_locale(tag: str | None, locale: str) -> None:
    assert as_locale(tag) == locale

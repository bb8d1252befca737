"""Chat and back channel in virtual time: what a text becomes, what is refused, and what is remembered."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import chat as c
from signaling.chat_text import MAX_MARKS, MAX_NEWLINES, clean_text
from signaling.errors import ApiError

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
RAINBOW = "\U0001f3f3\ufe0f\u200d\U0001f308"
FIREFIGHTER = "\U0001f469\U0001f3fd\u200d\U0001f692"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
NASTY = st.text(
    st.sampled_from(
        "ae \u3000\n\r\t\u2028\u200b\u200c\u200d\u202e\u2066\ufe0f\ufe0e\u0301\u20dd\u115f\x00\x1b\x85\u034f\ufeff"
        "\U0001f468\U0001f3fd\U0001f3f4\u2764\U000e0067\U000e007f\U000e0100\ud800\ufffe漢ا"
    )
    | st.characters(),
    max_size=60,
)


def say(chat: c.Chat, identity: str, text: str, now: float, moderator: bool = False) -> c.ChatMessage:
    return chat.say(identity, identity.title(), "viewer", text, now=now, at_ms=round(now * 1000), moderator=moderator)


def refusal(call: Any, *args: Any, **more: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args, **more)
    return caught.value


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, clean",
    [
        ("  多少钱？ ", "多少钱？"),
        ("a\t \n b\u3000c\u00a0d\r\n\r\ne", "a b c d e"),
        ("pay\u202eEM\u2066x\u061c", "payEMx"),
        ("z\u200be\u200cr\u200do\u2060 \ufeffw\u00ad", "zero w"),
        ("\x00\x07a\x1b[31mb\x7f\x9f", "a[31mb"),
        ("\ud83d\ude00x\udfff", "x"),
        ("\ufffe\ufdd0a\U0001ffff", "a"),
        ("\u3164\u115f\u2800\uffa0\u034f", ""),
        ("\U000e0041\U000e0042hid", "hid"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        (FAMILY, FAMILY),
        (RAINBOW, RAINBOW),
        (FIREFIGHTER, FIREFIGHTER),
        (ENGLAND, ENGLAND),
        (ENGLAND[:-1], "\U0001f3f4"),
        ("❤\ufe0f1\ufe0f\u20e3\U0001f1e8\U0001f1f3", "❤\ufe0f1\ufe0f\u20e3\U0001f1e8\U0001f1f3"),
        ("❤\ufe0f\ufe0f\ufe0e\ufe0f", "❤\ufe0f"),
        ("葛\U000e0100飾", "葛\U000e0100飾"),
        ("\U0001f468\u200d\u200d\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("\u200d\U0001f468\u200d", "\U0001f468"),
        ("Z" + "\u0351" * 50 + "a\u0302\u0301", "Z" + "\u0351" * MAX_MARKS + "a\u0302\u0301"),
        ("\u0301\u0301 \u0301a", "a"),
        ("สวัสดี नमस्ते tiếng Việt", "สวัสดี नमस्ते tiếng Việt"),
    ],
)
def test_clean_text(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    "raw, clean",
    [
        ("stop\r\nnow", "stop\nnow"),
        ("\n a \n \n\n b \n", "a\nb"),
        ("a\u2028b c", "a\nb c"),
        ("1\n2\n3\n4\n5\n6\n7", "1\n2\n3\n4\n5\n6 7"),
    ],
)
def test_clean_text_keeps_some_newlines(raw: str, clean: str) -> None:
    assert clean_text(raw, newlines=True) == clean


@given(NASTY, st.booleans())
def test_clean_text_laws(raw: str, newlines: bool) -> None:
    clean = clean_text(raw, newlines=newlines)
    assert len(clean) <= len(raw)
    assert clean_text(clean, newlines=newlines) == clean
    assert clean == clean.strip()
    assert clean.count("\n") <= (MAX_NEWLINES if newlines else 0)
    clean.encode()
    for before, char in zip(" " + clean, clean, strict=False):
        assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(char) not in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        assert unicodedata.category(char) != "Cf" or char == "\u200d" or "\U000e0020" <= char <= "\U000e007f"
        assert not (before.isspace() and char.isspace())


@given(st.lists(st.sampled_from([FAMILY, RAINBOW, FIREFIGHTER, ENGLAND, "好", "a", " b"]), max_size=10))
def test_what_writing_needs_survives_next_to_anything(parts: list[str]) -> None:
    assert clean_text("".join(parts)) == "".join(parts).strip()


# --- chat ------------------------------------------------------------------------------------------------------------


def test_a_message_on_the_wire() -> None:
    chat = c.Chat()
    message = chat.say("u1", "Ann", "shopper", " hi\nthere ", now=5.0, at_ms=1234)
    assert message.to_wire() == {
        "id": message.id,
        "identity": "u1",
        "name": "Ann",
        "role": "shopper",
        "text": "hi there",
        "at": 1234,
    }
    assert chat.snapshot() == {"messages": [message.to_wire()], "slow_s": 0.0}


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\u202e", "x" * 301])
def test_a_text_that_is_none(text: str) -> None:
    chat = c.Chat()
    error = refusal(say, chat, "u", text, 0.0)
    assert (error.code, error.arguments["field"]) == ("bad_message", "text")
    assert chat.remembered == 0


def test_the_ring_keeps_200_and_shows_50() -> None:
    chat = c.Chat()
    said = [say(chat, f"u{index}", "hello", index * 0.1) for index in range(260)]
    assert list(chat.messages) == said[60:]
    assert chat.snapshot()["messages"] == [message.to_wire() for message in said[-50:]]
    assert refusal(chat.delete, said[59].id).code == "message_not_found"
    assert chat.delete(said[60].id) == said[60]
    assert refusal(chat.delete, said[60].id).code == "message_not_found"
    assert len(chat.messages) == 199


def test_ids_never_collide_and_tell_nothing_of_another_room() -> None:
    chats = [c.Chat() for _ in range(20)]
    ids = [say(chat, "u", f"{index}", index).id for chat in chats for index in range(5)]
    assert len(set(ids)) == 100
    assert all(len(one) <= 64 for one in ids)
    assert len({one.rsplit("-", 1)[0] for one in ids}) == 20


def test_one_person_five_at_once_then_one_a_second() -> None:
    chat = c.Chat()
    for index in range(5):
        say(chat, "u", f"m{index}", 100.0)
    error = refusal(say, chat, "u", "more", 100.0)
    assert error.code == "chat_too_fast"
    assert error.retry_after_s == pytest.approx(1.0)
    say(chat, "other", "me too", 100.0)
    say(chat, "u", "more", 101.0)
    assert refusal(say, chat, "u", "and more", 101.5).retry_after_s == pytest.approx(0.5)
    # The token is of the identity, and a moderator's is no other.
    assert refusal(say, chat, "u", "and more", 101.5, moderator=True).code == "chat_too_fast"


def test_the_whole_room_forty_at_once_then_twenty_a_second() -> None:
    chat = c.Chat()
    for index in range(40):
        say(chat, f"u{index}", "hello", 10.0)
    remembered = chat.remembered
    for index in range(1000):
        assert refusal(say, chat, f"late{index}", "hello", 10.0).code == "chat_too_fast"
    assert chat.remembered == remembered, "who is refused is not remembered"
    assert refusal(say, chat, "u1", "more", 10.0).retry_after_s == pytest.approx(0.05)
    say(chat, "u1", "more", 10.06)


def test_what_the_room_refuses_costs_the_person_nothing() -> None:
    chat = c.Chat()
    say(chat, "u", "first", 10.0)
    for index in range(39):
        say(chat, f"u{index}", "hello", 10.0)
    for _ in range(100):
        refusal(say, chat, "u", "again", 10.0)
    for index in range(5):
        say(chat, "u", f"m{index}", 12.0)


def test_the_same_text_again_within_ten_seconds() -> None:
    chat = c.Chat()
    say(chat, "u", "buy now", 0.0)
    say(chat, "u", "other", 2.0)
    error = refusal(say, chat, "u", "buy \u200b now ", 4.0)
    assert error.code == "chat_too_fast"
    assert error.retry_after_s == pytest.approx(6.0)
    say(chat, "v", "buy now", 4.0)
    say(chat, "u", "buy now", 10.0)
    assert refusal(say, chat, "u", "buy now", 19.9).code == "chat_too_fast"


def test_a_deleted_text_is_still_a_repetition() -> None:
    chat = c.Chat()
    chat.delete(say(chat, "u", "spam", 0.0).id)
    assert refusal(say, chat, "u", "spam", 1.0).code == "chat_too_fast"


def test_slow_mode_binds_at_once_and_moderators_not() -> None:
    chat = c.Chat()
    say(chat, "u", "one", 0.0)
    assert chat.set_slow(30.0)
    assert not chat.set_slow(30.0)
    assert chat.snapshot()["slow_s"] == 30.0
    error = refusal(say, chat, "u", "two", 20.0)
    assert error.code == "chat_slow_mode"
    assert error.retry_after_s == pytest.approx(10.0)
    say(chat, "host", "a", 20.0, moderator=True)
    say(chat, "host", "b", 20.0, moderator=True)
    say(chat, "u", "two", 30.0)
    assert refusal(say, chat, "u", "three", 31.0).code == "chat_slow_mode"
    chat.set_slow(0.0)
    say(chat, "u", "three", 31.0)
    chat.set_slow(300.0)
    assert refusal(say, chat, "u", "four", 330.9).code == "chat_slow_mode"
    say(chat, "u", "four", 331.0)


@pytest.mark.parametrize("seconds", [-1.0, 300.1, float("nan"), float("inf")])
def test_slow_mode_has_limits(seconds: float) -> None:
    chat = c.Chat()
    assert refusal(chat.set_slow, seconds).arguments["field"] == "seconds"
    assert chat.slow_s == 0.0


def test_a_mute_ends_by_itself_or_by_hand() -> None:
    chat = c.Chat()
    chat.mute("u", 60.0, 0.0)
    assert chat.muted_until("u", 59.0) == 60.0
    assert refusal(say, chat, "u", "hi", 59.0).code == "chat_muted"
    say(chat, "v", "hi", 59.0)
    assert chat.muted_until("u", 60.0) is None
    say(chat, "u", "hi", 60.0)
    chat.mute("u", 100.0, 61.0)
    chat.mute("u", 80.0, 62.0)
    assert chat.muted_until("u", 62.0) == 80.0, "the last word counts"
    chat.mute("u", None, 63.0)
    chat.mute("nobody", None, 63.0)
    say(chat, "u", "free", 63.0)


def test_mutes_are_bounded() -> None:
    chat = c.Chat()
    for index in range(c.MAX_MUTES + 10):
        chat.mute(f"u{index}", 1000.0 + index, 0.0)
    assert chat.remembered == c.MAX_MUTES
    assert chat.muted_until("u9", 0.0) is None
    assert chat.muted_until("u10", 0.0) == 1010.0
    chat.mute("new", 9999.0, 5000.0)
    assert chat.remembered == 1


def test_ten_thousand_people_in_an_hour_are_forgotten() -> None:
    chat, back, most = c.Chat(), c.BackChannel(), 0
    for index in range(10_000):
        now = index * 0.36
        say(chat, f"u{index}", "hello", now)
        back.say(f"u{index}", "U", "agent", "hello", now=now, at_ms=0)
        # One who hammers at the door does not keep the others from being forgotten.
        if index % 2:
            for _ in range(2):
                try_to_say(chat, "spammer", f"{index}", now)
        most = max(most, chat.remembered + back.remembered)
    assert most < 300 / 0.36 + 200
    say(chat, "last", "hello", 1e6)
    assert chat.remembered == 3


def test_a_crowd_cannot_outgrow_the_rooms_limit() -> None:
    chat, most = c.Chat(), 0
    for step in range(20_000):
        try_to_say(chat, f"u{step}", "hello", step * 0.02)
        most = max(most, chat.remembered)
    assert most <= 20 * (300 + 10 + 10) + 3 * 40


def try_to_say(chat: c.Chat, identity: str, text: str, now: float, moderator: bool = False) -> str:
    """The code of a refusal, or nothing."""
    try:
        say(chat, identity, text, now, moderator)
    except ApiError as error:
        return error.code
    return ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from(["x", "y", "z", "1", "2", "3", "4"]), st.floats(0, 4), st.booleans()
        ),
        max_size=120,
    ),
    st.sampled_from([0.0, 3.0, 30.0]),
)
def test_limits_hold_under_any_schedule(steps: list[tuple[str, str, float, bool]], slow: float) -> None:
    chat, now = c.Chat(), 1000.0
    chat.set_slow(slow)
    accepted: list[tuple[str, str, float]] = []
    for identity, text, step, moderator in steps:
        now += step
        kept = chat.messages
        if try_to_say(chat, identity, text, now, moderator):
            assert chat.messages == kept, "a refusal changes nothing"
            continue
        mine = [(said, at) for other, said, at in accepted if other == identity]
        assert all(said != text or now - at >= 10 - 1e-6 for said, at in mine)
        assert moderator or all(now - at >= slow - 1e-6 for _, at in mine)
        accepted.append((identity, text, now))
        for since in (at for _, at in mine):
            count = sum(1 for other, _, at in accepted if other == identity and at >= since)
            assert count <= 5 + (now - since) + 1e-6
    assert [(message.identity, message.text) for message in chat.messages] == [entry[:2] for entry in accepted][-200:]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 400)), max_size=60))
def test_waiting_as_told_is_enough(steps: list[tuple[str, float]]) -> None:
    chat, now = c.Chat(), 0.0
    chat.set_slow(60.0)
    for index, (identity, step) in enumerate(steps):
        now += step
        try:
            say(chat, identity, f"{index}", now)
        except ApiError as error:
            wait = error.retry_after_s or 0.0
            now += wait + 1e-6
            say(chat, identity, f"{index}", now)


# --- back channel ----------------------------------------------------------------------------------------------------


def tell(back: c.BackChannel, identity: str, text: str, now: float, urgent: bool = False) -> c.BackChannelMessage:
    return back.say(identity, identity.title(), "agent", text, urgent=urgent, now=now, at_ms=round(now * 1000))


def test_a_private_message_and_who_read_it() -> None:
    back = c.BackChannel()
    message = tell(back, "sup", "Coupon is wrong,\nstop", 2.0, urgent=True)
    assert back.ack(message.id, "host", "Host")
    assert not back.ack(message.id, "host", "Host again")
    assert not back.ack(message.id, "sup", "Sup"), "its author has read it anyway"
    assert back.ack(message.id, "agent", "Agent")
    assert back.snapshot() == [
        {
            "id": message.id,
            "from": {"identity": "sup", "name": "Sup", "role": "agent"},
            "text": "Coupon is wrong,\nstop",
            "urgent": True,
            "at": 2000,
            "acked": [{"identity": "host", "name": "Host"}, {"identity": "agent", "name": "Agent"}],
        }
    ]
    assert refusal(back.ack, "nothing", "host", "Host").code == "message_not_found"


def test_the_back_channel_has_limits() -> None:
    back = c.BackChannel()
    for _ in range(10):
        tell(back, "a", "same", 0.0)
    assert refusal(tell, back, "a", "same", 0.0).retry_after_s == pytest.approx(0.5)
    tell(back, "b", "STOP", 0.0, urgent=True)
    assert refusal(tell, back, "c", " \n ", 0.0).code == "bad_message"
    assert refusal(tell, back, "c", "x" * 501, 0.0).code == "bad_message"
    for index in range(300):
        tell(back, f"u{index}", "hello", 1.0 + index)
    assert (len(back.messages), len(back.snapshot())) == (200, 50)
    newest = back.messages[-1]
    assert [back.ack(newest.id, f"r{index}", "R") for index in range(102)] == [True] * 100 + [False] * 2

"""What may be recorded: consent before the first byte, pause and withdrawal at once, whatever happens in whatever order."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signaling.errors import ApiError
from signaling.record_book import (
    RULE,
    Close,
    Cut,
    Drop,
    Forget,
    Mode,
    Note,
    Person,
    RecordBook,
    RecordPolicy,
    Scene,
    Shared,
    Step,
    Told,
)

SHOPPER, AGENT = Person("顾客", "shopper"), Person("客服", "agent", staff=True)
CALL = Scene(
    "c1",
    "call",
    "live",
    "c1",
    on=True,
    people={"sam": SHOPPER, "ann": AGENT},
    tracks={"t1": Shared("sam", "camera", "video"), "t2": Shared("ann", "microphone", "audio")},
)


def a_book(policy: RecordPolicy | None = None) -> RecordBook:
    numbers = itertools.count(1)
    return RecordBook(policy or RecordPolicy(), lambda: f"r{next(numbers)}")


def recorded(book: RecordBook, scope: str = "c1") -> set[str]:
    take = book.get(scope)
    return set() if take is None else set(book.wanted(scope, take.id))


def agreed(policy: RecordPolicy | None = None, scene: Scene = CALL) -> RecordBook:
    book = a_book(policy)
    book.look(scene, 0.0)
    book.record("c1", "ann", True, 1.0)
    for identity in scene.people:
        book.consent("c1", identity, True, 2.0)
    return book


def kinds(steps: list[Step]) -> list[str]:
    return [step.kind if isinstance(step, Note) else type(step).__name__ for step in steps]


def test_nothing_is_recorded_before_everybody_has_agreed() -> None:
    book = a_book()
    book.look(CALL, 0.0)
    assert recorded(book) == set()
    assert kinds(book.record("c1", "ann", True, 1.0)) == ["Told"]
    assert book.view("c1", 0.0)["state"] == "waiting_consent"
    assert kinds(book.consent("c1", "ann", True, 2.0)) == ["Told"]
    assert recorded(book) == set()
    assert kinds(book.consent("c1", "sam", True, 3.0)) == ["record_on", "Told"]
    assert recorded(book) == {"t1", "t2"}
    view = book.view("c1", 1000.0)
    assert (view["state"], view["since"], view["consents"]) == ("recording", 1_003_000, {"sam": True, "ann": True})


def test_who_refuses_keeps_it_from_beginning() -> None:
    book = a_book()
    book.look(CALL, 0.0)
    book.record("c1", "ann", True, 1.0)
    book.consent("c1", "ann", True, 2.0)
    book.consent("c1", "sam", False, 3.0)
    assert (recorded(book), book.view("c1", 0.0)["state"]) == (set(), "waiting_consent")
    book.consent("c1", "sam", True, 4.0)
    assert recorded(book) == {"t1", "t2"}


def test_consent_while_waiting_begins_when_they_meet() -> None:
    """Asked in the queue, so that the first word is recorded."""
    book = a_book(RecordPolicy(calls="always"))
    waiting = replace(CALL, people={"sam": SHOPPER}, tracks={}, live=False)
    assert kinds(book.look(waiting, 0.0)) == ["Told"]
    book.consent("c1", "sam", True, 1.0)
    assert book.view("c1", 0.0)["state"] == "waiting_consent"
    book.remember("ann", True)
    assert kinds(book.look(CALL, 2.0)) == ["record_on", "Told"]
    assert recorded(book) == {"t1", "t2"}


def test_a_withdrawal_cuts_that_person_only_and_erases() -> None:
    book = agreed()
    steps = book.consent("c1", "sam", False, 5.0)
    assert steps[:2] == [Drop("c1", "r1", ("t1",)), Forget("c1", "r1", "sam")]
    assert recorded(book) == {"t2"}
    book.look(replace(CALL, tracks={**CALL.tracks, "t3": Shared("sam", "screen", "video")}), 6.0)
    assert recorded(book) == {"t2"}, "a new track of the same person"


def test_a_policy_may_keep_what_was_recorded_before_a_withdrawal() -> None:
    book = agreed(RecordPolicy(erase_on_withdrawal=False))
    assert not any(isinstance(step, Forget) for step in book.consent("c1", "sam", False, 5.0))


def test_pause_cuts_all_and_new_tracks_wait() -> None:
    book = agreed()
    assert kinds(book.pause("c1", "ann", True, "card", 5.0)) == ["Cut", "paused", "Told"]
    assert (recorded(book), book.view("c1", 0.0)["state"]) == (set(), "paused")
    book.look(replace(CALL, tracks={**CALL.tracks, "t3": Shared("ann", "screen", "video")}), 6.0)
    assert recorded(book) == set()
    assert book.pause("c1", "ann", True, "card", 7.0) == []
    steps = book.pause("c1", "ann", False, "", 8.0)
    assert (kinds(steps), steps[1]) == (["resumed_recording", "Cut", "Told"], Cut("c1", "r1", False))
    assert recorded(book) == {"t1", "t2", "t3"}


def test_what_the_shopper_paused_only_the_shopper_resumes() -> None:
    book = agreed()
    book.pause("c1", "ann", True, "", 4.0)
    assert kinds(book.pause("c1", "sam", True, "password", 5.0)) == ["Told"]
    with pytest.raises(ApiError, match="forbidden"):
        book.pause("c1", "ann", False, "", 6.0)
    book.look(replace(CALL, held=True), 7.0)
    book.look(CALL, 8.0)
    assert recorded(book) == set(), "the rule's end does not end a person's pause"
    book.pause("c1", "sam", False, "", 9.0)
    assert recorded(book) == {"t1", "t2"}


def test_a_call_on_hold_is_paused_by_rule() -> None:
    book = agreed()
    assert kinds(book.look(replace(CALL, held=True), 5.0)) == ["Cut", "paused", "Told", "Told"]
    assert book.view("c1", 0.0)["paused"]["by"] == RULE
    book.look(CALL, 6.0)
    assert recorded(book) == {"t1", "t2"}
    book = agreed(RecordPolicy(pause_on_hold=False))
    book.look(replace(CALL, held=True), 5.0)
    assert recorded(book) == {"t1", "t2"}


def test_who_comes_later_is_not_recorded_before_agreeing() -> None:
    book = agreed()
    third = {**CALL.people, "bob": Person("Bob", "agent", staff=True)}
    more = replace(CALL, people=third, tracks={**CALL.tracks, "t3": Shared("bob", "camera", "video")})
    assert kinds(book.look(more, 5.0)) == ["joined", "Told"]
    assert recorded(book) == {"t1", "t2"}
    book.consent("c1", "bob", True, 6.0)
    assert recorded(book) == {"t1", "t2", "t3"}
    assert kinds(book.look(CALL, 7.0)) == ["left", "Drop", "Told"]


def test_a_shopper_who_comes_back_is_asked_again_and_staff_are_not() -> None:
    book = agreed()
    for gone in ("sam", "ann"):
        rest = {name: person for name, person in CALL.people.items() if name != gone}
        book.look(replace(CALL, people=rest), 5.0)
        book.look(CALL, 6.0)
    assert recorded(book) == {"t2"}


def test_private_sources_are_not_recorded() -> None:
    book = agreed(scene=replace(CALL, tracks={"t9": Shared("ann", "whisper", "audio")}))
    assert recorded(book) == set()


@pytest.mark.parametrize("mode, on, code", [("off", True, "recording_off"), ("always", False, "forbidden")])
def test_what_the_policy_does_not_leave_to_people(mode: Mode, on: bool, code: str) -> None:
    book = a_book(RecordPolicy(calls=mode))
    book.look(CALL, 0.0)
    with pytest.raises(ApiError, match=code):
        book.record("c1", "ann", on, 1.0)


def test_ended_by_hand_it_does_not_begin_again_by_itself() -> None:
    book = a_book(RecordPolicy(calls="sampled", percent=100.0))
    book.look(CALL, 0.0)
    for identity in CALL.people:
        book.consent("c1", identity, True, 1.0)
    assert kinds(book.record("c1", "ann", False, 2.0)) == ["record_off", "Close", "Told"]
    book.look(replace(CALL, queue="other"), 3.0)
    assert book.get("c1") is None
    book.record("c1", "ann", True, 4.0)
    take = book.get("c1")
    assert take is not None and take.id == "r2", "a recording of its own"


def test_the_end_of_the_call_completes_it() -> None:
    book = agreed()
    assert book.look(replace(CALL, on=False), 9.0) == [Close("c1", "r1")]
    assert (book.get("c1"), book.look(replace(CALL, on=False), 9.0)) == (None, [])


def test_the_sample_is_the_same_each_time_and_about_as_large_as_asked() -> None:
    policy = RecordPolicy(calls="sampled", percent=20.0)
    taken = [policy.takes("call", f"c{number}") for number in range(2000)]
    assert taken == [policy.takes("call", f"c{number}") for number in range(2000)]
    assert 330 < sum(taken) < 470


def test_trouble_is_shown_until_it_is_over() -> None:
    book = agreed()
    assert book.trouble("r1", "disk_full") == [Told("c1")]
    assert (book.view("c1", 0.0)["warning"], recorded(book)) == ("disk_full", {"t1", "t2"})
    assert book.trouble("r1", "disk_full") == []
    assert (book.trouble("r1", None), book.view("c1", 0.0)["warning"]) == ([Told("c1")], None)


PEOPLE = {"sam": SHOPPER, "ann": AGENT, "bob": AGENT}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_laws(data: st.DataObject) -> None:
    """Whatever is done: nobody who has not agreed is recorded, nothing is during a pause, and every cut is said."""
    mode: Mode = data.draw(st.sampled_from(("on_demand", "always", "sampled")))
    book = a_book(RecordPolicy(calls=mode, percent=50.0))
    said: dict[str, bool] = {}
    cut: dict[str, bool] = {}
    for now in range(data.draw(st.integers(1, 25))):
        what = data.draw(st.sampled_from(["look", "record", "pause", "consent"]))
        who = data.draw(st.sampled_from(sorted(PEOPLE)))
        steps: list[Step] = []
        before = recorded(book)
        try:
            if what == "look":
                names = data.draw(st.sets(st.sampled_from(sorted(PEOPLE))))
                tracks = {f"t{name}": Shared(name, "camera", "video") for name in names}
                people = {name: PEOPLE[name] for name in sorted(names)}
                on, held = data.draw(st.booleans() | st.just(True)), data.draw(st.booleans())
                steps = book.look(replace(CALL, on=on, people=people, tracks=tracks, held=held), float(now))
                if "sam" not in names or not on:
                    said.pop("sam", None)
            elif what == "record":
                steps = book.record("c1", who, data.draw(st.booleans()), float(now))
            elif what == "pause":
                steps = book.pause("c1", who, data.draw(st.booleans()), "", float(now))
            else:
                granted = data.draw(st.booleans())
                steps = book.consent("c1", who, granted, float(now))
                said[who] = granted
        except ApiError:
            assert recorded(book) == before
            continue
        dropped: set[str] = set()
        for step in steps:
            if isinstance(step, Cut):
                cut[step.recording] = step.cut
            elif isinstance(step, Drop):
                dropped |= set(step.tracks)
        take = book.get("c1")
        now_recorded = recorded(book)
        assert all(said.get(name.removeprefix("t")) for name in now_recorded)
        if take is not None:
            assert cut.get(take.id, False) is (take.paused_by is not None)
            if take.paused_by is not None:
                assert now_recorded == set()
            elif not any(isinstance(step, Close) for step in steps):
                assert before - now_recorded <= dropped

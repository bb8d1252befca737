"""What is recorded at this moment, of which call or stage, and whether it may be. Pure: facts and ``now`` in, steps out.

A *scope* is what can be recorded: a call, or a room's stage. Nothing of anybody is recorded before that person has
agreed, nothing begins before everybody in the scope has, and what somebody takes back is cut at once. Whoever carries
the steps out asks :meth:`RecordBook.wanted` again before each packet path is opened: a step that took its time must not
open what has been forbidden meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from signaling.errors import ApiError

ScopeKind = Literal["call", "stage"]
Mode = Literal["off", "on_demand", "always", "sampled"]
TakeState = Literal["off", "waiting_consent", "recording", "paused", "failed"]

#: Who paused when no person did.
RULE = "rule"
#: Not recorded although it is media: it is meant for agents only.
PRIVATE_SOURCES = frozenset(("whisper",))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part. ``staff`` consent once for a text version, everybody else each time."""

    name: str
    side: str
    staff: bool = False
    reconnecting: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """A Track that others see or hear now."""

    identity: str
    source: str
    kind: str
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A scope as it is now. ``on``: it exists; ``live``: people see and hear each other; ``held``: the call is on hold."""

    scope: str
    kind: ScopeKind
    room: str
    call: str | None
    on: bool
    people: Mapping[str, Person] = field(default_factory=dict)
    tracks: Mapping[str, Shared] = field(default_factory=dict)
    live: bool = True
    held: bool = False
    queue: str = ""


@dataclass(frozen=True, slots=True)
class RecordPolicy:
    """What is recorded by itself: ``percent`` of the calls when ``sampled``; ``version`` of the text agreed to."""

    calls: Mode = "on_demand"
    stage: Mode = "on_demand"
    percent: float = 10.0
    version: str = "1"
    pause_on_hold: bool = True
    erase_on_withdrawal: bool = True

    def mode(self, kind: ScopeKind) -> Mode:
        """For calls, or for stages."""
        return self.calls if kind == "call" else self.stage

    def takes(self, kind: ScopeKind, scope: str) -> bool:
        """Whether recording begins by itself. The same scope always gets the same answer."""
        mode = self.mode(kind)
        if mode == "sampled":
            draw = int.from_bytes(hashlib.sha256(f"sample\n{scope}".encode()).digest()[:8]) / 2**64
            return draw * 100 < self.percent
        return mode == "always"


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """Something to carry out."""

    scope: str


@dataclass(frozen=True, slots=True)
class Told(Step):
    """What is shown of the scope is different; and what is :meth:`RecordBook.wanted` may be."""


@dataclass(frozen=True, slots=True)
class Cut(Step):
    """At once: nothing of the whole recording goes on (``cut``), or everything does again."""

    recording: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Drop(Step):
    """At once: these Tracks are not recorded any more."""

    recording: str
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Forget(Step):
    """What was recorded of this person is to be erased."""

    recording: str
    identity: str


@dataclass(frozen=True, slots=True)
class Note(Step):
    """For the timeline of the recording."""

    recording: str
    kind: str
    identity: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Close(Step):
    """The recording is complete."""

    recording: str


@dataclass(slots=True)
class Take:
    """One recording of a scope, from the wish to its end. ``agreed`` by identity: True, False, or absent (not said)."""

    id: str
    scene: Scene
    asked_by: str
    since: float
    agreed: dict[str, bool] = field(default_factory=dict)
    begun: float | None = None
    #: Who must end the pause; RULE: the rule does.
    paused_by: str | None = None
    paused_side: str = ""
    reason: str = ""
    paused_at: float = 0.0
    warning: str | None = None
    failed: bool = False

    @property
    def state(self) -> TakeState:
        """As it is shown."""
        if self.failed:
            return "failed"
        if self.begun is None:
            return "waiting_consent"
        return "paused" if self.paused_by is not None else "recording"

    def may(self, identity: str) -> bool:
        """Whether this person has agreed."""
        return self.agreed.get(identity) is True


class RecordBook:
    """Every scope that is recorded, or could be. ``make_id`` gives the id of a new recording."""

    def __init__(self, policy: RecordPolicy, make_id: Any) -> None:
        self.policy = policy
        self._make_id = make_id
        self._takes: dict[str, Take] = {}
        self._scenes: dict[str, Scene] = {}
        #: Consent of staff to the current text, by identity.
        self._staff: dict[str, bool] = {}
        #: Scopes whose recording was ended by hand: it does not begin again by itself.
        self._ended: set[str] = set()

    def get(self, scope: str) -> Take | None:
        """What is recorded, or waits to be."""
        return self._takes.get(scope)

    def takes(self) -> list[Take]:
        """All of them."""
        return list(self._takes.values())

    def take_of(self, recording: str) -> Take | None:
        """By the recording's id."""
        return next((take for take in self._takes.values() if take.id == recording), None)

    def wanted(self, scope: str, recording: str) -> dict[str, Shared]:
        """The Tracks that are to be recorded now, by id; none while it is paused."""
        take = self._takes.get(scope)
        if take is None or take.id != recording or take.begun is None or take.paused_by is not None or take.failed:
            return {}
        return {
            track: shared
            for track, shared in take.scene.tracks.items()
            if shared.source not in PRIVATE_SOURCES and take.may(shared.identity)
        }

    # --- facts ---------------------------------------------------------------------------------------------------

    def look(self, scene: Scene, now: float) -> list[Step]:
        """A scope has changed, or is over (not ``on``)."""
        former = self._scenes.get(scene.scope)
        if scene == former:
            return []
        if not scene.on:
            self._scenes.pop(scene.scope, None)
            self._ended.discard(scene.scope)
            take = self._takes.pop(scene.scope, None)
            return [] if take is None else self._over(take)
        self._scenes[scene.scope] = scene
        take = self._takes.get(scene.scope)
        if take is None:
            if scene.scope in self._ended or not self.policy.takes(scene.kind, scene.scope):
                return []
            return self._begin(scene, RULE, now)
        return self._changed(take, scene, now)

    def record(self, scope: str, by: str, on: bool, now: float) -> list[Step]:
        """Somebody starts or ends a recording. Raises ``recording_off`` or ``recording_not_found``."""
        scene = self._scenes.get(scope)
        if scene is None:
            raise ApiError("recording_not_found")
        mode = self.policy.mode(scene.kind)
        take = self._takes.get(scope)
        if on:
            if mode == "off":
                raise ApiError("recording_off")
            if take is not None and not take.failed:
                return []
            self._ended.discard(scope)
            return self._begin(scene, by, now)
        if take is None:
            return []
        if mode == "always":
            # The shop says that this is recorded; whoever minds takes the own consent back.
            raise ApiError("forbidden")
        self._ended.add(scope)
        del self._takes[scope]
        return [Note(scope, take.id, "record_off", by), *self._over(take), Told(scope)]

    def pause(self, scope: str, by: str, paused: bool, reason: str, now: float) -> list[Step]:
        """Somebody in it pauses, or goes on. A shopper's pause only the shopper ends.

        Raises ``recording_not_found`` or ``forbidden``.
        """
        take = self._takes.get(scope)
        if take is None or take.begun is None:
            raise ApiError("recording_not_found")
        side = "" if by == RULE else self._person(take, by).side
        if paused:
            if take.paused_by is not None and (take.paused_side == "shopper" or take.paused_by == by):
                return []
            already = take.paused_by is not None
            take.paused_by, take.paused_side, take.reason = by, side, reason
            if already:
                return [Told(scope)]
            take.paused_at = now
            return [Cut(scope, take.id, True), Note(scope, take.id, "paused", by, {"reason": reason}), Told(scope)]
        if take.paused_by is None:
            return []
        if take.paused_side == "shopper" and side != "shopper":
            raise ApiError("forbidden")
        take.paused_by, take.paused_side, take.reason = None, "", ""
        # The note comes first: it is part of what is recorded.
        return [Note(scope, take.id, "resumed_recording", by), Cut(scope, take.id, False), Told(scope)]

    def consent(self, scope: str, identity: str, granted: bool, now: float) -> list[Step]:
        """Somebody's own word, kept already. Raises ``recording_not_found`` or ``not_in_call``."""
        scene = self._scenes.get(scope)
        if scene is None:
            raise ApiError("recording_not_found")
        if identity not in scene.people:
            raise ApiError("not_in_call")
        if scene.people[identity].staff:
            self._staff[identity] = granted
        take = self._takes.get(scope)
        if take is None:
            return []
        former = take.agreed.get(identity)
        if former is granted:
            return []
        take.agreed[identity] = granted
        steps: list[Step] = []
        if not granted and former:
            tracks = tuple(name for name, shared in take.scene.tracks.items() if shared.identity == identity)
            steps.append(Drop(scope, take.id, tracks))
            if self.policy.erase_on_withdrawal and take.begun is not None:
                steps.append(Forget(scope, take.id, identity))
        if take.begun is not None:
            steps.append(Note(scope, take.id, "consent", identity, {"granted": granted}))
        return [*steps, *self._try(take, now), Told(scope)]

    def remember(self, identity: str, granted: bool) -> None:
        """What a member of the staff said before, to the same text."""
        self._staff.setdefault(identity, granted)

    def knows(self, identity: str) -> bool:
        """Whether :meth:`remember` or a consent told about this member of the staff."""
        return identity in self._staff

    def trouble(self, recording: str, warning: str | None, *, failed: bool = False) -> list[Step]:
        """The recorder cannot write as it should, or can again (None); ``failed``: it could not even begin."""
        take = self.take_of(recording)
        if take is None or (take.warning == warning and take.failed is failed):
            return []
        take.warning, take.failed = warning, failed
        return [Told(take.scene.scope)]

    # --- inside --------------------------------------------------------------------------------------------------

    def _person(self, take: Take, identity: str) -> Person:
        person = take.scene.people.get(identity)
        if person is None:
            raise ApiError("not_in_call")
        return person

    def _begin(self, scene: Scene, by: str, now: float) -> list[Step]:
        take = self._takes[scene.scope] = Take(self._make_id(), scene, by, now)
        for identity, person in scene.people.items():
            if person.staff and identity in self._staff:
                take.agreed[identity] = self._staff[identity]
        return [*self._try(take, now), Told(scene.scope)]

    def _try(self, take: Take, now: float) -> list[Step]:
        """Begin, if people have met and all have agreed."""
        people = take.scene.people
        if take.begun is not None or not take.scene.live or not people or not all(map(take.may, people)):
            return []
        take.begun = now
        steps: list[Step] = [Note(take.scene.scope, take.id, "record_on", take.asked_by)]
        if self._by_rule(take.scene):
            steps += self._rule(take, True, now)
        return steps

    def _by_rule(self, scene: Scene) -> bool:
        return scene.held and self.policy.pause_on_hold

    def _rule(self, take: Take, paused: bool, now: float) -> list[Step]:
        scope = take.scene.scope
        if paused and take.paused_by is None:
            return self.pause(scope, RULE, True, "hold", now)
        if not paused and take.paused_by == RULE:
            return self.pause(scope, RULE, False, "", now)
        return []

    def _changed(self, take: Take, scene: Scene, now: float) -> list[Step]:
        former, take.scene = take.scene, scene
        for identity, person in scene.people.items():
            if identity not in former.people and person.staff and identity in self._staff:
                take.agreed[identity] = self._staff[identity]
        # Whoever comes back later is asked again; staff are remembered above.
        for identity in former.people.keys() - scene.people.keys():
            if not former.people[identity].staff:
                take.agreed.pop(identity, None)
        steps: list[Step] = []
        if take.begun is not None:
            steps += _news(take.id, former, scene)
            gone = tuple(sorted(former.tracks.keys() - scene.tracks.keys()))
            if gone:
                steps.append(Drop(scene.scope, take.id, gone))
            if self._by_rule(scene) != self._by_rule(former):
                steps += self._rule(take, self._by_rule(scene), now)
        return [*steps, *self._try(take, now), Told(scene.scope)]

    def _over(self, take: Take) -> list[Step]:
        return [Close(take.scene.scope, take.id)] if take.begun is not None else []

    # --- wire ----------------------------------------------------------------------------------------------------

    def view(self, scope: str, epoch_s: float) -> dict[str, Any]:
        """``recording`` in PROTOCOL.md section 1.10."""
        take, scene = self._takes.get(scope), self._scenes.get(scope)
        if take is None:
            possible = scene is not None and self.policy.mode(scene.kind) != "off"
            return {"scope": scope, "state": "off", "possible": possible}
        wire: dict[str, Any] = {
            "scope": scope,
            "state": take.state,
            "possible": True,
            "since": round((epoch_s + (take.begun if take.begun is not None else take.since)) * 1000),
            "version": self.policy.version,
            "consents": {identity: take.agreed.get(identity) for identity in take.scene.people},
            "paused": None,
            "warning": take.warning,
        }
        if take.paused_by is not None:
            by = take.scene.people.get(take.paused_by)
            wire["paused"] = {
                "by": take.paused_by,
                "name": by.name if by is not None else "",
                "side": take.paused_side,
                "reason": take.reason,
                "since": round((epoch_s + take.paused_at) * 1000),
            }
        return wire


def _news(recording: str, former: Scene, scene: Scene) -> list[Step]:
    """What the difference between two looks at a scope means for its timeline."""
    steps: list[Step] = []

    def note(kind: str, identity: str, **detail: Any) -> None:
        steps.append(Note(scene.scope, recording, kind, identity, detail))

    for identity in sorted(former.people.keys() - scene.people.keys()):
        note("left", identity)
    for identity, person in sorted(scene.people.items()):
        before = former.people.get(identity)
        if before is None:
            note("joined", identity, side=person.side, name=person.name)
        elif before.reconnecting != person.reconnecting:
            note("reconnecting" if person.reconnecting else "reconnected", identity)
    for track, shared in sorted(scene.tracks.items()):
        known = former.tracks.get(track)
        if known is None or known.muted != shared.muted:
            if known is None and not shared.muted:
                continue
            note("muted" if shared.muted else "unmuted", shared.identity, source=shared.source, track=track)
    return steps

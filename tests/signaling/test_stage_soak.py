"""Coming on stage and leaving it again and again leaves nothing behind, in the control plane or in the Worker."""

from __future__ import annotations

import pytest

from scripts.bench.soak import Sample, growing_types, grown, running_soak

WARM_UP = 12
CYCLES = 40


async def test_the_stage_leaves_nothing_behind() -> None:
    async with running_soak() as soak:
        while soak.cycles < WARM_UP:
            await soak.cycle()
        before = await soak.sample(types=True)
        while soak.cycles < WARM_UP + CYCLES:
            await soak.cycle()
        after = await soak.sample(types=True)
    assert grown(before, after) == {}, growing_types(before, after)
    assert before.figures["worker refused, internal"] == 0
    assert before.figures["people on stage"] == 1
    assert after.figures["worker packets"] > before.figures["worker packets"]


@pytest.mark.parametrize(
    ("name", "more", "leaks"),
    [
        ("worker transports", 1, True),
        ("worker transports", -3, False),
        ("control plane rss (bytes)", 1 << 20, False),
        ("control plane rss (bytes)", 1 << 24, True),
        ("worker packets", 1e9, False),
    ],
)
def test_what_counts_as_growth(name: str, more: float, leaks: bool) -> None:
    before = Sample(30, {name: 1e6, "peers": 6})
    after = Sample(230, {name: 1e6 + more, "peers": 6})
    assert grown(before, after) == ({name: (1e6, 1e6 + more)} if leaks else {})


def test_the_types_that_grew_most_come_first() -> None:
    before = Sample(30, {}, {"a": 5, "b": 5, "c": 5})
    after = Sample(230, {}, {"a": 6, "b": 5, "c": 9, "d": 2})
    assert growing_types(before, after) == [("c", 4), ("d", 2), ("a", 1)]
    assert growing_types(before, after, 1) == [("c", 4)]

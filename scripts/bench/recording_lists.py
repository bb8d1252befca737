"""How long a page of the list of recordings takes: filled with made-up ones, asked in the ways that reviewers ask.

Run as ``python -m scripts.bench.recording_lists DATABASE_URL [NUMBER]`` on an empty database; prints milliseconds, the
median and the worst of seven.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time

from signaling.recording_records import RecordingRecord, SearchQuery, Sight
from signaling.store import Store

WORDS = ["退货", "换货", "发货", "尺码", "颜色", "优惠", "价格", "快递", "客服", "谢谢", "您好", "质量", "安装", "说明", "电池", "屏幕", "充电", "保修", "发票", "地址"]
BEGIN = 1_700_000_000.0
BATCH = 2000
TIMES = 7
ASKED = {
    "newest": SearchQuery(),
    "agent": SearchQuery(agent="a7"),
    "queue and week": SearchQuery(queue="q3", since=BEGIN + 1e6, until=BEGIN + 1.6e6),
    "rating": SearchQuery(rating=(1, 2)),
    "longest": SearchQuery(order="longest"),
    "worst rated": SearchQuery(order="rating"),
    "reason": SearchQuery(reason="退货"),
    "rare word": SearchQuery(words=("稀有词",)),
    "frequent word": SearchQuery(words=("退货",)),
    "no such word": SearchQuery(words=("绝无",)),
    "room and queue": SearchQuery(sight=Sight("room3", ("q3", "q4"))),
}


def made(number: int, dice: random.Random) -> RecordingRecord:
    """One in half a minute."""
    return RecordingRecord(
        f"r{number:016x}",
        f"room{number % 20}",
        "call",
        BEGIN + number * 30.0,
        duration_s=dice.random() * 3600,
        state="ready",
        agent=f"a{number % 50}",
        queue=f"q{number % 8}",
        rating=dice.choice((None, 1, 2, 3, 4, 5)),
        reasons=(dice.choice(("退货", "other")),),
    )


async def run(url: str, number: int) -> None:
    """Fill and ask."""
    store = Store(url, time.time)
    await store.open()
    dice = random.Random(1)
    for start in range(0, number, BATCH):
        batch = range(start, min(number, start + BATCH))
        await store.recordings.save_recordings([made(n, dice) for n in batch])
        rare = {n: " 稀有词" if n % 20_000 == 7 else "" for n in batch}
        await store.recordings.save_texts({f"r{n:016x}": " ".join(dice.choices(WORDS, k=60)) + rare[n] for n in batch})
    middle = f"{BEGIN + number / 2 * 30.0!r}~r{number // 2:016x}"
    for label, query, after in [*((k, q, None) for k, q in ASKED.items()), ("page in the middle", SearchQuery(), middle)]:
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            page = await store.recordings.search(query, 50, after)
            took.append((time.perf_counter() - began) * 1000)
        print(f"{label:20} {statistics.median(took):7.1f} {max(took):7.1f}  of {page.total}")
    await store.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000))

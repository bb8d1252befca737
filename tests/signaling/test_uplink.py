"""Uplink quality: which figure decides, and what is named as the reason."""

from __future__ import annotations

from typing import Any

import pytest

from media.api import ProducerStats
from signaling.uplink import assess


def stats(**changes: Any) -> ProducerStats:
    values: dict[str, Any] = {
        "id": "v", "kind": "video", "codec": "VP8", "packets": 100, "bytes": 1, "bitrate_bps": 900_000, "loss": 0.0,
        "lost": 0, "jitter_ms": 1.0, "rtt_ms": 20.0, "nacks_sent": 0, "recovered": 0, "plis_sent": 0, "keyframes": 1,
        "width": 1, "height": 1, "audio_level_db": None, "paused": False,
    }  # fmt: skip
    return ProducerStats(**{**values, **changes})


AUDIO = stats(id="a", kind="audio", bitrate_bps=32_000)


@pytest.mark.parametrize(
    ("tracks", "quality", "reason"),
    [
        ([stats(), AUDIO], 3, "good"),
        ([AUDIO], 3, "good"),
        ([], 3, "good"),
        ([stats(loss=0.02)], 3, "good"),
        ([stats(loss=0.021)], 2, "loss"),
        ([stats(), stats(id="a", kind="audio", loss=0.5)], 1, "loss"),
        ([stats(rtt_ms=251.0)], 2, "rtt"),
        ([stats(rtt_ms=501.0, loss=0.03)], 1, "rtt"),
        ([stats(rtt_ms=None)], 3, "good"),
        ([stats(bitrate_bps=200_000)], 2, "bitrate"),
        ([stats(bitrate_bps=50_000), AUDIO], 1, "bitrate"),
        ([stats(bitrate_bps=0, packets=0)], 0, "none"),
        ([stats(bitrate_bps=0, paused=True)], 3, "good"),
        ([stats(bitrate_bps=0, paused=True), AUDIO], 3, "good"),
        ([stats(id="screen", bitrate_bps=5_000)], 3, "good"),
    ],
)
def test_quality(tracks: list[ProducerStats], quality: int, reason: str) -> None:
    uplink = assess(tracks, {"screen"})
    assert (uplink.quality, uplink.reason) == (quality, reason)


def test_wire() -> None:
    assert assess([stats(loss=0.123456, rtt_ms=12.3456), AUDIO]).to_wire() == {
        "quality": 1, "reason": "loss", "bitrate_bps": 932_000, "loss": 0.1235, "rtt_ms": 20.0,
    }  # fmt: skip

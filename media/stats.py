"""The figures that a Worker reports; part of the waist, see :mod:`media.api`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["audio", "video"]
Direction = Literal["publish", "subscribe"]
TransportState = Literal["new", "checking", "connected", "stalled", "failed", "closed"]


@dataclass(frozen=True, slots=True)
class ProducerStats:
    """Inbound figures since the start, and rates over the last second.

    ``jitter_ms`` is RFC 3550's interarrival jitter; ``loss`` the share 0-1 of expected packets missing in the last
    reporting interval, before recovery; ``lost`` the number never recovered.
    """

    id: str
    kind: Kind
    codec: str
    packets: int
    bytes: int
    bitrate_bps: int
    loss: float
    lost: int
    jitter_ms: float
    rtt_ms: float | None
    nacks_sent: int
    recovered: int
    plis_sent: int
    keyframes: int
    width: int
    height: int
    audio_level_db: int | None
    paused: bool


@dataclass(frozen=True, slots=True)
class ConsumerStats:
    """Outbound figures: what was sent, and what the viewer's receiver reports say of it."""

    id: str
    producer_id: str
    packets: int
    bytes: int
    bitrate_bps: int
    loss: float
    jitter_ms: float
    rtt_ms: float | None
    nacks_received: int
    retransmitted: int
    plis_received: int
    playout_delay_ms: int
    paused: bool


@dataclass(frozen=True, slots=True)
class TransportStats:
    """One path: its state, the address it settled on, and what it carries."""

    id: str
    router_id: str
    direction: Direction
    state: TransportState
    protocol: str
    remote: str
    srtp_profile: str
    available_bps: int | None
    dropped: int
    producers: tuple[ProducerStats, ...] = ()
    consumers: tuple[ConsumerStats, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """One Worker's figures; ``drops`` counts refused datagrams by reason."""

    pid: int
    routers: int
    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    rss_bytes: int
    cpu_s: float
    loop_lag_ms: float
    drops: dict[str, int] = field(default_factory=dict)
    transports: tuple[TransportStats, ...] = ()

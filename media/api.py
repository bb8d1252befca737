"""The narrow waist between the control plane and a media Worker.

Everything the control plane can ask of a Worker, and everything a Worker reports, is one frozen dataclass here.
:mod:`media.rpc` carries them as JSON over a Unix socket. Identifiers, SSRCs and ICE credentials are chosen by the
control plane, so a reply is never needed to build an SDP; a Worker answers only "done" or an error with a code.
"""

# ruff: noqa: PLC0414  # the figures are part of this waist, wherever they are written down

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from media.stats import ConsumerStats as ConsumerStats
from media.stats import Direction as Direction
from media.stats import Kind as Kind
from media.stats import ProducerStats as ProducerStats
from media.stats import TransportState as TransportState
from media.stats import TransportStats as TransportStats
from media.stats import WorkerStats as WorkerStats

Source = Literal["microphone", "camera", "screen", "screen_audio", "whisper"]
DtlsRole = Literal["client", "server"]

R = TypeVar("R")

_producer_numbers = itertools.count(1)


def next_producer_number() -> int:
    """A number that no Producer of this process has had; see :mod:`media.outbound_ssrcs`."""
    return next(_producer_numbers)


# --- what is negotiated ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Codec:
    """One negotiated RTP payload format.

    ``name`` is spelled as IANA registers it: ``opus``, ``red``, ``VP8``, ``VP9``, ``H264``, ``AV1``. ``parameters``
    is the fmtp line as a mapping. ``feedback`` holds rtcp-fb values such as ``nack``, ``nack pli``, ``ccm fir``,
    ``transport-cc``, ``goog-remb``.
    """

    name: str
    payload_type: int
    clock_rate: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: tuple[str, ...] = ()
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """One inbound stream of a Producer: an SSRC known from the SDP, or a rid whose SSRC is learnt from packets."""

    rid: str | None = None
    ssrc: int | None = None
    rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class ProducerParams:
    """The inbound half of a Track. ``extensions`` maps header-extension URI to the id that this peer uses (1-255).

    ``number`` counts Producers; the SSRCs towards viewers are made of it.
    """

    id: str
    kind: Kind
    source: Source
    mid: str
    codecs: tuple[Codec, ...]
    extensions: dict[str, int] = field(default_factory=dict)
    encodings: tuple[Encoding, ...] = ()
    paused: bool = False
    number: int = field(default_factory=next_producer_number, compare=False)


@dataclass(frozen=True, slots=True)
class ConsumerParams:
    """The outbound half of a Track towards one viewer.

    ``codecs`` are the viewer's payload types for the Producer's codecs, matched by name; a Producer packet in a codec
    that is not listed is not sent (RED is unwrapped to Opus when only Opus is listed).
    """

    id: str
    producer_id: str
    kind: Kind
    mid: str
    ssrc: int
    rtx_ssrc: int | None
    codecs: tuple[Codec, ...]
    extensions: dict[str, int] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True, slots=True)
class IceParams:
    """Short-term ICE credentials (RFC 8445 section 5.3): ufrag 4-256, pwd 22-256 characters of ALPHA/DIGIT/+//."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate fingerprint (RFC 8122): ``algorithm`` in lower case, ``value`` as upper-case hex with colons."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class DtlsParams:
    """The peer's fingerprints, and the DTLS role that *this server* takes."""

    role: DtlsRole
    fingerprints: tuple[Fingerprint, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One address to advertise: ``protocol`` is ``udp`` or ``tcp`` (passive); ``address`` a literal IPv4 or IPv6."""

    protocol: Literal["udp", "tcp"]
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class TransportParams:
    """One ICE+DTLS path. ``ice`` are *our* credentials; ``certificate`` is the sha-256 value put in the SDP."""

    id: str
    router_id: str
    direction: Direction
    ice: IceParams
    certificate: str


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a Worker says when it is ready: its process, its two ports, and its current certificate."""

    pid: int
    udp_port: int
    tcp_port: int
    fingerprint: str


# --- requests (control plane -> Worker) --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request(Generic[R]):
    """A call; ``method`` is its name on the wire, ``R`` what the Worker returns."""

    method: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class OpenRouter(Request[None]):
    """Create the media twin of a Room. Opening one that exists is not an error."""

    method: ClassVar[str] = "open_router"
    router_id: str


@dataclass(frozen=True, slots=True)
class CloseRouter(Request[None]):
    """Close a Router with every Transport in it. Unknown ids are ignored."""

    method: ClassVar[str] = "close_router"
    router_id: str


@dataclass(frozen=True, slots=True)
class OpenTransport(Request[None]):
    """Make a Transport that answers ICE checks from now on.

    With ``dtls`` known (the client offered) the handshake starts at the first valid check; otherwise
    :class:`ConnectTransport` brings it. ``prepare`` names Producers whose keyframe should be asked for as soon as this
    viewer's ICE begins.
    """

    method: ClassVar[str] = "open_transport"
    transport: TransportParams
    dtls: DtlsParams | None = None
    producers: tuple[ProducerParams, ...] = ()
    consumers: tuple[ConsumerParams, ...] = ()
    prepare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectTransport(Request[None]):
    """The answer arrived: start DTLS (first time only) and add the Consumers that the viewer accepted."""

    method: ClassVar[str] = "connect_transport"
    transport_id: str
    dtls: DtlsParams
    consumers: tuple[ConsumerParams, ...] = ()


@dataclass(frozen=True, slots=True)
class RestartIce(Request[None]):
    """New local credentials on the same DTLS session; the old ones work until a check with the new ones arrives."""

    method: ClassVar[str] = "restart_ice"
    transport_id: str
    ice: IceParams


@dataclass(frozen=True, slots=True)
class CloseTransport(Request[None]):
    """Close a Transport with its Producers or Consumers. Unknown ids are ignored."""

    method: ClassVar[str] = "close_transport"
    transport_id: str


@dataclass(frozen=True, slots=True)
class AddProducers(Request[None]):
    """Add Producers to a publishing Transport; ids already there are left alone."""

    method: ClassVar[str] = "add_producers"
    transport_id: str
    producers: tuple[ProducerParams, ...]


@dataclass(frozen=True, slots=True)
class CloseProducer(Request[None]):
    """Stop a Producer at once, with every Consumer of it. Unknown ids are ignored."""

    method: ClassVar[str] = "close_producer"
    producer_id: str


@dataclass(frozen=True, slots=True)
class PauseProducer(Request[None]):
    """Drop (or let through again) a Producer's packets in the Worker.

    While it is paused nothing of it reaches a viewer, from the cache neither. Resuming video asks for a keyframe at
    once and goes on with it.
    """

    method: ClassVar[str] = "pause_producer"
    producer_id: str
    paused: bool


@dataclass(frozen=True, slots=True)
class AddConsumers(Request[None]):
    """Add Consumers to a subscribing Transport; ids already there are left alone."""

    method: ClassVar[str] = "add_consumers"
    transport_id: str
    consumers: tuple[ConsumerParams, ...]


@dataclass(frozen=True, slots=True)
class CloseConsumer(Request[None]):
    """Stop sending one Track to one viewer. Unknown ids are ignored."""

    method: ClassVar[str] = "close_consumer"
    consumer_id: str


@dataclass(frozen=True, slots=True)
class PauseConsumer(Request[None]):
    """Hold or resume one viewer's copy of a Track; resuming video starts at a keyframe."""

    method: ClassVar[str] = "pause_consumer"
    consumer_id: str
    paused: bool


@dataclass(frozen=True, slots=True)
class RequestKeyframe(Request[None]):
    """Ask a Consumer's publisher for a keyframe, as the viewer's own PLI would (coalesced, throttled)."""

    method: ClassVar[str] = "request_keyframe"
    consumer_id: str


@dataclass(frozen=True, slots=True)
class OpenTap(Request[None]):
    """Copy a Producer's outbound stream to the recorder that listens at ``socket`` (see :mod:`media.tap_wire`).

    ``tap`` (1 to 2^32 - 1) is the number of the copy, chosen by the control plane and not in use on this Worker;
    ``format`` goes into the FORMAT record, together with what the Worker knows. ``keyframe_s``: video has a keyframe at
    least this often, asked for only when none came by itself. ``replay``: begin with what is cached since the last
    keyframe, if that is at most 2 s old; False: with what the publisher sends from now on. ``cut``: open it as
    :class:`CutTaps` leaves it, so that nothing is written yet.

    Errors: ``producer_not_found``, ``tap_exists``, ``recorder_unreachable``.
    """

    method: ClassVar[str] = "open_tap"
    router_id: str
    tap: int
    producer_id: str
    socket: str
    format: dict[str, str] = field(default_factory=dict)
    keyframe_s: float = 4.0
    replay: bool = True
    cut: bool = False


@dataclass(frozen=True, slots=True)
class CutTaps(Request[None]):
    """Stop copying (or go on), for all these taps between the same two packets.

    What arrives after the answer, or while they are cut, never leaves the Worker; neither does what belongs to that time
    and arrives later. Going on asks for keyframes. Unknown numbers are ignored: their Producers are gone.
    """

    method: ClassVar[str] = "cut_taps"
    taps: tuple[int, ...]
    cut: bool


@dataclass(frozen=True, slots=True)
class CloseTaps(Request[None]):
    """End these copies, between the same two packets. Unknown numbers are ignored."""

    method: ClassVar[str] = "close_taps"
    taps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GetStats(Request[WorkerStats]):
    """Statistics of one Router, or of all when ``router_id`` is None.

    ``direction`` leaves out the Transports of the other one: polling the uplinks must not list a thousand viewers.
    """

    method: ClassVar[str] = "get_stats"
    router_id: str | None = None
    direction: Direction | None = None


# --- events (Worker -> control plane) ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a Worker; ``event`` is its name on the wire."""

    event: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class TransportStateChanged(Event):
    """``stalled``: nothing heard for 7 s, may come back; ``failed`` and ``closed`` are final."""

    event: ClassVar[str] = "transport_state"
    transport_id: str
    state: TransportState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpeakersChanged(Event):
    """The audio Producers that speak now in a Router, loudest first; the first one is the active speaker.

    Never one that is paused, or whose source is ``whisper``.
    """

    event: ClassVar[str] = "speakers"
    router_id: str
    producer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProducerFlowChanged(Event):
    """Packets of a Producer began (``flowing``), or none came for 2 s although it is not paused."""

    event: ClassVar[str] = "producer_flow"
    producer_id: str
    flowing: bool


@dataclass(frozen=True, slots=True)
class TapLost(Event):
    """These taps write nothing at present.

    ``overflow``: the recorder reads too slowly; they go on by themselves, see :class:`TapBack`. ``recorder_gone``: the
    connection ended; ``failed``: our own fault. Either way they are closed, and their numbers can be opened again.
    """

    event: ClassVar[str] = "tap_lost"
    taps: tuple[int, ...]
    reason: Literal["overflow", "recorder_gone", "failed"]


@dataclass(frozen=True, slots=True)
class TapBack(Event):
    """These taps write again after an overflow; the recording has a GAP of it."""

    event: ClassVar[str] = "tap_back"
    taps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CertificateChanged(Event):
    """The Worker rotated its certificate; the former one stays usable for Transports not yet opened, for an hour."""

    event: ClassVar[str] = "certificate"
    fingerprint: str


@dataclass(frozen=True, slots=True)
class RouterFailed(Event):
    """A broken invariant closed this Router (never the Worker); its peers must reconnect."""

    event: ClassVar[str] = "router_failed"
    router_id: str
    reason: str


REQUESTS: tuple[type[Request[Any]], ...] = (
    OpenRouter,
    CloseRouter,
    OpenTransport,
    ConnectTransport,
    RestartIce,
    CloseTransport,
    AddProducers,
    CloseProducer,
    PauseProducer,
    AddConsumers,
    CloseConsumer,
    PauseConsumer,
    RequestKeyframe,
    OpenTap,
    CutTaps,
    CloseTaps,
    GetStats,
)
EVENTS: tuple[type[Event], ...] = (
    TransportStateChanged,
    SpeakersChanged,
    ProducerFlowChanged,
    TapLost,
    TapBack,
    CertificateChanged,
    RouterFailed,
)

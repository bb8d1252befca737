"""The offer that the captured answers belong to, and the captured files themselves."""

from __future__ import annotations

from pathlib import Path

from media.api import Candidate, Codec, IceParams, ProducerParams
from media.negotiation import Offer, OutTrack, ServerSide, SubscribeNegotiation

HERE = Path(__file__).parent
OFFERS = sorted(path.name.removesuffix(".offer.sdp") for path in HERE.glob("*.offer.sdp"))
ANSWERS = sorted(path.name.removesuffix(".answer.sdp") for path in HERE.glob("*.answer.sdp"))

SERVER = ServerSide(
    IceParams("serverUfrag", "serverPasswordOf24Charac"),
    ":".join(["5A"] * 32),
    (Candidate("udp", "127.0.0.1", 41000), Candidate("tcp", "127.0.0.1", 41000)),
)
H264 = {"profile-level-id": "42e01f", "packetization-mode": "1", "level-asymmetry-allowed": "1"}
#: What is offered to viewers, by the name of the Track.
OFFERED: dict[str, tuple[Codec, ...]] = {
    "microphone": (Codec("opus", 111, 48000, 2), Codec("red", 63, 48000, 2)),
    "camera": (Codec("VP8", 96, 90000),),
    "screen": (Codec("VP9", 98, 90000, parameters={"profile-id": "0"}),),
    "h264": (Codec("H264", 102, 90000, parameters=H264),),
    "av1": (Codec("AV1", 45, 90000, parameters={"profile": "0"}),),
}
#: aiortc fails on an m-line with no codec of its own instead of refusing it.
AIORTC_TAKES = ("microphone", "camera", "h264")


def text(name: str) -> str:
    """A captured description: ``chromium_publish.offer``."""
    return (HERE / f"{name}.sdp").read_bytes().decode()


def out_track(name: str, codecs: tuple[Codec, ...] | None = None, extensions: dict[str, int] | None = None) -> OutTrack:
    """A Track to offer, ``track-<name>`` of ``producer-<name>`` for ``consumer-<name>``."""
    codecs = codecs or OFFERED[name]
    audio = codecs[0].name == "opus"
    producer = ProducerParams(
        f"producer-{name}",
        "audio" if audio else "video",
        "microphone" if audio else "camera",
        "0",
        codecs,
        extensions or {},
    )
    return OutTrack(f"track-{name}", producer, "stream", f"consumer-{name}")


def our_offer(*names: str) -> tuple[SubscribeNegotiation, Offer]:
    """A subscription with these Tracks, or one of each codec, and its first offer, which waits for the answer."""
    negotiation = SubscribeNegotiation(SERVER)
    negotiation.set_tracks([out_track(name) for name in names or OFFERED])
    return negotiation, negotiation.offer()

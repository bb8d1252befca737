"""One m-line of our offers to a viewer: what it carries, as text, and read back from the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from media.api import Codec, ConsumerParams
from media.codec_choice import decodes, read_codec, read_red, rtp_formats, rtx_types
from media.negotiated import OutTrack, SectionWriter, ssrc_lines
from media.sdp_model import HeaderExtension, MediaDescription, NegotiationError
from media.server_side import PROTOCOL


@dataclass(frozen=True, slots=True)
class Slot:
    """``track`` is None while the m-line carries nothing.

    ``stopped``: the viewer answered it with port 0, so that it can be recycled under a new mid. ``shunned``: the viewer
    answered it as inactive when it carried something; a browser does so for good once the page stopped its transceiver.
    """

    mid: str
    kind: str
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]
    track: OutTrack | None = None
    ssrc: int = 0
    rtx_ssrc: int | None = None
    stopped: bool = False
    shunned: bool = False

    def carries(self, track: OutTrack) -> bool:
        """Whether this is that Track, from that Producer, for that Consumer."""
        return self.track is not None and _identity(self.track) == _identity(track)

    def emptied(self) -> Slot:
        """The same m-line without its Track."""
        return replace(self, track=None, ssrc=0, rtx_ssrc=None)

    def refused(self, media: MediaDescription) -> Slot:
        """The same m-line after the viewer did not take what it carried, or had nothing to take."""
        shunned = self.shunned or (self.track is not None and media.direction == "inactive")
        return replace(self.emptied(), stopped=media.rejected, shunned=shunned and not media.rejected)

    @property
    def payload_types(self) -> tuple[int, ...]:
        """Every payload type in use here, RTX included."""
        pairs = ((codec.payload_type, codec.rtx_payload_type) for codec in self.codecs)
        return tuple(number for pair in pairs for number in pair if number is not None)

    @property
    def _labelled(self) -> OutTrack | None:
        """The Track under a name of this m-line alone: a browser keeps the name for what the m-line carries next, and the
        same Track in another one must not be called alike."""
        return self.track and self.track._replace(track_id=f"{self.track.track_id}.{self.mid}")

    def write(self, writer: SectionWriter) -> None:
        """Put this m-line into an offer."""
        if self.stopped:
            writer.reject(self.kind, self.mid, PROTOCOL, (str(self.codecs[0].payload_type),))
            return
        msids, ssrcs, groups = ssrc_lines(self._labelled, self.ssrc, self.rtx_ssrc) if self._labelled else ((), (), ())
        writer.accept(
            self.kind,
            self.mid,
            "sendonly" if self.track else "inactive",
            # Opus before RED: GStreamer takes the first codec and no other.
            rtp_formats(self.codecs),
            (HeaderExtension(number, uri) for uri, number in self.extensions.items()),
            protocol=PROTOCOL,
            msids=msids,
            ssrcs=ssrcs,
            ssrc_groups=groups,
        )

    def read(self, track: OutTrack, media: MediaDescription) -> ConsumerParams:
        """What the viewer made of ``track``. Raises NegotiationError ``codec_unsupported``."""
        name = self.codecs[0].name
        if not media.receives:
            raise NegotiationError("codec_unsupported", f"The viewer refused this {self.kind} track ({name}).")
        codecs: list[Codec] = []
        for offered in self.codecs:
            codec = _answered(offered, codecs, media)
            if codec is not None:
                codecs.append(codec)
        if not codecs or codecs[0].name != name:
            raise NegotiationError("codec_unsupported", f"The viewer cannot decode {name}.")
        has_rtx = codecs[0].rtx_payload_type is not None
        return ConsumerParams(
            track.consumer_id,
            track.producer.id,
            track.producer.kind,
            self.mid,
            self.ssrc,
            self.rtx_ssrc if has_rtx else None,
            tuple(codecs),
            {item.uri: item.id for item in media.extensions if self.extensions.get(item.uri) == item.id},
        )


def _identity(track: OutTrack) -> tuple[str, str, str]:
    return track.track_id, track.producer.id, track.consumer_id


def _answered(offered: Codec, before: list[Codec], media: MediaDescription) -> Codec | None:
    """The viewer's own number and feedback for an offered codec; None when it left the codec out."""
    if offered.name == "red":
        return read_red(media, before[0]) if before else None
    rtx = rtx_types(media)
    for rtp_format in sorted(media.rtp_formats, key=lambda item: item.payload_type != offered.payload_type):
        codec = read_codec(rtp_format, media.kind, offered.feedback, rtx)
        if codec is not None and decodes(codec, offered):
            return codec
    return None

"""Answers to a publisher's offers: which of its m-lines are taken, in which codec, from which SSRCs or rids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from media import header_extensions as hx
from media import sdp
from media.api import Codec, DtlsParams, Encoding, IceParams, Kind, ProducerParams, Source
from media.codec_choice import TRANSPORT_CC, VIDEO_FEEDBACK, CodecPolicy, choose_audio, choose_video, rtp_formats
from media.negotiated import Rejection, SectionWriter, answered_extensions, new_session_id, session
from media.sdp_fragment import IceFragment, restart_fragment
from media.sdp_model import HeaderExtension, MediaDescription, NegotiationError, SdpError
from media.server_side import ServerSide, bundled, new_ice, remote_dtls, remote_ice, require_same_certificate

SOURCE_KIND: Mapping[Source, Kind] = {
    "microphone": "audio",
    "screen_audio": "audio",
    "whisper": "audio",
    "camera": "video",
    "screen": "video",
}
_DEFAULT_SOURCE: Mapping[str, Source] = {"audio": "microphone", "video": "camera"}
#: What our answer does not repeat: it describes the sender's stream, and we send none.
_SENDER_ONLY = frozenset({"sprop-parameter-sets", "sprop-stereo"})


@dataclass(frozen=True, slots=True)
class PublishAnswer:
    """``producers`` are new ones only, ``removed`` the ids of those that ended.

    ``ice_restart``: the credentials that the Worker must learn (:class:`media.api.RestartIce`) before ``sdp`` is sent.
    """

    sdp: str
    dtls: DtlsParams
    producers: tuple[ProducerParams, ...]
    removed: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    ice_restart: IceParams | None


@dataclass(frozen=True, slots=True)
class _State:
    """What the last answer settled; ``producers`` by mid."""

    version: int = 0
    m_lines: int = 0
    dtls: DtlsParams | None = None
    remote_ice: IceParams | None = None
    producers: Mapping[str, ProducerParams] | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """What is made of an m-line that is not refused; without a ``producer`` nothing is received on it now."""

    codecs: tuple[Codec, ...]
    extensions: tuple[HeaderExtension, ...]
    rids: tuple[str, ...]
    producer: ProducerParams | None


class PublishNegotiation:
    """One publishing Transport, where the client always offers. A refused offer changes nothing.

    ``make_id`` gives each new Producer its id.
    """

    __slots__ = ("_make_id", "_policy", "_server", "_session_id", "_state")

    def __init__(self, policy: CodecPolicy, server: ServerSide, make_id: Callable[[], str]) -> None:
        self._policy = policy
        self._server = server
        self._make_id = make_id
        self._session_id = new_session_id()
        self._state = _State()

    @property
    def producers(self) -> tuple[ProducerParams, ...]:
        """The Producers that the last answer left in place."""
        return tuple((self._state.producers or {}).values())

    def answer(
        self, offer_sdp: str, sources: Mapping[str, Source] | None, allowed: Callable[[Source], bool]
    ) -> PublishAnswer:
        """Answer an offer, the first one or a later one.

        ``sources`` says by mid what new m-lines carry; m-lines in use keep their source. None stands for a WHIP client:
        audio is the microphone, video the camera. What is not listed or not ``allowed`` is refused: port 0, or inactive
        where the transport hangs on it.
        Raises SdpError, or NegotiationError when a first offer has nothing that can be taken.
        """
        state = self._state
        offer = sdp.parse(offer_sdp)
        media = bundled(offer)
        leader = offer.bundle[0] if offer.bundle else None
        if len(media) < state.m_lines:
            raise SdpError("The SDP has fewer m-lines than the one before.")
        live = [item for item in media if not item.rejected]
        dtls = state.dtls if not live and state.dtls is not None else remote_dtls(live, offer=True)
        require_same_certificate(state.dtls, dtls)
        ice = state.remote_ice if not live and state.remote_ice is not None else remote_ice(live)
        restart = new_ice() if state.remote_ice not in (None, ice) else None
        server = self._server if restart is None else replace(self._server, ice=restart)

        writer = SectionWriter(server, "active" if dtls.role == "client" else "passive")
        kept = state.producers or {}
        producers: dict[str, ProducerParams] = {}
        rejected: list[Rejection] = []
        for item in media:
            try:
                line = self._take(item, kept.get(item.mid), sources, allowed)
            except NegotiationError as error:
                rejected.append(Rejection(item.mid, error.code, error.message))
                writer.refuse(item, leads=item.mid == leader)
                continue
            if line is None:
                writer.reject(item.kind, item.mid, item.protocol, item.formats)
                continue
            if line.producer is not None:
                producers[item.mid] = line.producer
            self._write(writer, item, line)
        if not producers and not state.version:
            if rejected:
                raise NegotiationError(rejected[0].code, rejected[0].message)
            if sources is None:
                raise SdpError("The offer sends neither audio nor video.")

        self._server = server
        self._state = _State(state.version + 1, len(media), dtls, ice, producers)
        before = {producer.id for producer in kept.values()}
        after = {producer.id for producer in producers.values()}
        description = session(
            self._session_id,
            state.version + 1,
            writer.sections,
            ice_options=("trickle",),
            allow_mixed=any(item.extmap_allow_mixed for item in media),
        )
        return PublishAnswer(
            sdp.serialise(description),
            dtls,
            tuple(producer for producer in producers.values() if producer.id not in before),
            tuple(producer.id for producer in kept.values() if producer.id not in after),
            tuple(rejected),
            restart,
        )

    def restart_ice(self, fragment: IceFragment) -> tuple[IceParams, str]:
        """A WHIP client's ICE restart (RFC 9725 section 4.3.2): our new credentials, and the fragment to reply with.

        Raises SdpError when ``fragment`` brings no credentials, or there is no answered offer yet.
        """
        if fragment.ice is None or not self._state.version:
            raise SdpError("An ICE restart needs ice-ufrag and ice-pwd.")
        ice = new_ice()
        self._server = replace(self._server, ice=ice)
        self._state = replace(self._state, remote_ice=fragment.ice)
        return ice, restart_fragment(self._server, self._state.producers or ())

    # --- one m-line ----------------------------------------------------------------------------------------------

    def _take(
        self,
        media: MediaDescription,
        kept: ProducerParams | None,
        sources: Mapping[str, Source] | None,
        allowed: Callable[[Source], bool],
    ) -> _Line | None:
        """What is made of an m-line, None when the client stopped it. Raises NegotiationError to refuse it."""
        if media.rejected:
            return None
        if media.kind not in _DEFAULT_SOURCE or not media.protocol.endswith(("/SAVPF", "/SAVP")):
            raise NegotiationError("unsupported_media_type", f"This server takes no {media.kind!r} m-line.")
        wanted = hx.PUBLISH_AUDIO if media.kind == "audio" else hx.PUBLISH_VIDEO
        extensions = answered_extensions(media.extensions, wanted, receiving=True)
        codecs = self._codecs(media, extensions, kept)
        if not codecs:
            offered = ", ".join(dict.fromkeys(item.name for item in media.rtp_formats if len(item.name) <= 16))
            raise NegotiationError(
                "no_common_codec", f"None of the offered {media.kind} codecs is usable: {offered or 'none'}."
            )
        if not media.sends:
            return _Line(codecs, extensions, (), None)
        source = _source_of(media, kept, sources)
        if not allowed(source):
            raise NegotiationError("forbidden", f"Publishing from source {source} is not allowed.")
        rids = _rids(media, codecs[0], self._policy.max_layers)
        if kept is not None and kept.source == source:
            return _Line(codecs, extensions, rids, kept)
        producer = ProducerParams(
            self._make_id(),
            SOURCE_KIND[source],
            source,
            media.mid,
            codecs,
            {extension.uri: extension.id for extension in extensions},
            tuple(Encoding(rid=rid) for rid in rids) or _announced(media, codecs[0], self._policy.max_layers),
        )
        return _Line(codecs, extensions, rids, producer)

    def _codecs(
        self, media: MediaDescription, extensions: Sequence[HeaderExtension], kept: ProducerParams | None
    ) -> tuple[Codec, ...]:
        # GStreamer lists the feedback without the extension that carries the numbers it is about.
        counted = any(extension.uri == hx.TRANSPORT_CC for extension in extensions)
        feedback = (TRANSPORT_CC,) if counted else ()
        if media.kind == "audio":
            return choose_audio(media, self._policy.audio_red, feedback)
        keep = kept.codecs[0].name if kept else None
        codec = choose_video(media, self._policy.video_order, (*feedback, *VIDEO_FEEDBACK), keep)
        return () if codec is None else (codec,)

    def _write(self, writer: SectionWriter, media: MediaDescription, line: _Line) -> None:
        extra = {}
        if media.kind == "video" and self._policy.start_bitrate_kbps is not None:
            extra["x-google-start-bitrate"] = str(self._policy.start_bitrate_kbps)
        # RED first: the publisher sends in the first codec of the answer that it can.
        preferred = sorted(line.codecs, key=lambda codec: codec.name != "red")
        writer.accept(
            media.kind,
            media.mid,
            "recvonly" if line.producer else "inactive",
            rtp_formats([_as_receiver(codec) for codec in preferred], extra),
            line.extensions,
            protocol=media.protocol,
            rtcp_rsize=media.rtcp_rsize,
            rids=line.rids,
            simulcast=media.simulcast is not None,
        )


def _source_of(media: MediaDescription, kept: ProducerParams | None, sources: Mapping[str, Source] | None) -> Source:
    listed = _DEFAULT_SOURCE[media.kind] if sources is None else sources.get(media.mid)
    source = listed or (kept.source if kept else None)
    if source is None:
        raise NegotiationError("bad_message", f"The m-line with mid {media.mid!r} is not among the listed tracks.")
    if SOURCE_KIND[source] != media.kind:
        raise NegotiationError("bad_message", f"Source {source} cannot be an m-line of kind {media.kind}.")
    return source


def _as_receiver(codec: Codec) -> Codec:
    """The codec as our answer lists it: stereo is asked for when the publisher has it to send (RFC 7587 section 7)."""
    parameters = {key: value for key, value in codec.parameters.items() if key not in _SENDER_ONLY}
    if codec.parameters.get("sprop-stereo") == "1":
        parameters["stereo"] = "1"
    return replace(codec, parameters=parameters)


def _rids(media: MediaDescription, codec: Codec, limit: int) -> tuple[str, ...]:
    """The simulcast rids (RFC 8853) to receive, the first alternative of each; or a lone rid without simulcast."""
    declared = {rid.id: rid for rid in media.rids if rid.direction == "send"}
    if media.simulcast is not None:
        listed = [alternatives[0].removeprefix("~") for alternatives in media.simulcast.send]
    else:
        listed = list(declared)
    payload_type = str(codec.payload_type)
    usable = [
        rid
        for rid in dict.fromkeys(listed)
        if rid in declared and _rid_allows(declared[rid].restrictions, payload_type)
    ]
    return tuple(usable[:limit])


def _rid_allows(restrictions: str, payload_type: str) -> bool:
    """Whether ``pt=`` of a rid line, if there is one, lists this payload type (RFC 8851 section 10)."""
    for restriction in restrictions.split(";"):
        key, _, value = restriction.partition("=")
        if key.strip() == "pt":
            return payload_type in value.split(",")
    return True


def _announced(media: MediaDescription, codec: Codec, limit: int) -> tuple[Encoding, ...]:
    """The streams of an m-line without rids, by their announced SSRCs; none when they are learnt from packets."""
    repair = {
        group.ssrcs[0]: group.ssrcs[1]
        for group in media.ssrc_groups
        if group.semantics == "FID" and len(group.ssrcs) == 2
    }
    layers = next((group.ssrcs for group in media.ssrc_groups if group.semantics == "SIM"), ())
    secondary = {ssrc for group in media.ssrc_groups if group.semantics != "SIM" for ssrc in group.ssrcs[1:]}
    announced = dict.fromkeys(item.ssrc for item in media.ssrcs if item.ssrc not in secondary)
    primary = layers or tuple(announced)[:1]
    has_rtx = codec.rtx_payload_type is not None
    return tuple(Encoding(ssrc=ssrc, rtx_ssrc=repair.get(ssrc) if has_rtx else None) for ssrc in primary[:limit])

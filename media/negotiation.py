"""What the control plane needs to negotiate: one import for publishing, subscribing, WHIP and WHEP.

All of it is pure: text in, :mod:`media.api` values and text out. The caller hands the values to a Worker.
"""

from __future__ import annotations

from media.codec_choice import CodecPolicy, mime_type
from media.negotiated import OutTrack, Rejection
from media.publish_negotiation import SOURCE_KIND, PublishAnswer, PublishNegotiation
from media.sdp_fragment import CONTENT_TYPE, IceFragment, parse_fragment, restart_fragment
from media.sdp_model import NegotiationError, SdpError
from media.server_side import ServerSide, new_ice
from media.subscribe_negotiation import Offer, SubscribeAnswer, SubscribeNegotiation
from media.whep_answer import WhepAnswer, answer_whep

__all__ = [
    "CONTENT_TYPE",
    "SOURCE_KIND",
    "CodecPolicy",
    "IceFragment",
    "NegotiationError",
    "Offer",
    "OutTrack",
    "PublishAnswer",
    "PublishNegotiation",
    "Rejection",
    "SdpError",
    "ServerSide",
    "SubscribeAnswer",
    "SubscribeNegotiation",
    "WhepAnswer",
    "answer_whep",
    "mime_type",
    "new_ice",
    "parse_fragment",
    "restart_fragment",
]

"""GStreamer's webrtcbin as a WHIP publisher or WHEP player; run by Debian's own python3, which has gi.

``gstreamer_client.py publish-vp8|publish-h264|play URL`` with the token in the variable TOKEN. A player prints a line
``picture`` and a line ``sound`` when both have come. Runs until standard input ends, then deletes its session.
"""
# mypy: ignore-errors

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

TIMEOUT_S = 15
AUDIO = "audiotestsrc is-live=true volume=0.3 ! audioconvert ! opusenc ! rtpopuspay pt=111 ! webrtc."
VIDEO = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1 ! videoconvert"
PIPELINES = {
    "publish-vp8": f"{AUDIO} {VIDEO} ! vp8enc deadline=1 keyframe-max-dist=60 ! rtpvp8pay pt=96 ! webrtc.",
    "publish-h264": (
        f"{AUDIO} {VIDEO} ! openh264enc gop-size=30 ! h264parse config-interval=-1 "
        "! rtph264pay aggregate-mode=zero-latency pt=96 ! webrtc."
    ),
    "play": "fakesrc num-buffers=0 ! fakesink async=false",
}
RECEIVE = {
    "sound": "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,encoding-params=(string)2,payload=111",
    "picture": "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96",
}


def create_offer(webrtc):
    promise = Gst.Promise.new()
    webrtc.emit("create-offer", None, promise)
    if promise.wait() != Gst.PromiseResult.REPLIED:
        sys.exit("webrtcbin made no offer")
    # Each step in a name of its own: the bindings free the inner value with the outer one.
    reply = promise.get_reply()
    description = reply.get_value("offer")
    sdp = description.sdp
    return sdp.as_text()


def describe(webrtc, side, kind, text):
    _, message = GstSdp.SDPMessage.new_from_text(text)
    description = GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind), message)
    promise = Gst.Promise.new()
    webrtc.emit(f"set-{side}-description", description, promise)
    promise.wait()
    reply = promise.get_reply()
    if reply is not None and reply.has_field("error"):
        sys.exit(f"{side} {kind}: {reply.to_string()}")


def request(url, method, body=None):
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}", "Content-Type": "application/sdp"}
    asked = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as reply:
            return reply.read().decode(), reply.headers.get("Location")
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {url}: {error.code} {error.read().decode()}")


def play(pipeline, webrtc):
    """Decode what arrives and say so."""
    said = set()

    def arrived(name):
        if name not in said:
            said.add(name)
            print(name, flush=True)
        return Gst.PadProbeReturn.OK

    def added(_, pad):
        if pad.get_property("direction") != Gst.PadDirection.SRC:
            return
        audio = "media=(string)audio" in pad.get_current_caps().to_string()
        chain = "rtpopusdepay ! opusdec ! fakesink" if audio else "rtpvp8depay ! vp8dec ! fakesink"
        inner = Gst.parse_bin_from_description(chain.replace("fakesink", "fakesink name=end async=false"), True)
        end = inner.get_by_name("end").get_static_pad("sink")
        end.add_probe(Gst.PadProbeType.BUFFER, lambda *_: arrived("sound" if audio else "picture"))
        pipeline.add(inner)
        inner.sync_state_with_parent()
        pad.link(inner.get_static_pad("sink"))

    webrtc.connect("pad-added", added)
    for caps in RECEIVE.values():
        direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
        webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))


def main(mode, url):
    Gst.init(None)
    # With a second element in it, for a single one is not wrapped into a pipeline.
    pipeline = Gst.parse_launch(f"webrtcbin name=webrtc bundle-policy=max-bundle {PIPELINES[mode]}")
    webrtc = pipeline.get_by_name("webrtc")
    if mode == "play":
        play(pipeline, webrtc)
    pipeline.set_state(Gst.State.PLAYING)
    pipeline.get_state(TIMEOUT_S * Gst.SECOND)
    offer, deadline = "", time.monotonic() + TIMEOUT_S
    # The caps reach webrtcbin on a thread of their own; until then an offer has no m-line.
    while (offer.count("m=") < 2 or ("ssrc" not in offer and mode != "play")) and time.monotonic() < deadline:
        time.sleep(0.05)
        offer = create_offer(webrtc)
    answer, location = request(url, "POST", offer.encode())
    describe(webrtc, "local", "OFFER", offer)
    describe(webrtc, "remote", "ANSWER", answer)
    print("answered", flush=True)
    sys.stdin.read()
    request(urljoin(url, location), "DELETE")
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

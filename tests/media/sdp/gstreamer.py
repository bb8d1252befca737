"""Prints what GStreamer's webrtcbin says; run by Debian's own python3, which has gi: gstreamer.py MODE.

MODE: ``publish-vp8`` and ``publish-h264`` print an offer that sends, ``play`` one that receives, ``answer`` the answer
to the offer on standard input. What is printed ends with a line ``end``. After an offer an answer may follow on
standard input: then the signaling state and each transceiver's direction are printed, one a line.
"""
# mypy: ignore-errors

from __future__ import annotations

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC  # noqa: E402

TIMEOUT_S = 10
OPUS = "application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,encoding-params=(string)2,payload=111"
VP8 = "application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96"
# Debian's free plugins have no H264 encoder: the caps that x264enc ! rtph264pay gives.
H264 = (
    "application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload=96,"
    "packetization-mode=(string)1,profile-level-id=(string)42c015"
)
# What a payloader adds once it runs; webrtcbin offers nothing without an SSRC.
RUNNING = ",ssrc=(uint)%d,timestamp-offset=(uint)3,seqnum-offset=(uint)7"
TRACKS = {"publish-vp8": (OPUS, VP8), "publish-h264": (OPUS, H264), "play": (OPUS, VP8), "answer": ()}


def ask(webrtc, signal, field):
    promise = Gst.Promise.new()
    webrtc.emit(signal, None, promise)
    if promise.wait() != Gst.PromiseResult.REPLIED:
        sys.exit("webrtcbin did not reply")
    # Each step in a name of its own: the bindings free the inner value with the outer one.
    reply = promise.get_reply()
    description = reply.get_value(field)
    sdp = description.sdp
    return sdp.as_text()


def set_description(webrtc, side, kind, text):
    _, message = GstSdp.SDPMessage.new_from_text(text)
    description = GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind), message)
    promise = Gst.Promise.new()
    webrtc.emit(f"set-{side}-description", description, promise)
    promise.wait()
    reply = promise.get_reply()
    if reply is not None and reply.has_field("error"):
        sys.exit(reply.to_string())


def main(mode):
    Gst.init(None)
    pipeline = Gst.Pipeline.new(None)
    webrtc = Gst.ElementFactory.make("webrtcbin", None)
    webrtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
    pipeline.add(webrtc)
    for number, caps in enumerate(TRACKS[mode], 1001):
        if mode == "play":
            direction = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
            webrtc.emit("add-transceiver", direction, Gst.Caps.from_string(caps))
            continue
        source = Gst.ElementFactory.make("appsrc", None)
        source.set_property("is-live", True)
        source.set_property("caps", Gst.Caps.from_string(caps + RUNNING % number))
        pipeline.add(source)
        source.link(webrtc)
    pipeline.set_state(Gst.State.PLAYING)
    pipeline.get_state(TIMEOUT_S * Gst.SECOND)
    if mode == "answer":
        set_description(webrtc, "remote", "OFFER", sys.stdin.read())
    kind = "answer" if mode == "answer" else "offer"
    text, deadline = "", time.monotonic() + TIMEOUT_S
    # The caps reach webrtcbin on a thread of their own; until then an offer has no m-line.
    while text.count("m=") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
        text = ask(webrtc, f"create-{kind}", kind)
    sys.stdout.write(text + "end\n")
    sys.stdout.flush()
    answer = "" if mode == "answer" else sys.stdin.read()
    if answer:
        set_description(webrtc, "local", "OFFER", text)
        set_description(webrtc, "remote", "ANSWER", answer)
        sys.stdout.write(f"{webrtc.get_property('signaling-state').value_nick}\n")
        for number in range(2):
            transceiver = webrtc.emit("get-transceiver", number)
            sys.stdout.write(f"{transceiver.get_property('current-direction').value_nick}\n")
    pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(sys.argv[1])

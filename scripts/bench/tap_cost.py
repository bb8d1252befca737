"""What recording costs a Worker per packet: the same packets forwarded to one viewer with a tap and without.

One process, no network: packets go through the Producer, are written and encrypted for one viewer, and sent on loopback
UDP; the copy goes over a Unix socket to a thread-free sink that reads between the frames, outside of the time measured.
Rounds with and without a tap alternate; the medians are compared. Run as ``python -m scripts.bench.tap_cost``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import cast

from pylibsrtp import Policy, Session

from media import api
from media.consumer import Consumer
from media.producer import Producer
from media.srtp import SrtpContext
from media.taps import Taps
from media.transport import Transport
from media.udp import UdpPath, UdpSocket, bind

_VP8 = api.Codec("VP8", 96, 90_000, feedback=("nack", "nack pli"), rtx_payload_type=97)
_KEYFRAME = b"\x10\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"
_DELTA = b"\x10\x11\x02\x00"
_ROUND = 900


class _Viewer:
    """What the hot loop needs of a viewer's Transport."""

    def __init__(self, path: UdpPath, keys: SrtpContext) -> None:
        self.path = path
        self.keys = keys
        self.tx_handle = keys.handle
        self.tag_length = 16
        self.protect_failed = 0


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="pairs of rounds")
    parser.add_argument("--burst", type=int, default=9, help="packets per frame: 9 of 1100 bytes are 2.4 Mbps at 30/s")
    parser.add_argument("--size", type=int, default=1100, help="payload bytes")
    args = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()};"
        f" one viewer, bursts of {args.burst} packets of {args.size} bytes, {args.rounds} pairs of rounds"
    )
    with tempfile.TemporaryDirectory() as folder:
        _measure(args, Path(folder) / "recorder.sock")


def _key(udp: UdpSocket, sink: socket.socket) -> bytes:
    """The sink's address as the kernel writes it: it sends something first."""
    sink.sendto(b"x" * 20, udp.sock.getsockname()[:2])
    while not udp.receive():
        pass
    return udp.source(0)


def _measure(args: argparse.Namespace, path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    sink.setblocking(False)
    udp = bind("127.0.0.1", 0, ())[0]
    udp_path = UdpPath(udp, _key(udp, sink))
    policy = Policy(key=bytes(range(28)), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    viewer = _Viewer(udp_path, SrtpContext(Session(policy), 16))
    producer = Producer(
        api.ProducerParams("v", "video", "camera", "0", (_VP8,)), 0.0, lambda _ssrc: None, lambda _flowing: None
    )
    stream = producer.add_stream(1, None, 96)
    assert stream is not None
    params = api.ConsumerParams("c", "v", "video", "0", 0xAAAA, 0xAAAB, (_VP8,))
    producer.add_consumer(Consumer(params, producer, cast(Transport, viewer), 0.0), 0.0)
    taps = Taps(print)
    number = 0

    def forward(reader: socket.socket | None) -> float:
        nonlocal number
        spent = 0.0
        for _ in range(_ROUND // args.burst):
            now = number / args.burst / 30
            payloads = [
                (_DELTA if (number + index) % _ROUND else _KEYFRAME) + bytes(args.size) for index in range(args.burst)
            ]
            began = time.perf_counter()
            for index, payload in enumerate(payloads):
                extended = stream.receive(number & 0xFFFF, int(now * 90_000), args.size, now)
                producer.receive(stream, extended, int(now * 90_000), index == args.burst - 1, _VP8, payload, None, now)
                number += 1
            producer.flush(now)
            udp.end_turn()
            if taps:
                taps.tick(now)
            spent += time.perf_counter() - began
            for one in (sink, reader):
                if one is not None:
                    with contextlib.suppress(BlockingIOError):
                        while one.recv(1 << 20):
                            pass
        return spent / _ROUND * 1e6

    costs: dict[bool, list[float]] = {False: [], True: []}
    for index in range(args.rounds * 2 + 4):
        recording = bool(index % 2)
        now = number / args.burst / 30
        reader = None
        if recording:
            request = api.OpenTap("r", index + 1, "v", str(path), replay=False)
            taps.open(request, producer, lambda: 0.05, now)
            reader, _ = listener.accept()
            reader.setblocking(False)
        cost = forward(reader)
        if index >= 4:
            costs[recording].append(cost)
        if reader is not None:
            while taps:
                taps.close([index + 1], now)
                with contextlib.suppress(BlockingIOError):
                    while reader.recv(1 << 20):
                        pass
            reader.close()
    plain, recorded = statistics.median(costs[False]), statistics.median(costs[True])
    print(f"us per packet: {plain:.2f} without a tap, {recorded:.2f} with one; a tap adds {recorded - plain:.2f}"
          f" ({(recorded / plain - 1) * 100:.1f} % of forwarding to one viewer, bar 10 %)")


if __name__ == "__main__":
    main()

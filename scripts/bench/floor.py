"""The kernel's floor: packets made beforehand, handed to sendmmsg for as many sockets, nothing else.

Run in the server's namespace against :mod:`scripts.bench.sink` in the clients'. Prints one JSON object per rate.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import struct
import time

from media import libc
from media.libc import ffi
from scripts.bench.sources import FRAMES_PER_S

PACKET_BYTES = 1128


def run(target: str, ports: list[int], packets_per_s: int, seconds: float) -> dict[str, object]:
    """Send ``packets_per_s`` to each port in frames of 30 per second; returns CPU per packet."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    most = -(-packets_per_s // FRAMES_PER_S)
    data = ffi.new("char[]", os.urandom(PACKET_BYTES))
    iov = ffi.new("struct iovec *", {"iov_base": data, "iov_len": PACKET_BYTES})
    names = [
        ffi.new("char[]", struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + socket.inet_aton(target) + bytes(8))
        for port in ports
    ]
    vec = ffi.new("struct mmsghdr[]", most * len(ports))
    for index in range(most * len(ports)):
        header = vec[index].msg_hdr
        header.msg_name, header.msg_namelen = names[index // most], 16
        header.msg_iov, header.msg_iovlen = iov, 1
    sent = 0
    owed = 0.0
    cpu, started = time.process_time(), time.perf_counter()
    due = started
    while due - started < seconds:
        due += 1 / FRAMES_PER_S
        time.sleep(max(0.0, due - time.perf_counter()))
        owed += packets_per_s / FRAMES_PER_S
        count = int(owed)
        owed -= count
        for viewer in range(len(ports)):
            done = 0
            while done < count:
                done += max(1, libc.libc.sendmmsg(sock.fileno(), vec + viewer * most + done, count - done, 0))
            sent += count
    cpu = time.process_time() - cpu
    return {"phase": "floor", "packets_per_s": packets_per_s, "cpu_us_per_packet": round(cpu / sent * 1e6, 2)}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--ports", required=True, help="first,count")
    parser.add_argument("--rates", type=int, nargs="+", default=[200, 600])
    parser.add_argument("--seconds", type=float, default=5.0)
    args = parser.parse_args()
    first, count = (int(part) for part in args.ports.split(","))
    for rate in args.rates:
        print(json.dumps(run(args.target, list(range(first, first + count)), rate, args.seconds)), flush=True)


if __name__ == "__main__":
    main()

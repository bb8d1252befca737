"""Sockets that read and count: the other end of the floor measurement. Prints ``ready``, then the count at the end."""

from __future__ import annotations

import argparse
import select
import socket

from scripts.bench.raw_peer import _Receiver


def main() -> None:
    """Entry point; ends 2 s after the last packet, or after ``--seconds``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bind", required=True)
    parser.add_argument("--ports", required=True, help="first,count")
    args = parser.parse_args()
    first, count = (int(part) for part in args.ports.split(","))
    poller = select.epoll()
    sockets = []
    for port in range(first, first + count):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind((args.bind, port))
        sock.setblocking(False)
        poller.register(sock.fileno(), select.EPOLLIN)
        sockets.append(sock)
    receiver = _Receiver()
    print("ready", flush=True)
    total = 0
    while True:
        events = poller.poll(2.0 if total else 30.0)
        if not events:
            break
        for fd, _ in events:
            while (count := receiver.read(fd)) > 0:
                total += count
    print(total, flush=True)


if __name__ == "__main__":
    main()

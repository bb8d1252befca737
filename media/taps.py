"""The taps of one Worker, and its connections to recorders: opened, cut, closed, and kept from ever costing a viewer.

Nothing here waits. A recorder that reads too slowly costs the recording, beyond 8 MiB, and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import socket
from collections import deque
from collections.abc import Callable, Iterable

from media import api, tap_wire
from media.producer import Producer
from media.rpc import RpcError
from media.tap import Tap

logger = logging.getLogger(__name__)

#: What one recorder may be behind; beyond it media is dropped, until it has read half of it.
MAX_BACKLOG = 8 * 1024 * 1024
#: For records that must not be missing. A recorder that lets even this fill up is given up.
RESERVE = 256 * 1024
_SEND_BUFFER = 1 << 20
#: Blocks per sendmsg; the kernel takes up to 1024.
_VECTOR = 256
_GOODBYE_S = 1.0


class Link:
    """One connection to a recorder. Raises OSError when nobody listens at ``path``."""

    __slots__ = ("_blocks", "_socket", "backlog", "broken", "full", "path", "taps")

    def __init__(self, path: str) -> None:
        self.path = path
        self.taps: dict[int, Tap] = {}
        self.backlog = 0
        self.full = False
        self.broken = False
        self._blocks: deque[bytes | memoryview] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise
        self.put(tap_wire.hello())

    def offer(self, data: bytes) -> bool:
        """Queue a frame of media. False when the recorder is too far behind."""
        if self.full or self.backlog + len(data) > MAX_BACKLOG:
            self.full = True
            return False
        self._queue(data)
        return True

    def put(self, data: bytes) -> None:
        """Queue a frame that must not be missing."""
        if self.backlog + len(data) > MAX_BACKLOG + RESERVE:
            self.broken = True
        else:
            self._queue(data)

    def _queue(self, data: bytes) -> None:
        self._blocks.append(data)
        self.backlog += len(data)

    def send(self) -> None:
        """Write what the kernel takes, and notice when the other end is gone."""
        if self.broken:
            return
        idle = not self._blocks
        try:
            while self._blocks:
                self._sent(self._socket.sendmsg([block for block, _ in zip(self._blocks, range(_VECTOR), strict=False)]))
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.broken = True
            return
        if not idle:
            # Writing would have failed.
            return
        with contextlib.suppress(BlockingIOError, InterruptedError):
            try:
                # A recorder says nothing: an answer, even an empty one, is the end.
                self._socket.recv(1)
            except (BlockingIOError, InterruptedError):
                raise
            except OSError:
                pass
            self.broken = True

    def _sent(self, count: int) -> None:
        self.backlog -= count
        while count:
            block = self._blocks.popleft()
            if len(block) > count:
                self._blocks.appendleft(memoryview(block)[count:])
                return
            count -= len(block)

    def close(self, grace_s: float = 0.0) -> None:
        """End the connection; with ``grace_s`` what is queued may take that long to leave."""
        if grace_s and self._blocks and not self.broken:
            with contextlib.suppress(OSError):
                self._socket.settimeout(grace_s)
                for block in self._blocks:
                    self._socket.sendall(block)
        self._blocks.clear()
        self._socket.close()


class Taps:
    """``emit`` reports to the control plane."""

    def __init__(self, emit: Callable[[api.Event], None]) -> None:
        self._emit = emit
        self._links: dict[str, Link] = {}
        self._taps: dict[int, tuple[Tap, Link]] = {}
        self._behind: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._links)

    def open(self, request: api.OpenTap, producer: Producer, rtt_s: Callable[[], float], now: float) -> None:
        """Begin a copy. Raises RpcError."""
        if request.tap in self._taps:
            raise RpcError("tap_exists", f"tap {request.tap} exists")
        if not 0 < request.tap < 1 << 32:
            raise RpcError("bad_request", "a tap's number is 1 to 4294967295")
        link = self._link(request.socket)
        tap = Tap(
            request.tap,
            producer,
            link,
            now,
            given=request.format,
            keyframe_s=request.keyframe_s,
            rtt_s=rtt_s,
            replay=request.replay,
            cut=request.cut,
        )
        self._taps[request.tap] = (tap, link)
        link.taps[request.tap] = tap
        producer.taps = (*producer.taps, tap)
        self._settle(now)

    def _link(self, path: str) -> Link:
        link = self._links.get(path)
        if link is not None:
            # Its end may not have been noticed yet, and another recorder listen there by now.
            link.send()
            if not link.broken:
                return link
            self._give_up(link)
        try:
            link = self._links[path] = Link(path)
        except OSError as exc:
            raise RpcError("recorder_unreachable", f"no recorder listens at {path}: {exc.strerror or exc}") from None
        return link

    def cut(self, numbers: Iterable[int], cut: bool, now: float) -> None:
        """Stop these copies, or let them go on, between the same two packets."""
        for number in numbers:
            if number in self._taps:
                self._taps[number][0].set_cut(cut, now)
        self._settle(now)

    def close(self, numbers: Iterable[int], now: float) -> None:
        """End these copies."""
        for number in list(numbers):
            entry = self._taps.get(number)
            if entry is not None:
                entry[0].state("closed", now)
                self._forget(*entry)
        self._settle(now)

    def _forget(self, tap: Tap, link: Link) -> None:
        self._taps.pop(tap.number, None)
        link.taps.pop(tap.number, None)
        tap.producer.taps = tuple(other for other in tap.producer.taps if other is not tap)

    def producer_closed(self, producer: Producer, now: float) -> None:
        """A Track ended, and its copies with it."""
        if producer.taps:
            self.close([tap.number for tap in producer.taps], now)

    def tell(self, producer: Producer, state: tap_wire.TapState, now: float) -> None:
        """Something became of a Track that is to be seen in its recordings."""
        for tap in producer.taps:
            tap.state(state, now)

    def tick(self, now: float) -> None:
        """Every 20 ms, after the viewers' packets are sent."""
        for tap, _ in list(self._taps.values()):
            try:
                tap.tick(now)
            except Exception:
                # Our own bug costs this copy, never a viewer.
                logger.exception("tap %d", tap.number)
                self._forget(*self._taps[tap.number])
                self._emit(api.TapLost((tap.number,), "failed"))
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Send, and say what became of the recorders."""
        for link in list(self._links.values()):
            link.send()
            if link.broken:
                self._give_up(link)
                continue
            if link.full and link.path not in self._behind:
                self._behind.add(link.path)
                if link.taps:
                    self._emit(api.TapLost(tuple(link.taps), "overflow"))
            if link.full and link.backlog <= MAX_BACKLOG // 2:
                link.full = False
                self._behind.discard(link.path)
                if link.taps:
                    self._emit(api.TapBack(tuple(link.taps)))
            if not link.taps and not link.backlog:
                del self._links[link.path]
                self._behind.discard(link.path)
                link.close()

    def _give_up(self, link: Link) -> None:
        del self._links[link.path]
        self._behind.discard(link.path)
        lost = tuple(link.taps)
        for tap in list(link.taps.values()):
            self._forget(tap, link)
        link.close()
        if lost:
            self._emit(api.TapLost(lost, "recorder_gone"))

    def end(self, now: float) -> None:
        """The Worker ends: close all copies properly."""
        self.close(list(self._taps), now)
        for link in self._links.values():
            link.close(_GOODBYE_S)
        self._links.clear()

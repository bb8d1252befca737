"""A Room in service: its state machine, its Peers, and the Router on a Worker that carries its media."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from media.api import Candidate, OpenRouter, ProducerParams, Request, WorkerInfo
from media.rpc import RpcError, WorkerLost
from signaling.chat import BackChannel, Chat
from signaling.errors import ApiError, known
from signaling.invite import Invite
from signaling.peer import Peer, new_id
from signaling.room import Room

logger = logging.getLogger(__name__)
R = TypeVar("R")
RETRY_AFTER_S = 1.0


class Worker(Protocol):
    """What the control plane needs of :class:`media.pool.WorkerHandle`."""

    @property
    def id(self) -> str:
        """Unique per process, also across restarts."""

    @property
    def info(self) -> WorkerInfo:
        """Its ports and its current certificate."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What to advertise for it."""

    @property
    def alive(self) -> bool:
        """False once lost."""

    async def call(self, request: Request[R], timeout_s: float = 5.0) -> R:
        """Raises RpcError or WorkerLost."""


class Pool(Protocol):
    """What the control plane needs of :class:`media.pool.WorkerPool`."""

    def place(self) -> Worker:
        """The least loaded Worker. Raises WorkerLost when none is alive."""


async def call(worker: Worker, request: Request[R]) -> R:
    """Ask a Worker. Raises ApiError ``worker_unavailable``, or the Worker's own refusal."""
    try:
        return await worker.call(request)
    except WorkerLost:
        raise ApiError("worker_unavailable", retry_after_s=RETRY_AFTER_S) from None
    except RpcError as exc:
        logger.warning("worker %s refused %s: %s", worker.id, request.method, exc)
        raise ApiError(known(exc.code), detail=exc.message) from None


@dataclass(slots=True, eq=False)
class Placement:
    """One Router on one Worker. A Room that moves gets a new one, so that late news of the old one is recognised."""

    worker: Worker
    router_id: str
    opened: asyncio.Task[None]


@dataclass(slots=True, eq=False)
class LiveRoom:
    """``producers`` has the negotiated parameters of every track, by track id."""

    state: Room
    chat: Chat = field(default_factory=Chat)
    backchannel: BackChannel = field(default_factory=BackChannel)
    staff_told: list[dict[str, str]] = field(default_factory=list)
    peers: dict[str, Peer] = field(default_factory=dict)
    producers: dict[str, ProducerParams] = field(default_factory=dict)
    placement: Placement | None = None
    timer: asyncio.TimerHandle | None = None

    def pending(self) -> tuple[Invite, ...]:
        """The invitations and offers that wait for an answer."""
        return self.state.pending_invites()

    def pending_for(self, identity: str) -> list[Invite]:
        """Those that would bring this person on stage."""
        return [invite for invite in self.pending() if invite.guest == identity]

    async def place(self, pool: Pool) -> Placement:
        """The Router of this Room, opened if need be; concurrent callers share one opening. Raises ApiError."""
        if self.placement is None:
            try:
                worker = pool.place()
            except WorkerLost:
                raise ApiError("worker_unavailable", retry_after_s=RETRY_AFTER_S) from None
            router_id = new_id("r")
            opening = asyncio.create_task(call(worker, OpenRouter(router_id)))
            self.placement = Placement(worker, router_id, opening)
        placement = self.placement
        try:
            await asyncio.shield(placement.opened)
        except ApiError:
            if self.placement is placement:
                self.placement = None
            raise
        return placement

    def require(self, placement: Placement, peer: Peer) -> None:
        """After an await: raise ApiError unless the Peer and the Router that the caller started with still exist."""
        if peer.gone:
            raise ApiError("session_not_found")
        if self.placement is not placement:
            raise ApiError("worker_unavailable", retry_after_s=RETRY_AFTER_S)

    def take_placement(self) -> Placement | None:
        """Forget the Router; the next media request finds a new place."""
        placement, self.placement = self.placement, None
        return placement

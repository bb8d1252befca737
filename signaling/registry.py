"""The Rooms of a Node: made on the first join or by the API, remembered by the database, ended for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.auth import ROOM_NAME
from signaling.config import Config
from signaling.errors import ApiError, bad_message
from signaling.placement import LiveRoom
from signaling.room import Room
from signaling.room_model import Closing, Policy
from signaling.store import RoomRecord

if TYPE_CHECKING:
    from signaling.hub import Hub


class Registry:
    """The hub's part for Rooms as such."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def open(self, name: str) -> LiveRoom:
        """The Room under this name, made if settings allow it. Raises ApiError."""
        if self._hub.closing:
            raise ApiError("server_restart", retry_after_s=2.0)
        room = self._hub.rooms.get(name)
        if room is not None:
            return room
        if not ROOM_NAME.fullmatch(name):
            raise bad_message("room", "choice")
        record = await self._hub.store.room(name)
        # Another join may have made it while the database was asked.
        if name in self._hub.rooms:
            return self._hub.rooms[name]
        if record is not None and record.ended_at is not None:
            raise ApiError("room_ended")
        if record is None and not self._hub.config.rooms.create_on_join:
            raise ApiError("room_not_found")
        return self._make(record or RoomRecord(name, "", self._hub.policy, self._hub.wall()))

    async def create(self, record: RoomRecord) -> LiveRoom:
        """Make (or make again) a Room that the database remembers. Raises ApiError ``room_exists``."""
        if record.name in self._hub.rooms:
            raise ApiError("room_exists")
        former = await self._hub.store.room(record.name)
        if (former is not None and former.ended_at is None) or record.name in self._hub.rooms:
            raise ApiError("room_exists")
        await self._hub.store.save_room(record)
        return self._hub.rooms.get(record.name) or self._make(record)

    async def end(self, name: str) -> None:
        """End a Room for good: everybody leaves, and joins are refused until it is made again."""
        record = await self._hub.store.room(name)
        room = self._hub.rooms.get(name)
        if record is None and room is None:
            raise ApiError("room_not_found")
        if record is None:
            record = RoomRecord(name, "", self._hub.policy, self._hub.wall())
            await self._hub.store.save_room(record)
        await self._hub.store.end_room(name)
        # First, while those in it can still be told how their calls ended.
        self._hub.helping.room_ended(name)
        if room is not None:
            self._hub.apply(room, Closing("room_ended"))

    def _make(self, record: RoomRecord) -> LiveRoom:
        if len(self._hub.rooms) >= self._hub.config.rooms.max_rooms:
            raise ApiError("room_full", retry_after_s=10.0)
        now = self._hub.clock()
        room = LiveRoom(Room(record.name, record.title, record.policy, self._hub.wall() - now, now))
        self._hub.rooms[record.name] = room
        self._hub.arm(room)
        return room


def policy_of(config: Config) -> Policy:
    """The limits of a Room that is made without any of its own."""
    rooms = config.rooms
    return Policy(
        max_peers=rooms.max_peers,
        max_publishers=rooms.max_publishers,
        max_tracks=rooms.max_tracks,
        max_stage=rooms.max_stage,
        empty_timeout_s=rooms.empty_timeout_s,
        departure_timeout_s=rooms.departure_timeout_s,
        away_grace_s=rooms.away_grace_s,
        resume_window_s=rooms.resume_window_s,
        duplicate_identity=rooms.duplicate_identity,
    )

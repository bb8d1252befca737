"""Who says yes in the demo: the synthetic host cannot press a button, so somebody else in control of its room does.

An ordinary WebSocket client (PROTOCOL.md section 1) with the role supervisor in one room: it opens the hands, invites
whoever raises one, and lets on stage whoever offers to come. Like this one browser is enough to try the stage.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Mapping
from typing import Any

import aiohttp

logger = logging.getLogger(__name__)

RETRY_MIN_S = 1.0
RETRY_MAX_S = 15.0
ANSWER_S = 1.2
HEARD_S = 45.0


class Director:
    """In control of one room of one service. ``tls`` is aiohttp's ``ssl`` argument."""

    def __init__(self, url: str, room: str, tls: Any) -> None:
        self._url = url.rstrip("/")
        self._room = room
        self._tls = tls
        self._number = 0
        #: Whose hand was seen up before: each is invited once.
        self._hands: set[str] = set()

    async def run(self) -> None:
        """Do it for ever; returns only when cancelled."""
        retry_s = RETRY_MIN_S
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=10.0)) as http:
            while True:
                try:
                    await self._direct(http)
                    retry_s = RETRY_MIN_S
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError) as exc:
                    logger.info("not directing: %s", str(exc) or type(exc).__name__)
                await asyncio.sleep(retry_s * random.uniform(0.8, 1.2))
                retry_s = min(RETRY_MAX_S, retry_s * 2)

    async def _direct(self, http: aiohttp.ClientSession) -> None:
        wanted = {"room": self._room, "identity": "synthetic-director", "role": "supervisor", "name": "导播 Director"}
        async with http.post(f"{self._url}/dev/token", json=wanted, ssl=self._tls) as reply:
            reply.raise_for_status()
            token = (await reply.json())["token"]
        self._hands.clear()
        async with http.ws_connect(f"{self._url.replace('http', 'ws', 1)}/ws", ssl=self._tls) as socket:
            await self._say(socket, "join", v=1, token=token, subscribe="none", locale="en")
            await self._say(socket, "open_hands", open=True)
            while True:
                message = await socket.receive(timeout=HEARD_S)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                await self._hear(socket, json.loads(message.data))

    async def _hear(self, socket: aiohttp.ClientWebSocketResponse, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "invite" if event["invite"]["state"] == "pending" and event["invite"]["direction"] == "request":
                # As if somebody had to look first.
                await asyncio.sleep(ANSWER_S)
                await self._say(socket, "accept_invite", invite=event["invite"]["id"])
            case "hands":
                raised = {hand["identity"] for hand in event["hands"]}
                for identity in sorted(raised - self._hands):
                    await self._say(socket, "invite", target={"identity": identity})
                self._hands = raised
            case "room_state" if event["state"] == "live":
                # The end of a show closes the hands.
                await self._say(socket, "open_hands", open=True)

    async def _say(self, socket: aiohttp.ClientWebSocketResponse, kind: str, **fields: Any) -> None:
        self._number += 1
        await socket.send_json({"type": kind, "id": self._number, **fields})

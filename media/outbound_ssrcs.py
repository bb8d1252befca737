"""The SSRCs that Tracks get towards viewers: dealt, never drawn, so that none comes back on a Transport.

SRTP must not see one SSRC twice under one key: a Consumer that ends takes its stream out of libsrtp, so a second one
would begin at index 0 again, and AES-GCM would encrypt two packets under one nonce (RFC 7714 section 8.4). To remember
every SSRC that a viewer was ever sent would be sure, and would grow for as long as guests come and go. So SSRCs are
computed from the Producer's ``number``, which a counter gives out and nobody has twice: two Producers cannot meet in
one SSRC, as hashes of their ids might (after 200 guests with a chance of 1 in 10,000). Only *one and the same* Producer
can come back to a viewer; for that the newest few numbers are remembered, and all older ones count as used.
"""

from __future__ import annotations

import secrets

from media.api import next_producer_number

#: Pairs of SSRCs per Producer: as often it can be offered to viewers anew with all of them still sharing its packets.
ATTEMPTS = 4
#: More than the Tracks of one offer (:data:`media.sdp.MAX_MEDIA`), so that filling an offer never ages its own Tracks.
REMEMBERED = 64
#: Odd, so that the numbers 0 to 2^32 - 1 are only put in another order; they repeat after 2^29 Producers.
_STEP = 0x9E3779B1
_START = secrets.randbits(32)
_MASK = 0xFFFFFFFF


class OutboundSsrcs:
    """What one Transport was given. Viewers that saw a Track as often get the same SSRCs for it, and share its packets."""

    __slots__ = ("_attempts", "_floor")

    def __init__(self) -> None:
        #: By number, the attempts used up; of numbers up to ``_floor`` none is left.
        self._attempts: dict[int, int] = {}
        self._floor = 0

    def __len__(self) -> int:
        return len(self._attempts)

    def deal(self, number: int) -> tuple[int, int]:
        """A media and a repair SSRC that this Transport never had, for the Producer with this ``number``.

        0 and 1 are never given out (1 is the server's RTCP identity).
        """
        if number > self._floor:
            for attempt in range(self._attempts.get(number, 0), ATTEMPTS):
                pair = _pair(number, attempt)
                if min(pair) > 1:
                    self._note(number, attempt + 1)
                    return pair
        # Perhaps used up, perhaps forgotten: a number of this Transport's own, which is not given to any Producer.
        while min(pair := _pair(next_producer_number(), 0)) <= 1:
            pass
        return pair

    def _note(self, number: int, attempts: int) -> None:
        self._attempts[number] = attempts
        if len(self._attempts) > REMEMBERED:
            self._floor = min(self._attempts)
            del self._attempts[self._floor]


def _pair(number: int, attempt: int) -> tuple[int, int]:
    place = (number * ATTEMPTS + attempt) * 2
    return (_START + place * _STEP) & _MASK, (_START + (place + 1) * _STEP) & _MASK

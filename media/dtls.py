"""DTLS-SRTP for one Transport (RFC 5764), by aiortc's ``RTCDtlsTransport`` behind a stand-in for its ICE transport.

Only the handshake runs there. Afterwards its task is cancelled and the two SRTP sessions are taken over; late DTLS
records (a repeated last flight, ``close_notify``) are fed to the TLS object directly. Differences to stock aiortc:

- all Transports share one TLS context per certificate (a context each costs tens of kilobytes);
- AES-GCM is preferred over AES-CM, and RSA certificates of the peer are accepted when we are the client;
- a lost flight is repeated after 60 ms, doubling, instead of OpenSSL's 1 s: identical records, which a peer that has
  them already drops as replays.

Attributes of aiortc that are used although private: ``_srtp_profiles``, ``_set_role``, ``_rx_srtp``, ``_tx_srtp``,
``_task``, ``_ssl``, ``RTCCertificate._create_ssl_context``. ``tests/media/test_dtls.py`` names each of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL

from media.api import DtlsParams
from media.srtp import SrtpContext

logger = logging.getLogger(__name__)

HANDSHAKE_TIMEOUT_S = 15.0
MAX_QUEUED = 16
MAX_DATAGRAM = 1500
_ALERT = 21
_FIRST_REPEAT_S = 0.06
_MAX_REPEATS = 6
_MAX_FLIGHT = 4
_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:"
    b"ECDHE-RSA-AES256-SHA"
)
_PREFERRED = [
    profile
    for profile in (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80)
    if profile in SRTP_PROFILES
]


class Certificate(RTCCertificate):
    """A certificate whose TLS context is made once and shared by every handshake with it."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_cipher_list(_CIPHERS)
        return self._context

    @property
    def fingerprint(self) -> str:
        """The sha-256 fingerprint as SDP writes it."""
        return next(f.value for f in self.getFingerprints() if f.algorithm == "sha-256")


class _IceStandIn:
    """What ``RTCDtlsTransport`` needs of an ICE transport: a bounded inbox, a way out, and a role."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_now = send
        self._inbox: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._flight: list[bytes] = []
        self._heard = False
        self._repeats = 0
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> bool:
        if self._closed or len(self._inbox) >= MAX_QUEUED:
            return False
        self._inbox.append(data)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        return True

    async def _recv(self) -> bytes:
        while not self._inbox:
            if self._closed:
                raise ConnectionError
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        # Perhaps the answer to our last flight; but a repeat of the peer's own, or garbage, says that nothing arrived.
        # TLS knows: it makes the next flight only when this one was answered.
        self._heard = True
        return self._inbox.popleft()

    async def _send(self, data: bytes) -> None:
        self._send_now(data)
        if self._heard or len(self._flight) >= _MAX_FLIGHT:
            self._heard = False
            self._flight.clear()
        self._flight.append(data)
        self._repeats = 0
        self._arm()

    def _arm(self) -> None:
        self._cancel_timer()
        if not self._closed and self._repeats < _MAX_REPEATS:
            delay = _FIRST_REPEAT_S * 2**self._repeats
            self._timer = asyncio.get_running_loop().call_later(delay, self._repeat)

    def _repeat(self) -> None:
        self._repeats += 1
        for data in self._flight:
            self._send_now(data)
        self._arm()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self._closed = True
        self._cancel_timer()
        self._flight.clear()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class DtlsEndpoint:
    """One handshake and what it leaves behind.

    ``send`` puts a datagram on the Transport's current path. ``on_connected(tx, rx, profile)``, ``on_failed(reason)``
    and ``on_closed()`` are called from the event loop, at most once each; ``on_alert()`` when, after :meth:`release`,
    something came that looks like an alert but can no longer be verified. Datagrams fed before :meth:`start` wait
    (at most 16), so a ClientHello may overtake the SDP answer.
    """

    def __init__(
        self,
        certificate: Certificate,
        send: Callable[[bytes], None],
        on_connected: Callable[[SrtpContext, SrtpContext, str], None],
        on_failed: Callable[[str], None],
        on_closed: Callable[[], None],
        on_alert: Callable[[], None] = lambda: None,
    ) -> None:
        self._certificate = certificate
        self._send = send
        self._on_connected = on_connected
        self._on_failed = on_failed
        self._on_closed = on_closed
        self._on_alert = on_alert
        self._ice: _IceStandIn | None = _IceStandIn(send)
        self._task: asyncio.Task[None] | None = None
        self._ssl: Any = None

    @property
    def started(self) -> bool:
        """Whether the handshake was begun."""
        return self._task is not None or self._ssl is not None

    def start(self, params: DtlsParams) -> None:
        """Begin the handshake. Later calls do nothing: a restart of ICE keeps the session."""
        if not self.started and self._ice is not None:
            self._task = asyncio.get_running_loop().create_task(self._handshake(self._ice, params))

    def feed(self, data: bytes) -> bool:
        """Hand over one DTLS datagram from the peer's validated address. False: nothing came of it."""
        if not 0 < len(data) <= MAX_DATAGRAM:
            return False
        if self._ice is not None:
            return self._ice.feed(data)
        return self._feed_established(data)

    async def _handshake(self, ice: _IceStandIn, params: DtlsParams) -> None:
        dtls = RTCDtlsTransport(ice, [self._certificate])  # type: ignore[arg-type]
        dtls._srtp_profiles = _PREFERRED
        dtls._set_role(params.role)
        fingerprints = [RTCDtlsFingerprint(f.algorithm, f.value) for f in params.fingerprints]
        reason = "dtls_failed"
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                await dtls.start(RTCDtlsParameters(fingerprints=fingerprints, role=params.role))
        except TimeoutError:
            reason = "dtls_timeout"
        except Exception as exc:
            # Whatever a hostile flight makes OpenSSL or certificate parsing raise ends this Transport only.
            logger.debug("handshake: %r", exc)
        if dtls._task is not None:
            dtls._task.cancel()
        if self._ice is not ice:
            # Closed meanwhile: the end of the inbox can reach aiortc before our cancellation, which it then swallows.
            return
        self._task = None
        if dtls.state != "connected" or dtls._ssl is None:
            ice.close()
            self._ice = None
            self._on_failed(reason)
            return
        self._ssl = dtls._ssl
        self._ice = None
        leftovers = list(ice._inbox)
        ice.close()
        profile = dtls._ssl.get_selected_srtp_profile().decode()
        tag = 10 if profile.endswith("SHA1_80") else 16
        self._on_connected(SrtpContext(dtls._tx_srtp, tag), SrtpContext(dtls._rx_srtp, tag), profile)
        for data in leftovers:
            self._feed_established(data)

    def release(self) -> None:
        """Free the TLS state (48 KiB): the SRTP keys are all that an established session needs.

        From then on the peer's ``close_notify`` cannot be told from a forgery; see ``on_alert``.
        """
        if self._ice is None:
            self._ssl = None

    def _feed_established(self, data: bytes) -> bool:
        """Whether the datagram was a verified goodbye, or a repeat that had to be answered."""
        if self._ssl is None:
            if data[0] == _ALERT:
                self._on_alert()
            return False
        closed = answered = False
        try:
            self._ssl.bio_write(data)
            self._ssl.recv(MAX_DATAGRAM)
        except SSL.ZeroReturnError:
            closed = True
        except SSL.Error:
            pass
        with contextlib.suppress(SSL.Error):
            while reply := self._ssl.bio_read(MAX_DATAGRAM):
                self._send(reply)
                answered = True
        if closed:
            self._ssl = None
            self._on_closed()
        return closed or answered

    def close(self) -> None:
        """Say ``close_notify`` when connected, and stop."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._ice is not None:
            self._ice.close()
            self._ice = None
        if self._ssl is not None:
            with contextlib.suppress(SSL.Error):
                self._ssl.shutdown()
            with contextlib.suppress(SSL.Error):
                while reply := self._ssl.bio_read(MAX_DATAGRAM):
                    self._send(reply)
            self._ssl = None

"""The pages and the client library, as they lie in ``web/``, with headers that keep them what they are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from signaling.auth import ROOM_NAME
from signaling.errors import ApiError

FOLDERS = ("sdk", "pages", "styles", "i18n", "icons", "widget")
#: What any page includes to have the help widget.
WIDGET = "widget.js"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webp": "image/webp",
    ".mp3": "audio/mpeg",
}


def content_security_policy(images: Sequence[str] = ()) -> str:
    """``images``: origins whose pictures are shown as well."""
    rules = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        " ".join(("img-src 'self' data: blob:", *images)),
        "font-src 'self'",
        "media-src 'self' blob: mediastream:",
        "connect-src 'self' ws: wss:",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
    return "; ".join(rules)


CONTENT_SECURITY_POLICY = content_security_policy()
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(
        f"{feature}=(self)"
        for feature in ("camera", "microphone", "display-capture", "fullscreen", "autoplay", "picture-in-picture")
    ),
    "Cache-Control": "no-cache",
}
#: The library and the widget are for pages of any origin, also those that are isolated (Cross-Origin-Embedder-Policy).
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
NOTHING_MORE: Mapping[str, str] = {}
META_PLACE = b"<!--lianmai:meta-->"
DEMO_MARK = b'<meta name="lianmai-demo" content="1">'


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    etag: str
    content_type: str


class Pages:
    """Reads files on demand and keeps them until they change on disk. ``root`` is ``web/``; ``images``: origins from which
    the agent's console shows the pictures of cards."""

    def __init__(self, root: Path, *, demo: bool, images: Sequence[str] = ()) -> None:
        self._cards = {"Content-Security-Policy": content_security_policy(images)}
        self._root = root.resolve()
        self._demo = demo
        self._cache: dict[Path, tuple[tuple[int, int], _File]] = {}

    def routes(self) -> web.RouteTableDef:
        """The table for :meth:`aiohttp.web.Application.add_routes`."""
        table = web.RouteTableDef()
        table.get("/")(self._page("landing.html"))
        table.get("/live/{room}")(self._page("live.html"))
        table.get("/host/{room}")(self._page("host.html"))
        table.get("/agent")(self._page("agent.html", self._cards))
        table.get("/help")(self._page("help.html"))
        table.get("/wall")(self._page("wall.html"))
        table.get("/kpi")(self._page("kpi.html"))
        table.get("/favicon.ico")(self._favicon)
        table.get("/web/{path:.+}")(self._asset)
        return table

    def _page(self, name: str, more: Mapping[str, str] = NOTHING_MORE) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def show(request: web.Request) -> web.StreamResponse:
            room = request.match_info.get("room")
            if room is not None and not ROOM_NAME.fullmatch(room):
                raise ApiError("not_found")
            return await self._serve(request, self._root / "pages" / name, more)

        return show

    async def _favicon(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, self._root / "icons" / "favicon.svg")

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        parts = request.match_info["path"].split("/")
        # Nothing hidden and nothing upwards: each part is a plain name, before the file system sees any of it.
        known = parts[0] in FOLDERS or parts == [WIDGET]
        if not known or any(not part or part.startswith(".") or "\\" in part for part in parts):
            raise ApiError("not_found")
        return await self._serve(request, self._root.joinpath(*parts), SHARED)

    async def _serve(
        self, request: web.Request, path: Path, more: Mapping[str, str] = NOTHING_MORE
    ) -> web.StreamResponse:
        file = await asyncio.to_thread(self._load, path)
        if file is None:
            raise ApiError("not_found")
        headers = {**HEADERS, **more, "ETag": f'"{file.etag}"', "Content-Type": file.content_type}
        if any(tag.value in (file.etag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.body, headers=headers)

    def _load(self, path: Path) -> _File | None:
        content_type = TYPES.get(path.suffix)
        try:
            resolved = path.resolve(strict=True)
            status = resolved.stat()
        except (OSError, ValueError):
            return None
        if content_type is None or not resolved.is_relative_to(self._root) or not resolved.is_file():
            return None
        version = (status.st_mtime_ns, status.st_size)
        cached = self._cache.get(resolved)
        if cached is not None and cached[0] == version:
            return cached[1]
        body = resolved.read_bytes()
        if self._demo and path.suffix == ".html":
            body = body.replace(META_PLACE, DEMO_MARK, 1)
        file = _File(body, hashlib.sha256(body).hexdigest()[:24], content_type)
        self._cache[resolved] = (version, file)
        return file

"""Pages of another origin: which addresses they may use, and which not."""

from __future__ import annotations

import pytest

from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import config

SHOP = {"Origin": "https://shop.example"}
ASKS = {**SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.mark.parametrize("path", ["/api/v1/calls/c1/files", "/api/v1/calls/c1/rating"])
async def test_calls_are_for_pages_of_any_shop(site: Site, path: str) -> None:
    async with site.http.options(path, headers=ASKS) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    async with site.http.post(path, headers=SHOP) as response:
        assert response.status in (401, 404)
        assert response.headers["Access-Control-Allow-Origin"] == "*", "a refusal can be read as well"


async def test_only_the_origins_of_the_settings(make_site: MakeSite) -> None:
    site = await make_site(config(http__allow_origins=("https://shop.example",)))
    for origin, allowed in (("https://shop.example", "https://shop.example"), ("https://evil.example", None)):
        async with site.http.options("/api/v1/calls/c1/files", headers={**ASKS, "Origin": origin}) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
            assert response.headers["Vary"] == "Origin"


async def test_the_rest_is_not(make_site: MakeSite) -> None:
    site = await make_site(config(demo__enabled=True))
    for path in ("/api/v1/rooms", "/healthz", "/", "/agent"):
        async with site.http.get(path, headers=SHOP) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
    async with site.http.options("/dev/token", headers=ASKS) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_widget_and_its_modules_are(site: Site) -> None:
    async with site.http.get("/web/sdk/lianmai.js", headers=SHOP) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"

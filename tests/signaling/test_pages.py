"""Pages and files: what is served, how, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from signaling.pages import Pages
from tests.signaling.conftest import MakeSite, Site
from tests.signaling.fakes import config


@pytest.mark.parametrize("path", ["/", "/live/demo", "/host/demo-1.x"])
async def test_pages(site: Site, path: str) -> None:
    response = await site.http.get(path)
    assert response.status == 200
    assert response.content_type == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy and "default-src 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert 'name="lianmai-demo"' not in await response.text()


async def test_pictures_of_cards_come_from_the_origins_that_are_named(make_site: MakeSite) -> None:
    site = await make_site(config(help__image_origins="https://img.shop.example,https://*.cdn.example:8443"))
    policies = {
        path: (await site.http.get(path)).headers["Content-Security-Policy"].split("; ") for path in ("/agent", "/live/demo")
    }
    assert "img-src 'self' data: blob: https://img.shop.example https://*.cdn.example:8443" in policies["/agent"]
    assert "img-src 'self' data: blob:" in policies["/live/demo"]
    assert set(policies["/agent"]) - set(policies["/live/demo"]) == {policies["/agent"][3]}


async def test_demo_mode_marks_its_pages(make_site: MakeSite) -> None:
    site = await make_site(config(demo__enabled=True))
    text = await (await site.http.get("/live/demo")).text()
    assert text.count('<meta name="lianmai-demo" content="1">') == 1


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/web/sdk/lianmai.js", "text/javascript"),
        ("/web/styles/tokens.css", "text/css"),
        ("/web/icons/favicon.svg", "image/svg+xml"),
        ("/favicon.ico", "image/svg+xml"),
    ],
)
async def test_files_and_their_etags(site: Site, path: str, content_type: str) -> None:
    response = await site.http.get(path)
    assert (response.status, response.content_type) == (200, content_type)
    again = await site.http.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")
    assert (await site.http.get(path, headers={"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/web/",
        "/web/sdk",
        "/web/sdk/",
        "/web/tsconfig.json",
        "/web/sdk/none.js",
        "/web/sdk/../tsconfig.json",
        "/web/sdk/%2e%2e/tsconfig.json",
        "/web/sdk/..%2ftsconfig.json",
        "/web/sdk%2f..%2f..%2fpyproject.toml",
        "/web/%2e%2e/signaling/app.py",
        "/web/sdk/.hidden",
        "/web/sdk/a%00.js",
        "/web/sdk/..%5c..%5cpyproject.toml",
        "/web//etc/passwd",
        "/live/a%20b",
        "/host/",
        "/live/a/b",
    ],
)
async def test_nothing_else(site: Site, path: str) -> None:
    response = await site.http.get(URL(path, encoded=True))
    assert response.status == 404
    assert (await response.json())["error"]["code"] == "not_found"


async def test_links_do_not_lead_out(tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "sdk").mkdir(parents=True)
    (tmp_path / "secret.js").write_text("secret")
    (web / "sdk" / "link.js").symlink_to(tmp_path / "secret.js")
    (web / "sdk" / "own.js").write_text("1")
    (web / "sdk" / "tool.py").write_text("1")
    pages = Pages(web, demo=False)
    assert pages._load(web / "sdk" / "link.js") is None
    assert pages._load(web / "sdk" / "tool.py") is None
    first = pages._load(web / "sdk" / "own.js")
    assert first is not None and first is pages._load(web / "sdk" / "own.js")
    (web / "sdk" / "own.js").write_text("22")
    changed = pages._load(web / "sdk" / "own.js")
    assert changed is not None and changed.body == b"22"

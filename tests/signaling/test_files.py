"""The files of calls over HTTP and on disk."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling import files
from signaling.errors import ApiError
from signaling.file_check import MAX_BYTES, Cleaned, clean
from signaling.files import FileLimits, FileStore, file_name, routes
from signaling.http_common import errors
from tests.signaling.test_file_check import GPS_TEXT, encoded, halves, jpeg_with_exif, pdf

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]
AUTH = {"Authorization": "Bearer li", "Content-Type": "image/jpeg"}
PATH = "/api/v1/calls/c1/files"


def access(call_id: str, token: str | None) -> str:
    """In this world the token is the identity, and everybody but mallory is in the call c1."""
    if token is None:
        raise ApiError("token_missing")
    if call_id != "c1":
        raise ApiError("call_not_found")
    if token == "mallory":
        raise ApiError("not_in_call")
    return token


def open_for(call_id: str, identity: str) -> None:
    if call_id == "over":
        raise ApiError("call_ended")


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., FileStore]:
    def make(**limits: float) -> FileStore:
        return FileStore(tmp_path / "files", FileLimits(**limits))  # type: ignore[arg-type]

    return make


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    running: list[Client] = []

    async def start(store: FileStore) -> Client:
        app = web.Application(middlewares=[errors])
        app.add_routes(routes(store, access, open_for))
        client: Client = TestClient(TestServer(app))
        await client.start_server()
        running.append(client)
        return client

    yield start
    for client in running:
        await client.close()


def everything(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


async def test_a_picture_goes_up_clean_and_comes_back(
    make_store: Callable[..., FileStore], serve: Serve, tmp_path: Path
) -> None:
    client = await serve(make_store())
    headers = AUTH | {"X-File-Name": "%E5%8C%85%E8%A3%85%2F..%2F%E5%9B%BE.JPEG"}
    async with client.post(PATH, data=jpeg_with_exif(6), headers=headers) as response:
        assert response.status == 201
        file = (await response.json())["file"]
    assert file == {
        "id": file["id"], "name": "图.JPEG", "type": "image/jpeg", "bytes": file["bytes"], "width": 40, "height": 64
    }  # fmt: skip
    assert response.headers["Location"] == f"{PATH}/{file['id']}"
    async with client.get(response.headers["Location"], headers={"Authorization": "Bearer wang"}) as got:
        body = await got.read()
        assert (got.status, len(body), GPS_TEXT in body) == (200, file["bytes"], False)
        assert got.headers["Content-Type"] == "image/jpeg"
        assert got.headers["Content-Disposition"] == "inline; filename*=UTF-8''%E5%9B%BE.JPEG"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Cache-Control"].startswith("private")
        assert "sandbox" in got.headers["Content-Security-Policy"]
    seen = {"Authorization": "Bearer wang", "If-None-Match": got.headers["ETag"]}
    async with client.get(response.headers["Location"], headers=seen) as again:
        assert again.status == 304
    assert everything(tmp_path) == sorted([f"{file['id']}.jpg", f"{file['id']}.json"])
    assert "files" in {path.name for path in tmp_path.iterdir()}


async def test_a_pdf_is_for_saving_only(make_store: Callable[..., FileStore], serve: Serve) -> None:
    client = await serve(make_store())
    headers = AUTH | {"Content-Type": "application/pdf", "X-File-Name": 'a";x=y.pdf'}
    async with client.post(PATH, data=pdf(), headers=headers) as response:
        file = (await response.json())["file"]
        assert "width" not in file
    async with client.get(f"{PATH}/{file['id']}", headers=AUTH) as got:
        assert await got.read() == pdf()
        assert got.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%22%3Bx%3Dy.pdf"


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (PATH, {}, 401, "token_missing"),
        (PATH, {"Authorization": "Bearer mallory"}, 403, "not_in_call"),
        ("/api/v1/calls/c2/files", {}, 401, "token_missing"),
        ("/api/v1/calls/c2/files", AUTH, 404, "call_not_found"),
        (PATH, AUTH | {"Content-Type": "text/html"}, 415, "file_type"),
        (PATH, AUTH | {"Content-Type": "application/pdf"}, 422, "file_broken"),
    ],
)
async def test_refusals(
    make_store: Callable[..., FileStore],
    serve: Serve,
    tmp_path: Path,
    path: str,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    client = await serve(make_store())
    async with client.post(path, data=encoded(halves()), headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (status, code)
    async with client.get(f"{PATH}/x", headers={"Authorization": "Bearer mallory"}) as response:
        assert response.status == 403
    assert everything(tmp_path) == []


async def test_too_large_is_told_early_and_late(make_store: Callable[..., FileStore], serve: Serve) -> None:
    client = await serve(make_store())

    async def stream() -> AsyncIterator[bytes]:
        for _ in range(MAX_BYTES // 65536 + 1):
            yield bytes(65536)

    for body in (io.BytesIO(bytes(MAX_BYTES + 1)), stream()):
        async with client.post(PATH, data=body, headers=AUTH) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (413, "file_too_large")


@pytest.mark.parametrize("file_id", ["nothing", "..%2F..%2Fetc", "a.json", "%00", "x" * 65])
async def test_no_other_file_can_be_reached(make_store: Callable[..., FileStore], serve: Serve, file_id: str) -> None:
    client = await serve(make_store())
    async with client.get(f"{PATH}/{file_id}", headers=AUTH) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "file_not_found")


async def test_a_restart_forgets_nothing_and_the_quota_still_holds(make_store: Callable[..., FileStore]) -> None:
    store = make_store(files=2)
    one = await store.add("c1", "li", "a.jpg", "", encoded(halves()))
    store.close()
    store = make_store(files=2)
    assert store.find("c1", one.id) == one
    again = await store.add("c1", "li", "a.jpg", "", encoded(halves()))
    assert again == one, "the answer was lost and the same was sent again"
    await store.add("c1", "li", "b.jpg", "", encoded(halves()))
    with pytest.raises(ApiError, match="file_limit"):
        await store.add("c1", "li", "c.jpg", "", encoded(halves()))
    await store.add("c2", "li", "c.jpg", "", encoded(halves()))
    await store.delete_call("c1")
    assert store.find("c1", one.id) is None
    assert (await store.add("c1", "li", "c.jpg", "", encoded(halves()))).name == "c.jpg"
    store.close()


async def test_the_quota_in_bytes(make_store: Callable[..., FileStore]) -> None:
    size = len(clean(encoded(halves()), "").data)
    store = make_store(bytes=2 * size)
    for name in "ab":
        await store.add("c1", "li", name, "", encoded(halves()))
    with pytest.raises(ApiError, match="file_limit"):
        await store.add("c1", "li", "c", "", encoded(halves()))
    store.close()


async def test_half_a_file_is_no_file(make_store: Callable[..., FileStore], tmp_path: Path) -> None:
    store = make_store()
    info = await store.add("c1", "li", "a.jpg", "", encoded(halves()))
    path = tmp_path / "files" / "c1" / f"{info.id}.json"
    for text in ("", "[]", '{"name": 1}', path.read_text().replace("image/jpeg", "text/html")):
        path.write_text(text)
        assert store.find("c1", info.id) is None
    store.close()


async def test_stuck_work_is_given_up_and_does_not_pile_up(
    make_store: Callable[..., FileStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def stuck(data: bytes, announced: str) -> Cleaned:
        go.wait(20)
        return clean(data, announced)

    monkeypatch.setattr(files, "clean", stuck)
    store = make_store(threads=1, waiting=0, check_s=0.05)

    async def code() -> str:
        with pytest.raises(ApiError) as caught:
            await store.add("c1", "li", "a.jpg", "", encoded(halves()))
        return caught.value.code

    assert set(await asyncio.gather(code(), code())) == {"request_timeout", "rate_limited"}
    assert await code() == "rate_limited", "the thread is still at it"
    go.set()
    async with asyncio.timeout(10):
        while store._working:
            await asyncio.sleep(0)
    assert store.find("c1", "a") is None
    store.close()


async def test_one_person_sends_a_few_at_once(
    make_store: Callable[..., FileStore], serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(data: bytes, announced: str) -> Cleaned:
        go.wait(20)
        return clean(data, announced)

    monkeypatch.setattr(files, "clean", slow)
    client = await serve(make_store(uploads_each=1))

    async def send(who: str) -> int:
        headers = AUTH | {"Authorization": f"Bearer {who}"}
        async with client.post(PATH, data=encoded(halves()), headers=headers) as response:
            if response.status == 429:
                go.set()
            return response.status

    assert sorted(await asyncio.gather(send("li"), send("li"), send("wang"))) == [201, 201, 429]
    assert await send("li") == 201


@pytest.mark.parametrize(
    ("given_", "kind", "expected"),
    [
        ("photo.png", "image/jpeg", "photo.jpg"),
        ("photo.JPEG", "image/jpeg", "photo.JPEG"),
        ("", "image/png", "picture.png"),
        ("..", "application/pdf", "document.pdf"),
        ("C:\\dir\\说明 书.PDF", "application/pdf", "说明 书.pdf"),
        ("a\u202egpj.exe", "image/webp", "agpj.webp"),
        ("v1.2 release notes", "application/pdf", "v1.2 release notes.pdf"),
        ("x" * 500, "image/png", "x" * 116 + ".png"),
        ("line\nbreak\0.png", "image/png", "line break.png"),
    ],
)
def test_names(given_: str, kind: str, expected: str) -> None:
    assert file_name(given_, kind) == expected

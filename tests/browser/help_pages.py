"""What tests of the help pages need: a camera with a target in its picture, the eyes to find it on a screenshot, and the
ways through widget and console."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Locator, expect
from playwright.async_api import Page as PlaywrightPage

from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import BLANK, Pages
from tests.browser.page import Page

PATIENCE_MS = 15_000
# Two cameras, one target: a magenta square that stands still over a bar that moves.
CAMERA = """(() => {
    const media = navigator.mediaDevices;
    if (!media) return;
    const real = media.getUserMedia.bind(media);
    const list = media.enumerateDevices.bind(media);
    const cameras = { front: "#284828", rear: "#304880" };
    const picture = (id) => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [320, 240];
        const pen = canvas.getContext("2d");
        let turn = 0;
        setInterval(() => {
            turn += 1;
            pen.fillStyle = cameras[id];
            pen.fillRect(0, 0, 320, 240);
            pen.fillStyle = "#ffffff";
            pen.fillRect((turn * 8) % 320, 200, 32, 40);
            pen.fillStyle = "#ff00ff";
            pen.fillRect(122, 102, 24, 24);
        }, 100);
        const [track] = canvas.captureStream(10).getVideoTracks();
        const facingMode = id === "front" ? "user" : "environment";
        track.getSettings = () => ({ deviceId: id, facingMode, width: 320, height: 240, frameRate: 10 });
        return track;
    };
    media.getUserMedia = async ({ audio, video }) => {
        const stream = audio ? await real({ audio }) : new MediaStream();
        const wanted = video?.deviceId?.exact ?? video?.deviceId?.ideal ?? video?.deviceId;
        if (video) stream.addTrack(picture(wanted === "rear" ? "rear" : "front"));
        return stream;
    };
    media.enumerateDevices = async () => [
        ...(await list()).filter(({ kind }) => kind !== "videoinput"),
        ...Object.keys(cameras).map((id) => ({ deviceId: id, kind: "videoinput", label: `${id} camera`, groupId: id })),
    ];
})()"""
# A path of selectors, through open shadows; the picture there moves.
MOVES = """(path) => kit.until(
    () => path.reduce((at, step) => at && (at.shadowRoot ?? at).querySelector(step), document),
    20000, path.join(" ")).then((video) => kit.pictureMoves(video, 20000))"""
SHOW = ["lm-stage .tile:not(.hidden) video"]
AT_SHOPPER = ["lm-help", ".lm-picture.main video"]
AT_AGENT = ["lm-help-call .hc-stage video"]

Pixels = NDArray[np.int16]
Mask = Callable[[Pixels], NDArray[np.bool_]]


def magenta(picture: Pixels) -> NDArray[np.bool_]:
    """The target."""
    return (picture[..., 0] > 170) & (picture[..., 1] < 100) & (picture[..., 2] > 170)


def rear(picture: Pixels) -> NDArray[np.bool_]:
    """The ground of the second camera."""
    return (picture[..., 0] < 90) & (picture[..., 1] < 110) & (picture[..., 2] > 95) & (picture[..., 2] < 165)


def red(picture: Pixels) -> NDArray[np.bool_]:
    """What an agent draws, and points with."""
    return (picture[..., 0] > 200) & (picture[..., 1] < 120) & (picture[..., 2] < 100)


def blue(picture: Pixels) -> NDArray[np.bool_]:
    """What a shopper draws."""
    return (picture[..., 0] < 90) & (picture[..., 1] > 60) & (picture[..., 1] < 140) & (picture[..., 2] > 190)


@dataclass(frozen=True)
class Spot:
    """Where something is on the screen, in CSS pixels: its middle and its size."""

    x: float
    y: float
    width: float
    height: float

    def near(self, other: Spot, within: float) -> bool:
        """Whether the middles are so near."""
        return abs(self.x - other.x) <= within and abs(self.y - other.y) <= within


@dataclass(frozen=True)
class View:
    """What an element looked like at one moment; ``left`` and ``top``: where it begins in the window."""

    picture: Pixels
    left: int
    top: int

    @classmethod
    async def of(cls, page: PlaywrightPage, within: Locator) -> View:
        """Look now. What is outside of the window is not seen."""
        box = await within.bounding_box()
        assert box is not None
        shot = await page.screenshot(timeout=10_000, animations="allow")
        picture = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(np.int16)
        left, top = max(0, int(box["x"])), max(0, int(box["y"]))
        right, bottom = int(box["x"] + box["width"]), int(box["y"] + box["height"])
        return cls(picture[top:bottom, left:right], left, top)

    def find(self, mask: Mask, around: Spot | None = None) -> Spot | None:
        """The middle of everything of a colour, or None; ``around``: not much further away than its size."""
        left = top = 0
        picture = self.picture
        if around is not None:
            x, y = around.x - self.left, around.y - self.top
            left, top = max(0, int(x - 1.3 * around.width)), max(0, int(y - 1.3 * around.height))
            picture = picture[top : int(y + 1.3 * around.height), left : int(x + 1.3 * around.width)]
        rows, columns = np.nonzero(mask(picture))
        if len(rows) < 12:
            return None
        # A stray pixel of the codec is no part of it.
        (x1, x2), (y1, y2) = np.percentile(columns, (1, 99)), np.percentile(rows, (1, 99))
        left, top = left + self.left, top + self.top
        return Spot(left + float(x1 + x2) / 2, top + float(y1 + y2) / 2, float(x2 - x1 + 1), float(y2 - y1 + 1))


async def sight(page: PlaywrightPage, within: Locator, mask: Mask, least: float = 0.0) -> Spot:
    """Where something is, once it is there, at rest and at least so wide."""
    last: Spot | None = None
    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                now = (await View.of(page, within)).find(mask)
                if now and last and now.near(last, 0.6) and now.width >= least:
                    return now
                last = now
    except TimeoutError:
        raise AssertionError(f"{mask.__name__} is not seen in {within}, last {last}") from None


async def is_at_the_target(
    page: PlaywrightPage, within: Locator, *masks: Mask, least: float = 1.0, within_share: float = 0.13
) -> None:
    """What was drawn is where the target is here, to 1 % of the picture's width (the target has 7.5 %).

    ``least``: how large it is at least, in sizes of the target.
    """
    target: Spot | None = None
    drawn: list[Spot | None] = []

    def right(one: Spot | None) -> bool:
        if target is None or one is None:
            return False
        near = one.near(target, max(2.0, within_share * target.width))
        return near and one.width >= least * target.width and one.height >= least * target.height

    try:
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                view = await View.of(page, within)
                target = view.find(magenta)
                drawn = [target and view.find(mask, target) for mask in masks]
                if all(map(right, drawn)):
                    return
    except TimeoutError:
        names = [mask.__name__ for mask in masks]
        raise AssertionError(f"{names} at {drawn} and the target at {target} in {within}") from None


async def drag_around(page: PlaywrightPage, spot: Spot, share: float) -> None:
    """With the pointer from corner to corner of a box whose middle is the spot."""
    x, y = spot.width * share, spot.height * share
    await page.mouse.move(spot.x - x, spot.y - y)
    await page.mouse.down()
    await page.mouse.move(spot.x, spot.y, steps=3)
    await page.mouse.move(spot.x + x, spot.y + y, steps=3)
    await page.mouse.up()


async def open_page(
    pages: Pages, path: str, size: tuple[int, int], *scripts: str, origin: str | None = None, locale: str = "en"
) -> tuple[Page, PlaywrightPage]:
    """A page of the service in a window of that size, with scripts that run before its own."""
    options: dict[str, Any] = {"viewport": {"width": size[0], "height": size[1]}, "locale": locale}
    page = await pages.open("chromium", BLANK, **options)
    assert isinstance(page, ChromiumPage)
    for script in scripts:
        await page.context.add_init_script(script)
    await page.goto((origin or pages.origin) + path)
    return page, page.page


async def tap(page: PlaywrightPage, selector: str) -> None:
    """Press what this selects, as soon as it is there."""
    await page.locator(selector).first.click(timeout=PATIENCE_MS)


async def sees_words(page: PlaywrightPage, selector: str, words: str) -> None:
    """What this selects has these words."""
    await expect(page.locator(selector).first).to_contain_text(words, timeout=PATIENCE_MS)


def snapshot_with_place() -> bytes:
    """A JPEG that says where it was taken."""
    picture = Image.new("RGB", (640, 480), "#c08030")
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    place = exif.get_ifd(0x8825)
    place[1], place[2], place[3], place[4] = "N", (31.0, 14.0, 8.0), "E", (121.0, 29.0, 9.0)
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif)
    return out.getvalue()


def tells_place(data: bytes) -> bool:
    """Whether a picture has anything of where or with what it was taken."""
    exif = Image.open(io.BytesIO(data)).getexif()
    return bool(exif.get_ifd(0x8825)) or b"SecretPhone" in data or b"Exif" in data

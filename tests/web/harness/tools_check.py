"""The drawing tools in a browser: the same mark on the same spot of the picture in windows of different shape.

    python tests/web/harness/tools_check.py [folder for the pictures]

Starts serve.mjs, plays both sides of a pretended call in one page (fake-tools.js), measures, and leaves pictures to
look at. Needs Chromium.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, sync_playwright

HERE = Path(__file__).parent
#: Where the pattern has its crosses, as shares of the frame.
CROSSES = ((0.25, 0.3), (0.7, 0.75), (0.5, 0.5))
RED = (255, 59, 31)

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>tools</title>
<link rel="stylesheet" href="/web/styles/tokens.css"><link rel="stylesheet" href="/web/styles/base.css">
<link rel="stylesheet" href="/web/styles/components.css"><link rel="stylesheet" href="/web/styles/call-tools.css">
<body></body></html>"""

SETUP = """async ({ boxes, shape }) => {
  const { startLocale, setLocale } = await import("/web/pages/locale.js");
  await startLocale();
  await setLocale(new URLSearchParams(location.search).get("lang") ?? "en");
  await import("/web/pages/components/annotate.js");
  const { PretendedCall } = await import("/web/sdk/fake-tools.js");
  const canvas = Object.assign(document.createElement("canvas"), { width: shape[0], height: shape[1] });
  const pen = canvas.getContext("2d");
  const draw = () => {
    pen.fillStyle = "#30343c";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = "#00ff60";
    for (const [x, y] of [[0.25, 0.3], [0.7, 0.75], [0.5, 0.5]]) pen.fillRect(x * canvas.width - 4, y * canvas.height - 4, 8, 8);
  };
  draw();
  setInterval(draw, 60);
  window.world = new PretendedCall();
  document.body.style.cssText = "position:relative;width:100vw;height:100vh;overflow:hidden;background:#555";
  for (const [index, [left, top, width, height, fit, extra]] of boxes.entries()) {
    const box = document.createElement("div");
    box.style.cssText = `position:absolute;left:${left}px;top:${top}px;width:${width}px;height:${height}px;background:#000;overflow:hidden`;
    const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, playsInline: true, srcObject: canvas.captureStream(15) });
    video.style.cssText = `position:absolute;inset:0;width:100%;height:100%;object-fit:${fit};${extra ?? ""}`;
    const annotate = document.createElement("lm-annotate");
    const me = index === 0 ? "wang" : "li";
    Object.assign(annotate, { help: world.side(me), me, video, target: "cam-li" });
    annotate.id = `a${index}`;
    box.append(video, annotate);
    document.body.append(box);
    await new Promise((resolve) => (video.videoWidth ? resolve() : video.addEventListener("resize", resolve, { once: true })));
  }
}"""

RECT = """(id) => { const r = document.querySelector(`#${id} .an-drawing`).getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"""


def spot(page: Page, side: str, share: tuple[float, float]) -> tuple[float, float]:
    """Where a share of the frame is on the screen, by our own drawing's box."""
    x, y, width, height = page.evaluate(RECT, side)
    return x + share[0] * width, y + share[1] * height


def start(page: Page, boxes: list[list[object]], shape: tuple[int, int], lang: str = "en") -> None:
    page.goto(f"{BASE}/tools?lang={lang}")
    page.evaluate(SETUP, {"boxes": boxes, "shape": list(shape)})
    page.wait_for_timeout(400)


def choose(page: Page, side: str, tool: str) -> None:
    bar = page.locator(f"#{side} .an-bar")
    if "open" not in (bar.get_attribute("class") or ""):
        page.locator(f"#{side} .an-toggle").click()
    page.locator(f"#{side} .an-tool.{tool}").click()


def drag(page: Page, side: str, points: list[tuple[float, float]]) -> None:
    page.mouse.move(*spot(page, side, points[0]))
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*spot(page, side, point), steps=6)
    page.mouse.up()
    page.mouse.move(2, 2)


def shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def near(pixel: tuple[int, ...], color: tuple[int, int, int], within: int = 60) -> bool:
    return all(abs(a - b) <= within for a, b in zip(pixel, color, strict=True))


def centre_of(image: Image.Image, color: tuple[int, int, int], around: tuple[float, float], reach: int = 40) -> tuple[float, float]:
    """The middle of the pixels of a colour near a spot."""
    x0, y0 = int(around[0]), int(around[1])
    found = [
        (x, y)
        for x in range(max(0, x0 - reach), min(image.width, x0 + reach))
        for y in range(max(0, y0 - reach), min(image.height, y0 + reach))
        if near(image.getpixel((x, y)), color, 90)  # type: ignore[arg-type]
    ]
    assert found, f"nothing of {color} near {around}"
    return sum(x for x, _ in found) / len(found) + 0.5, sum(y for _, y in found) / len(found) + 0.5


def same_spot(page: Page, out: Path, name: str, boxes: list[list[object]], shape: tuple[int, int]) -> None:
    """Our drawing's box agrees with the picture itself: the green squares are where the shares say they are."""
    start(page, boxes, shape)
    image = shot(page)
    for index in range(len(boxes)):
        mirrored = "scaleX(-1)" in str(boxes[index][5] if len(boxes[index]) > 5 else "")
        for share in CROSSES:
            seen = (1 - share[0], share[1]) if mirrored else share
            x, y = spot(page, f"a{index}", seen)
            left, top, width, height = (float(str(part)) for part in boxes[index][:4])
            if not (left + 8 < x < left + width - 8 and top + 8 < y < top + height - 8):
                continue
            cx, cy = centre_of(image, (0, 255, 96), (x, y), 20)
            assert abs(cx - x) <= 1.2 and abs(cy - y) <= 1.2, f"{name} side {index}: {(cx, cy)} is not {(x, y)}"
    # The step that the agent sets on a green square covers it on both sides.
    choose(page, "a0", "step")
    page.mouse.click(*spot(page, "a0", CROSSES[2]))
    page.mouse.move(2, 2)
    page.wait_for_timeout(150)
    image = shot(page)
    for index in range(len(boxes)):
        mirrored = "scaleX(-1)" in str(boxes[index][5] if len(boxes[index]) > 5 else "")
        share = (1 - CROSSES[2][0], CROSSES[2][1]) if mirrored else CROSSES[2]
        x, y = spot(page, f"a{index}", share)
        cx, cy = centre_of(image, RED, (x, y))
        assert abs(cx - x) <= 1.5 and abs(cy - y) <= 1.5, f"{name} side {index}: step at {(cx, cy)}, not {(x, y)}"
    choose(page, "a0", "free")
    drag(page, "a0", [(0.25, 0.3), (0.3, 0.5), (0.4, 0.35), (0.45, 0.6)])
    choose(page, "a0", "arrow")
    drag(page, "a0", [(0.55, 0.6), CROSSES[1]])
    choose(page, "a1", "ring")
    drag(page, "a1", [(0.6, 0.3), (0.75, 0.55)])
    page.wait_for_timeout(200)
    page.screenshot(path=out / f"{name}.png")
    print("ok", name)


BASE = ""


def main() -> None:
    """Run all of it."""
    global BASE
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "/tmp/tools")
    out.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(["node", str(HERE / "serve.mjs")], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    BASE = server.stdout.readline().strip()
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            for density in (1, 2):
                page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=density)
                page.on("pageerror", lambda error: print("PAGE", error))
                page.on("console", lambda line: print("CONSOLE", line.text) if line.type == "error" else None)

                def give(route: Route) -> None:
                    route.fulfill(body=PAGE, content_type="text/html; charset=utf-8")

                page.route("**/tools?*", give)
                if density == 1:
                    checks(page, out)
                else:
                    looks(page, out)
                page.close()
            browser.close()
    finally:
        server.terminate()


def checks(page: Page, out: Path) -> None:
    """What can be measured."""
    wide: list[object] = [0, 0, 900, 600, "contain"]
    slim: list[object] = [960, 30, 390, 844, "cover"]
    same_spot(page, out, "contain-cover", [wide, slim], (1280, 720))
    same_spot(page, out, "portrait", [wide, [960, 30, 300, 220, "contain"]], (720, 1280))
    same_spot(page, out, "mirrored", [wide, [960.4, 30.7, 333, 401, "cover", "transform:scaleX(-1);"]], (1280, 720))
    # Sizes that change afterwards take the marks along.
    page.evaluate("() => { document.querySelector('#a0').parentElement.style.width = '611px' }")
    page.wait_for_timeout(200)
    x, y = spot(page, "a0", CROSSES[2])
    cx, cy = centre_of(shot(page), RED, (x, y), 22)
    assert abs(cx - x) <= 1.5 and abs(cy - y) <= 1.5, f"after a change: {(cx, cy)} is not {(x, y)}"
    tools(page)
    print("ok tools")


def tools(page: Page) -> None:
    """Rubbing, taking back, freezing, pointing, keys, refusals."""
    start(page, [[0, 0, 900, 600, "contain"], [960, 30, 390, 844, "cover"]], (1280, 720))

    def marks() -> list[dict[str, object]]:
        found: list[dict[str, object]] = page.evaluate("() => world.call.marks")
        return found

    choose(page, "a0", "free")
    drag(page, "a0", [(0.2, 0.2), (0.5, 0.2), (0.5, 0.6)])
    assert len(marks()) == 1 and len(marks()[0]["points"]) < 60, marks()  # type: ignore[arg-type]
    drag(page, "a0", [(0.2, 0.8), (0.3, 0.8)])
    page.locator("#a0 .an-tool.undo").click()
    assert len(marks()) == 1
    choose(page, "a1", "rubber")
    page.mouse.click(*spot(page, "a1", (0.5, 0.45)))
    assert marks() == []
    choose(page, "a1", "arrow")
    page.mouse.click(*spot(page, "a1", (0.5, 0.5)))
    assert marks()[0]["points"][1] == [0.5, 0.5], marks()  # type: ignore[index]
    page.locator("#a1 .an-tool.freeze").click()
    page.wait_for_function("() => world.call.frame !== null")
    page.wait_for_timeout(300)
    frame = page.evaluate("() => world.call.frame")
    assert (frame["width"], frame["height"], frame["target"]) == (1280, 720, "cam-li")
    assert page.locator("#a0 .an-still:visible").count() == 1
    assert page.locator("#a0 .an-mark").count() == 0, "marks of the moving picture are not on the still"
    choose(page, "a0", "ring")
    drag(page, "a0", [(0.3, 0.3), (0.6, 0.6)])
    assert marks()[1]["target"] == frame["file"]
    page.locator("#a0 .an-tool.freeze").click()
    page.wait_for_function("() => world.call.frame === null")
    page.wait_for_timeout(100)
    assert page.locator("#a0 .an-mark").count() == 1
    choose(page, "a0", "point")
    page.mouse.move(*spot(page, "a0", (0.4, 0.4)))
    page.mouse.move(*spot(page, "a0", (0.45, 0.4)))
    page.wait_for_timeout(150)
    assert page.locator("#a1 .an-laser").count() == 1
    page.wait_for_timeout(2300)
    assert page.locator("#a1 .an-laser").count() == 0, "it fades by itself"
    # Keys alone.
    choose(page, "a0", "step")
    page.locator("#a0 .an-clip").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert marks()[-1]["kind"] == "step" and marks()[-1]["points"][0][0] == 0.54, marks()[-1]  # type: ignore[index]
    choose(page, "a0", "ring")
    page.locator("#a0 .an-clip").focus()
    for key in ("Enter", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert marks()[-1]["kind"] == "ring"
    page.keyboard.press("Control+z")
    assert marks()[-1]["kind"] == "step"
    page.evaluate("() => { world.refuse = 'mark_limit' }")
    choose(page, "a0", "step")
    page.mouse.click(*spot(page, "a0", (0.5, 0.5)))
    assert page.locator("#a0 .an-note:visible").count() == 1
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.querySelector('#a0').open") is False
    # Folded away, presses reach what lies below.
    below = page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", list(spot(page, "a0", (0.5, 0.5))))
    assert below == "VIDEO", below


def looks(page: Page, out: Path) -> None:
    """Pictures to look at."""
    for lang in ("zh-CN", "en"):
        start(page, [[0, 0, 1000, 900, "cover"], [1030, 28, 390, 844, "cover"]], (1280, 720), lang)
        choose(page, "a0", "step")
        for share in CROSSES:
            page.mouse.click(*spot(page, "a0", share))
        choose(page, "a0", "free")
        drag(page, "a0", [(0.35, 0.7), (0.42, 0.6), (0.5, 0.68), (0.58, 0.6)])
        choose(page, "a1", "arrow")
        drag(page, "a1", [(0.45, 0.3), (0.55, 0.45)])
        page.locator("#a1 .an-tool.freeze").click()
        page.wait_for_timeout(500)
        choose(page, "a0", "ring")
        drag(page, "a0", [(0.4, 0.4), (0.6, 0.6)])
        page.screenshot(path=out / f"frozen-{lang}.png")
        page.locator("#a0 .an-tool.freeze").click()
        choose(page, "a1", "point")
        page.mouse.move(*spot(page, "a1", (0.48, 0.62)))
        page.mouse.move(*spot(page, "a1", (0.5, 0.6)))
        page.wait_for_timeout(200)
        page.screenshot(path=out / f"marks-{lang}.png")


if __name__ == "__main__":
    main()

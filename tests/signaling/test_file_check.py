"""Files of strangers: what is taken, what is left of it, and what is refused. All of them are real files."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from signaling.errors import ApiError
from signaling.file_check import MAX_BYTES, MAX_SIDE, clean, sniff

RED, BLUE = (220, 30, 20), (20, 40, 200)
GPS_TEXT = b"HERE-I-LIVE"


def halves(width: int = 64, height: int = 40) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg_with_exif(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = GPS_TEXT.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 50.0), 3: "E", 4: (121.0, 28.0, 10.0), 29: GPS_TEXT.decode()})
    return encoded(halves(), exif=exif.tobytes(), comment=GPS_TEXT, quality=95)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def near(image: Image.Image, place: tuple[int, int], color: tuple[int, int, int]) -> bool:
    pixel = image.convert("RGB").getpixel(place)
    assert isinstance(pixel, tuple)
    return all(abs(have - want) < 40 for have, want in zip(pixel, color, strict=True))


def refused(data: bytes, announced: str = "") -> str:
    with pytest.raises(ApiError) as caught:
        clean(data, announced)
    return caught.value.code


def pdf(body: bytes = b"", tail: bytes = b"\n") -> bytes:
    head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj<</Type/Catalog/Pages 2 0 R" + body + b">>endobj\n"
    return head + b"trailer<</Root 1 0 R>>\nstartxref\n99\n%%EOF" + tail


# --- pictures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_picture_stays_a_picture(kind: str, media_type: str) -> None:
    cleaned = clean(encoded(halves(), kind), media_type)
    image = opened(cleaned.data)
    assert (cleaned.kind, cleaned.width, cleaned.height) == (media_type, 64, 40)
    assert (sniff(cleaned.data), image.size) == (media_type, (64, 40))
    assert near(image, (5, 20), RED) and near(image, (58, 20), BLUE)


def test_where_it_was_taken_is_gone() -> None:
    source = jpeg_with_exif()
    assert GPS_TEXT in source
    cleaned = clean(source, "image/jpeg")
    assert GPS_TEXT not in cleaned.data and b"Exif" not in cleaned.data
    image = opened(cleaned.data)
    assert not image.getexif() and "comment" not in image.info and "icc_profile" not in image.info


def test_texts_in_png_and_webp_are_gone() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", GPS_TEXT.decode())
    notes.add_itxt("XML:com.adobe.xmp", GPS_TEXT.decode())
    exif = Image.Exif()
    exif[0x010E] = GPS_TEXT.decode()
    for data, kind in (
        (encoded(halves(), "PNG", pnginfo=notes, exif=exif), "image/png"),
        (encoded(halves(), "WEBP", exif=exif.tobytes(), xmp=GPS_TEXT), "image/webp"),
    ):
        assert GPS_TEXT in data
        assert GPS_TEXT not in clean(data, kind).data


@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [
        (1, (64, 40), (5, 20)),
        (2, (64, 40), (58, 20)),
        (3, (64, 40), (58, 20)),
        (6, (40, 64), (20, 5)),
        (8, (40, 64), (20, 58)),
    ],
)
def test_a_picture_is_stood_upright(orientation: int, size: tuple[int, int], red: tuple[int, int]) -> None:
    cleaned = clean(jpeg_with_exif(orientation), "image/jpeg")
    assert (cleaned.width, cleaned.height) == size
    assert near(opened(cleaned.data), red, RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_of_png(mode: str) -> None:
    if mode == "I;16":
        source = Image.new("I;16", (8, 8), 40000)
    else:
        source = Image.new("RGBA", (8, 8), (255, 255, 255, 128)).convert(mode)
    image = opened(clean(encoded(source, "PNG"), "image/png").data)
    assert image.mode == {"1": "L", "L": "L", "I;16": "L"}.get(mode, "RGBA")
    if mode == "I;16":
        assert image.getpixel((0, 0)) == 156
    if mode == "RGBA":
        assert image.getpixel((0, 0)) == (255, 255, 255, 128)


def test_cmyk_and_a_profile_end_as_srgb() -> None:
    assert opened(clean(encoded(halves().convert("CMYK")), "image/jpeg").data).mode == "RGB"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    cleaned = clean(encoded(halves(), icc_profile=profile), "image/jpeg")
    assert b"ICC_PROFILE" not in cleaned.data and near(opened(cleaned.data), (5, 20), RED)
    assert near(opened(clean(encoded(halves(), icc_profile=b"junk" * 50), "image/jpeg").data), (5, 20), RED)


def test_a_large_picture_is_made_smaller_and_keeps_its_shape() -> None:
    cleaned = clean(encoded(halves(6000, 1500), quality=30), "image/jpeg")
    assert (cleaned.width, cleaned.height) == (MAX_SIDE, MAX_SIDE // 4)


@pytest.mark.parametrize("tail", [b"<script>alert(1)</script>", b"PK\x05\x06" + bytes(18), b"\0" * 999])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_rides_behind_a_picture(kind: str, tail: bytes) -> None:
    cleaned = clean(encoded(halves(), kind) + tail, "")
    assert tail not in cleaned.data


def test_a_badly_named_picture_is_taken_for_what_it_is() -> None:
    assert clean(encoded(halves(), "PNG"), "image/jpeg; charset=x").kind == "image/png"
    assert clean(encoded(halves(), "PNG"), "application/octet-stream").kind == "image/png"
    assert clean(encoded(halves()), "image/jpg").kind == "image/jpeg"


# --- refusals --------------------------------------------------------------------------------------------------------


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def jpeg_with_many_scans() -> bytes:
    data = encoded(halves(2000, 2000), progressive=True, quality=5)
    start = data.index(b"\xff\xda")
    return data[:start] + data[start : start + 14] * 300 + data[start:]


REFUSED: list[tuple[str, Callable[[], bytes], str, str]] = [
    ("empty", lambda: b"", "image/png", "file_broken"),
    ("cut off", lambda: encoded(halves(600, 400))[:-900], "image/jpeg", "file_broken"),
    ("cut off", lambda: encoded(halves(600, 400), "PNG")[:-30], "image/png", "file_broken"),
    ("cut off", lambda: encoded(halves(600, 400), "WEBP")[:-30], "image/webp", "file_broken"),
    ("only a head", lambda: b"\xff\xd8\xff\xe0", "image/jpeg", "file_broken"),
    ("only a head", lambda: b"\x89PNG\r\n\x1a\n", "image/png", "file_broken"),
    ("no pixels", lambda: png_that_claims(0, 10), "image/png", "file_broken"),
    ("web page", lambda: b"<!doctype html><script>1</script>", "image/png", "file_broken"),
    ("web page", lambda: b"<!doctype html>", "text/html", "file_type"),
    ("drawing that can run", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "file_type"),
    ("gif", lambda: encoded(halves(), "GIF"), "image/gif", "file_type"),
    ("gif", lambda: encoded(halves(), "GIF"), "", "file_type"),
    ("gif in disguise", lambda: encoded(halves(), "GIF"), "image/png", "file_broken"),
    ("program", lambda: b"MZ" + bytes(500), "application/octet-stream", "file_type"),
    ("document in disguise", lambda: pdf(), "image/jpeg", "file_broken"),
    ("picture in disguise", lambda: encoded(halves()), "application/pdf", "file_broken"),
    ("bomb", lambda: png_that_claims(60000, 60000), "image/png", "file_too_large"),
    ("bomb", lambda: png_that_claims(12000, 12000), "image/png", "file_too_large"),
    ("ribbon", lambda: png_that_claims(1_000_000, 1), "image/png", "file_too_large"),
    ("many scans", jpeg_with_many_scans, "image/jpeg", "file_too_large"),
    ("bytes", lambda: bytes(MAX_BYTES + 1), "image/png", "file_too_large"),
]


@pytest.mark.parametrize(("name", "make", "announced", "code"), REFUSED)
def test_what_is_refused(name: str, make: Callable[[], bytes], announced: str, code: str) -> None:
    assert refused(make(), announced) == code


@given(st.binary(max_size=400), st.sampled_from(["JPEG", "PNG", "WEBP"]), st.integers(0, 2000))
def test_damage_never_crashes(junk: bytes, kind: str, place: int) -> None:
    data = encoded(halves(16, 16), kind)
    for damaged in (data[:place] + junk + data[place + len(junk) :], data[:12] + junk):
        try:
            cleaned = clean(damaged, "")
        except ApiError as error:
            assert error.code in ("file_broken", "file_type", "file_too_large")  # noqa: PT017
        else:
            assert sniff(cleaned.data) == cleaned.kind


# --- PDF -------------------------------------------------------------------------------------------------------------


def test_a_pdf_is_passed_on_as_it_is() -> None:
    for data in (pdf(), pdf(tail=b"\r\n"), pdf(b"/OpenAction[2 0 R/Fit]"), pdf(b"/JSON 1"), pdf(b">>\nstream\n/JS \nendstream\n<<")):
        cleaned = clean(data, "application/pdf")
        assert (cleaned.kind, cleaned.data, cleaned.width) == ("application/pdf", data, None)


def pdf_and_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "x")
        archive.comment = b"\nstartxref\n9\n%%EOF\n"
    return b"%PDF-1.4\n" + out.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf()[:-30], "file_broken"),
        (pdf(tail=b"\n<html>"), "file_broken"),
        (pdf_and_zip(), "file_broken"),
        (b"x" + pdf(), "file_broken"),
        (pdf(b"/Names<</JavaScript 5 0 R>>"), "file_type"),
        (pdf(b"/OpenAction<</S/JS>>"), "file_type"),
        (pdf(b"/OpenAction<</S/J#61vaScript>>"), "file_type"),
        (pdf(b"/AA<</S/Launch/F(calc.exe)>>"), "file_type"),
        (pdf(b"/Names<</EmbeddedFiles 5 0 R>>"), "file_type"),
    ],
)
def test_a_pdf_that_is_refused(data: bytes, code: str) -> None:
    assert refused(data, "application/pdf") == code

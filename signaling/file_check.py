"""What a stranger sends as a file, looked at and made safe: :func:`clean`, which takes time and runs in a thread.

The content decides what a file is, not its name. A picture is decoded and written anew, upright and without anything
but its pixels: no EXIF (where it was taken), no comments, no profile, nothing behind its end. A PDF is passed on as it
is, after a look for what could run when it is opened; it is offered for saving, never shown in the page.

Every refusal is an ApiError: ``file_type`` (no kind that is taken), ``file_broken`` (cut off, damaged, or not what it
was announced as), ``file_too_large`` (bytes or pixels).
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageCms, ImageOps

from signaling.errors import ApiError

MAX_BYTES = 10 * 1024 * 1024
#: The longer side of what is kept, in pixels: all that a 12 megapixel camera gives.
MAX_SIDE = 4096
MAX_ASPECT = 50
#: JPEG is decoded at a fraction of its size, so that it may be larger.
MAX_PIXELS: Final = {"image/jpeg": 50_000_000, "image/png": 25_000_000, "image/webp": 25_000_000}
#: A progressive JPEG is gone through once per scan, and a hostile one has thousands.
MAX_SCANNED_PIXELS = 1_000_000_000
JPEG_QUALITY = 88
WEBP_QUALITY = 90

PDF = "application/pdf"
#: The kinds that are taken, each with its usual extension.
EXTENSIONS: Final = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", PDF: ".pdf"}
_FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_UNSAID = ("", "application/octet-stream", "binary/octet-stream")

# What makes a PDF run something, or carry another file (ISO 32000-2 section 12.6.4 and 7.11.4).
_PDF_ACTIVE = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFiles?|RichMedia|XFA|ImportData|SubmitForm)(?![A-Za-z0-9])")
_PDF_STREAM = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
_PDF_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_PDF_HEAD = re.compile(rb"%PDF-[12]\.[0-9]")
_PDF_TAIL = re.compile(rb"startxref\s+[0-9]+\s+%%EOF[\s\0]*\Z")
_ZIP_END = b"PK\x05\x06"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may be kept: its media type and bytes, and the pixels of a picture."""

    kind: str
    data: bytes
    width: int | None = None
    height: int | None = None


def sniff(data: bytes) -> str | None:
    """The media type that the first bytes tell, of those that are taken."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return PDF if _PDF_HEAD.match(data) else None


def clean(data: bytes, announced: str) -> Cleaned:
    """Check ``data``, announced as a media type (or as nothing in particular), and make it safe. Raises ApiError."""
    announced = announced.partition(";")[0].strip().lower()
    if len(data) > MAX_BYTES:
        raise ApiError("file_too_large")
    if announced not in EXTENSIONS and announced not in _UNSAID and announced != "image/jpg":
        raise ApiError("file_type")
    if not data:
        raise ApiError("file_broken")
    kind = sniff(data)
    # A picture that is another kind of picture was only named badly; it is written anew in any case.
    if kind is None or (announced not in _UNSAID and (announced == PDF) != (kind == PDF)):
        raise ApiError("file_type" if announced in _UNSAID else "file_broken")
    return _clean_pdf(data) if kind == PDF else _clean_picture(data, kind)


# --- PDF -------------------------------------------------------------------------------------------------------------


def _clean_pdf(data: bytes) -> Cleaned:
    if not _PDF_TAIL.search(data[-2048:]) or _ends_as_zip(data):
        raise ApiError("file_broken")
    # What is compressed stays unseen, and would only match by chance: hence never shown in the page.
    plain = _PDF_STREAM.sub(b"", data)
    # Names may be spelled with escapes.
    if _PDF_ACTIVE.search(_PDF_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), plain)):
        raise ApiError("file_type")
    return Cleaned(PDF, data)


def _ends_as_zip(data: bytes) -> bool:
    """Whether an unpacker would take it for an archive: its directory may stand before a comment (APPNOTE 4.3.16)."""
    start = max(0, len(data) - 22 - 65535)
    place = data.rfind(_ZIP_END, start)
    return place >= 0 and place + 22 + int.from_bytes(data[place + 20 : place + 22], "little") == len(data)


# --- pictures --------------------------------------------------------------------------------------------------------


def _clean_picture(data: bytes, kind: str) -> Cleaned:
    # The warning is Pillow's own, lower limit on pixels; the one above is checked here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=[_FORMATS[kind]]) as image:
                _check_size(image.size, kind, data)
                if kind == "image/jpeg":
                    image.draft(None, (MAX_SIDE, MAX_SIDE))
                image.load()
                plain = _plain(image)
            return _encode(plain, kind)
        except ApiError:
            raise
        except Image.DecompressionBombError:
            raise ApiError("file_too_large") from None
        except MemoryError:
            raise ApiError("file_too_large") from None
        except Exception:
            # A decoder fed with damage raises whatever it happens to: OSError, ValueError, SyntaxError, struct.error.
            raise ApiError("file_broken") from None


def _check_size(size: tuple[int, int], kind: str, data: bytes) -> None:
    short, long = sorted(size)
    if short < 1:
        raise ApiError("file_broken")
    if long * short > MAX_PIXELS[kind] or long > MAX_ASPECT * short + MAX_SIDE:
        raise ApiError("file_too_large")
    # Inside the scans a byte FF is followed by 00 or a restart marker: FF DA starts a scan (ITU-T T.81 section B.1.1).
    if kind == "image/jpeg" and long * short * data.count(b"\xff\xda") > MAX_SCANNED_PIXELS:
        raise ApiError("file_too_large")


def _plain(image: Image.Image) -> Image.Image:
    """Its pixels only: upright, in sRGB, 8 bits, not larger than needed, with alpha where there is some."""
    upright = ImageOps.exif_transpose(image)
    profile = image.info.get("icc_profile")
    if upright.mode.startswith("I;16"):
        upright = upright.convert("I").point(lambda value: value / 256).convert("L")
    has_alpha = upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info
    if profile and upright.mode in ("RGB", "CMYK", "RGBA"):
        upright = _to_srgb(upright, profile)
    mode = "RGBA" if has_alpha else "L" if upright.mode in ("1", "L") else "RGB"
    plain = upright.convert(mode) if upright.mode != mode else upright.copy()
    plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    # Encoders take comments, profiles and more from here.
    plain.info = {}
    return plain


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    # Without this the colours of a wide-gamut camera would look dull once the profile is gone.
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return image if converted is None else converted


def _encode(image: Image.Image, kind: str) -> Cleaned:
    for target in (kind, "image/webp", "image/jpeg"):
        out = io.BytesIO()
        if target == "image/jpeg":
            image.convert("RGB").save(out, "JPEG", quality=JPEG_QUALITY)
        elif target == "image/png":
            image.save(out, "PNG", compress_level=6)
        else:
            image.save(out, "WEBP", quality=WEBP_QUALITY, method=2)
        if out.tell() <= MAX_BYTES:
            return Cleaned(target, out.getvalue(), *image.size)
    raise ApiError("file_too_large")

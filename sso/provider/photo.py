"""A profile photo made anew from its pixels, so that nothing else in the file survives.

sign-in.md, Profile; reference/lessons.md, T45.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

from PIL import Image, ImageOps

MAX_BYTES = 4 * 1_048_576
MAX_SIDE = 4096
SHOWN_SIDE = 240
JPEG_QUALITY = 88

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
# What Pillow's readers raise on files made to confuse them.
_UNREADABLE = (
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Unusable(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class Photo:
    data: bytes = field(repr=False)
    content_type: str


def remake(data: bytes) -> Photo | None:
    """Return the picture at 240 pixels at most, as JPEG, or PNG where parts are transparent.

    None for the single pixel with which Graph says that there is no photo.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            width, height = picture.size
            if max(width, height) <= MAX_SIDE:
                return None if width == height == 1 else _made_anew(picture)
    except _UNREADABLE:
        raise Unusable("is no JPEG, PNG, GIF or WebP that decodes") from None
    raise Unusable(f"has more than {MAX_SIDE} pixels a side")


def _made_anew(picture: Image.Image) -> Photo:
    # A JPEG can be decoded at a smaller size right away.
    picture.draft("RGB", (2 * SHOWN_SIDE, 2 * SHOWN_SIDE))
    picture.load()
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    shown = ImageOps.exif_transpose(picture).convert(mode)
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    # Pasted into an empty image: Pillow carries comments and profiles of the old one along.
    clean = Image.new(mode, shown.size)
    clean.paste(shown)
    out = io.BytesIO()
    if mode == "RGBA":
        clean.save(out, "PNG", optimize=True)
        return Photo(out.getvalue(), "image/png")
    clean.save(out, "JPEG", quality=JPEG_QUALITY)
    return Photo(out.getvalue(), "image/jpeg")

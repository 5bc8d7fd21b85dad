"""Portraits: one picture, in the sizes that Graph keeps (entra-facts §6)."""

from __future__ import annotations

import functools
import io
from typing import Final

from PIL import Image, ImageDraw

SIZES: Final = (48, 64, 96, 120, 240, 360, 432, 504, 648)
_UPLOADED: Final = 360


@functools.cache
def portrait() -> bytes:
    image = Image.new("RGB", (_UPLOADED, _UPLOADED), "#d8e6f3")
    draw = ImageDraw.Draw(image)
    draw.ellipse((110, 60, 250, 210), fill="#8a5a3c")
    draw.ellipse((50, 220, 310, 480), fill="#2f6f8f")
    return _jpeg(image)


@functools.lru_cache(maxsize=64)
def resized(photo: bytes, size: int) -> bytes | None:
    """Return the picture in one of Graph's sizes; none is larger than what was uploaded."""
    with Image.open(io.BytesIO(photo)) as image:
        if size > min(image.size):
            return None
        return _jpeg(image.convert("RGB").resize((size, size)))


def edge(photo: bytes) -> int:
    with Image.open(io.BytesIO(photo)) as image:
        return min(image.size)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()

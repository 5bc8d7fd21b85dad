"""A profile photo made anew from its pixels, so that nothing else in the file survives.

Run as a program it reads one from its standard input: see `_in_a_process`. sign-in.md, Profile;
reference/lessons.md, T45.
"""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import (
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

MAX_BYTES = 4 * 1_048_576
MAX_SIDE = 4096
SHOWN_SIDE = 240
JPEG_QUALITY = 88
# What Graph sends for the size that is asked first is a tenth of this at most, and takes a few
# milliseconds.
SMALL_BYTES = 131_072
SMALL_PIXELS = 1_048_576
SMALL_SECONDS = 0.1

# Named by their modules: looked for by name, each of forty formats would be loaded.
_FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        GifImagePlugin.GifImageFile,
        WebPImagePlugin.WebPImageFile,
    )
)
_JPEG_SCAN = b"\xff\xda"
# Modes whose pixels can be mixed as they are; in the others they are numbers of colours.
_SMOOTH = frozenset({"L", "RGB", "RGBA", "CMYK", "YCbCr"})
# All that an interpreter may need to start.
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_CPU_SECONDS = 5
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


def remake(data: bytes, *, seconds: float) -> Photo | None:
    """Return the picture at 240 pixels at most, as JPEG, or PNG where parts are transparent.

    None for the single pixel with which Graph says that there is no photo. Whatever the file
    holds, it takes no longer than `seconds`.
    """
    if seconds < SMALL_SECONDS:
        raise Unusable("came too late to be decoded")
    return _remake(data) if _is_small(data) else _in_a_process(data, seconds)


def _is_small(data: bytes) -> bool:
    if len(data) > SMALL_BYTES:
        return False
    with _opened(data) as picture:
        width, height = picture.size
    # A progressive JPEG goes over its pixels once for each of its scans, of which there may be
    # thousands.
    return width * height * max(1, data.count(_JPEG_SCAN)) <= SMALL_PIXELS


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if max(picture.size) > MAX_SIDE:
                raise Unusable(f"has more than {MAX_SIDE} pixels a side")
            yield picture
    except Unusable:
        raise
    except _UNREADABLE:
        raise Unusable("is no JPEG, PNG, GIF or WebP that decodes") from None


def _remake(data: bytes) -> Photo | None:
    with _opened(data) as picture:
        return None if picture.size == (1, 1) else _made_anew(picture)


def _in_a_process(data: bytes, seconds: float) -> Photo | None:
    """Do the same in a process of its own, which can be ended at any moment.

    A decoder in a thread cannot: a few kilobytes keep one busy for minutes. Nothing of ours is
    in that process but the file, and it has no part of our environment.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and this very file
            # Isolated: beside this file lie modules with names of the standard library's.
            [sys.executable, "-I", __file__],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ending it takes a moment as well.
            timeout=seconds * 0.95,
            check=False,
            env={name: os.environ[name] for name in _LOADER if name in os.environ},
        )
    except subprocess.TimeoutExpired:
        raise Unusable("takes too long to decode") from None
    except OSError:
        raise Unusable("is too large to be decoded here") from None
    told, _, rest = done.stdout.partition(b"\n")
    kind, _, what = told.decode().partition(" ")
    if kind == "none":
        return None
    if kind == "photo":
        return Photo(rest, what)
    raise Unusable(what or "brings the decoder down")


def _main() -> None:
    import resource  # noqa: PLC0415 - only here, and only where processes have limits

    # Should nobody be left to end it.
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    try:
        made = _remake(sys.stdin.buffer.read())
    except Unusable as problem:
        told = f"unusable {problem}\n".encode()
    else:
        told = b"none\n" if made is None else f"photo {made.content_type}\n".encode() + made.data
    sys.stdout.buffer.write(told)


def _made_anew(picture: Image.Image) -> Photo:
    # A JPEG can be decoded at a smaller size right away.
    picture.draft("RGB", (2 * SHOWN_SIDE, 2 * SHOWN_SIDE))
    picture.load()
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode in _SMOOTH and "transparency" not in picture.info:
        # First of all: everything else costs as much as there are pixels.
        picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
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


if __name__ == "__main__":
    _main()

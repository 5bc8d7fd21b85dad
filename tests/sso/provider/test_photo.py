"""What decoding a photo may cost (sign-in.md, Profile)."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from PIL import Image

from sso.provider import photo

PATIENCE = 60.0


def picture(kind: str, side: int, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (side, side // 2), 120 if mode == "P" else None).save(out, kind, **options)
    return out.getvalue()


def endless() -> bytes:
    """Return a JPEG of some hundred kilobytes that goes over its many pixels ten thousand times."""
    honest = picture("JPEG", 4000, progressive=True)
    last = honest.rindex(b"\xff\xda")
    scan = honest[last:-2]
    return honest[:last] + scan * 10_000 + b"\xff\xd9"


@pytest.fixture
def ran(monkeypatch) -> list[dict[str, Any]]:
    """What processes were started, and how."""
    calls: list[dict[str, Any]] = []
    run = subprocess.run

    def remember(*args: Any, **kwargs: Any) -> Any:
        calls.append({"args": args[0], **kwargs})
        return run(*args, **kwargs)

    monkeypatch.setattr(subprocess, "run", remember)
    return calls


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_large_photo_is_made_as_a_small_one_is(ran, kind):
    large = photo.remake(picture(kind, 2000), seconds=PATIENCE)
    assert len(ran) == 1
    small = photo.remake(picture(kind, 1000), seconds=PATIENCE)
    assert len(ran) == 1

    assert large is not None
    assert small is not None
    for made in (large, small):
        assert made.content_type == "image/jpeg"
        with Image.open(io.BytesIO(made.data)) as shown:
            assert shown.size == (240, 120)


def test_a_large_transparent_photo_stays_transparent(ran):
    made = photo.remake(picture("PNG", 2000, "RGBA"), seconds=PATIENCE)

    assert made is not None
    assert made.content_type == "image/png"
    with Image.open(io.BytesIO(made.data)) as shown:
        assert (shown.mode, shown.size) == ("RGBA", (240, 120))
    assert len(ran) == 1


def test_a_photo_that_would_take_minutes_takes_its_share(ran):
    data = endless()
    began = time.monotonic()

    with pytest.raises(photo.Unusable, match="takes too long to decode"):
        photo.remake(data, seconds=0.5)

    # Far from the minutes that it would be, on however slow a machine.
    assert time.monotonic() - began < 20
    assert len(ran) == 1


@pytest.mark.parametrize(
    "data",
    [
        picture("JPEG", 100, progressive=True)[:-2] + b"\xff\xda" * 200,
        picture("PNG", 100) + b"\0" * photo.SMALL_BYTES,
        picture("WEBP", 4096),
    ],
    ids=["many scans", "many bytes", "many pixels"],
)
def test_only_what_is_small_in_every_way_is_decoded_here(monkeypatch, data):
    def end(*_args: Any, **kwargs: Any) -> None:
        raise subprocess.TimeoutExpired("python", kwargs["timeout"])

    monkeypatch.setattr(subprocess, "run", end)
    monkeypatch.setattr(photo, "SMALL_PIXELS", 1_000_000)

    with pytest.raises(photo.Unusable, match="takes too long"):
        photo.remake(data, seconds=PATIENCE)


def test_nothing_of_our_environment_is_where_a_strangers_file_is_read(ran):
    photo.remake(picture("JPEG", 2000), seconds=PATIENCE)

    (call,) = ran
    assert os.environ["SECRET_KEY"]
    assert not set(call["env"]) - {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"}
    assert call["args"][1] == "-I"


def test_no_time_left_is_no_beginning(ran):
    with pytest.raises(photo.Unusable, match="came too late"):
        photo.remake(picture("JPEG", 100), seconds=0.01)
    with pytest.raises(photo.Unusable, match="came too late"):
        photo.remake(picture("JPEG", 2000), seconds=0)
    assert ran == []


def test_bytes_that_are_no_photo_are_told_from_there_too(ran):
    for data, problem in (
        (b"\xff\xd8" + b"\0" * 200_000, "is no JPEG"),
        (picture("PNG", 4098) + b"\0" * 200_000, "has more than 4096 pixels"),
    ):
        with pytest.raises(photo.Unusable, match=problem):
            photo.remake(data, seconds=PATIENCE)
    one = io.BytesIO()
    Image.new("P", (1, 1)).save(one, "GIF")
    assert photo.remake(one.getvalue() + b"\0" * 200_000, seconds=PATIENCE) is None
    assert len(ran) == 3


@pytest.mark.parametrize("executable", ["/bin/false", "/nowhere/python"])
def test_a_decoder_that_dies_costs_the_photo_alone(monkeypatch, executable):
    monkeypatch.setattr(sys, "executable", executable)

    with pytest.raises(photo.Unusable, match="decode"):
        photo.remake(picture("JPEG", 2000), seconds=PATIENCE)

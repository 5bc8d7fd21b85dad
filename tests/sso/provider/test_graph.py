from __future__ import annotations

import io
import struct
import time
import zlib

import pytest
from PIL import Image, PngImagePlugin

from sso.provider import discovery, graph, photo
from sso.provider.deadline import Deadline
from sso.provider.document import Metadata
from sso.rules.claims import GroupsSource
from sso.rules.reasons import Reason
from tests.fakes.provider import FakeProvider, Reply, damaged

GROUPS = [f"00000000-0000-0000-0000-{number:012}" for number in range(250)]


def groups(provider: FakeProvider, metadata: Metadata, *, overage: bool = True, stop_at=None):
    return graph.member_groups(
        metadata,
        access_token=provider.access_token,
        overage=overage,
        stop_at=stop_at,
        deadline=Deadline(10),
    )


def test_groups_are_read_page_by_page(entra, entra_metadata):
    entra.groups, entra.page_size = GROUPS, 100
    answer = groups(entra, entra_metadata)
    assert answer.groups.values == tuple(GROUPS)
    assert answer.groups.source is GroupsSource.GRAPH
    assert answer.reason is None
    assert entra.asked["groups"] == 3
    first = next(seen for seen in entra.seen if "transitiveMemberOf" in seen.url)
    assert first.url == (
        "https://graph.microsoft.com/v1.0/me/transitiveMemberOf?$select=id&$top=999"
    )
    assert first.headers["authorization"] == f"Bearer {entra.access_token}"


def test_reading_stops_at_the_best_mapped_group(entra, entra_metadata):
    entra.groups, entra.page_size = GROUPS, 100
    answer = groups(entra, entra_metadata, stop_at=lambda group: group == GROUPS[120])
    assert answer.groups.source is GroupsSource.GRAPH
    assert GROUPS[120] in answer.groups.values
    assert entra.asked["groups"] == 2


def test_only_groups_count(entra, entra_metadata):
    members = [
        {"@odata.type": "#microsoft.graph.group", "id": GROUPS[0]},
        {"@odata.type": "#microsoft.graph.group", "id": GROUPS[0]},
        {"@odata.type": "#microsoft.graph.directoryRole", "id": GROUPS[1]},
        {"@odata.type": "#microsoft.graph.group", "id": 7},
        {"@odata.type": ["#microsoft.graph.group"], "id": GROUPS[2]},
        {"@odata.type": "#microsoft.graph.group", "id": "x" * 65},
        {"id": GROUPS[3]},
        "text",
        None,
    ]
    entra.reply("groups", Reply.json({"value": members}))
    assert groups(entra, entra_metadata).groups.values == (GROUPS[0],)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/me/transitiveMemberOf",
        "http://graph.microsoft.com/v1.0/next",
        "https://graph.microsoft.com:8443/v1.0/next",
        "https://graph.microsoft.com.evil.example/next",
        "https://graph.microsoft.com@evil.example/next",
        "/v1.0/next",
        7,
        "",
    ],
)
def test_case_108_the_access_token_goes_to_no_other_host(entra, entra_metadata, link):
    entra.groups = GROUPS[:3]
    entra.on("groups", damaged(**{"@odata.nextLink": link}))
    answer = groups(entra, entra_metadata)
    assert answer.groups.source is GroupsSource.INCOMPLETE
    assert answer.reason is Reason.PROVIDER_ADDRESS
    assert entra.asked["groups"] == 1
    assert entra.total == 2


def test_no_more_than_twenty_pages_are_read(entra, entra_metadata):
    entra.groups, entra.page_size = GROUPS, 10
    answer = groups(entra, entra_metadata)
    assert answer.groups.source is GroupsSource.INCOMPLETE
    assert entra.asked["groups"] == 20


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(429, b"", {"Retry-After": "1"}), Reason.PROVIDER_THROTTLED),
        (Reply(503), Reason.PROVIDER_STATUS),
        (Reply(404), Reason.PROVIDER_STATUS),
        (Reply(302, b"", {"Location": "https://evil.example/"}), Reason.PROVIDER_REDIRECT),
        (Reply(200, b"<html>"), Reason.PROVIDER_ANSWER),
        (Reply(200, b'{"value": {}}'), Reason.PROVIDER_ANSWER),
        (Reply(200, b"{}"), Reason.PROVIDER_ANSWER),
        (Reply(200, b"x" * 2_000_000), Reason.PROVIDER_TOO_LARGE),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("overage", [True, False])
def test_asked_and_not_answered_is_an_outage(entra, entra_metadata, reply, reason, overage):
    entra.reply("groups", reply)
    answer = groups(entra, entra_metadata, overage=overage)
    assert answer.groups.source is GroupsSource.INCOMPLETE
    assert answer.reason is reason
    assert answer.detail


def test_a_page_missing_is_an_outage_that_keeps_what_was_read(entra, entra_metadata):
    entra.groups, entra.page_size = GROUPS, 100
    entra.on("groups", lambda honest: Reply(500) if entra.asked["groups"] == 2 else honest)
    answer = groups(entra, entra_metadata)
    assert answer.groups.source is GroupsSource.INCOMPLETE
    assert answer.groups.values == tuple(GROUPS[:100])


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_is_an_outage_only_on_overage(entra, entra_metadata, status):
    error = {
        "code": "Authorization_RequestDenied",
        "message": "Insufficient privileges to complete the operation.",
        "innerError": {"request-id": "8f6c1f0e-9f0a-4c3c-8d9e-111111111111"},
    }
    entra.reply("groups", Reply.json({"error": error}, status))
    denied = groups(entra, entra_metadata, overage=True)
    assert denied.groups.source is GroupsSource.INCOMPLETE
    assert "User.Read" in denied.detail
    assert denied.provider_error is not None
    assert denied.provider_error.description.startswith("Authorization_RequestDenied")
    assert denied.provider_error.trace_id.endswith("1111")
    absent = groups(entra, entra_metadata, overage=False)
    assert absent.groups.source is GroupsSource.ABSENT
    assert absent.groups.values == ()


def test_without_a_graph_host_nothing_is_asked(provider, metadata):
    assert groups(provider, metadata, overage=False).groups.source is GroupsSource.ABSENT
    assert groups(provider, metadata, overage=True).groups.source is GroupsSource.INCOMPLETE
    assert profile_photo(provider, metadata) == graph.PhotoAnswer(
        detail="The provider names no Graph host."
    )
    assert provider.total == 1


# The photo


def profile_photo(provider: FakeProvider, metadata: Metadata, seconds: float = 10):
    return graph.profile_photo(
        metadata, access_token=provider.access_token, deadline=Deadline(seconds)
    )


def picture(kind: str = "JPEG", size=(600, 400), mode: str = "RGB", **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 120 if mode in {"L", "P"} else None).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_a_photo_is_made_anew(entra, entra_metadata, kind):
    entra.photo = picture(kind)
    answer = profile_photo(entra, entra_metadata)
    assert answer.looked
    assert answer.content_type == "image/jpeg"
    with Image.open(io.BytesIO(answer.image)) as made:
        assert made.format == "JPEG"
        assert made.size == (240, 160)
    assert entra.asked["photo"] == 1
    assert entra.seen[-1].url.endswith("/v1.0/me/photos/120x120/$value")


def test_a_transparent_photo_stays_transparent(entra, entra_metadata):
    entra.photo = picture("PNG", (100, 100), "RGBA")
    answer = profile_photo(entra, entra_metadata)
    assert answer.content_type == "image/png"
    with Image.open(io.BytesIO(answer.image)) as made:
        assert made.size == (100, 100)
        assert made.mode == "RGBA"


def test_nothing_but_the_pixels_survives(entra, entra_metadata):
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    exif[0x0112] = 6
    entra.photo = picture("JPEG", exif=exif, comment=b"secret comment", icc_profile=b"secret icc")
    made = profile_photo(entra, entra_metadata).image
    assert b"secret" in entra.photo
    assert b"secret" not in made
    with Image.open(io.BytesIO(made)) as turned:
        assert turned.size == (160, 240)
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "secret text")
    entra.photo = picture("PNG", mode="RGBA", pnginfo=text, icc_profile=b"secret icc")
    assert b"secret" not in profile_photo(entra, entra_metadata).image


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_odd_colours_are_shown_too(entra, entra_metadata, mode):
    entra.photo = picture("JPEG" if mode in {"L", "CMYK"} else "PNG", mode=mode)
    assert profile_photo(entra, entra_metadata).image


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html></html>",
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        b"GIF89a" + b"\xff" * 100,
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\0" * 50,
        picture("BMP"),
        picture("TIFF"),
        picture("PNG")[:200],
        picture("PNG", (4097, 1)),
        picture("PNG", (1, 4097)),
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 50,
    ],
    ids=range(12),
)
def test_bytes_that_are_no_photo_are_dropped(entra, entra_metadata, data):
    entra.photo = data
    answer = profile_photo(entra, entra_metadata)
    assert answer.image is None
    assert not answer.looked
    assert answer.detail


@pytest.mark.parametrize("side", [9_500, 12_000, 60_000])
def test_a_bomb_of_pixels_is_not_unpacked(side):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000))
    began = time.monotonic()
    with pytest.raises(photo.Unusable):
        photo.remake(data, seconds=2)
    assert time.monotonic() - began < 0.2


def test_one_pixel_says_that_there_is_none(entra, entra_metadata):
    entra.photo = picture("GIF", (1, 1))
    assert profile_photo(entra, entra_metadata) == graph.PhotoAnswer(looked=True)


@pytest.mark.parametrize(
    ("first", "second", "found", "looked", "requests"),
    [
        (404, 404, False, True, 2),
        (404, 200, True, True, 2),
        (400, 404, False, True, 2),
        (404, 403, False, False, 2),
        (403, 200, False, False, 1),
        (401, 200, False, False, 1),
        (429, 200, False, False, 1),
        (503, 200, False, False, 1),
        (302, 200, False, False, 1),
    ],
)
def test_only_a_photo_or_a_404_counts_as_looked_at(
    entra, entra_metadata, first, second, found, looked, requests
):
    entra.photo = picture()

    def answer(honest: Reply) -> Reply:
        status = first if entra.asked["photo"] == 1 else second
        return honest if status == 200 else Reply(status)

    entra.on("photo", answer)
    got = profile_photo(entra, entra_metadata)
    assert (got.image is not None) is found
    assert got.looked is looked
    assert entra.asked["photo"] == requests
    if requests == 2:
        assert entra.seen[-1].url.endswith("/v1.0/me/photo/$value")


def test_a_photo_may_be_larger_than_other_answers_but_not_endless(entra, entra_metadata):
    entra.photo = picture() + b"\0" * 2_000_000
    assert profile_photo(entra, entra_metadata).image
    entra.photo = picture() + b"\0" * 4_300_000
    answer = profile_photo(entra, entra_metadata)
    assert answer.image is None
    assert not answer.looked


def test_a_photo_never_takes_longer_than_its_share(monkeypatch):
    with FakeProvider.serving(entra=True) as provider:
        metadata = discovery.ask(provider.issuer, deadline=Deadline(5))

        def slow(honest: Reply) -> Reply:
            time.sleep(0.6)
            return honest

        provider.on("photo", slow)
        monkeypatch.setattr(graph, "PHOTO_SECONDS", 0.2)
        began = time.monotonic()
        answer = profile_photo(provider, metadata)
        assert time.monotonic() - began < 0.5
    assert answer.image is None
    assert not answer.looked
    assert "too long" in answer.detail

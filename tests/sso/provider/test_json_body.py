from __future__ import annotations

import pytest

from sso.provider.json_body import NotJson, parse_object


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"<html></html>",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a": ' + b'{"a":' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=range(19),
)
def test_cases_27_29_31_anything_ambiguous_is_no_json(data):
    with pytest.raises(NotJson) as caught:
        parse_object(data)
    assert "999" not in str(caught.value)


def test_an_object_is_read():
    assert parse_object('{"a": [1, {"b": "ü"}], "c": 1.5}'.encode()) == {
        "a": [1, {"b": "ü"}],
        "c": 1.5,
    }

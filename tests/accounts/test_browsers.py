from __future__ import annotations

import pytest

from accounts.browsers import describe_browser

MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            f"{MOZILLA} (X11; Linux x86_64) Gecko/20100101 Firefox/130.0",
            "Firefox on Linux",
        ),
        (
            f"{MOZILLA} (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130",
            "Edge on Windows",
        ),
        (f"{MOZILLA} (iPhone; like Mac OS X) Version/17 Safari/604.1", "Safari on iPhone"),
        (f"{MOZILLA} (Linux; Android 14) Chrome/130 Mobile Safari/537", "Chrome on Android"),
        ("curl/8.0", "curl"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_described_in_a_few_words(user_agent, words):
    assert describe_browser(user_agent) == words

from __future__ import annotations

import pytest

from sso.provider import addresses
from sso.provider.addresses import BadUrl, Reach


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("20.190.151.7", Reach.PUBLIC),
        ("2603:1006:2000::8", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("fd00::1", Reach.PRIVATE),
        ("fec0::1", Reach.PRIVATE),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::a00:1", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.9.9.9", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("2002:7f00:1::", Reach.LOOPBACK),
        ("169.254.169.254", Reach.NEVER),
        ("169.254.0.1", Reach.NEVER),
        ("::ffff:169.254.169.254", Reach.NEVER),
        ("::169.254.169.254", Reach.NEVER),
        ("64:ff9b::a9fe:a9fe", Reach.NEVER),
        ("2002:a9fe:a9fe::", Reach.NEVER),
        ("fe80::1", Reach.NEVER),
        ("fe80::1%eth0", Reach.NEVER),
        ("fd00:ec2::254", Reach.NEVER),
        ("fd20:ce::254", Reach.NEVER),
        ("100.100.100.200", Reach.NEVER),
        ("168.63.129.16", Reach.NEVER),
        ("0.0.0.0", Reach.NEVER),  # noqa: S104 - a value to judge
        ("::", Reach.NEVER),
        ("224.0.0.1", Reach.NEVER),
        ("255.255.255.255", Reach.NEVER),
        ("240.0.0.1", Reach.NEVER),
        ("not an address", Reach.NEVER),
    ],
)
def test_reach(address, expected):
    assert addresses.reach(address) is expected


def test_loopback_is_private_unless_the_issuer_is_loopback_too():
    assert addresses.allowed("127.0.0.1", private=True, loopback=False)
    assert addresses.allowed("127.0.0.1", private=False, loopback=True)
    assert not addresses.allowed("127.0.0.1", private=False, loopback=False)
    assert not addresses.allowed("10.0.0.1", private=False, loopback=True)
    assert not addresses.allowed("169.254.169.254", private=True, loopback=True)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("::1", "::1"),
        ("login.example.com", None),
        ("3com.com", None),
    ],
)
def test_a_number_is_an_address_in_every_spelling(host, expected):
    assert addresses.literal(host) == expected


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://sso.example.com/",
        "javascript:alert(1)",
        "https://user@sso.example.com/",
        "https://user:pass@sso.example.com/",
        "https://sso.example.com/#fragment",
        "https:///path",
        "https://",
        "//sso.example.com/",
        "https://sso.example.com\\@evil.example/",
        "https://sso.example.com/\r\nX: y",
        "https://sso.example.com/a b",
        "https://sso.example.com:99999/",
        "https://[::1/",
        "https://ssö.example.com/",
        "https://sso.example.com/{tenantid}",
        "https://" + "a" * 3000,
        "",
        None,
        7,
        ["https://sso.example.com"],
    ],
    ids=repr,
)
def test_case_93_a_url_that_is_not_plainly_one_is_refused(url):
    with pytest.raises(BadUrl):
        addresses.split_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://sso.example.com",
        "https://sso.example.com./a?p=b2c",
        "http://127.0.0.1:8400/x",
        "https://[2001:db8::1]:8443/",
        "https://my_keycloak:8443/realms/main",
    ],
)
def test_a_plain_url_is_taken(url):
    assert addresses.split_url(url).hostname

from __future__ import annotations

import pytest

from sso.rules.hosts import host_of, is_loopback_host, is_never_called
from sso.rules.microsoft import (
    GRAPH_HOSTS,
    LOGIN_HOSTS,
    cloud_of,
    is_microsoft_graph_host,
    is_microsoft_login_host,
)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_loopback(host):
    assert is_loopback_host(host)
    assert not is_never_called(host)


@pytest.mark.parametrize(
    "host", ["localhost.evil.example", "10.0.0.1", "128.0.0.1", "", "::2", "127.0.0.1.example"]
)
def test_not_loopback(host):
    assert not is_loopback_host(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "192.168.1.1", "auth.example", "1a.example", "fd00::1", "8.8.8.8", "例.jp"]
)
def test_what_may_be_called(host):
    assert not is_never_called(host)


@pytest.mark.parametrize(
    "host", ["169.254.1.1", "fe80::1%eth0", "168.63.129.16", "0x7f.1", "017700000001", "127.1"]
)
def test_what_is_never_called(host):
    assert is_never_called(host)


def test_microsofts_hosts():
    assert is_microsoft_login_host("Login.MicrosoftOnline.com")
    assert not is_microsoft_login_host("login.microsoftonline.com.evil.example")
    assert not is_microsoft_login_host("evil-login.microsoftonline.com")
    assert is_microsoft_graph_host("dod-graph.microsoft.us")
    assert not is_microsoft_graph_host("graph.microsoft.com.evil.example")
    assert not LOGIN_HOSTS & GRAPH_HOSTS
    cloud = cloud_of("sts.windows.net")
    assert cloud is not None
    assert cloud.login_host == "login.microsoftonline.com"
    assert cloud_of("auth.example") is None


@pytest.mark.parametrize(
    ("address", "host"),
    [("https://Auth.example:8443/x", "auth.example"), ("x", ""), ("", ""), ("https://[", "")],
)
def test_the_host_of_an_address(address, host):
    assert host_of(address) == host

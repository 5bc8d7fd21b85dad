"""Microsoft's clouds: which hosts are theirs (entra-facts §1.5)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cloud:
    name: str
    login_host: str
    graph_hosts: tuple[str, ...]
    portal_host: str
    aliases: tuple[str, ...] = ()


CLOUDS: tuple[Cloud, ...] = (
    Cloud(
        name="Global",
        login_host="login.microsoftonline.com",
        graph_hosts=("graph.microsoft.com",),
        portal_host="entra.microsoft.com",
        aliases=("login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ),
    # One login host serves two clouds, each with a Graph of its own.
    Cloud(
        name="US Government",
        login_host="login.microsoftonline.us",
        graph_hosts=("graph.microsoft.us", "dod-graph.microsoft.us"),
        portal_host="portal.azure.us",
    ),
    Cloud(
        name="China",
        login_host="login.partner.microsoftonline.cn",
        graph_hosts=("microsoftgraph.chinacloudapi.cn",),
        portal_host="portal.azure.cn",
        aliases=("login.chinacloudapi.cn",),
    ),
    Cloud(
        name="Bleu",
        login_host="login.sovcloud-identity.fr",
        graph_hosts=("graph.svc.sovcloud.fr",),
        portal_host="",
    ),
    Cloud(
        name="Delos",
        login_host="login.sovcloud-identity.de",
        graph_hosts=("graph.svc.sovcloud.de",),
        portal_host="",
    ),
    Cloud(
        name="GovSG",
        login_host="login.sovcloud-identity.sg",
        graph_hosts=("graph.svc.sovcloud.sg",),
        portal_host="",
    ),
)

_BY_LOGIN_HOST = {host: cloud for cloud in CLOUDS for host in (cloud.login_host, *cloud.aliases)}
LOGIN_HOSTS: frozenset[str] = frozenset(_BY_LOGIN_HOST)
GRAPH_HOSTS: frozenset[str] = frozenset(host for cloud in CLOUDS for host in cloud.graph_hosts)

#: Paths that stand for more than one tenant (entra-facts §1.3); the last is where personal
#: accounts live.
SEVERAL_TENANTS: frozenset[str] = frozenset(
    {"common", "organizations", "consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"}
)


def cloud_of(login_host: str) -> Cloud | None:
    return _BY_LOGIN_HOST.get(login_host.lower())


def is_microsoft_login_host(host: str) -> bool:
    return host.lower() in LOGIN_HOSTS


def is_microsoft_graph_host(host: str) -> bool:
    return host.lower() in GRAPH_HOSTS

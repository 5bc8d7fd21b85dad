"""Where in the Entra admin center a blade is (entra-facts §10.5: undocumented, may change)."""

from __future__ import annotations

from urllib.parse import urlsplit

from sso.rules.explanations import Blade
from sso.rules.hosts import host_of
from sso.rules.microsoft import CLOUDS, cloud_of
from sso.rules.text import is_guid

#: The one portal whose addresses are known; those of the national clouds differ.
PORTAL_HOST = CLOUDS[0].portal_host
_APPS = "#view/Microsoft_AAD_RegisteredApps"
_MENUS = {
    Blade.OVERVIEW: "Overview",
    Blade.AUTHENTICATION: "Authentication",
    Blade.SECRETS: "Credentials",
    Blade.TOKEN_CONFIGURATION: "TokenConfiguration",
    Blade.PERMISSIONS: "CallAnAPI",
}


def blade_link(blade: Blade, *, issuer: str, client_id: str) -> str:
    """Return the address of a blade, as near to it as can be; "" where there is none.

    An empty `client_id`, as one that Entra does not know, leads to the list of all apps.
    """
    cloud = cloud_of(host_of(issuer)) if issuer else CLOUDS[0]
    if not blade or cloud is None or cloud.portal_host != PORTAL_HOST:
        return ""
    tenant = urlsplit(issuer).path.strip("/").partition("/")[0]
    start = f"https://{PORTAL_HOST}/{tenant}/" if is_guid(tenant) else f"https://{PORTAL_HOST}/"
    menu = _MENUS.get(blade)
    if menu is None:
        return start
    if not is_guid(client_id):
        return f"{start}{_APPS}/ApplicationsListBlade"
    return f"{start}{_APPS}/ApplicationMenuBlade/~/{menu}/appId/{client_id}"

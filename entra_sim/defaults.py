"""Fixed identifiers: the same at every start, so that pasted settings stay valid."""

from __future__ import annotations

from typing import Final

TENANT_ID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TENANT_NAME: Final = "Contoso"
TENANT_DOMAINS: Final = ("contoso.com", "contoso.onmicrosoft.com", "fabrikam.example")

# A second organisation, with a person who claims an address of the first.
OTHER_TENANT_ID: Final = "2f1b7a36-90d4-4b8e-8a55-6b1f0f3c9d21"
# Where the guest is at home.
GUEST_HOME_TENANT_ID: Final = "a4d0c2be-35a7-4a0e-b0c7-5e1b4f2d8e63"
# The tenant of all personal accounts (entra-facts §1.1).
CONSUMERS_TENANT_ID: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"

CLIENT_ID: Final = "3d8f2c54-1b7e-4f0a-9c36-d25a8e7b1f90"
APP_NAME: Final = "PatchMon"
# Credentials of a tenant that does not exist: they open nothing anywhere. Long and with the
# punctuation of real ones, but not of their pattern, so that no secret scanner raises an alarm.
SECRET_VALUE: Final = "Simulated~Value.7fQ2xL_kR94-bTzN0cWvYhE3"  # noqa: S105
SECRET_ID: Final = "5e2b9d17-c4a8-4e63-8f1d-70b3a6c9e254"  # noqa: S105
EXPIRED_SECRET_VALUE: Final = "Simulated~Lapsed.3mJ8pV_aD61-sKgU5eXoCiB9"  # noqa: S105
EXPIRED_SECRET_ID: Final = "b81f4c60-2d95-47ea-a3c8-1e6f50d7b932"  # noqa: S105

# Role of PatchMon → Object ID of the group that the guide's Step 6 makes for it.
ROLE_GROUPS: Final = {
    "superadmin": "a1f5c3d2-0001-4c7b-9e10-5b8d2f4a6c01",
    "admin": "a1f5c3d2-0002-4c7b-9e10-5b8d2f4a6c02",
    "host_manager": "a1f5c3d2-0003-4c7b-9e10-5b8d2f4a6c03",
    "user": "a1f5c3d2-0004-4c7b-9e10-5b8d2f4a6c04",
    "readonly": "a1f5c3d2-0005-4c7b-9e10-5b8d2f4a6c05",
}
ROLE_GROUP_NAMES: Final = {
    "superadmin": "PatchMon SuperAdmins",
    "admin": "PatchMon Admins",
    "host_manager": "PatchMon Host Managers",
    "user": "PatchMon Users",
    "readonly": "PatchMon Readonly",
}
# In no row of a role mapping: what a person brings along besides.
UNMAPPED_GROUP: Final = "c0ffee00-0000-4000-8000-000000000001"
DIRECTORY_ROLE: Final = "d15ec700-0000-4000-8000-000000000001"

DEFAULT_PORT: Final = 8400
DEFAULT_CALLBACKS: Final = (
    "http://localhost:3000/api/v1/auth/oidc/callback",
    "http://localhost:3000/login",
)

# Resource identifiers of Microsoft Graph in any tenant.
GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
GRAPH_PUBLIC_URL: Final = "https://graph.microsoft.com"

"""Misconfigurations, each with the one cause and the one cure that PatchMon names for it.

The table of docs/troubleshooting.md is made of these rows; `python -m tests.sso.misconfigurations`
prints it. What stands in braces differs from one installation to the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CALLBACK = "http://localhost:3000/api/v1/auth/oidc/callback"
SECRET_CURE = (
    "Create a new secret, paste its Value (not the Secret ID) into Client Secret and press Save "
    "next to the field. A new secret can take a minute or two to work."
)
SCOPES = "openid email profile User.Read"


@dataclass(frozen=True, slots=True)
class Misconfiguration:
    name: str
    sees: str
    cause: str
    cure: str

    def row(self) -> str:
        cells = (self.sees, self.cause, self.cure)
        return "| " + " | ".join(re.sub(r"\{(\w+)\}", r"`<\1>`", cell) for cell in cells) + " |"


def _step(number: int) -> str:
    return f"Check configuration stops at step {number}"


ROWS = (
    Misconfiguration(
        "nothing filled in",
        f"{_step(1)}; Enable OIDC / SSO is refused",
        "Client Secret is empty.",
        "Paste the secret's Value into Client Secret and press Save next to the field.",
    ),
    Misconfiguration(
        "another encryption key",
        f"{_step(1)}; no button on the sign-in page after a move to another server",
        "The stored client secret cannot be decrypted.",
        "Put the earlier key back into ENCRYPTION_KEYS or SECRET_KEY, or save the secret again.",
    ),
    Misconfiguration(
        "server address without https",
        f"{_step(1)}; Enable OIDC / SSO is refused",
        "The callback URL {callback} is not https, and Enforce HTTPS is on.",
        "Change the Server URL under Settings → General.",
    ),
    Misconfiguration(
        "secret ID instead of value",
        "Save beside Client Secret is refused",
        "This looks like the Secret ID.",
        "Paste the Value column.",
    ),
    Misconfiguration(
        "several tenants",
        "Apply is refused at Issuer URL",
        "“common” stands for many tenants, so that anyone with a Microsoft account could try to "
        "sign in.",
        "Use the Directory (tenant) ID, on the Overview page of your app in Entra: "
        "https://login.microsoftonline.com/<TENANT_ID>/v2.0.",
    ),
    Misconfiguration(
        "issuer without v2.0",
        "Apply is refused at Issuer URL",
        "The issuer of Entra ends in /v2.0.",
        "It should look like this: {issuer}",
    ),
    Misconfiguration(
        "groups scope typed",
        "Apply is refused at Scopes",
        "Entra knows no scope “groups” and refuses the whole request.",
        f"Use these scopes: {SCOPES}",
    ),
    Misconfiguration(
        "group in two rows",
        "Apply is refused at Role Mapping",
        "“{group}” is in the Admin row and in the User row.",
        "A group can give one role only: take it out of one of them.",
    ),
    Misconfiguration(
        "dns",
        f"{_step(2)}; no button on the sign-in page",
        "DNS: this server finds no host named {host}.",
        "Look for a typing error in the Issuer URL. If it is right, correct the DNS that this "
        "server uses.",
    ),
    Misconfiguration(
        "tcp",
        f"{_step(2)}; no button on the sign-in page",
        "TCP: {host} takes no connection on port {port}.",
        "Let this server reach {host} on port {port} through the firewall, or name a proxy in "
        "HTTPS_PROXY and restart PatchMon.",
    ),
    Misconfiguration(
        "tls",
        f"{_step(2)}; no button on the sign-in page",
        "TLS: the certificate that {host} shows is not trusted.",
        "If your own authority or a proxy that opens TLS signed it, name that authority's file in "
        "OIDC_CA_BUNDLE and restart PatchMon; else have the certificate renewed.",
    ),
    Misconfiguration(
        "proxy that is not there",
        f"{_step(2)}; no button on the sign-in page",
        "Proxy: the one in HTTPS_PROXY does not lead to {host}.",
        "Correct HTTPS_PROXY, or put {host} into NO_PROXY; then restart PatchMon.",
    ),
    Misconfiguration(
        "clock",
        f"{_step(2)}; sign-ins are refused as too old or not valid yet",
        "This server's clock is {minutes} minutes behind the provider's.",
        "Set the clock of this server by NTP: with more than two minutes between the two, sign-ins "
        "are refused.",
    ),
    Misconfiguration(
        "proxy in the way",
        f"{_step(3)}; no button on the sign-in page",
        "A proxy in the way: a web page came instead of the discovery document of {host}.",
        "Let this server reach {host} past the proxy or firewall, without a sign-in page or a "
        "block page in between.",
    ),
    Misconfiguration(
        "wrong tenant",
        f"{_step(3)} with AADSTS90002; no button on the sign-in page",
        "Entra does not know the tenant in the Issuer URL.",
        "Copy the Directory (tenant) ID again into the Issuer URL. Tenants of a national cloud "
        "have another login host.",
    ),
    Misconfiguration(
        "another cloud",
        f"{_step(3)}",
        "The tenant belongs to another Microsoft cloud: US Government.",
        "Put this into Issuer URL: {issuer}",
    ),
    Misconfiguration(
        "wrong client id",
        f"{_step(5)} with AADSTS700016",
        "Entra knows no app with this client ID in this tenant.",
        "Copy the Application (client) ID again (not the Object ID), and make sure that the Issuer "
        "URL names the tenant in which the app is registered.",
    ),
    Misconfiguration(
        "wrong secret",
        f"{_step(5)} with AADSTS7000215",
        "The client secret is wrong.",
        SECRET_CURE,
    ),
    Misconfiguration(
        "expired secret",
        f"{_step(5)} with AADSTS7000222",
        "The client secret has expired.",
        "Create a new secret in Entra, paste its Value into Client Secret, press Save next to the "
        "field, then delete the old one.",
    ),
    Misconfiguration(
        "app disabled",
        f"{_step(5)} with AADSTS7000112",
        "The app is disabled in Entra.",
        "Set “Enabled for users to sign in?” to Yes.",
    ),
    Misconfiguration(
        "no service principal",
        f"{_step(5)} with AADSTS7000229",
        "The app is registered, but this tenant has no enterprise application for it.",
        "Grant admin consent once, or create it with: az ad sp create --id <client ID>.",
    ),
    Misconfiguration(
        "policy for apps",
        "Check configuration warns at step 5 with AADSTS53003, though people can sign in",
        "Client ID and secret look right, but a policy of the tenant keeps apps from signing in on "
        "their own, which this check does.",
        "People's sign-ins are another matter: try one with Test sign-in. To let the check "
        "through, leave PatchMon out of the Conditional Access policy for workload identities.",
    ),
    Misconfiguration(
        "redirect uri missing",
        f"{_step(6)}; Microsoft's page says AADSTS50011",
        "The callback URL that PatchMon sends is not registered in Entra.",
        "Add PatchMon's Callback URL as a redirect URI of the platform Web, equal in every letter: "
        "https, host, port, path, no slash at the end. If the Callback URL itself is wrong, "
        "correct the Server URL under Settings → General.",
    ),
    Misconfiguration(
        "no redirect uri at all",
        f"{_step(6)}; Microsoft's page says AADSTS500113",
        "The app has no redirect URI at all.",
        "Add the platform Web with PatchMon's Callback URL.",
    ),
    Misconfiguration(
        "redirect uri with a slash",
        f"{_step(6)}; Microsoft's page says AADSTS50011",
        "The redirect URI in Entra differs from the Callback URL by a slash at the end: "
        "{callback}/ is registered.",
        "Change it there, under the platform Web, to exactly {callback}",
    ),
    Misconfiguration(
        "redirect uri in capitals",
        f"{_step(6)}; Microsoft's page says AADSTS50011",
        "The redirect URI in Entra differs from the Callback URL in capital letters: {registered} "
        "is registered.",
        "Change it there, under the platform Web, to exactly {callback}",
    ),
    Misconfiguration(
        "groups scope saved",
        f"{_step(6)} with AADSTS70011",
        "A scope is not valid: Entra knows no scope “groups”, for example.",
        f"Set Scopes to {SCOPES} and press Apply.",
    ),
    Misconfiguration(
        "groups scope saved, the other code",
        f"{_step(6)} with AADSTS650053",
        "A scope does not exist at Microsoft Graph.",
        f"Correct the spelling or take the scope out: {SCOPES} is enough.",
    ),
    Misconfiguration(
        "user.read missing",
        "Check configuration warns at step 7; nobody has a profile photo",
        "User.Read is not among the scopes: there will be no profile photos, and no groups of "
        "people who are in more than 200.",
        "Add User.Read to Scopes and press Apply.",
    ),
    Misconfiguration(
        "graph blocked",
        f"{_step(7)}; nobody has a profile photo",
        "Something else than Microsoft Graph answers for {host} (status 200).",
        "Let this server reach {host} past the proxy or firewall. Sign-ins work without it, photos "
        "and groups beyond 200 do not.",
    ),
    Misconfiguration(
        "sync roles off",
        "Check configuration warns at step 8; everybody new has the default role",
        "Sync roles from IdP is off, so the filled rows of Role Mapping have no effect: everybody "
        "new gets the default role.",
        "Switch Sync roles from IdP on and press Apply, or empty the rows.",
    ),
    Misconfiguration(
        "group name instead of object id",
        "Check configuration warns at step 8; somebody has the wrong role",
        "“{group}”: Entra sends object IDs, not names.",
        "Paste the Object ID from the group's page in Entra, unless this is the value of an app "
        "role.",
    ),
    Misconfiguration(
        "no way in",
        "Check configuration warns at step 8",
        "No active Super Admin has a password: nobody could get in if SSO failed.",
        "Give one a password: manage.py sso set-password USER.",
    ),
    Misconfiguration(
        "no consent",
        "A sign-in comes back refused, with AADSTS65001 in Sign-ins",
        "Nobody has agreed yet that PatchMon may sign people in.",
        "Press Grant admin consent, or let people agree for themselves at their first sign-in.",
    ),
    Misconfiguration(
        "auto-create off",
        "A sign-in comes back refused, with no_account in Sign-ins",
        "There is no account for this person, and Auto-create users is off.",
        "Turn on Auto-create users, or add an account and link this identity to it.",
    ),
    Misconfiguration(
        "not assigned",
        "Microsoft's page says AADSTS50105: paste it into Explain an error",
        "The person is not assigned to the app.",
        "Assign the person, or a group that they are a direct member of, or set “Assignment "
        "required?” to No under Properties.",
    ),
)


def table() -> str:
    head = "| What you see | Cause | What mends it |\n| --- | --- | --- |\n"
    return head + "\n".join(each.row() for each in ROWS) + "\n"


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201

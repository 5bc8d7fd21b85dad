"""AADSTS codes about how the two sides are set up (entra-facts §4.3, as data)."""

from __future__ import annotations

from sso.rules.explanations import Blade, Field, Row, Who

_ADMIN, _ENTRA, _USER, _NOBODY = (
    Who.ADMINISTRATOR,
    Who.ENTRA_ADMINISTRATOR,
    Who.USER,
    Who.NOBODY,
)
_SUPPORT = "Look at the server's log around this time and report it with the reference code."

SETUP: tuple[Row, ...] = (
    Row(
        (50011,),
        "The callback URL that PatchMon sends is not registered in Entra.",
        _ENTRA,
        "Add PatchMon's Callback URL as a redirect URI of the platform Web, equal in every"
        " letter: https, host, port, path, no slash at the end. If the Callback URL itself is"
        " wrong, correct the Server URL under Settings → General.",
        Field.SERVER_URL,
        Blade.AUTHENTICATION,
    ),
    Row(
        (500112,),
        "The callback URL changed between the two halves of the sign-in.",
        _ADMIN,
        "Server URL or redirect override was changed meanwhile, or a proxy rewrites it. Check"
        " both, then sign in again.",
        Field.REDIRECT_URI,
    ),
    Row(
        (500113,),
        "The app has no redirect URI at all.",
        _ENTRA,
        "Add the platform Web with PatchMon's Callback URL.",
        Field.NONE,
        Blade.AUTHENTICATION,
    ),
    Row(
        (900971, 90102),
        "The callback URL is missing or is no complete address.",
        _ADMIN,
        "Set the Server URL under Settings → General to the full address of PatchMon, beginning"
        " with https://.",
        Field.SERVER_URL,
    ),
    Row(
        (700016,),
        "Entra knows no app with this client ID in this tenant.",
        _ADMIN,
        "Copy the Application (client) ID again (not the Object ID), and make sure that the"
        " Issuer URL names the tenant in which the app is registered.",
        Field.CLIENT_ID,
        Blade.OVERVIEW,
    ),
    Row(
        (700011, 70001),
        "The app is not there any more, or not in this tenant.",
        _ENTRA,
        "Register the app again or restore it, then put its client ID and a new secret into"
        " PatchMon.",
        Field.CLIENT_ID,
        Blade.OVERVIEW,
    ),
    Row(
        (7000112,),
        "The app is disabled in Entra.",
        _ENTRA,
        "Set “Enabled for users to sign in?” to Yes.",
        Field.NONE,
        Blade.PROPERTIES,
    ),
    Row(
        (7000229,),
        "The app is registered, but this tenant has no enterprise application for it.",
        _ENTRA,
        "Grant admin consent once, or create it with: az ad sp create --id <client ID>.",
        Field.NONE,
        Blade.PERMISSIONS,
    ),
    Row(
        (90002, 900023, 50059, 50128),
        "Entra does not know the tenant in the Issuer URL.",
        _ADMIN,
        "Copy the Directory (tenant) ID again into the Issuer URL. Tenants of a national cloud"
        " have another login host.",
        Field.ISSUER_URL,
        Blade.OVERVIEW,
    ),
    Row(
        (50194, 9001023),
        "The Issuer URL names no single tenant, and the app belongs to one.",
        _ADMIN,
        "Use the Directory (tenant) ID in the Issuer URL instead of common, organizations or"
        " consumers.",
        Field.ISSUER_URL,
        Blade.OVERVIEW,
    ),
    Row(
        (90038, 900432, 900382, 900439),
        "The tenant belongs to another Microsoft cloud.",
        _ADMIN,
        "Use the login host of the tenant's own cloud in the Issuer URL.",
        Field.ISSUER_URL,
    ),
    Row(
        (7000215,),
        "The client secret is wrong.",
        _ADMIN,
        "Create a new secret, paste its Value (not the Secret ID) into Client Secret and press"
        " Save next to the field. A new secret can take a minute or two to work.",
        Field.CLIENT_SECRET,
        Blade.SECRETS,
    ),
    Row(
        (7000222,),
        "The client secret has expired.",
        _ADMIN,
        "Create a new secret in Entra, paste its Value into Client Secret, press Save next to the"
        " field, then delete the old one.",
        Field.CLIENT_SECRET,
        Blade.SECRETS,
    ),
    Row(
        (7000218, 7000216),
        "No client secret arrived at Entra.",
        _ADMIN,
        "Save the client secret. If it is set, the Callback URL is registered under a platform"
        " other than Web: move it there.",
        Field.CLIENT_SECRET,
        Blade.AUTHENTICATION,
    ),
    Row(
        (70002,),
        "Entra does not accept the app's credentials.",
        _ADMIN,
        "A second code in the message says why. Without one: check client ID and client secret.",
        Field.CLIENT_SECRET,
        Blade.SECRETS,
    ),
    Row(
        (700025, 9002325, 9002327),
        "Entra takes PatchMon for an app in the browser or on a device.",
        _ENTRA,
        "Remove the Callback URL from the platforms Single-page application and Mobile and"
        " desktop, add it under Web, and set “Allow public client flows” to No.",
        Field.NONE,
        Blade.AUTHENTICATION,
    ),
    Row(
        (700027, 700030, 50012, 50013, 500133, 50048),
        "Entra does not accept the certificate or assertion of the app.",
        _ADMIN,
        "PatchMon signs in with a client secret: check that one is saved, and that the server's"
        " clock is right.",
        Field.CLIENT_SECRET,
        Blade.SECRETS,
    ),
    Row(
        (700211, 700212, 700213, 90061),
        "A federated credential of the app does not fit.",
        _ENTRA,
        "Correct issuer, subject and audience of the federated credential, or use a client secret.",
        Field.NONE,
        Blade.SECRETS,
    ),
    Row(
        (70011,),
        "A scope is not valid: Entra knows no scope “groups”, for example.",
        _ADMIN,
        "Set Scopes to openid email profile User.Read and press Apply.",
        Field.SCOPES,
    ),
    Row(
        (28002, 28003, 700022, 700023),
        "The scopes name none or more than one service.",
        _ADMIN,
        "Set Scopes to openid email profile User.Read and press Apply.",
        Field.SCOPES,
    ),
    Row(
        (650053,),
        "A scope does not exist at Microsoft Graph.",
        _ADMIN,
        "Correct the spelling or take the scope out: openid email profile User.Read is enough.",
        Field.SCOPES,
    ),
    Row(
        (650052, 650054, 500011, 650057, 50001),
        "A scope belongs to a service that this tenant or app does not have.",
        _ADMIN,
        "Leave only scopes of Microsoft Graph: openid email profile User.Read.",
        Field.SCOPES,
        Blade.PERMISSIONS,
    ),
    Row(
        (65001,),
        "Nobody has agreed yet that PatchMon may sign people in.",
        _ENTRA,
        "Press Grant admin consent, or let people agree for themselves at their first sign-in.",
        Field.NONE,
        Blade.PERMISSIONS,
    ),
    Row(
        (65004,),
        "The person did not agree to the permissions.",
        _USER,
        "Sign in again and accept, or ask an Entra administrator to grant consent for everybody.",
        Field.NONE,
        Blade.PERMISSIONS,
    ),
    Row(
        (65005, 650056, 90008),
        "The app lacks the permission to sign people in.",
        _ENTRA,
        "Add the delegated permissions User.Read, openid, profile and email of Microsoft Graph,"
        " then grant admin consent.",
        Field.NONE,
        Blade.PERMISSIONS,
    ),
    Row(
        (90094, 90095, 900941, 900981),
        "In this tenant only an administrator may agree to the permissions.",
        _ENTRA,
        "Press Grant admin consent, or approve the waiting request.",
        Field.NONE,
        Blade.CONSENT_REQUESTS,
    ),
    Row(
        (90099,),
        "The app is not approved for administrators of a partner.",
        _ENTRA,
        "Grant consent to the app in the customer's tenant first.",
        Field.NONE,
        Blade.PERMISSIONS,
    ),
    Row(
        (50003, 50146),
        "The app needs a signing key of its own that is not there.",
        _ENTRA,
        "Take away the claims mapping that was made for the app, or give it a signing key.",
        Field.NONE,
        Blade.MANIFEST,
    ),
    Row(
        (501051,),
        "The app itself is not assigned to what it asks for.",
        _ENTRA,
        "Assign it, or set “Assignment required?” of the target to No.",
        Field.NONE,
        Blade.ASSIGNMENT,
    ),
    Row(
        (700054, 70005, 70007),
        "Entra does not allow the kind of answer that was asked for.",
        _ENTRA,
        "PatchMon asks for a code, which needs no implicit grant: check that the Callback URL is"
        " registered under the platform Web.",
        Field.NONE,
        Blade.AUTHENTICATION,
    ),
    Row(
        (900144, 90014, 90015, 90023, 90100, 90013, 90004),
        "Entra could not make sense of the request.",
        _ADMIN,
        "Check that no proxy changes the address on the way. " + _SUPPORT,
    ),
    Row(
        (9002313, 700005),
        "The sign-in code was damaged, or belongs to another tenant.",
        _ADMIN,
        "Sign in again. If it comes back: check the tenant in the Issuer URL and that no proxy"
        " shortens addresses.",
        Field.ISSUER_URL,
    ),
    Row(
        (501481, 50147, 501491),
        "The two halves of the sign-in do not belong together.",
        _USER,
        "Close the other tabs and press the button again.",
    ),
    Row(
        (50196,),
        "The browser went round in circles between PatchMon and Entra.",
        _USER,
        "Wait five minutes, close the tab, then press the button once.",
    ),
    Row(
        (50000, 90033, 90006, 90024, 90012, 50033, 50087),
        "Something went wrong for a moment at Microsoft.",
        _NOBODY,
        "Try again in a few minutes.",
    ),
    Row(
        (90055,),
        "Entra is slowing this tenant down: too many requests.",
        _NOBODY,
        "Try again in a few minutes.",
    ),
)

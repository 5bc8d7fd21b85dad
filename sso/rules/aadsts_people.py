"""AADSTS codes about a person, their device and the tenant's policies (entra-facts §4.3)."""

from __future__ import annotations

from sso.rules.explanations import Blade, Field, Row, Who

_ENTRA, _USER, _NOBODY = Who.ENTRA_ADMINISTRATOR, Who.USER, Who.NOBODY

PEOPLE: tuple[Row, ...] = (
    Row(
        (50105,),
        "The person is not assigned to the app.",
        _ENTRA,
        "Assign the person, or a group that they are a direct member of, or set “Assignment"
        " required?” to No under Properties.",
        Field.NONE,
        Blade.ASSIGNMENT,
    ),
    Row(
        (50020, 90072),
        "The account belongs to another organisation and is no guest of this one.",
        _USER,
        "Use the work account of this organisation, in a private window if need be; or have an"
        " Entra administrator invite the account as a guest.",
        Field.NONE,
        Blade.USERS,
    ),
    Row(
        (16000, 16003, 51004, 50014, 50034),
        "The account is not in this tenant, or its invitation has not been accepted.",
        _USER,
        "Choose the right account, or accept the invitation; an Entra administrator can invite"
        " the account again.",
        Field.NONE,
        Blade.USERS,
    ),
    Row(
        (500208, 500212, 500213, 500021, 500022),
        "A policy keeps accounts of this kind or of that organisation out.",
        _ENTRA,
        "Allow it in the cross-tenant access settings or the tenant restrictions, or use an"
        " account of this organisation.",
        Field.NONE,
        Blade.EXTERNAL,
    ),
    Row((50126,), "User name or password was wrong.", _USER, "Type them again at Microsoft."),
    Row(
        (50053,),
        "The account is locked for a while, or the network address looks malicious.",
        _ENTRA,
        "Wait, or unlock the account and look at the sign-in in the log.",
        Field.NONE,
        Blade.SIGN_IN_LOGS,
    ),
    Row(
        (50055, 50144),
        "The password has expired.",
        _USER,
        "Change it at Microsoft, then sign in again.",
    ),
    Row(
        (50056,),
        "The account has no password that could be checked.",
        _USER,
        "Set or reset the password at Microsoft, or ask an Entra administrator to.",
        Field.NONE,
        Blade.USERS,
    ),
    Row(
        (50057,),
        "The account is disabled in Entra.",
        _ENTRA,
        "Nothing to do for someone who has left; else enable the account.",
        Field.NONE,
        Blade.USERS,
    ),
    Row(
        (50058,),
        "Nobody is signed in at Microsoft in this browser.",
        _USER,
        "Press the button and sign in. In a check without a person this is the expected answer.",
    ),
    Row(
        (50072, 50079),
        "The account has to be set up for multifactor authentication first.",
        _USER,
        "Sign in again and follow Microsoft's steps.",
    ),
    Row(
        (50074, 50076, 50078),
        "Multifactor authentication is needed.",
        _USER,
        "Sign in again and confirm at Microsoft.",
    ),
    Row(
        (50097, 50129, 50155, 50187),
        "The device could not prove itself.",
        _USER,
        "Use a device that your organisation manages, or ask an Entra administrator to register"
        " this one.",
        Field.NONE,
        Blade.DEVICES,
    ),
    Row(
        (50125, 50135, 50140, 50199),
        "Entra interrupted the sign-in with a question of its own.",
        _USER,
        "Nothing to mend: answer it and go on.",
    ),
    Row(
        (50131, 53000, 53001, 53002),
        "Conditional Access wants a compliant device or an approved app.",
        _USER,
        "Use a managed device; an Entra administrator finds the policy at the sign-in in the log,"
        " on the tab Conditional Access.",
        Field.NONE,
        Blade.SIGN_IN_LOGS,
    ),
    Row(
        (53003,),
        "Conditional Access blocked the sign-in.",
        _ENTRA,
        "Find the policy at the sign-in in the log, on the tab Conditional Access. In a check of"
        " the secret it means that the secret was accepted and a policy for apps stopped it.",
        Field.NONE,
        Blade.CONDITIONAL_ACCESS,
    ),
    Row(
        (53004, 53010, 53011),
        "The account is at risk, so Entra does not let it register or sign in.",
        _ENTRA,
        "Look at the risk and dismiss or remediate it.",
        Field.NONE,
        Blade.RISK,
    ),
    Row(
        (530032, 530034, 530035),
        "A security policy of the tenant blocked the sign-in.",
        _ENTRA,
        "Look at the sign-in in the log; security defaults block older ways of signing in.",
        Field.NONE,
        Blade.SIGN_IN_LOGS,
    ),
    Row(
        (50132, 50133, 50173),
        "The session was revoked, for example by a new password.",
        _USER,
        "Sign in again.",
    ),
    Row(
        (700082, 70043, 700084),
        "The sign-in at Microsoft is too old.",
        _USER,
        "Sign in again.",
    ),
    Row(
        (70000, 70008, 50085, 50089),
        "The sign-in took too long, or its code is not valid any more.",
        _USER,
        "Press the button again.",
    ),
    Row(
        (54005,),
        "The sign-in code had been used already, by a reload or a double click.",
        _USER,
        "Press the button again.",
    ),
    Row(
        (900561,),
        "The browser called a page of Microsoft's in a way that it does not expect.",
        _USER,
        "Do not use Back or reload there: press the button again.",
    ),
    Row(
        (50197,),
        "Two accounts in this browser got in each other's way.",
        _USER,
        "Sign out at Microsoft, or use a private window, and sign in again.",
    ),
    Row(
        (135011,),
        "The device is disabled in Entra.",
        _ENTRA,
        "Enable the device.",
        Field.NONE,
        Blade.DEVICES,
    ),
    Row(
        (165000, 165004, 165900),
        "Microsoft's page had lost its cookies or was too old.",
        _USER,
        "Allow cookies, open a fresh window, and start from PatchMon's button, not from a"
        " bookmark of Microsoft's page.",
    ),
)

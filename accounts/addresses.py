from __future__ import annotations

import unicodedata

_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def email_key(address: str) -> str:
    """Return the form of an e-mail address under which two are compared.

    ASCII lower case of the NFKC-normalised address; an address that only normalisation would
    turn into ASCII keeps its own letters, so that a look-alike never equals a real one
    (spec/sign-in.md, Who it is, 3).
    """
    address = address.strip()
    if address.isascii():
        return address.lower()
    normalised = unicodedata.normalize("NFKC", address).translate(_ASCII_LOWER)
    if normalised.isascii():
        # As it was typed: even NFC turns some signs (Kelvin's) into ASCII letters.
        return address.translate(_ASCII_LOWER)
    return normalised

"""Which certificate authorities are trusted where OIDC_CA_BUNDLE names none: the system's.

A company's own authority is in the system's store and in no bundle that Python packages bring.
"""

from __future__ import annotations

import functools
import os
import re
import ssl
from pathlib import Path

# How OpenSSL finds a certificate in a directory: by a digest of its subject, and a number.
_NAMED_BY_DIGEST = re.compile(r"[0-9a-f]{8}\.[0-9]+")


def system_store() -> str | None:
    """Return the file or directory that OpenSSL trusts; None where it holds no certificate.

    SSL_CERT_FILE and SSL_CERT_DIR say which, before what OpenSSL was built with.
    """
    paths = ssl.get_default_verify_paths()
    places = [(paths.cafile, _file_holds), (paths.capath, _directory_holds)]
    named = os.environ.keys() & {paths.openssl_cafile_env, paths.openssl_capath_env}
    if named == {paths.openssl_capath_env}:
        places.reverse()
    return next((place for place, holds in places if place and holds(place)), None)


@functools.cache
def _file_holds(path: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except OSError:
        return False
    return context.cert_store_stats()["x509"] > 0


@functools.cache
def _directory_holds(path: str) -> bool:
    try:
        return any(
            _NAMED_BY_DIGEST.fullmatch(entry.name) and entry.is_file()
            for entry in Path(path).iterdir()
        )
    except OSError:
        return False

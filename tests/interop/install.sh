#!/usr/bin/env bash
# Install the providers that tests/interop signs in at, all inside this folder but the libraries.
#
# To lock the Python one anew:
#   pip-compile --generate-hashes --no-emit-index-url --no-emit-trusted-host \
#     --no-emit-find-links --strip-extras --allow-unsafe -o requirements.txt requirements.in
# To lock the JavaScript one anew: npm install, then take every "resolved" out of the lock file.
set -euo pipefail
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive
python=${PYTHON:-python3.11}
servers=$PWD/.servers
mkdir -p "$servers"

updated=
update() {
  [[ $updated ]] || apt-get update -qq
  updated=yes
}

# oidc-provider
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  update
  apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
if [[ ! -d node_modules || node_modules/.package-lock.json -ot package-lock.json ]]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi

# Canaille. The stamp is newer than the lock file once everything is there; the database holds
# its tables and nobody.
if [[ ! -f $servers/canaille.sqlite || $servers/canaille.sqlite -ot requirements.txt ]]; then
  "$python" -m venv --clear "$servers/venv"
  "$servers/venv/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes \
    -r requirements.txt
  made=$(mktemp -d)
  printf '[CANAILLE]\nDATABASE = "sql"\n[CANAILLE_SQL]\nDATABASE_URI = "sqlite:///%s"\n' \
    "$made/canaille.sqlite" >"$made/canaille.toml"
  CANAILLE_CONFIG=$made/canaille.toml "$servers/venv/bin/canaille" install >"$made/log" 2>&1 ||
    { cat "$made/log" >&2; exit 1; }
  mv "$made/canaille.sqlite" "$servers/canaille.sqlite"
  touch "$servers/canaille.sqlite"
  rm -rf "$made"
fi

# Glewlwyd: unpacked only. Its package would make a user and start a service, and cannot be
# configured without a database server's tools; what it links to is installed the usual way.
works() {
  [[ -x $servers/glewlwyd/usr/bin/glewlwyd ]] &&
    ! find "$servers/glewlwyd/usr/bin" "$servers/glewlwyd/usr/lib" -type f -exec ldd {} + |
      grep -q 'not found'
}
if ! works; then
  update
  mapfile -t libraries < <(apt-cache depends glewlwyd | sed -n 's/^ *Depends: \(lib[^ <]*\)$/\1/p')
  apt-get install -y -qq --no-install-recommends "${libraries[@]}" >/dev/null
  fetched=$(mktemp -d)
  (cd "$fetched" && apt-get download -qq -o APT::Sandbox::User=root glewlwyd)
  rm -rf "$servers/glewlwyd"
  dpkg-deb -x "$fetched"/glewlwyd_*.deb "$servers/glewlwyd"
  rm -rf "$fetched"
  works || { echo "glewlwyd lacks a library" >&2; exit 1; }
fi

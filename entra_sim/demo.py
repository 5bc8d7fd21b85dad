"""`make demo`: PatchMon beside the simulated tenant, connected, with nothing to set up first.

PatchMon is driven from outside, through its own commands: this package imports none of it.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from entra_sim import defaults

ROOT: Final = Path(__file__).resolve().parent.parent
ADMINISTRATOR: Final = "admin"
STOP_SECONDS: Final = 15


def main() -> int:
    port, sim_port = _port("PORT", 3000), _port("ENTRA_PORT", defaults.DEFAULT_PORT)
    fresh = os.environ.get("FRESH", "").lower() in {"1", "true", "yes"}
    folder = "data-fresh" if fresh else "data-demo"
    data = Path(os.environ.get("DATA_DIR") or ROOT / folder).resolve()
    for name, number in (("PORT", port), ("ENTRA_PORT", sim_port)):
        if not _is_free(number):
            print(f"Port {number} is taken. Stop what runs there, or set {name} to another.")
            return 1
    environment = _environment(port, data)
    _say("Preparing the database ...")
    _manage(environment, "migrate", "--verbosity", "0")
    address = f"http://localhost:{port}"
    sim = _start_sim(sim_port, address, quiet=not fresh)
    try:
        lines = [] if fresh else _connect(environment, sim_port, data)
        server = _start(environment, "manage.py", "serve")
        try:
            _introduce(address, lines, fresh=fresh)
            return _wait(sim, server)
        finally:
            _stop(server)
    finally:
        _stop(sim)


def _port(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:6]) < 65536:  # noqa: PLR2004
        print(f"{name} is no port: use a number from 1 to 65535.")
        sys.exit(1)
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment(port: int, data: Path) -> dict[str, str]:
    """Return PatchMon's variables: the demo's own, whatever shell or .env have for a real one."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OIDC_")}
    own = {
        "PORT": str(port),
        "DATA_DIR": str(data),
        "SERVER_URL": f"http://localhost:{port}",
        "LOG_FORMAT": "text",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL") or "warning",
        # Set but empty, so that a .env file cannot fill them in.
        **dict.fromkeys(("DATABASE_URL", "CACHE_URL", "SECRET_KEY", "TRUST_PROXY"), ""),
        **dict.fromkeys(_variables_of_dotenv(), ""),
    }
    return kept | own


def _variables_of_dotenv() -> list[str]:
    path = ROOT / ".env"
    if not path.is_file():
        return []
    names = (line.partition("=")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [name.removeprefix("export ") for name in names if "OIDC_" in name]


def _connect(environment: dict[str, str], sim_port: int, data: Path) -> list[str]:
    """Set PatchMon up through its own commands at the first start; later ones go on from there."""
    note = data / "demo.json"
    known = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    if not known:
        known["password"] = secrets.token_urlsafe(12)
        _manage(
            environment | {"DJANGO_SUPERUSER_PASSWORD": known["password"]},
            *("createsuperuser", "--noinput", "--username", ADMINISTRATOR),
            *("--email", "admin@contoso.com"),
        )
    if known.get("sim_port") != sim_port:
        # The first start, or the tenant has moved: everything else stays as it was left.
        document = data / "demo-settings.json"
        whole = _settings(sim_port)
        moved = {"oidc_issuer_url": whole["oidc_issuer_url"]}
        document.write_text(json.dumps(moved if "sim_port" in known else whole), encoding="utf-8")
        secret = defaults.SECRET_VALUE
        _manage(environment, "sso", "import", str(document), "--secret-stdin", typed=secret)
        known["sim_port"] = sim_port
        _private(note, json.dumps(known))
    return [f"  {ADMINISTRATOR:<28} local administrator, password {known['password']}"]


def _settings(sim_port: int) -> dict[str, object]:
    return {
        "oidc_enabled": True,
        "oidc_issuer_url": f"http://127.0.0.1:{sim_port}/{defaults.TENANT_ID}/v2.0",
        "oidc_client_id": defaults.CLIENT_ID,
        "oidc_scopes": "openid email profile User.Read",
        "oidc_button_text": "Sign in with Microsoft",
        "oidc_sync_roles": True,
        **{f"oidc_{role}_group": group for role, group in defaults.ROLE_GROUPS.items()},
    }


def _private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _manage(environment: dict[str, str], *arguments: str, typed: str = "") -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own commands
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        input=typed,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr.strip() or done.stdout.strip())
        sys.exit(1)


def _start_sim(port: int, address: str, *, quiet: bool) -> subprocess.Popen[bytes]:
    arguments = ["--port", str(port)]
    for path in ("/api/v1/auth/oidc/callback", "/login"):
        arguments += ["--callback", address + path]
    # What a real registration has once sign-out is set up.
    arguments += ["--claim", "login_hint", "--claim", "sid"]
    if quiet:
        arguments.append("--quiet")
    process = _start(dict(os.environ), "-m", "entra_sim", *arguments)
    _wait_for(port, process)
    return process


def _start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    # In a group of its own, so that Ctrl-C reaches this process alone and it stops both in turn.
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, *arguments], cwd=ROOT, env=environment, start_new_session=True
    )


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"Nothing answers on port {port}.")


def _introduce(address: str, lines: list[str], *, fresh: bool) -> None:
    if fresh:
        _say(
            "",
            "PatchMon starts with nothing configured. Open the setup link that it prints below,",
            "then follow the guide from Step 7 with the values above.",
            "",
        )
        return
    people = [
        f"  {mail:<28} {role}"
        for mail, role in (
            ("sofia@contoso.com", "Super Admin"),
            ("adam@contoso.com", "Admin"),
            ("hana@contoso.com", "Host Manager"),
            ("alice@contoso.com", "User"),
            ("ravi@contoso.com", "Readonly"),
        )
    ]
    _say(
        "",
        f"PatchMon is at {address} - press Sign in with Microsoft and pick a person:",
        *people,
        "Or with a password:",
        *lines,
        "Ctrl-C stops both. The next start goes on with the same data.",
        "",
    )


def _say(*lines: str) -> None:
    print("\n".join(lines), flush=True)


def _wait(*processes: subprocess.Popen[bytes]) -> int:
    """Wait for Ctrl-C, or for one of the two to end by itself."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.2)
    except KeyboardInterrupt:
        _say("", "Stopping ...")
        return 0
    return 1


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())

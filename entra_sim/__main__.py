"""Run the simulated tenant alone: python -m entra_sim --port 8400."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import threading
from types import FrameType

from entra_sim import defaults
from entra_sim.server import EntraSim

_OPTIONAL_CLAIMS = ("acct", "login_hint", "sid", "upn", "xms_edov")


def main(arguments: list[str] | None = None) -> int:
    end = _end_on_signal()
    options = _parser().parse_args(arguments)
    try:
        sim = EntraSim(options.port, options.host, options.callback or defaults.DEFAULT_CALLBACKS)
    except ValueError as error:
        print(f"entra_sim: {error}", file=sys.stderr)
        return 1
    sim.tenant.app.front_channel_logout_url = options.front_channel_logout
    for claim in options.claim:
        setattr(sim.tenant.app.claims, claim, True)
    try:
        sim.start()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken" if taken else f"cannot be used: {error.strerror}"
        print(f"entra_sim: port {options.port} of {options.host} {reason}", file=sys.stderr)
        return 1
    if not options.quiet:
        _introduce(sim)
    end.wait()
    sim.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="entra_sim", description="A simulated Entra ID tenant.")
    parser.add_argument("--port", type=int, default=defaults.DEFAULT_PORT)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument(
        "--callback", action="append", metavar="URL", help="a registered redirect URI (repeatable)"
    )
    parser.add_argument(
        "--front-channel-logout", default="", metavar="URL", help="called at sign-out with ?sid="
    )
    parser.add_argument(
        "--claim",
        action="append",
        default=[],
        choices=_OPTIONAL_CLAIMS,
        help="an optional claim to put into ID tokens (repeatable)",
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing when it is ready")
    return parser


def _introduce(sim: EntraSim) -> None:
    width = 32
    lines = [
        f"Simulated Entra tenant {sim.tenant.name} at {sim.url} (Ctrl-C stops it)",
        "",
        "To paste into Settings → OIDC / SSO:",
        *(f"  {label:<{width}} {value}" for label, value in sim.values()),
        "",
        "Redirect URIs registered:",
        *(f"  {address}" for address in sim.tenant.app.callback_urls),
        "",
        "People:",
        *(
            f"  {person.mail or person.upn:<{width}} {person.case}"
            for person in sim.tenant.people.values()
        ),
    ]
    print("\n".join(lines), flush=True)


def _end_on_signal() -> threading.Event:
    """Return the event that Ctrl-C and a polite kill set, from before the first key is made."""
    end = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return end


if __name__ == "__main__":
    sys.exit(main())

"""The simulator alone, for an app that is started somewhere else."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from fotoweb_middleware.demo.running import WAKE_SECONDS, stopped_by_signals
from fotoweb_middleware.testing import FakeFotoWeb, Switches

__all__ = ["serve_simulator"]


def serve_simulator(host: str, port: int, *, token_seconds: float, write: Callable[[str], object]) -> None:
    """Run a simulator until Ctrl+C or SIGTERM, and print what to paste where the app is started.

    It takes any redirect URI, since nobody knows where that app will be.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        token_seconds: How long an access token works.
        write: Writes a line.

    Raises:
        OSError: It can't listen there.
    """
    fotoweb = FakeFotoWeb(switches=Switches(any_redirect_uri=True, access_token_lifetime_seconds=token_seconds))
    stop = threading.Event()
    with stopped_by_signals(stop), fotoweb.serve(port, host) as url:
        write(f"export FOTOWEB_URL={url}")
        write(f"export FOTOWEB_CLIENT_ID={fotoweb.client.client_id}")
        write(f"export FOTOWEB_CLIENT_SECRET={fotoweb.client.client_secret}")
        write(f"export FOTOWEB_SECRET_KEY={secrets.token_urlsafe(32)}")
        write("# Paste these lines where you start your app. Sign in as alice or bob, password secret.")
        write("# Ctrl+C here stops the simulator.")
        while not stop.wait(WAKE_SECONDS):
            pass

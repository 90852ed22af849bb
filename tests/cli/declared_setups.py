"""What is known of a broken set-up, and all that there are; they declare themselves with ``broken``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fotoweb_middleware.setup_warnings import WORDS, SetupCause
from tests.cli.bench import Bench

SIGNED_IN = "(the app, signed in)"
FOTOWEBS_PAGE = "(an error page of FotoWeb's)"
UNREACHABLE = "WARNING the code could not be exchanged for tokens cause='FotoWeb could not be reached "
UNTRUSTED = f"{UNREACHABLE}(ConnectError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
STORE_FAILING = "WARNING The session store is failing: use_once: "
SETUP_WARNING = "WARNING set-up warning: "
NOT_COMPLETED = f"{SETUP_WARNING}{WORDS[SetupCause.LOGINS_NOT_COMPLETED]}"
SAMPLES = {
    "callback": "https://app.example/oauth2/callback",
    "file": "/data/sessions.db",
    "folder": "/data",
    "reason": "disk I/O error; is the disk full?",
    "fotoweb": "tenant.example",
    "fotoweb_port": "443",
    "origin": "https://app.example",
    "own_origin": "http://app.example",
    "proxy": "proxy.example:3128",
    "redis": "redis.example:6379",
    "user": "uid 1000",
}
"""What stands in the page for what differs from run to run."""


@dataclass(frozen=True)
class BrokenSetup:
    """One of them.

    Attributes:
        name: What is broken.
        says: The first line of ``check``, with names of ``SAMPLES`` in braces.
        logs: How the first line of the log begins, from WARNING on, once somebody has gone to the app to sign in.
        sees: What that person sees, as in ``Visit``.
        exit_code: 1: no login can work; 2: something to think about.
        prepare: Breaks it.
        needs_redis: Whether it needs a real Redis.
    """

    name: str
    says: str
    logs: str
    sees: str
    exit_code: int
    prepare: Callable[[Bench], None]
    needs_redis: bool = False


SETUPS: list[BrokenSetup] = []


def broken(
    name: str, says: str, *, logs: str, sees: str, exit_code: int = 1, needs_redis: bool = False
) -> Callable[[Callable[[Bench], None]], None]:
    """Declare a broken set-up; the function decorated breaks it."""

    def declare(prepare: Callable[[Bench], None]) -> None:
        SETUPS.append(BrokenSetup(name, says, logs, sees, exit_code, prepare, needs_redis))

    return declare

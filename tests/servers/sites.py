"""An app server and a FotoWeb that know of one another, ready to be visited."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fotoweb_middleware.testing import Client, FakeFotoWeb, Serving
from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig
from tests.servers.serving import SECRET_KEY, AppServer, Kind
from tests.servers.turned_clock import CLOCK, TurnedClock

__all__ = ["TOKEN_SECONDS", "FakeSite", "RigSite", "environment", "fake_site", "rig_site", "wait_for", "wait_until"]

TOKEN_SECONDS = 3600
FLUSH = "a-refresh-token-that-nobody-issued"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RigSite:
    """An app at the independent authorization server; the clock is the app's alone."""

    server: AppServer
    rig: OidcRig
    clock: TurnedClock

    @property
    def url(self) -> str:
        """The app's origin."""
        return self.server.url

    @property
    def fotoweb_url(self) -> str:
        """The origin of FotoWeb."""
        return self.rig.base_url

    def accepts(self, access_token: str) -> bool:
        """Return whether FotoWeb's API takes a token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return httpx.get(f"{self.rig.base_url}/fotoweb/me", headers=headers, trust_env=False).status_code == 200

    def token_requests(self) -> list[str]:
        """Return what became of each token request so far, oldest first: its grant type, or "error".

        One refresh of our own, which must fail, goes last: when its line is there, all lines before it are.
        """
        options, before = self.rig.options, len(token_lines(self.rig))
        credentials = {"client_id": options.client_id, "client_secret": options.client_secret}
        form = {"grant_type": "refresh_token", "refresh_token": FLUSH, **credentials}
        httpx.post(f"{self.rig.base_url}/fotoweb/oauth2/token", data=form, trust_env=False)
        wait_for(lambda: len(lines := token_lines(self.rig)) > before and lines[-1] == "error", "the rig's log")
        return token_lines(self.rig)


def token_lines(rig: OidcRig) -> list[str]:
    """Return the outcomes of token requests that the rig has printed."""
    lines = (line for line in rig.log if line.startswith("grant."))
    return [line.removeprefix("grant.success: ") if "success" in line else "error" for line in lines]


@contextlib.contextmanager
def rig_site(
    kind: Kind,
    start_rig: StartRig,
    *,
    host: str = "localhost",
    rotate: bool = True,
    **variables: str,
) -> Iterator[RigSite]:
    """Start an app server and a rig for it.

    Args:
        kind: Which server.
        start_rig: The fixture ``oidc_rig``.
        host: What browsers call the app.
        rotate: Whether each refresh gives a new refresh token and ends the old one.
        variables: More ``FOTOWEB_*`` variables, lower case and without the prefix.
    """
    with AppServer(kind, host) as server, turned_clock() as clock:
        rig = start_rig(
            RigOptions(redirect_uris=(server.callback_url,), access_token_ttl_seconds=TOKEN_SECONDS, rotate=rotate)
        )
        options = rig.options
        given = environment(rig.base_url, options.client_id, options.client_secret, variables)
        server.start({**given, CLOCK: str(clock.path)})
        yield RigSite(server, rig, clock)


@dataclass(frozen=True, slots=True)
class FakeSite:
    """An app at the simulator; both go by one clock."""

    server: AppServer
    fake: FakeFotoWeb
    serving: Serving = field(repr=False)
    clock: TurnedClock = field(repr=False)

    @property
    def url(self) -> str:
        """The app's origin."""
        return self.server.url

    @property
    def logins(self) -> int:
        """How many codes were exchanged."""
        return sum(record.grant_type == "authorization_code" for record in self.fake.token_requests)


@contextlib.contextmanager
def fake_site(
    kind: Kind,
    *,
    host: str = "localhost",
    switches: dict[str, Any] | None = None,
    pause: Callable[[float], object] = time.sleep,
    **variables: str,
) -> Iterator[FakeSite]:
    """Start an app server and a simulator for it.

    Args:
        kind: Which server.
        host: What browsers call the app.
        switches: How the simulator behaves.
        pause: How it waits so many seconds, where a fault makes it slow.
        variables: More ``FOTOWEB_*`` variables, lower case and without the prefix.
    """
    with AppServer(kind, host) as server, turned_clock() as clock:
        client = Client(redirect_uris=(server.callback_url,))
        fake = FakeFotoWeb(clients=[client], clock=clock.wall, pause=pause)
        fake.switch(access_token_lifetime_seconds=TOKEN_SECONDS, **(switches or {}))
        with (serving := fake.serve()) as address:
            given = environment(address, fake.client.client_id, fake.client.client_secret, variables)
            server.start({**given, CLOCK: str(clock.path)})
            yield FakeSite(server, fake, serving, clock)


def environment(fotoweb_url: str, client_id: str, client_secret: str, variables: dict[str, str]) -> dict[str, str]:
    """Return the ``FOTOWEB_*`` variables of an app server."""
    given = {
        "url": fotoweb_url,
        "client_id": client_id,
        "client_secret": client_secret,
        "secret_key": SECRET_KEY,
        "cache": "memory://",
        **variables,
    }
    return {f"FOTOWEB_{name.upper()}": value for name, value in given.items()}


def wait_for(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until a condition holds that no event tells of.

    Raises:
        AssertionError: It does not hold after ``seconds``.
    """
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"waited {seconds:g} s for {what}"
        time.sleep(0.01)


def wait_until(moment: float) -> None:
    """Wait for a moment of the real clock, in epoch seconds; for ``tests/stress``, where no clock is turned."""
    left = moment - time.time()
    assert left < PATIENCE_SECONDS, left
    time.sleep(max(0.0, left) + 0.01)


@contextlib.contextmanager
def turned_clock() -> Iterator[TurnedClock]:
    """Yield a new clock, for one app server and its FotoWeb."""
    with tempfile.TemporaryDirectory() as folder:
        yield TurnedClock(Path(folder) / "clock")

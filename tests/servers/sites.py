"""An app server and a FotoWeb that know of one another, ready to be visited."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from fotoweb_middleware.testing import Client, FakeFotoWeb, Serving
from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig
from tests.servers.serving import SECRET_KEY, AppServer, Kind

__all__ = ["FakeSite", "RigSite", "accepted", "fake_site", "rig_site", "wait_until"]

FLUSH = "a-refresh-token-that-nobody-issued"
PATIENCE_SECONDS = 10.0
MOST_TRIES = 5
EARLY_SECONDS = 1
"""So much earlier than the app the rig may see a token end: it counts whole seconds."""


@dataclass(frozen=True, slots=True)
class RigSite:
    """An app at the independent authorization server."""

    server: AppServer
    rig: OidcRig

    @property
    def url(self) -> str:
        """The app's origin."""
        return self.server.url

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
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while len(lines := token_lines(self.rig)) == before or lines[-1] != "error":
            assert time.monotonic() < ends_at, lines
            time.sleep(0.005)
        return lines


def accepted(site: RigSite, seen: dict[str, Any], ask_again: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what the app told of a token that FotoWeb's API takes.

    A token that the machine stood still on until it ended may be refused; then the app is asked for the next one.

    Args:
        site: Both of them.
        seen: What the app told.
        ask_again: Lets the app tell it once more.

    Raises:
        AssertionError: FotoWeb refused a token that was valid, or was never asked in time.
    """
    for _ in range(MOST_TRIES):
        if site.accepts(str(seen["token"])):
            return seen
        assert time.time() > seen["expires_at"] - EARLY_SECONDS, "a valid token was refused"
        seen = ask_again()
    raise AssertionError(f"{MOST_TRIES} tokens had expired before FotoWeb was shown them")


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
    token_seconds: int = 3600,
    rotate: bool = True,
    **variables: str,
) -> Iterator[RigSite]:
    """Start an app server and a rig for it.

    Args:
        kind: Which server.
        start_rig: The fixture ``oidc_rig``.
        host: What browsers call the app.
        token_seconds: How long access tokens live.
        rotate: Whether each refresh gives a new refresh token and ends the old one.
        variables: More ``FOTOWEB_*`` variables, lower case and without the prefix.
    """
    with AppServer(kind, host) as server:
        rig = start_rig(
            RigOptions(redirect_uris=(server.callback_url,), access_token_ttl_seconds=token_seconds, rotate=rotate)
        )
        options = rig.options
        server.start(environment(rig.base_url, options.client_id, options.client_secret, variables))
        yield RigSite(server, rig)


@dataclass(frozen=True, slots=True)
class FakeSite:
    """An app at the simulator."""

    server: AppServer
    fake: FakeFotoWeb
    serving: Serving = field(repr=False)

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
    with AppServer(kind, host) as server:
        fake = FakeFotoWeb(clients=[Client(redirect_uris=(server.callback_url,))], pause=pause)
        fake.switch(**(switches or {}))
        with (serving := fake.serve()) as address:
            server.start(environment(address, fake.client.client_id, fake.client.client_secret, variables))
            yield FakeSite(server, fake, serving)


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


def wait_until(moment: float) -> None:
    """Wait for a moment of the real clock, in epoch seconds: a token of another program can't be aged by hand."""
    left = moment - time.time()
    assert left < PATIENCE_SECONDS, left
    time.sleep(max(0.0, left) + 0.01)

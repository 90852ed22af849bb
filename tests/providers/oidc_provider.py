"""Starts the independent authorization server (``oidc-provider/server.mjs``) for one test or several.

It tells whether we speak OAuth 2.0, not whether we copy our own reading of FotoWeb's manual.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import httpx

from tests.providers.child import Child
from tests.providers.node import RIG_FOLDER, find_node

__all__ = ["OidcRig", "RigOptions", "StartRig", "why_no_rig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RigOptions:
    """What the rig can be told.

    Attributes:
        client_id: The one registered client.
        client_secret: Its secret.
        redirect_uris: The callbacks it has registered.
        access_token_ttl_seconds: Life of an access token.
        refresh_token_ttl_seconds: Life of a refresh token.
        code_ttl_seconds: Life of an authorization code.
        refresh: Whether refresh tokens are issued.
        rotate: Whether each refresh gives a new refresh token and ends the old one.
        auto_login: Redirects only, no pages, as user ``demo``.
        password: With it any user name logs in.
    """

    client_id: str = "demo"
    client_secret: str = field(default="demo-secret", repr=False)
    redirect_uris: tuple[str, ...] = ("http://localhost:8000/oauth2/callback",)
    access_token_ttl_seconds: int = 3600
    refresh_token_ttl_seconds: int = 86400
    code_ttl_seconds: int = 60
    refresh: bool = True
    rotate: bool = True
    auto_login: bool = False
    password: str = field(default="secret", repr=False)

    def as_environment(self, port: int) -> dict[str, str]:
        """Return the variables that ``server.mjs`` reads, for a given port (0: any free one)."""
        return {
            "PORT": str(port),
            "CLIENT_ID": self.client_id,
            "CLIENT_SECRET": self.client_secret,
            "REDIRECT_URIS": " ".join(self.redirect_uris),
            "ACCESS_TOKEN_TTL": str(self.access_token_ttl_seconds),
            "REFRESH_TOKEN_TTL": str(self.refresh_token_ttl_seconds),
            "CODE_TTL": str(self.code_ttl_seconds),
            "REFRESH": str(int(self.refresh)),
            "ROTATE": str(int(self.rotate)),
            "AUTO_LOGIN": str(int(self.auto_login)),
            "PASSWORD": self.password,
        }


def why_no_rig() -> str | None:
    """Return why the rig can't run here, or None where it can."""
    if find_node() is None:
        return "the rig needs Node and npm: run `make rig`"
    if not (RIG_FOLDER / "node_modules" / "oidc-provider").is_dir():
        return "the rig's npm packages are not installed: run `make rig`"
    return None


class OidcRig:
    """The running server; a context manager.

    Args:
        options: What it is told at every start.
    """

    def __init__(self, options: RigOptions | None = None) -> None:
        self.options = options or RigOptions()
        self._port = 0
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()

    @property
    def base_url(self) -> str:
        """The site's address, as ``FOTOWEB_URL`` wants it. It stays the same through ``restart``."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> tuple[str, ...]:
        """What the server has printed since its last start: the reason of each error, one line for each grant."""
        return self._running.lines

    @property
    def _running(self) -> Child:
        assert self._child is not None, "the rig is not started"
        return self._child

    def start(self) -> None:
        """Start it, on the earlier port where it had one.

        Raises:
            ChildError: When it is not ready within 40 seconds.
        """
        found = find_node()
        assert found is not None, why_no_rig()
        environment = self.options.as_environment(self._port)
        self._child = Child([found.node, "server.mjs"], environment=environment, folder=RIG_FOLDER)
        try:
            ready = self._child.wait_for_line("ready ")
        except BaseException:
            self.stop()
            raise
        self._port = int(ready.rpartition(":")[2])

    def stop(self) -> None:
        """End it. All its tokens, codes and logins are forgotten."""
        if self._child is not None:
            self._child.stop()

    def restart(self) -> None:
        """Stop it and start it again on the same port, with an empty memory."""
        self.stop()
        self.start()

    def end_token(self, access_token: str) -> None:
        """End one access token, and nothing else."""
        answer = httpx.get(f"{self.base_url}/rig/end", params={"token": access_token}, trust_env=False)
        assert answer.text == "ended", answer.text

    def revoke(self, access_token: str) -> None:
        """End a token with its whole grant, refresh token and all (RFC 7009)."""
        form = {"token": access_token, "client_id": self.options.client_id, "client_secret": self.options.client_secret}
        httpx.post(f"{self.base_url}/rig/revoke", data=form, trust_env=False).raise_for_status()

    def unplug(self) -> None:
        """Close its port and every connection: FotoWeb is down. It forgets nothing."""
        self._toggle("unplugged")

    def plug_in(self) -> None:
        """Open the port again after ``unplug``."""
        self._toggle("plugged in")

    def _toggle(self, answer: str) -> None:
        seen = len(self._running.lines)
        self._running.signal(signal.SIGUSR2)
        self._running.wait_for_line(answer, after=seen)


class StartRig(Protocol):
    """What the fixture ``oidc_rig`` is: a function that starts a rig, which is stopped after the test."""

    def __call__(self, options: RigOptions | None = None) -> OidcRig:
        """Start one more rig."""

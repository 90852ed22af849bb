"""The independent authorization server as a witness. With rotation on, it ends a whole login on one replay."""

from __future__ import annotations

import time

import httpx

from tests.providers.oidc_provider import OidcRig

__all__ = ["RigWitness"]

NOBODYS_TOKEN = "a-refresh-token-that-nobody-issued"
PATIENCE_SECONDS = 15.0


class RigWitness:
    """What the rig's log tells, and whose its access tokens are.

    Args:
        rig: Started.
    """

    def __init__(self, rig: OidcRig) -> None:
        self._rig = rig
        self._owners: dict[str, str] = {}
        self._own_errors = 0
        self._http = httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def refreshes(self) -> int:
        """Return how many refreshes succeeded so far."""
        return self._outcomes().count("refresh_token")

    def replays(self) -> list[str]:
        """See ``Witness.replays``: whatever the rig refused would have been one, since its tokens live for a day."""
        lines = self._outcomes()
        return ["the rig refused a token request"] * (lines.count("error") - self._own_errors)

    def refusals(self) -> int:
        """See ``Witness.refusals``."""
        return len(self.replays())

    def learn_owner(self, access_token: str) -> bool:
        """Ask whose token it is, while it is valid; return whether that is known."""
        if access_token not in self._owners:
            headers = {"Authorization": f"Bearer {access_token}"}
            answer = self._http.get(f"{self._rig.base_url}/fotoweb/me", headers=headers)
            if answer.status_code == 200:
                self._owners[access_token] = str(answer.json().get("username"))
        return access_token in self._owners

    def owner(self, access_token: str) -> str:
        """See ``Witness.owner``."""
        return self._owners.get(access_token, "somebody who was not asked for")

    def _outcomes(self) -> list[str]:
        """Return what became of each token request so far: its grant type, or "error".

        One of our own goes last and must fail: when its line is there, all lines before it are.
        """
        options = self._rig.options
        credentials = {"client_id": options.client_id, "client_secret": options.client_secret}
        form = {"grant_type": "refresh_token", "refresh_token": NOBODYS_TOKEN, **credentials}
        before = len(self._lines())
        self._http.post(f"{self._rig.base_url}/fotoweb/oauth2/token", data=form)
        self._own_errors += 1
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while len(lines := self._lines()) == before or lines[-1] != "error":
            assert time.monotonic() < ends_at, lines
            time.sleep(0.005)
        return lines

    def _lines(self) -> list[str]:
        lines = (line for line in self._rig.log if line.startswith("grant."))
        return [line.removeprefix("grant.success: ") if "success" in line else "error" for line in lines]

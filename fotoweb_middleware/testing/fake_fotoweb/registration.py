"""Who may use the simulator: applications and people."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from urllib.parse import quote, urlsplit

__all__ = ["ADMINISTRATOR", "DEFAULT_USERS", "Client", "ClientKind", "User", "complete"]

ClientKind = Literal["web", "native", "script"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One application registration (FotoWeb: Site Configuration, Integrations, Applications).

    Args:
        kind: "web" (has a secret), "native" (no secret, consent every time) or "script" (client_credentials only).
        name: what the consent page calls it.
        redirect_uris: compared as exact strings; scripts have none.
        client_id: empty: a UUIDv4 is made at registration.
        client_secret: empty: 43 characters are made at registration. Native clients have none.
        asks_consent: False turns the consent page off, which FotoWeb allows only where there is a secret.

    Raises:
        ValueError: when the parts don't fit together, or a redirect URI isn't absolute or has a fragment.

    Source: FotoWeb "Application registration using OAuth 2.0"; RFC 6749, 3.1.2.
    """

    kind: ClientKind = "web"
    name: str = "Demo gallery"
    redirect_uris: tuple[str, ...] = ()
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    asks_consent: bool = True

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if self.kind == "native" and (self.client_secret or not self.asks_consent):
            raise ValueError("a native client has no secret, and its users are always asked for consent")
        if self.kind == "script" and self.redirect_uris:
            raise ValueError("a script client has no redirect URIs")
        for uri in self.redirect_uris:
            parts = urlsplit(uri)
            if not parts.scheme or parts.fragment or (parts.scheme in {"http", "https"} and not parts.netloc):
                raise ValueError(f"a redirect URI must be absolute and without fragment: {uri!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One person with a FotoWeb account.

    Args:
        user_name: the name typed at the login page.
        password: the password typed there.
        user_id: FotoWeb's numeric id.
        full_name: first and last name, with a space between.
        email: may be empty.
        archives: ids of the archives this user sees; see `catalogue`.
        uploads_to: ids of those that this user may upload to.
    """

    user_name: str
    user_id: int
    password: str = field(default="secret", repr=False)
    full_name: str = ""
    email: str = ""
    archives: tuple[int, ...] = (5001, 5002, 5003, 5004)
    uploads_to: tuple[int, ...] = ()

    @property
    def href(self) -> str:
        """The user's path in the API."""
        return f"/fotoweb/users/{quote(self.user_name)}"


DEFAULT_USERS: Final = (
    User(
        user_name="alice",
        user_id=15021,
        full_name="Alice Berg",
        email="alice@example.test",
        archives=(5001, 5003),
        uploads_to=(5003,),
    ),
    User(user_name="bob", user_id=15022, full_name="Bob Holm", email="bob@example.test", archives=(5002, 5004)),
)

ADMINISTRATOR: Final = User(user_name="Administrator", user_id=15001, password="", full_name="Administrator")
"""Script clients act as the built-in Administrator. An empty password never logs in."""


def complete(client: Client, entropy: Callable[[int], bytes]) -> Client:
    """Make up the id and the secret that a registration left empty, in FotoWeb's formats."""
    client_id = client.client_id or str(uuid.UUID(bytes=entropy(16), version=4))
    secret = client.client_secret
    if not secret and client.kind != "native":
        secret = base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode()
    return replace(client, client_id=client_id, client_secret=secret)

"""Everything the simulated site remembers. It outlives a stop and restart of the port."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fotoweb_middleware.testing.fake_fotoweb.catalogue import Asset, assets_of
from fotoweb_middleware.testing.fake_fotoweb.registration import ADMINISTRATOR, Client, User, complete
from fotoweb_middleware.testing.fake_fotoweb.switches import Switches

__all__ = ["AccessToken", "AuthorizeRequest", "Code", "Grant", "Pending", "RefreshToken", "Rendition", "Site", "Upload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeRequest:
    """A checked authorize request.

    Args:
        client: who asks.
        redirect_uri: where the answer goes.
        redirect_uri_was_sent: whether the request named it, or the only registered one was taken.
        state: given back with the answer; empty: there was none.
        code_challenge: S256 challenge; None: the client uses no PKCE.
    """

    client: Client
    redirect_uri: str
    redirect_uri_was_sent: bool
    state: str = field(repr=False)
    code_challenge: str | None = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Grant:
    """One login of one user in one application: the family of tokens that ends together."""

    client_id: str
    user: User
    refreshes: int = 0
    revoked: bool = False


@dataclass(slots=True, kw_only=True)
class Code:
    """An authorization code, and the grant it became once it was exchanged."""

    asked: AuthorizeRequest
    user: User
    expires_at: float
    grant: Grant | None = None


@dataclass(slots=True, kw_only=True)
class RefreshToken:
    """A refresh token; `rotated` once a newer one took its place."""

    grant: Grant
    expires_at: float | None
    rotated: bool = False


@dataclass(slots=True, kw_only=True)
class AccessToken:
    """An access token."""

    grant: Grant
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A consent page that waits for its user."""

    asked: AuthorizeRequest
    user: User


@dataclass(slots=True, kw_only=True)
class Rendition:
    """A rendition that was asked for; `polls` counts how often somebody looked whether it is ready."""

    user: User
    asset: Asset
    expires_at: float
    polls: int = 0


@dataclass(slots=True, kw_only=True)
class Upload:
    """A file that arrives in chunks. `asset` is what it became; None: it isn't ready."""

    user: User
    archive_id: int
    filename: str
    file_bytes: int
    chunk_bytes: int
    fields: dict[int, str | list[str]]
    chunks: dict[int, bytes] = field(default_factory=dict, repr=False)
    polls: int = 0
    asset: Asset | None = None

    @property
    def chunk_count(self) -> int:
        """How many chunks the file has."""
        return -(-self.file_bytes // self.chunk_bytes)


class Site:
    """The simulated site's registrations, switches and memory. Its owner holds a lock while it is used.

    Args:
        clients: application registrations.
        users: people with an account.
        clock: gives epoch seconds.
        entropy: gives n random bytes, different ones each time.
        switches: how to behave.
    """

    def __init__(
        self,
        clients: Sequence[Client],
        users: Sequence[User],
        clock: Callable[[], float],
        entropy: Callable[[int], bytes],
        switches: Switches,
    ) -> None:
        self._clock = clock
        self.entropy = entropy
        self.switches = switches
        self.signing_key = entropy(32)
        self.clients: dict[str, Client] = {}
        self.users: dict[str, User] = {user.user_name: user for user in users}
        self.browsers: dict[str, User] = {}
        self.consents: set[tuple[str, str]] = set()
        self.pending: dict[str, Pending] = {}
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.renditions: dict[str, Rendition] = {}
        self.uploads: dict[str, Upload] = {}
        self.uploaded: dict[Asset, bytes] = {}
        for client in clients:
            self.register(client)

    def now(self) -> float:
        """Tell the time by FotoWeb's clock, in epoch seconds."""
        return self._clock() + self.switches.clock_skew_seconds

    def random_text(self, length: int = 43) -> str:
        """Make up `length` characters that are safe in URLs."""
        return base64.urlsafe_b64encode(self.entropy(length)).decode()[:length]

    def register(self, client: Client) -> Client:
        """Add an application, or replace the one with the same id, and give it with its id and secret."""
        registered = complete(client, self.entropy)
        self.clients[registered.client_id] = registered
        return registered

    def user_of(self, access_token: str) -> User | None:
        """Tell whose valid access token this is; None: nobody's."""
        known = self.access_tokens.get(access_token)
        if known is None or known.grant.revoked or known.expires_at <= self.now():
            return None
        return known.grant.user

    def assets_of(self, archive_id: int) -> tuple[Asset, ...]:
        """Give the assets of an archive: the made-up ones, then those that were uploaded."""
        return (*assets_of(archive_id), *(asset for asset in self.uploaded if asset.archive_id == archive_id))

    def is_script(self, access_token: str) -> bool:
        """Tell whether a non-interactive application holds this token."""
        known = self.access_tokens.get(access_token)
        return known is not None and known.grant.user is ADMINISTRATOR

    def revoke_everything(self) -> None:
        """End every login, code and token, as an administrator's clean sweep would."""
        for access_token in self.access_tokens.values():
            access_token.grant.revoked = True
        for refresh_token in self.refresh_tokens.values():
            refresh_token.grant.revoked = True
        for code in self.codes.values():
            code.expires_at = self.now()

    def expire_access_tokens(self) -> None:
        """Make every access token run out now. Refresh tokens keep working."""
        for token in self.access_tokens.values():
            token.expires_at = min(token.expires_at, self.now())

"""How the simulator behaves where FotoWeb's manual leaves a choice, or where a test needs an unusual answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["ROTATE_ALWAYS", "ROTATE_NEVER", "Switches"]

ROTATE_ALWAYS: Final = 1
ROTATE_NEVER: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Every switch of the simulator. Change them while it runs with `fake.switch(...)`.

    Args:
        auto_login: name of a user who is logged in, and consents, without any page; None: show the pages.
        require_pkce: refuse web clients that send no code challenge. Native clients always need one.
        refuse_pkce: refuse web clients that send a code challenge, as a server that predates PKCE may.
        require_state: refuse authorize requests without state, as FotoWeb's manual says.
        any_redirect_uri: accept every http and https redirect URI, registered or not; FotoWeb itself never does.
        authorize_error: send every authorize request back with this error code; None: don't.
        authorize_error_description: goes with `authorize_error`, and with a user's refusal where it isn't empty.
        code_lifetime_seconds: how long an authorization code can be exchanged.
        code_reuse_revokes: using a code twice also revokes the tokens of its first use (RFC 6749, 4.1.2).
        access_token_lifetime_seconds: how long an access token works; goes into `expires_in` too.
        access_token_length: characters of an access token; smaller values than it needs are raised.
        expires_in_style: "decimal" writes 28800.000000 (captured from a real site), "integer", "string" or "absent".
        expires_in_raw: JSON text put in place of the number, such as `NaN` or `"soon"`; None: don't.
        token_type: value of `token_type`; None leaves it out.
        refresh_tokens: False issues none.
        refresh_token_length: characters of a refresh token, at least 43.
        refresh_token_lifetime_seconds: how long a refresh token works; None: for ever.
        rotate_every: 1 (ROTATE_ALWAYS): each refresh gives a new refresh token and revokes the old one;
            0 (ROTATE_NEVER): the first one stays; n: every nth refresh of a login gives a new one.
        kept_refresh_token: what `refresh_token` is in an answer that rotates nothing.
        refresh_reuse_revokes: using an old refresh token again also ends the whole login.
        invalid_client_status: 401 or 400; FotoWeb's is not documented.
        preview_lifetime_seconds: how long a preview URL works.
        assets_per_page: page size of asset lists.
        archives_per_page: page size of lists of archives.
        polls_until_ready: how often a rendition or an upload says that it isn't ready, before it is.
        rendition_lifetime_seconds: how long a rendition can be downloaded once it was asked for.
        upload_chunk_bytes: size of each chunk of an upload, except the last.
        query_token: accept `?access_token=` for the API.
        guest_access: answer `/fotoweb/` with the descriptor for guests.
        reachable: False: connections are refused (in process) or cut (over a port).
        clock_skew_seconds: how far FotoWeb's clock is ahead of the clock given to the simulator.
    """

    auto_login: str | None = None
    require_pkce: bool = False
    refuse_pkce: bool = False
    require_state: bool = True
    any_redirect_uri: bool = False
    authorize_error: str | None = None
    authorize_error_description: str = ""
    code_lifetime_seconds: float = 60
    code_reuse_revokes: bool = False
    access_token_lifetime_seconds: float = 28_800
    access_token_length: int = 480
    expires_in_style: Literal["decimal", "integer", "string", "absent"] = "decimal"
    expires_in_raw: str | None = None
    token_type: str | None = "bearer"  # noqa: S105 - no password
    refresh_tokens: bool = True
    refresh_token_length: int = 64
    refresh_token_lifetime_seconds: float | None = None
    rotate_every: int = ROTATE_ALWAYS
    kept_refresh_token: Literal["omitted", "null", "empty", "repeated"] = "omitted"  # noqa: S105 - no password
    refresh_reuse_revokes: bool = False
    invalid_client_status: int = 401
    preview_lifetime_seconds: float = 300
    assets_per_page: int = 25
    archives_per_page: int = 25
    polls_until_ready: int = 2
    rendition_lifetime_seconds: float = 300
    upload_chunk_bytes: int = 1_048_576
    query_token: bool = False
    guest_access: bool = False
    reachable: bool = True
    clock_skew_seconds: float = 0

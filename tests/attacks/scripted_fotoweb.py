"""A FotoWeb that answers token requests as a test says, and keeps every request byte for byte.

Codes and tokens name their user, so that whoever finds one knows whose it is: ``code.u7.1.…``, ``at.u7.2.…``.
Nothing but the token endpoint is asked over the network; ``approve`` does what the authorize page would.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.attacks.answers import Answer, Grant, good, refusal, written
from tests.providers.raw_server import RawServer

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "ScriptedFotoWeb", "TokenRequest"]

# Whatever could break out of a form or a URL, as far as settings take it (printable, no space).
CLIENT_ID = "a&b=c%20d+e#f"
CLIENT_SECRET = 'p@ss&w=r;d+%25"\\#?client_id=evil'
TOKEN_PATH = "/fotoweb/oauth2/token"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request to the token endpoint.

    Attributes:
        user: Whose code or refresh token it carries, "" where neither was issued here.
        raw: Every byte of it.
        arrived_at: Monotonic seconds.
    """

    user: str
    raw: bytes = field(repr=False)
    arrived_at: float

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The form, as any server would read it."""
        body = self.raw.partition(b"\r\n\r\n")[2].decode("ascii")
        return parse_qsl(body, keep_blank_values=True, strict_parsing=True)

    @property
    def form(self) -> dict[str, str]:
        """The form by name."""
        return dict(self.pairs)


@dataclass(frozen=True, slots=True)
class Approved:
    """What an authorize request said; the exchange of its code must say the same."""

    challenge: str
    redirect_uri: str


class ScriptedFotoWeb:
    """A FotoWeb on a port of its own; a context manager.

    Attributes:
        violations: What no client may do: a code posted twice, a dead refresh token, credentials outside the body.
    """

    def __init__(self) -> None:
        self._server = RawServer(self._serve)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._scripts: dict[str, Answer] = {}
        self._approved: dict[str, Approved] = {}
        self._posted: set[str] = set()
        self._in_flight: dict[str, TokenRequest] = {}
        self._dead: set[str] = set()
        self._secrets: dict[str, set[str]] = {}
        self.requests: list[TokenRequest] = []
        self.violations: list[str] = []

    def __enter__(self) -> Self:
        """Open the port."""
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self._server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """What ``FOTOWEB_URL`` holds."""
        return self._server.url

    # --------------------------------------------------------------------------------------------- what tests ask for

    def new_user(self) -> str:
        """Return a name that nobody has had."""
        return f"u{next(self._numbers)}"

    def script(self, user: str, answer: Answer) -> None:
        """Answer so to all token requests of this user from now on."""
        self._scripts[user] = answer

    def heal(self, user: str) -> None:
        """Give this user tokens again."""
        self._scripts.pop(user, None)

    def approve(self, authorize_url: str, user: str) -> str:
        """Log the user in and consent; return the callback's URL."""
        query = dict(parse_qsl(urlsplit(authorize_url).query, strict_parsing=True))
        code = self._new_secret("code", user)
        self._approved[code] = Approved(query["code_challenge"], query["redirect_uri"])
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def grant_for(self, user: str) -> Grant:
        """Return new tokens."""
        return Grant(user, self._new_secret("at", user), self._new_secret("rt", user))

    def requests_of(self, user: str) -> list[TokenRequest]:
        """Return the token requests with this user's codes and refresh tokens."""
        return [request for request in self.requests if request.user == user]

    def secrets_of(self, user: str) -> set[str]:
        """Return this user's codes and tokens, and the verifiers that came with them."""
        verifiers = {value for request in self.requests_of(user) for name, value in request.pairs if "verif" in name}
        return self._secrets.get(user, set()) | verifiers

    def forget_requests(self) -> None:
        """Forget what was asked so far, for a run of hours. What is dead stays dead."""
        self.requests.clear()
        self._server.forget_requests()
        self._secrets.clear()

    # ------------------------------------------------------------------------------------------------ how it answers

    def _new_secret(self, kind: str, user: str) -> str:
        secret = f"{kind}.{user}.{next(self._numbers)}.{secrets.token_hex(8)}"
        self._secrets.setdefault(user, set()).add(secret)
        return secret

    def _serve(self, connection: socket.socket, raw: bytes) -> None:
        request = TokenRequest(user_of(raw), raw, time.monotonic())
        self.requests.append(request)
        self.violations += outside_the_body(raw)
        if not raw.startswith(f"POST {TOKEN_PATH} HTTP/1.1\r\n".encode()):
            self.violations.append(f"asked for {raw[:60]!r}")
            connection.sendall(written(404, b""))
            return
        credential = self._take(request)
        grant = self.grant_for(request.user)
        grant.ends = functools.partial(self._end, credential, request)
        usual = good() if request.user else refusal(400, "invalid_grant")
        try:
            self._scripts.get(request.user, usual)(connection, grant)
        finally:
            grant.ends()
            with self._lock:
                if grant.was_rotated:
                    self._dead.add(credential)

    def _end(self, credential: str, request: TokenRequest) -> None:
        """Note that a request is as good as answered; the next one with the same credential is not."""
        with self._lock:
            if self._in_flight.get(credential) is request:
                del self._in_flight[credential]

    def _take(self, request: TokenRequest) -> str:
        """Note a code or a refresh token that came, and whatever is wrong with it; return it."""
        form = request.form
        credential = form.get("code") or form.get("refresh_token") or ""
        is_code = form.get("grant_type") == "authorization_code"
        with self._lock:
            if credential in self._in_flight:
                self.violations.append(f"{credential[:10]}… was posted twice at once")
            # A code that was not issued here is the test's own, and may come from each server once.
            if request.user and credential in (self._posted if is_code else self._dead):
                self.violations.append(f"{credential[:10]}… was posted again")
            self._posted.add(credential)
            self._in_flight[credential] = request
        if len(form) != len(request.pairs):
            self.violations.append("a parameter came twice")
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            self.violations.append("the client's credentials are not what was configured")
        if credential in self._approved:
            self.violations += unlike_approved(self._approved[credential], form)
        return credential


def user_of(raw: bytes) -> str:
    """Return whose code or refresh token a request carries."""
    pairs = parse_qsl(raw.partition(b"\r\n\r\n")[2].decode("ascii"))
    for name, value in pairs:
        if name in {"code", "refresh_token"} and value.startswith(("code.u", "rt.u")):
            return value.split(".")[1]
    return ""


def outside_the_body(raw: bytes) -> Iterator[str]:
    """Yield what shows credentials beside the body, or asks for what would be dangerous."""
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1").lower()
    for name in ("authorization:", "cookie:", "accept-encoding: gzip"):
        if f"\r\n{name}" in head:
            yield f"a token request has the header {name}"
    if "?" in head.split("\r\n")[0]:
        yield "a token request has a query"


def unlike_approved(approved: Approved, form: dict[str, str]) -> Iterator[str]:
    """Yield in what the exchange of a code differs from its authorize request (RFC 6749, 4.1.3; RFC 7636, 4.6)."""
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != approved.challenge:
        yield "the code_verifier is not that of the challenge"
    if form.get("redirect_uri") != approved.redirect_uri:
        yield "redirect_uri differs between the two requests"

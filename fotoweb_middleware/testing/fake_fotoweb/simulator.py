"""`FakeFotoWeb`: one simulated FotoWeb site, its switches, faults, buttons and records."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from fotoweb_middleware.testing.fake_fotoweb.browser import walk_login
from fotoweb_middleware.testing.fake_fotoweb.faults import Endpoint, Fault, FaultBook, endpoint_of
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.records import (
    RequestRecord,
    TokenRequest,
    fingerprint,
    read_token_facts,
    record_token_request,
)
from fotoweb_middleware.testing.fake_fotoweb.registration import DEFAULT_USERS, Client, User
from fotoweb_middleware.testing.fake_fotoweb.routes import answer, with_site_headers
from fotoweb_middleware.testing.fake_fotoweb.serving import Serving, build_asgi_app
from fotoweb_middleware.testing.fake_fotoweb.state import Site
from fotoweb_middleware.testing.fake_fotoweb.switches import Switches
from fotoweb_middleware.testing.fake_fotoweb.transports import AsyncTransport, Transport
from fotoweb_middleware.testing.fake_fotoweb.webhooks import webhook_body

__all__ = ["FakeFotoWeb"]

DEFAULT_CLIENTS = (Client(redirect_uris=("http://localhost:8000/oauth2/callback",)),)


class FakeFotoWeb:
    """A simulated FotoWeb site for tests: OAuth 2.0 endpoints, pages, and a small gallery API.

    Behaviour modelled on public documentation; not affiliated with or endorsed by Fotoware. If the documentation
    leaves a choice, there is a switch. All methods may be called from any thread, even while it serves.

    There are three ways to talk to it, all with the same answers: in process, with `transport()` and
    `async_transport()` for httpx; as an ASGI app, with `asgi_app`; and over a port, with `serve()`.

    Args:
        clients: application registrations; default: one web application.
        users: people; default: `alice` and `bob`, password `secret`, who see different archives.
        clock: gives epoch seconds.
        entropy: gives n random bytes, different ones each time.
        switches: how to behave.
        pause: waits the given number of seconds; for slow faults.

    Attributes:
        on_token: called after each token request with its record, in the thread that served it; None: nobody listens.
    """

    def __init__(  # noqa: PLR0913 - all by name, and each with a default
        self,
        *,
        clients: Sequence[Client] = DEFAULT_CLIENTS,
        users: Sequence[User] = DEFAULT_USERS,
        clock: Callable[[], float] = time.time,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        switches: Switches | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.on_token: Callable[[TokenRequest], object] | None = None
        self._site = Site(clients, users, clock, entropy, switches or Switches())
        self._as_made = partial(Site, self.clients, users, clock, entropy, self._site.switches)
        self._pause = pause
        self._faults = FaultBook()
        self._lock = threading.RLock()
        self._requests: list[RequestRecord] = []
        self._token_requests: list[TokenRequest] = []
        self.asgi_app = build_asgi_app(self)

    # ------------------------------------------------------------------------------------------- ways in

    def handle(self, request: FakeRequest) -> FakeResponse:
        """Answer one request. All transports and servers call this; safe from many threads at once."""
        with self._lock:
            fault = self._faults.take(request)
        late = self._wait(fault, request.read_timeout_seconds)
        with self._lock:
            sent, token_request = self._process(request, fault, late=late)
            listener = self.on_token
        if token_request is not None and listener is not None:
            listener(token_request)
        return sent

    def transport(self) -> Transport:
        """Return a transport for `httpx.Client` that talks to this site in process, whatever the URL's host."""
        return Transport(self)

    def async_transport(self) -> AsyncTransport:
        """Return a transport for `httpx.AsyncClient` that talks to this site in process, under asyncio or trio."""
        return AsyncTransport(self)

    def serve(self, port: int = 0, host: str = "127.0.0.1") -> Serving:
        """Serve over a port: `with fake.serve() as url:`. May be stopped and served again; nothing is forgotten.

        Args:
            port: 0: any free port; `Serving.port` says which.
            host: address to listen on.
        """
        return Serving(self, host, port)

    def approve(self, authorize_url: str, user_name: str = "alice", *, deny: bool = False) -> str:
        """Do in process what a person does in a browser without cookies: log in, press Allow (or Deny).

        Args:
            authorize_url: where the application sent the browser.
            user_name: who logs in.
            deny: press Deny instead.

        Returns:
            Where FotoWeb sends the browser: the application's callback with code and state, or with an error.

        Raises:
            AssertionError: when FotoWeb shows an error page instead.
        """
        return walk_login(self.handle, authorize_url, self.users[user_name], deny=deny)

    # ------------------------------------------------------------------------------------------- set-up

    @property
    def switches(self) -> Switches:
        """How the site behaves. Assign a new value, or use `switch`."""
        return self._site.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        with self._lock:
            self._site.switches = switches

    def switch(self, **changes: Any) -> None:
        """Change some switches, by name."""
        with self._lock:
            self._site.switches = replace(self._site.switches, **changes)

    @property
    def clients(self) -> tuple[Client, ...]:
        """The registered applications, with their ids and secrets."""
        return tuple(self._site.clients.values())

    @property
    def client(self) -> Client:
        """The application that was registered first."""
        return self.clients[0]

    @property
    def users(self) -> dict[str, User]:
        """The people, by user name."""
        return dict(self._site.users)

    def register(self, client: Client) -> Client:
        """Register an application, or replace the one with the same id; return it with its id and secret."""
        with self._lock:
            return self._site.register(client)

    def add_user(self, user: User) -> User:
        """Give a person an account, or replace the one with the same name."""
        with self._lock:
            self._site.users[user.user_name] = user
        return user

    # ------------------------------------------------------------------------------------------- faults and buttons

    def fault(
        self, endpoint: Endpoint, fault: Fault, *, times: int | None = None, grant_type: str | None = None
    ) -> None:
        """Make something go wrong. Several faults queue up: the second starts when the first is used up.

        Args:
            endpoint: "authorize", "token", "me", "api" (everything else behind a token) or "page".
            fault: what goes wrong.
            times: for how many requests; None: until cleared.
            grant_type: only for token requests of this kind; None: all.
        """
        with self._lock:
            self._faults.add(endpoint, fault, times, grant_type)

    def clear_faults(self, endpoint: Endpoint | None = None) -> None:
        """End the faults of one endpoint, or all."""
        with self._lock:
            self._faults.clear(endpoint)

    def revoke_everything(self) -> None:
        """End every login: codes, access tokens and refresh tokens stop working."""
        with self._lock:
            self._site.revoke_everything()

    def expire_access_tokens(self) -> None:
        """Make every access token expire now; refresh tokens keep working."""
        with self._lock:
            self._site.expire_access_tokens()

    def forget_browsers(self) -> None:
        """Log every browser out of FotoWeb itself; tokens keep working."""
        with self._lock:
            self._site.browsers.clear()

    def webhook_body(self, href: str, origin: str) -> dict[str, Any]:
        """Return the JSON that FotoWeb posts to a webhook when an asset's metadata changes. Nothing is sent.

        Args:
            href: the asset's path.
            origin: scheme and host of the site; stands before all paths.

        Raises:
            KeyError: when there is no such asset.
        """
        with self._lock:
            return webhook_body(self._site, href, origin)

    def reset(self) -> None:
        """Go back to the first state: no logins, faults or records, and the first switches, users and applications."""
        with self._lock:
            self.on_token = None
            self._site = self._as_made()
            self._faults.clear(None)
            self.forget_records()

    # ------------------------------------------------------------------------------------------- records

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request so far, oldest first."""
        with self._lock:
            return list(self._requests)

    @property
    def token_requests(self) -> list[TokenRequest]:
        """Every token request so far, oldest first."""
        with self._lock:
            return list(self._token_requests)

    @property
    def refresh_count(self) -> int:
        """How many refreshes issued tokens, seen by the client or not."""
        return sum(record.issued for record in self.token_requests if record.grant_type == "refresh_token")

    @property
    def posts_per_code(self) -> Counter[str]:
        """How often each code was sent, by `fingerprint(code)`."""
        return Counter(record.code for record in self.token_requests if record.code)

    @property
    def posts_per_refresh_token(self) -> Counter[str]:
        """How often each refresh token was sent, by `fingerprint(refresh_token)`."""
        return Counter(record.refresh_token for record in self.token_requests if record.refresh_token)

    def forget_records(self) -> None:
        """Empty the records; logins and tokens stay."""
        with self._lock:
            self._requests.clear()
            self._token_requests.clear()

    fingerprint = staticmethod(fingerprint)

    # ------------------------------------------------------------------------------------------- inside

    def _wait(self, fault: Fault | None, read_timeout_seconds: float | None) -> bool:
        """Pause for a slow fault, and tell whether an in-process client has given up meanwhile."""
        delay_seconds = fault.delay_seconds if fault else 0
        late = read_timeout_seconds is not None and delay_seconds > read_timeout_seconds
        if delay_seconds:
            self._pause(read_timeout_seconds if late and read_timeout_seconds is not None else delay_seconds)
        return late

    def _process(
        self, request: FakeRequest, fault: Fault | None, *, late: bool
    ) -> tuple[FakeResponse, TokenRequest | None]:
        site = self._site
        facts = read_token_facts(site, request) if endpoint_of(request.path) == "token" else None
        if not site.switches.reachable:
            return FakeResponse(0, outcome="unreachable"), None
        received_at = site.now()
        reached = fault.change_request(request) if fault else request
        real = answer(site, reached) if fault is None or fault.processes else None
        sent = with_site_headers(site, fault.change_response(real) if fault else real or FakeResponse(500))
        sent = replace(sent, outcome="timed out") if late else sent
        self._requests.append(
            RequestRecord(
                method=request.method,
                path=request.path,
                status=sent.status,
                outcome=sent.outcome,
                received_at=received_at,
                fault=fault.name if fault else "",
            )
        )
        if facts is None:
            return sent, None
        token_request = record_token_request(facts, real, sent, fault, received_at)
        self._token_requests.append(token_request)
        return sent, token_request

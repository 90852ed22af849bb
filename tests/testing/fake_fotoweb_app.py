"""A small OAuth client for the simulator's own tests: sends what the manual asks for, or a changed form of it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb

ORIGIN = "https://fotoweb.test"
CALLBACK = "http://localhost:8000/oauth2/callback"
VERIFIER = "v" * 43
STATE = "state-&<>-1"


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


CHALLENGE = challenge_of(VERIFIER)


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is None."""
    return {name: value for name, value in values.items() if value is not None}


class App:
    """One application registered at the simulator. `None` for a parameter leaves it out, a list sends it repeatedly."""

    def __init__(self, fake: FakeFotoWeb, client: Client | None = None) -> None:
        self.fake = fake
        self.client = client or fake.client
        self.http = httpx.Client(transport=fake.transport(), base_url=ORIGIN)

    def authorize_url(self, **changes: Any) -> str:
        """Build an authorize URL."""
        values = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "state": STATE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{ORIGIN}/fotoweb/oauth2/authorize?{urlencode(without_none(values), doseq=True)}"

    def authorize(self, **changes: Any) -> httpx.Response:
        """Send an authorize request of a browser without cookies."""
        return self.http.get(self.authorize_url(**changes))

    def back_from(self, response: httpx.Response) -> dict[str, str]:
        """Read the parameters of a redirect to the callback."""
        assert response.status_code == 302, response
        return read_query(response.headers["location"])

    def code(self, user_name: str = "alice", **changes: Any) -> str:
        """Log a user in and give the code."""
        return read_query(self.fake.approve(self.authorize_url(**changes), user_name))["code"]

    def post(self, fields: dict[str, Any], **options: Any) -> httpx.Response:
        """Send a token request."""
        return self.http.post("/fotoweb/oauth2/token", data=without_none(fields), **options)

    def credentials(self) -> dict[str, Any]:
        """Give the client's id and secret as form fields."""
        secret = self.client.client_secret or None
        return {"client_id": self.client.client_id, "client_secret": secret}

    def exchange(self, code: str, /, **changes: Any) -> httpx.Response:
        """Exchange a code."""
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.post({**fields, **self.credentials(), **changes})

    def refresh(self, refresh_token: str, /, **changes: Any) -> httpx.Response:
        """Use a refresh token."""
        fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.post({**fields, **self.credentials(), **changes})

    def log_in(self, user_name: str = "alice") -> dict[str, Any]:
        """Log a user in and give the token answer."""
        answer = self.exchange(self.code(user_name))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens

    def get(self, path: str, access_token: str, accept: str = "application/json") -> httpx.Response:
        """Ask the API."""
        return self.http.get(path, headers={"Authorization": f"Bearer {access_token}", "Accept": accept})


def read_query(url: str) -> dict[str, str]:
    """Read a URL's query, of which every parameter must be there once."""
    values = parse_qs(urlsplit(url).query)
    assert all(len(each) == 1 for each in values.values()), url
    return {name: each[0] for name, each in values.items()}


def web(*uris: str, clock: FakeClock | None = None, **changes: Any) -> App:
    """Give an application at a fresh site."""
    client = Client(redirect_uris=uris or (CALLBACK,), **changes)
    fake = FakeFotoWeb(clients=[client], clock=clock or FakeClock())
    return App(fake)


def browser(app: App) -> httpx.Client:
    """Give a browser that keeps cookies but stops at redirects."""
    return httpx.Client(transport=app.fake.transport(), base_url=ORIGIN)


def log_in(client: httpx.Client, authorize: httpx.Response, password: str = "secret") -> httpx.Response:
    """Fill in the log-in page that an authorize request led to."""
    return_url = read_query(authorize.headers["location"])["ReturnUrl"]
    fields = {"ReturnUrl": return_url, "username": "alice", "password": password}
    return client.post("/fotoweb/views/login", data=fields)


def press(client: httpx.Client, page: httpx.Response, decision: str) -> httpx.Response:
    """Press a button of the consent page."""
    pending = page.text.split('name="request" value="')[1].split('"')[0]
    return client.post("/fotoweb/oauth2/consent", data={"request": pending, "decision": decision})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Read status and error code of a refusal, which is never stored and never holds a token."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    content = answer.json()
    assert set(content) == {"error", "error_description"}
    return answer.status_code, content["error"]

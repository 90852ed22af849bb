"""A person with a browser: cookies as browsers keep them, navigations and fetches as Chromium sends them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from fotoweb_middleware.testing import FakeClock, FakeFotoWeb
from tests.behaviour.adapters import Adapter, Reply

NAVIGATION = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
}
FETCH = {
    "Accept": "application/json",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
}


class Place(Protocol):
    """What a visitor needs of a site."""

    adapter: Adapter
    fake: FakeFotoWeb
    clock: FakeClock
    origin: str
    middleware: Any

    @property
    def refreshes(self) -> int:
        """How often FotoWeb was asked to refresh a token."""


class Jar:
    """Cookies as a browser keeps them for one origin: by name and path, with RFC 6265bis' rules that matter here."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.cookies: dict[tuple[str, str], str] = {}

    def take(self, reply: Reply) -> None:
        """Keep what a response sets."""
        for value in reply.all("Set-Cookie"):
            self.keep(value)

    def keep(self, header: str) -> None:
        """Keep one cookie, or drop it where Max-Age is 0; what a browser refuses is refused."""
        pair, *attributes = [part.strip() for part in header.split(";")]
        name, _, value = pair.partition("=")
        told = {key.lower(): rest for key, _, rest in (attribute.partition("=") for attribute in attributes)}
        assert len(pair) - 1 <= 4096, "a browser refuses this cookie: too large"
        assert "secure" not in told or self.origin.startswith("https") or "localhost" in self.origin
        if name.startswith("__Host-"):
            assert "secure" in told
            assert told["path"] == "/"
            assert "domain" not in told
        assert "httponly" in told
        key = (name, told["path"])
        if told["max-age"] == "0":
            self.cookies.pop(key, None)
        else:
            self.cookies[key] = value

    def forget_logins(self) -> None:
        """Let the cookies of logins end, as they do by themselves minutes after: those begun, and the one that counts.

        From then on the session's cookie comes alone.
        """
        kept = {key: value for key, value in self.cookies.items() if "-login-" not in key[0]}
        self.cookies = {key: value for key, value in kept.items() if not key[0].endswith("-attempts")}

    def header(self, target: str) -> list[tuple[str, str]]:
        """Return the Cookie header for a request, if there is one."""
        path = target.partition("?")[0]
        pairs = [f"{name}={value}" for (name, scope), value in self.cookies.items() if path.startswith(scope)]
        return [("Cookie", "; ".join(pairs))] if pairs else []

    def names(self) -> set[str]:
        """Return the names of the cookies held."""
        return {name for name, _ in self.cookies}


@dataclass
class Visitor:
    """A person with a browser: sends requests to the app and does what a person does at FotoWeb."""

    site: Place
    user_name: str = "alice"
    jar: Jar = field(init=False)

    def __post_init__(self) -> None:
        self.jar = Jar(self.site.origin)

    def send(self, method: str, target: str, headers: Mapping[str, str] = FETCH, body: bytes = b"") -> Reply:
        """Send one request with the jar's cookies, and keep what comes."""
        pairs = [*headers.items(), *self.jar.header(target)]
        reply = self.site.adapter.request(method, target, pairs, body)
        self.jar.take(reply)
        return reply

    def get(self, target: str, **headers: str) -> Reply:
        """Fetch as a script on the app's own pages does."""
        return self.send("GET", target, {**FETCH, **headers})

    def get_among(self, others: Iterable[str], target: str = "/") -> Reply:
        """Fetch with cookies of the app or of others before the jar's, all in one header; nothing is kept."""
        cookies = "; ".join([*others, *(value for _, value in self.jar.header(target))])
        return self.site.adapter.request("GET", target, [*FETCH.items(), ("Cookie", cookies)])

    def become_known(self) -> str:
        """Come often enough to be known by the session's cookies alone; return their Cookie header."""
        self.jar.forget_logins()
        assert [self.get("/").status for _ in range(2)] == [200, 200]
        ((_, header),) = self.jar.header("/")
        return header

    def visit(self, target: str, **headers: str) -> Reply:
        """Navigate."""
        return self.send("GET", target, {**NAVIGATION, **headers})

    def approve(self, authorize_url: str) -> str:
        """Log in and consent at FotoWeb; return the callback's path and query."""
        return target_of(self.site.fake.approve(authorize_url, self.user_name))

    def log_in(self, target: str = "/") -> Reply:
        """Go the whole way, and return the callback's answer."""
        callback = self.approve(self.visit(target).location)
        reply = self.visit(callback, **{"Sec-Fetch-Site": "cross-site"})
        assert reply.status == 302, (reply.status, reply.text)
        return reply


def target_of(url: str) -> str:
    """Return path and query of a URL."""
    split = urlsplit(url)
    return f"{split.path}?{split.query}" if split.query else split.path

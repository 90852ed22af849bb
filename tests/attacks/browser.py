"""A person's browser on raw sockets: a jar with the browsers' rules, and headers as the test writes them."""

from __future__ import annotations

from collections.abc import Mapping

from tests.attacks.attacked import APP, APP_HOST, AttackedServer
from tests.attacks.raw_client import RawReply, exchange, write_request
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.servers.cookie_jar import CookieJar, Use

__all__ = ["NAV", "SESSION", "XHR", "Browser", "callback_target", "state_of"]

SESSION = "__Host-fotoweb"
NAV = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Accept": "text/html",
}
XHR = {
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "application/json",
}


class Browser:
    """Somebody with an empty jar.

    Args:
        server: The app.
        fotoweb: Where this person logs in.
        keeps_cookies: False is a browser that blocks them all.

    Attributes:
        replies: Every answer so far; the oracles look at them.
        states: Every state that was given to this browser.
        posts_by_request: How many token requests each request of this browser led to.
    """

    def __init__(self, server: AttackedServer, fotoweb: ScriptedFotoWeb, *, keeps_cookies: bool = True) -> None:
        self.server = server
        self.fotoweb = fotoweb
        self.user = fotoweb.new_user()
        self.jar = CookieJar()
        self.replies: list[RawReply] = []
        self.states: set[str] = set()
        self.posts_by_request: list[int] = []
        self._keeps_cookies = keeps_cookies

    # ------------------------------------------------------------------------------------------------ single requests

    def send(
        self, method: str, target: str, headers: Mapping[str, str], *, body: bytes = b"", host: str = APP_HOST
    ) -> RawReply:
        """Send one request with the jar's cookies and exactly these headers, and keep what comes."""
        url = APP + (target if target.startswith("/") else "/")
        use = Use(headers.get("Sec-Fetch-Site") == "cross-site", headers.get("Sec-Fetch-Mode") == "navigate", method)
        cookie = self.jar.header(url, use)
        pairs = [("Host", host), ("Connection", "close"), *headers.items()]
        pairs += [("Cookie", cookie)] if cookie else []
        pairs += [("Content-Length", str(len(body)))] if body or method in {"POST", "PUT"} else []
        posts = self.posts
        reply = exchange(self.server.port, write_request(method, self.server.on_the_wire(target), pairs, body))
        self.posts_by_request.append(self.posts - posts)
        return self.note(url, reply)

    def note(self, url: str, reply: RawReply) -> RawReply:
        """Keep an answer, its cookies, and the state that it gives; return it."""
        self.replies.append(reply)
        for value in reply.all("Set-Cookie") if self._keeps_cookies else []:
            self.jar.take(url, value)
        to_fotoweb = [location for location in reply.all("Location") if location.startswith(self.fotoweb.url)]
        self.states.update(state_of(location) for location in to_fotoweb)
        return reply

    def nav(self, target: str, **headers: str) -> RawReply:
        """Go to a page; ``Sec_Fetch_Site="cross-site"`` changes a header."""
        return self.send("GET", target, {**NAV, **dashed(headers)})

    def xhr(self, target: str, **headers: str) -> RawReply:
        """Fetch as a script of the app's own page does."""
        return self.send("GET", target, {**XHR, **dashed(headers)})

    # --------------------------------------------------------------------------------------------------------- logins

    def begin(self, target: str) -> str:
        """Begin a login, whether logged in or not, and return the authorize URL."""
        reply = self.nav(f"/oauth2/login?next={target}")
        assert reply.status == 302, (reply, reply.text[:500])
        return reply.location

    def approve(self, authorize_url: str) -> str:
        """Log in at FotoWeb and return the callback's path and query."""
        return callback_target(self.fotoweb.approve(authorize_url, self.user))

    def come_back(self, target: str) -> RawReply:
        """Go where FotoWeb sent the browser."""
        return self.nav(target, Sec_Fetch_Site="cross-site")

    def try_to_log_in(self, target: str = "/") -> RawReply:
        """Go the whole way and return the callback's answer, whatever it is."""
        return self.come_back(self.approve(self.begin(target)))

    def log_in(self, target: str = "/") -> None:
        """Go the whole way."""
        reply = self.try_to_log_in(target)
        assert (reply.status, reply.location) == (302, target), (reply, reply.text[:500])

    def follow(self, target: str, most_hops: int) -> list[RawReply]:
        """Go to a page and follow redirects; FotoWeb approves at once. Return the app's answers."""
        replies = [self.nav(target)]
        while replies[-1].status in {302, 303} and len(replies) <= most_hops:
            location = replies[-1].location
            is_at_fotoweb = location.startswith(self.fotoweb.url)
            replies.append(self.come_back(self.approve(location) if is_at_fotoweb else location))
        return replies

    # ----------------------------------------------------------------------------------------------------- what it has

    @property
    def posts(self) -> int:
        """How many token requests there were with this person's codes and tokens."""
        return len(self.fotoweb.requests_of(self.user))

    @property
    def session_cookies(self) -> dict[str, str]:
        """What the jar holds of a session."""
        cookies = self.jar.snapshot(APP_HOST)
        return {name: value for name, value in cookies.items() if name == SESSION or name.startswith(f"{SESSION}.")}


def dashed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their names, from keywords."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def callback_target(url: str) -> str:
    """Return the path and query of a callback's URL."""
    return url.removeprefix(APP)


def state_of(url: str) -> str:
    """Return the state in an authorize URL or a callback."""
    return url.partition("state=")[2].partition("&")[0]

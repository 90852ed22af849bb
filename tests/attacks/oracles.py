"""What must hold at the end of every case, whatever was tried: the oracles I1 to I7.

- I1: no answer has status 500, and no server printed a traceback.
- I2: a browser's app sees the tokens of that browser's user and of nobody else.
- I3: the app is never called without a session, but at the public paths that the case names.
- I4: a code is posted once; a refresh token never twice at once, nor after it was replaced.
- I5: a redirect leads to the app or to FotoWeb, as browsers read it (WHATWG URL standard).
- I6: no code, token, verifier, key or client secret in an answer of the middleware or in a log at DEBUG; no state in a
  log. What the app itself answers is the app's business, and what a server's access log says is the server's.
- I7: every answer comes within the deadline for FotoWeb and a second.

And every cookie of ours is as ``set_cookies`` says (T-CS-01).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.attacks.attacked import APP_HOST, DEADLINE_SECONDS, AttackedServer
from tests.attacks.browser import Browser
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import CLIENT_SECRET, ScriptedFotoWeb
from tests.attacks.set_cookies import cookie_faults
from tests.attacks.spellings import spellings
from tests.behaviour.kit import SECRET_KEY as KEY_IN_PROCESS
from tests.servers.serving import SECRET_KEY

__all__ = ["Case", "check_oracles", "whatwg_host"]

BUSY_SECONDS = 3.0
"""A shared machine may be slow; what I7 is about would take ten seconds or for ever."""

ACCESS_LINE = re.compile(r'"(GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) \S+ ')
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=:)", re.IGNORECASE)


class Case:
    """One case: a server, its FotoWeb, and the browsers that take part.

    Args:
        server: Shared with other cases.
        fotoweb: Shared as well; each browser has a user of its own there.

    Attributes:
        browsers: Who took part.
        open_paths: Where the app may be called without a session, as the app sees the path.
        fotoweb_host: Where logins lead; another than FotoWeb's own where something stands before it.
    """

    def __init__(self, server: AttackedServer, fotoweb: ScriptedFotoWeb) -> None:
        self.server = server
        self.fotoweb = fotoweb
        self.browsers: list[Browser] = []
        self.open_paths: set[str] = set()
        self.fotoweb_host = fotoweb.url.removeprefix("http://")
        self._printed = server.printed_bytes
        self._called = server.called_bytes
        self._violations = len(fotoweb.violations)

    def browser(self, *, keeps_cookies: bool = True) -> Browser:
        """Return somebody who never was there."""
        self.browsers.append(Browser(self.server, self.fotoweb, keeps_cookies=keeps_cookies))
        return self.browsers[-1]

    @property
    def log(self) -> str:
        """What the server has printed since the case began, without its access log."""
        lines = self.server.printed_since(self._printed).splitlines()
        return "\n".join(line for line in lines if not ACCESS_LINE.search(line))

    @property
    def calls_without_session(self) -> list[str]:
        """The paths at which the app was called without a session since the case began, and should not have been."""
        calls = self.server.calls_since(self._called)
        return [call.path for call in calls if call.token is None and call.path not in self.open_paths]

    @property
    def header_names(self) -> set[str]:
        """The names of all headers that the app saw since the case began."""
        return {name for call in self.server.calls_since(self._called) for name in call.headers}

    @property
    def calls(self) -> int:
        """How often the app was called since the case began."""
        return len(self.server.calls_since(self._called))

    @property
    def violations(self) -> list[str]:
        """What was asked of FotoWeb since the case began that no client may ask."""
        return self.fotoweb.violations[self._violations :]


def check_oracles(case: Case) -> None:
    """Hold I1 to I7 against everything that happened in a case."""
    faults = [f"I3: the app was called without a session at {path}" for path in case.calls_without_session]
    faults += [f"I4: {violation}" for violation in case.violations]
    faults += ["I1: a traceback was printed"] if "Traceback (most recent call last)" in case.log else []
    for browser in case.browsers:
        for reply in browser.replies:
            found = faults_of(reply, browser, case)
            faults += [f"{fault} ({reply.asked[:80]} -> {reply.status})" for fault in found]
    faults += [f"I6: {name} in the log" for name in leaks(case)]
    assert not faults, "\n".join([*faults, "The log ends with:", case.log[-3000:]])


def faults_of(reply: RawReply, browser: Browser, case: Case) -> Iterator[str]:
    """Yield what is wrong with one answer."""
    if reply.status in {0, 500}:
        yield "I1: no answer, or an unhandled error"
    is_open = reply.is_from_app and reply.seen["token"] is None and reply.seen.get("path") in case.open_paths
    if reply.is_from_app and not is_open and not str(reply.seen["token"]).startswith(f"at.{browser.user}."):
        yield f"I2: a token that is not {browser.user}'s"
    for location in reply.all("Location"):
        if whatwg_host(location) not in {APP_HOST, case.fotoweb_host}:
            yield f"I5: a redirect to {location[:80]!r}"
    shown = "\n".join(f"{name}: {value}" for name, value in reply.headers)
    shown += "" if reply.is_from_app else reply.text
    found = [secret for secret in secrets_of(browser) for spelling in spellings(secret) if spelling in shown]
    if found:
        yield f"I6: {found[0][:6]}… in an answer"
    if reply.took_seconds > DEADLINE_SECONDS + 1 + BUSY_SECONDS:
        yield f"I7: took {reply.took_seconds:.1f} s"
    for value in reply.all("Set-Cookie"):
        yield from (f"T-CS-01: {fault}" for fault in cookie_faults(value))


def secrets_of(browser: Browser) -> set[str]:
    """Return what nobody may see."""
    return {CLIENT_SECRET, SECRET_KEY, KEY_IN_PROCESS, *browser.fotoweb.secrets_of(browser.user)}


def leaks(case: Case) -> Iterator[str]:
    """Yield the first characters of each secret in the log."""
    log = case.log
    for browser in case.browsers:
        for secret in secrets_of(browser) | browser.states:
            if any(spelling in log for spelling in spellings(secret)):
                yield f"{secret[:6]}…"


def whatwg_host(location: str) -> str:
    """Return where a browser goes on the app's origin: "host:port", and "" where it is no web address.

    As the WHATWG URL standard reads it (4.4): white space around it and tabs and line breaks in it don't count, a
    backslash is a slash, and any number of slashes may stand before the host.
    """
    text = re.sub(r"[\t\n\r]", "", location.strip("".join(map(chr, range(33))))).replace("\\", "/")
    scheme = SCHEME.match(text)
    rest = text[scheme.end() + 1 :] if scheme else text
    if scheme is not None and scheme.group().lower() not in {"http", "https"}:
        return ""
    is_absolute = rest.startswith("//") or (scheme is not None and scheme.group().lower() != "https")
    if not is_absolute:
        return APP_HOST
    authority = re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0]
    return authority.rpartition("@")[2].lower()

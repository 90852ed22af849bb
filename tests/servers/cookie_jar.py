"""Cookies as a browser keeps them (RFC 6265bis), as far as these tests need it: no Domain attribute, no eviction."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

__all__ = ["CookieJar", "Kept", "Use", "is_cross_site", "is_trustworthy"]

MOST_CHARACTERS = 4096  # Name and value; Chromium and Firefox drop what is longer.


@dataclass(frozen=True, slots=True)
class Kept:
    """One cookie in the jar."""

    name: str
    value: str = field(repr=False)
    host: str
    path: str
    secure: bool
    http_only: bool
    same_site: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Use:
    """What a request is for; it decides which SameSite cookies go along.

    Attributes:
        cross_site: Whether another site's page began it.
        navigation: Whether a person goes to a page with it.
        method: "GET", "POST", …
    """

    cross_site: bool
    navigation: bool
    method: str

    def admits(self, same_site: str) -> bool:
        """Return whether a cookie with this SameSite goes along."""
        if not self.cross_site or same_site == "none":
            return True
        return same_site == "lax" and self.navigation and self.method in {"GET", "HEAD"}


def is_cross_site(url: str, initiator: str | None) -> bool:
    """Return whether the page that began a request belongs to another site; ports don't count, schemes do."""
    if initiator is None:
        return False
    ours, theirs = urlsplit(url), urlsplit(initiator)
    return (ours.scheme, ours.hostname) != (theirs.scheme, theirs.hostname)


def is_trustworthy(url: str) -> bool:
    """Return whether a browser sends Secure cookies there: https, and http on this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" or host in {"localhost", "127.0.0.1", "::1"} or host.endswith(".localhost")


class CookieJar:
    """All cookies of one visitor.

    Attributes:
        refused: Why Set-Cookie headers were dropped, as "name: reason".
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Kept] = {}
        self.refused: list[str] = []

    def take(self, url: str, header: str) -> None:
        """Keep, replace or remove a cookie as a Set-Cookie header says."""
        first, *rest = header.split(";")
        name, _, value = first.strip().partition("=")
        attributes = {key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in rest)}
        reason = why_refused(url, name, value, attributes)
        if reason is not None:
            self.refused.append(f"{name}: {reason}")
            return
        cookie = read_cookie(url, name, value, attributes)
        self._kept.pop((cookie.host, cookie.path, cookie.name), None)
        if cookie.expires_at > time.time():
            self._kept[cookie.host, cookie.path, cookie.name] = cookie

    def header(self, url: str, use: Use) -> str | None:
        """Return the Cookie header for a request; None: no cookie goes along."""
        pairs = [f"{cookie.name}={cookie.value}" for cookie in self.cookies_for(url) if use.admits(cookie.same_site)]
        return "; ".join(pairs) or None

    def cookies_for(self, url: str) -> list[Kept]:
        """Return the cookies that fit a URL, longest path first, SameSite aside."""
        parts = urlsplit(url)
        fitting = [
            cookie
            for cookie in self._kept.values()
            if cookie.host == parts.hostname
            and path_matches(parts.path or "/", cookie.path)
            and cookie.expires_at > time.time()
            and (is_trustworthy(url) or not cookie.secure)
        ]
        return sorted(fitting, key=lambda cookie: -len(cookie.path))

    def snapshot(self, host: str) -> dict[str, str]:
        """Return the names and values of a host's cookies."""
        return {cookie.name: cookie.value for cookie in self._kept.values() if cookie.host == host}

    def plant(self, name: str, value: str, *, host: str, path: str = "/") -> None:
        """Put a cookie into the jar that no response set."""
        self._kept[host, path, name] = Kept(name, value, host, path, False, False, "lax", float("inf"))


def why_refused(url: str, name: str, value: str, attributes: dict[str, str]) -> str | None:
    """Return why a browser drops a cookie; None: it keeps it."""
    assert "domain" not in attributes, "this jar keeps host-only cookies"
    if len(name) + len(value) > MOST_CHARACTERS:
        return f"{len(name) + len(value)} characters are too many"
    if name.startswith("__Host-") and ("secure" not in attributes or attributes.get("path") != "/"):
        return "__Host- needs Secure and Path=/"
    if attributes.get("samesite", "").lower() == "none" and "secure" not in attributes:
        return "SameSite=None needs Secure"
    if "secure" in attributes and not is_trustworthy(url):
        return "Secure, but set over plain http"
    return None


def read_cookie(url: str, name: str, value: str, attributes: dict[str, str]) -> Kept:
    """Return the cookie that a Set-Cookie header describes."""
    parts = urlsplit(url)
    default_path = parts.path.rpartition("/")[0] or "/"
    path = attributes.get("path", "")
    max_age = attributes.get("max-age")
    is_removal = "expires" in attributes and "1970" in attributes["expires"]
    ends_at = time.time() + int(max_age) if max_age is not None else 0.0 if is_removal else float("inf")
    return Kept(
        name=name,
        value=value,
        host=parts.hostname or "",
        path=path if path.startswith("/") else default_path,
        secure="secure" in attributes,
        http_only="httponly" in attributes,
        same_site=attributes.get("samesite", "lax").lower(),
        expires_at=ends_at,
    )


def path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie's path covers a request's (RFC 6265, 5.1.4)."""
    return path == cookie_path or path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")

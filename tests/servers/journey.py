"""The whole journey against the independent authorization server, the same for every app server."""

from __future__ import annotations

from typing import Any, Protocol

from tests.providers.oidc_provider import StartRig
from tests.servers.serving import Kind
from tests.servers.sites import TOKEN_SECONDS, RigSite, rig_site
from tests.servers.turned_clock import TurnedClock
from tests.servers.visitor import Page, Visitor

__all__ = ["Site", "check_journey", "check_logout", "check_refresh"]


class Site(Protocol):
    """An app and its FotoWeb.

    Attributes:
        url: Where browsers find the app, its mount included.
        fotoweb_url: Where they find FotoWeb.
        clock: The app's clock.
    """

    @property
    def url(self) -> str: ...  # noqa: D102 (see above)

    @property
    def fotoweb_url(self) -> str: ...  # noqa: D102 (see above)

    @property
    def clock(self) -> TurnedClock: ...  # noqa: D102 (see above)

    def accepts(self, access_token: str) -> bool:
        """Return whether FotoWeb's API takes a token."""


def check_journey(kind: Kind, start_rig: StartRig, visitor: Visitor) -> None:
    """Intercept, login, consent, callback, token accepted, token expired, transparent refresh, logout, still out."""
    with rig_site(kind, start_rig) as site:
        first = check_login(site, visitor)
        check_refresh(site, visitor, first)
        check_logout(site, visitor)


def check_login(site: RigSite, visitor: Visitor) -> dict[str, object]:
    """The app's page is asked for, FotoWeb's two pages come in between, and the token works at FotoWeb."""
    target = f"{site.url}/pictures/a%20b?c=d&e=%2F"
    login = visitor.go(target)
    assert login.url.startswith(f"{site.rig.base_url}/fotoweb/login/"), login.hops
    consent = visitor.submit(login, "Log in", {"username": "alice", "password": "secret"})
    assert "Allow" in consent.forms[0].buttons, consent.hops
    arrived = visitor.submit(consent, "Allow")
    assert arrived.url == target, arrived.hops
    seen: dict[str, Any] = arrived.json()
    assert (seen["path"], seen["query"]) == ("/pictures/a b", "c=d&e=%2F")
    assert list(seen["cookies"]) == ["fotoweb-tag"]
    assert seen["token"] == seen["session_token"]
    assert site.accepts(str(seen["token"]))
    assert visitor.cookies.refused == []
    return seen


def check_refresh(site: Site, visitor: Visitor, first: dict[str, object], path: str = "/later") -> None:
    """Once the token has expired, the next request carries a new one that FotoWeb accepts, and shows no login."""
    site.clock.advance(TOKEN_SECONDS + 1)
    page = visitor.go(f"{site.url}{path}")
    assert page.hops == ((200, f"{site.url}{path}"),)
    seen = page.json()
    assert seen["token"] != first["token"]
    assert site.accepts(str(seen["token"]))


def check_logout(site: Site, visitor: Visitor) -> None:
    """A typed logout address asks first; then the session is gone, and an old cookie does not bring it back."""
    old_cookies = visitor.cookies.snapshot("localhost")
    asked = visitor.go(f"{site.url}/oauth2/logout")
    out = visitor.submit(asked, "Sign out")
    assert (out.status, out.url) == (200, f"{site.url}/oauth2/logout")
    assert visitor.cookies.snapshot("localhost") == {}
    assert visitor.fetch(f"{site.url}/data").status_code == 401
    for name, value in old_cookies.items():
        visitor.cookies.plant(name, value, host="localhost")
    assert visitor.fetch(f"{site.url}/data").status_code == 401
    assert is_at_fotoweb(visitor.go(f"{site.url}/again"), site)


def is_at_fotoweb(page: Page, site: Site) -> bool:
    """Return whether a navigation was sent to FotoWeb on its way."""
    return any(url.startswith(f"{site.fotoweb_url}/fotoweb/oauth2/authorize") for _, url in page.hops)

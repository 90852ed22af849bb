"""The cookie of one login in progress, sealed by the sample site: whose state a callback must bring."""

from __future__ import annotations

from fotoweb_middleware.cookies.content import LoginInProgress, write_login
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.journeys.login import login_cookie_name
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages.lookup import present
from tests.site.samples import NOW, a_request, a_site

__all__ = ["CALLBACK_COOKIE", "STATE", "login_cookie"]

STATE = "rGq1X0aVb2kQw7TzM3nY9sLd"


def login_cookie(site: Site) -> str:
    """Return a Cookie header with a login whose state is ``STATE``."""
    login = LoginInProgress(STATE, "verifier", "https://app.example/oauth2/callback", "/", NOW)
    name = login_cookie_name(present(site, a_request()), STATE)
    return f"{name}={site.sealer.seal(write_login(login), Purpose.LOGIN, name=name)}"


CALLBACK_COOKIE = login_cookie(a_site())

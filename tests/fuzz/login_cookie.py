"""The cookie of one login in progress, sealed by the sample context: whose state a callback must bring."""

from __future__ import annotations

from fotoweb_middleware.context import Context
from fotoweb_middleware.cookies import read_cookies
from fotoweb_middleware.sealing import Purpose
from fotoweb_middleware.views.login import LoginInProgress, login_cookie_name
from tests.core.samples import NOW, SECURE, a_settings, counted_entropy

__all__ = ["CALLBACK_COOKIE", "CONTEXT", "STATE"]

STATE = "rGq1X0aVb2kQw7TzM3nY9sLd"


def a_context() -> Context:
    """Return a context at a time that stands still."""
    return Context(a_settings(), clock=lambda: NOW, monotonic=lambda: 0.0, entropy=counted_entropy())


def login_cookie(context: Context) -> str:
    """Return a Cookie header with a login whose state is ``STATE``."""
    login = LoginInProgress(STATE, "verifier", "https://app.example/oauth2/callback", "/", NOW)
    name = login_cookie_name(read_cookies(None, SECURE), STATE)
    return f"{name}={context.sealer.seal(login.to_json(), Purpose.LOGIN, name=name)}"


CONTEXT = a_context()
CALLBACK_COOKIE = login_cookie(CONTEXT)

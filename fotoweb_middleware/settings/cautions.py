"""What is allowed but deserves a word in the log: switches that weaken the login, and names nobody knows."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fotoweb_middleware.settings.addresses import is_loopback
from fotoweb_middleware.settings.environment import UnknownVariable, unknown_variables
from fotoweb_middleware.settings.texts import ABOUT

if TYPE_CHECKING:
    from fotoweb_middleware.settings.model import Settings

__all__ = ["cautions", "log_cautions", "log_unknown_variables", "unknown_variable_text"]

_logger = logging.getLogger("fotoweb_middleware.settings")


def cautions(settings: Settings) -> list[str]:
    """Return one sentence for each setting that weakens the login or is bound to disappoint."""
    found = []
    public_url = settings.redirect_uri
    if _is_open(settings.url):
        found.append("FOTOWEB_URL is plain http (FOTOWEB_ALLOW_HTTP=true): tokens travel in the open.")
    if public_url and _is_open(public_url):
        found.append("FOTOWEB_REDIRECT_URI is plain http (FOTOWEB_ALLOW_HTTP=true): sessions travel in the open.")
        if settings.cookie_secure != "false":
            found.append(
                "FOTOWEB_REDIRECT_URI is plain http, and the cookies are Secure: browsers won't send them back there, "
                "and no login will succeed unless something redirects to https."
            )
    is_plain_loopback = public_url and urlsplit(public_url).scheme == "http" and _is_loopback_url(public_url)
    if is_plain_loopback and settings.cookie_secure == "true":
        found.append(
            "FOTOWEB_COOKIE_SECURE=true, and FOTOWEB_REDIRECT_URI is plain http on this machine: some browsers drop "
            "Secure cookies there, and then no login succeeds. With auto, the default, they are not Secure there."
        )
    if settings.cookie_secure == "false" and not (public_url and _is_loopback_url(public_url)):
        found.append("FOTOWEB_COOKIE_SECURE=false: browsers send the session cookie over plain http too.")
    if not settings.pkce:
        found.append("FOTOWEB_PKCE=false: a stolen authorization code can be used by somebody else.")
    return found


def log_cautions(settings: Settings) -> None:
    """Log each caution as a warning."""
    for caution in cautions(settings):
        _logger.warning("%s", caution)


def log_unknown_variables() -> None:
    """Log a warning for each ``FOTOWEB_*`` variable that means nothing here: its name, never its value."""
    for unknown in unknown_variables(os.environ, ABOUT):
        _logger.warning("%s", unknown_variable_text(unknown))


def unknown_variable_text(unknown: UnknownVariable) -> str:
    """Return a sentence about a variable that means nothing here."""
    advice = f"Did you mean {unknown.nearest}?" if unknown.nearest else "It has no effect."
    return f"There is no setting {ascii(unknown.name)[1:-1]}. {advice}"


def _is_open(url: str) -> bool:
    return urlsplit(url).scheme == "http" and not _is_loopback_url(url)


def _is_loopback_url(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")

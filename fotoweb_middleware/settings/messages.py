"""What is said about settings: one message for everything that is wrong, and warnings for the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fotoweb_middleware.settings.environment import (
    FILE,
    Origin,
    Setting,
    nearest,
    unknown_variables,
    variable_of,
)
from fotoweb_middleware.settings.rules import WrongValue, is_loopback, mask_wrong_cache_address

if TYPE_CHECKING:
    from fotoweb_middleware.settings import Settings

__all__ = [
    "Problem",
    "log_warnings",
    "missing",
    "unknown_argument",
    "unknown_variable_warnings",
    "warnings",
    "whole_message",
    "wrong",
]

_LONGEST_SHOWN_CHARACTERS = 120

_logger = logging.getLogger("fotoweb_middleware.settings")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. No secret is in it.

    Attributes:
        headline: Which variable, and what it holds (masked).
        reason: What is wrong with that; "" where the headline says it all.
        expects: What would be taken.
        hint: What to do.
    """

    headline: str
    reason: str = ""
    expects: str = ""
    hint: str = ""

    def __str__(self) -> str:
        """Return it on up to four lines."""
        lines = [("Wrong", self.reason), ("Takes", self.expects), ("To do", self.hint)]
        return "\n".join([self.headline, *(f"    {label}: {text}" for label, text in lines if text)])


def whole_message(problems: Sequence[Problem]) -> str:
    """Return the message of the ``SettingsError``: everything that is wrong, in the order of the reference page."""
    count = len(problems)
    what = "A setting" if count == 1 else f"{count} settings"
    head = f"{what} of the FotoWeb middleware {'is' if count == 1 else 'are'} wrong, so nothing was started."
    return "\n".join([head, *map(str, problems)])


def unknown_argument(name: str, known: Iterable[str]) -> Problem:
    """Report an argument that ``Settings(...)`` does not have."""
    like = nearest(name, known)
    hint = f"Did you mean {like}?" if like else "The reference page lists all settings."
    return Problem(f"Settings({name}=...): there is no setting of this name.", hint=hint)


def missing(name: str, declared: Mapping[str, Setting], environ: Mapping[str, str]) -> Problem:
    """Report a required setting that is not given."""
    variable = variable_of(name)
    state = "is empty" if variable in environ else "is not set"
    twin = f" ({variable}{FILE} may name a file that holds it)" if declared[name].secret else ""
    typos = [unknown for unknown, like in unknown_variables(declared, environ).items() if like == variable]
    reason = f"{ascii(typos[0])[1:-1]} is set, and means nothing: a typing mistake?" if typos else ""
    headline = f"{variable} {state}, and Settings(...) got no {name}."
    return Problem(headline, reason, f"{declared[name].expects}{twin}.", declared[name].hint)


def wrong(name: str, declared: Setting, origin: Origin, value: Any, error: WrongValue) -> Problem:
    """Report a value that its rule does not accept (it is masked here), or a variable that gives no value."""
    variable = variable_of(name)
    where = {
        "argument": f"Settings({name}=...), the argument for {variable}, holds",
        "environment": f"{variable} holds",
        "file": f"{origin.variable}, the file {origin.path!a}, holds",
        "default": f"{variable} is not set, which means",
    }[origin.kind]
    headline = f"{error.variable} can't be used." if error.variable else f"{where} {_masked(name, declared, value)}."
    return Problem(headline, error.reason, f"{declared.expects}.", error.hint or declared.hint)


def _masked(name: str, declared: Setting, value: Any) -> str:
    """Return ``value`` as it may stand in a log: masked, one line, ASCII, not too long."""
    if declared.secret:
        return "*** (not shown: it is a secret)"
    if name == "cache":
        return ascii(mask_wrong_cache_address(value.strip())) if isinstance(value, str) else "***"
    if isinstance(value, (list, tuple)):
        value = ", ".join(map(str, value))
    if isinstance(value, str):
        value = _without_user(value if name == "client_id" else value.strip())
    text = ascii(value)
    return text if len(text) <= _LONGEST_SHOWN_CHARACTERS else text[:_LONGEST_SHOWN_CHARACTERS] + "..."


def _without_user(text: str) -> str:
    """Mask what stands before the last @ of an address, also of one without a scheme: ``https://***@host``."""
    before, at, behind = text.rpartition("@")
    is_path = text.startswith("/") and not text.startswith("//")
    if not at or is_path:
        return text
    scheme, slashes, _ = before.partition("//")
    return f"{scheme}//***@{behind}" if slashes else f"***@{behind}"


# ------------------------------------------------------------------------------------------------------------ warnings


def warnings(settings: Settings) -> list[str]:
    """Return one sentence for each setting that weakens the login, or with which it is bound to fail."""
    found = []
    public_url = settings.redirect_uri or ""
    is_plain = public_url.lower().startswith("http:")
    if _is_open(settings.url):
        found.append("FOTOWEB_URL is plain http (FOTOWEB_ALLOW_HTTP=true): tokens travel in the open.")
    if _is_open(public_url):
        found.append("FOTOWEB_REDIRECT_URI is plain http (FOTOWEB_ALLOW_HTTP=true): sessions travel in the open.")
        if settings.cookie_secure != "false":
            found.append(
                "FOTOWEB_REDIRECT_URI is plain http, and the cookies are Secure: browsers won't send them back there, "
                "and no login will succeed unless something redirects to https."
            )
    elif is_plain and settings.cookie_secure == "true":
        found.append(
            "FOTOWEB_COOKIE_SECURE=true, and FOTOWEB_REDIRECT_URI is plain http on this machine: some browsers drop "
            "Secure cookies there, and then no login succeeds. With auto, the default, they are not Secure there."
        )
    if settings.cookie_secure == "false" and not _is_loopback_url(public_url):
        found.append("FOTOWEB_COOKIE_SECURE=false: browsers send the session cookie over plain http too.")
    if not settings.pkce:
        found.append("FOTOWEB_PKCE=false: a stolen authorization code can be used by somebody else.")
    return found


def _is_open(url: str) -> bool:
    return url.lower().startswith("http:") and not _is_loopback_url(url)


def _is_loopback_url(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def unknown_variable_warnings(declared: Mapping[str, Setting]) -> list[str]:
    """Return a sentence for each ``FOTOWEB_*`` variable that means nothing here: its name, never its value."""
    return [
        f"There is no setting {ascii(name)[1:-1]}. {f'Did you mean {like}?' if like else 'It has no effect.'}"
        for name, like in unknown_variables(declared, os.environ).items()
    ]


def log_warnings(sentences: Iterable[str]) -> None:
    """Log each sentence as a warning."""
    for sentence in sentences:
        _logger.warning("%s", sentence)

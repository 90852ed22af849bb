"""What no setting tells alone: values that don't fit together, and settings that weaken the login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fotoweb_middleware.settings.rules import WrongValue, is_loopback

if TYPE_CHECKING:
    from fotoweb_middleware.settings import Settings


def conflicts(values: Mapping[str, Any]) -> dict[str, WrongValue]:
    """Return which settings do not fit the others, and why.

    ``values`` are the clean ones, without those of settings that are wrong themselves: one cause is reported once.
    """
    found = {}
    for name in ("url", "redirect_uri", "trusted_origins", "post_logout_url"):
        given = values.get(name) or ()
        addresses = [given] if isinstance(given, str) else given
        if values.get("allow_http") is False and any(map(_is_open, addresses)):
            found[name] = WrongValue(
                "it is plain http, and the host is not this machine: tokens and passwords would travel in the open.",
                "Use https. On a network that you trust, set FOTOWEB_ALLOW_HTTP=true.",
            )
    if values.get("allowed_users") and values.get("fetch_user") is False:
        found["allowed_users"] = WrongValue(
            "with FOTOWEB_FETCH_USER=false nobody knows who signed in.",
            "Remove FOTOWEB_FETCH_USER, or this setting.",
        )
    callback, end = values.get("redirect_uri"), f"{values.get('path_prefix', '')}/callback"
    if callback and "path_prefix" in values and not callback.endswith(end):
        found["redirect_uri"] = WrongValue(
            f"its path does not end in {end}, where the middleware listens.",
            f"Make it end in {end}, in the registration too, or change FOTOWEB_PATH_PREFIX.",
        )
    return found | _cookie_conflicts(values)


def _cookie_conflicts(values: Mapping[str, Any]) -> dict[str, WrongValue]:
    found = {}
    secure = values.get("cookie_secure")
    is_unknown = values.get("redirect_uri", "wrong") is None and values.get("send_redirect_uri") is False
    # A proxy on the same machine may pass the app's own http address as Host. FotoWeb would refuse that as a redirect
    # URI; where none is sent, nobody would notice that the cookies of a public https site are not Secure.
    if secure == "auto" and is_unknown:
        found["cookie_secure"] = WrongValue(
            "with FOTOWEB_SEND_REDIRECT_URI=false and no FOTOWEB_REDIRECT_URI, nothing reliable says whether the app's "
            "public address is https, and the cookies of a public site could go without Secure.",
            "Set FOTOWEB_REDIRECT_URI to the registered address (it is not sent). Or set FOTOWEB_COOKIE_SECURE=true; "
            "false only where the app is used over plain http.",
        )
    is_insecure = secure == "false" or (secure != "true" and _is_plain(values.get("redirect_uri") or ""))
    if values.get("cookie_samesite") == "none" and is_insecure:  # RFC 6265bis, 5.7
        found["cookie_samesite"] = WrongValue(
            "'none' needs the Secure attribute, and these cookies won't have it.",
            "Set FOTOWEB_COOKIE_SECURE=true, or use lax.",
        )
    return found


def warnings(settings: Settings) -> list[str]:
    """Return one sentence for each setting that weakens the login, or with which it is bound to fail."""
    found = []
    callback, secure = settings.redirect_uri or "", settings.cookie_secure
    if _is_open(settings.url):
        found.append("FOTOWEB_URL is plain http (FOTOWEB_ALLOW_HTTP=true): tokens travel in the open.")
    if _is_open(callback):
        found.append("FOTOWEB_REDIRECT_URI is plain http (FOTOWEB_ALLOW_HTTP=true): sessions travel in the open.")
    if _is_open(callback) and secure != "false":
        found.append(
            "FOTOWEB_REDIRECT_URI is plain http, and the cookies are Secure: browsers won't send them back there, "
            "and no login will succeed unless something redirects to https."
        )
    elif _is_plain(callback) and secure == "true":
        found.append(
            "FOTOWEB_COOKIE_SECURE=true, and FOTOWEB_REDIRECT_URI is plain http on this machine: some browsers drop "
            "Secure cookies there, and then no login succeeds. With auto, the default, they are not Secure there."
        )
    if secure == "false" and not _is_on_this_machine(callback):
        found.append("FOTOWEB_COOKIE_SECURE=false: browsers send the session cookie over plain http too.")
    if not settings.pkce:
        found.append("FOTOWEB_PKCE=false: a stolen authorization code can be used by somebody else.")
    return found


def _is_plain(url: str) -> bool:
    return url.lower().startswith("http:")


def _is_open(url: str) -> bool:
    """Whether tokens would travel unencrypted over a network."""
    return _is_plain(url) and not _is_on_this_machine(url)


def _is_on_this_machine(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")

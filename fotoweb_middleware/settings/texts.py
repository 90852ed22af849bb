"""The words of every setting: for the reference page, the start-up message and ``fotoweb-middleware config``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fotoweb_middleware.settings.about import About

__all__ = ["ABOUT", "LONGEST_SESSION_SECONDS"]

LONGEST_SESSION_SECONDS = 400 * 86_400
"""Browsers cut a cookie's life to 400 days (RFC 6265bis, 5.6.2)."""

_SWITCH = "true or false (also 1/0, yes/no, on/off)"
_REGISTRATION = "In FotoWeb, open Site Configuration > Integrations > Applications"

ABOUT: Mapping[str, About] = MappingProxyType({
    "url": About(
        "The FotoWeb site. Plain http only for loopback hosts, or with `FOTOWEB_ALLOW_HTTP=true`.",
        "the site's address, such as https://tenant.example (a trailing /fotoweb or / is dropped)",
        mend="Open FotoWeb in a browser and copy the address up to the first single slash.",
    ),
    "client_id": About(
        "The client id from the application registration.",
        "the client id of the registered application, printable ASCII without spaces",
        mend=f"{_REGISTRATION} and copy the client ID of your application (type: Web App / API).",
    ),
    "client_secret": About(
        "The client secret from the application registration.",
        "the client secret of the registered application, printable ASCII without spaces",
        mend=f"{_REGISTRATION}. FotoWeb shows the secret once only; where it is lost, generate a new one there.",
        secret=True,
        from_file=True,
    ),
    "secret_key": About(
        "Signs and seals cookies and cache entries. Several, newest first, while changing from one key to the next.",
        "a random key of at least 32 characters; several are separated by commas, newest first",
        mend="Run `fotoweb-middleware secret`, or `python -c 'import secrets; print(secrets.token_urlsafe(32))'`, and "
        "use what it prints, the same value in every process and machine.",
        secret=True,
        from_file=True,
    ),
    "allow_http": About(
        "Allows plain http for hosts other than this machine. Tokens then travel in the open.",
        _SWITCH,
    ),
    "path_prefix": About(
        "The middleware owns `PREFIX/login`, `PREFIX/callback`, `PREFIX/logout` and `PREFIX/session`.",
        "an absolute path without a slash at its end, such as /oauth2; letters, digits, '.', '_', '~', '-'",
    ),
    "redirect_uri": About(
        "The callback address as registered. Its origin is the app's public origin, its path the callback path.",
        "an absolute https address (http on this machine alone) that ends in PREFIX/callback, such as "
        "https://app.example/oauth2/callback",
        unset="derived from the request",
        mend=f"{_REGISTRATION} and copy the redirection endpoint letter for letter.",
    ),
    "send_redirect_uri": About(
        "`false` leaves `redirect_uri` out of the authorize and the token request (one registered address only).",
        _SWITCH,
    ),
    "pkce": About("PKCE with S256. `false` only for servers that predate it.", _SWITCH),
    "public_paths": About(
        "Paths that need no login.",
        "paths separated by commas: exact (/health), or everything under a folder (/static/*)",
        unset="none",
    ),
    "login": About(
        "`optional`: anonymous requests reach the app without a session.",
        "required or optional",
    ),
    "cookie_mode": About(
        "`sealed`: the cookie carries the encrypted tokens. `reference`: only a random handle; the cache has the rest.",
        "sealed or reference",
    ),
    "cache": About(
        "The server cache. `local://`: this machine. `memory://`: this process. `sqlite:///relative.db`, "
        "`sqlite:////absolute.db`: that file. `redis://`, `rediss://`: Redis or Valkey, for more than one machine.",
        "local://, memory://, sqlite:///file.db, redis://host:6379/0 or rediss://host:6379/0",
        mend="One machine: leave it unset. More machines: the address of your Redis or Valkey.",
    ),
    "cache_recheck": About(
        "Seconds after which a session in memory is checked against the shared cache: how soon a logout is seen.",
        "a number of seconds from 0 to 3600",
    ),
    "cache_size": About("Most sessions held in one process's memory.", "a whole number from 1 to 10000000"),
    "cookie_name": About(
        "The session cookie's name. With `Secure`, `__Host-` is put before it.",
        "up to 64 letters, digits and signs such as '-', '_' and '.'",
    ),
    "cookie_secure": About(
        "`auto`: on unless the public origin is http on a loopback host.",
        "auto, true or false",
    ),
    "cookie_samesite": About("The cookie's `SameSite`; `none` needs `Secure`.", "lax, strict or none"),
    "session_lifetime": About(
        "Seconds from login to the end of the session, whatever happens.",
        f"a number of seconds from 1 to {LONGEST_SESSION_SECONDS} (400 days)",
    ),
    "session_idle": About(
        "Seconds without a request that end the session; 0: never.",
        f"a number of seconds from 0 to {LONGEST_SESSION_SECONDS} (400 days)",
    ),
    "refresh_leeway": About(
        "Seconds before its expiry from which a token counts as stale (half its lifetime where that is less).",
        "a number of seconds from 0 to 86400",
    ),
    "http_timeout": About(
        "Seconds for one call to FotoWeb, everything included.",
        "a number of seconds from 0.1 to 300",
    ),
    "ca_bundle": About(
        "PEM file with the certificates of a private CA.",
        "the path of a readable PEM file",
        unset="the system's certificates",
    ),
    "inject_header": About("Puts the bearer token into the `Authorization` header that the app sees.", _SWITCH),
    "fetch_user": About("After a login, asks `GET /fotoweb/me` once who it was.", _SWITCH),
    "trusted_origins": About(
        "Other origins that may send unsafe requests and WebSockets with a session.",
        "origins separated by commas, such as https://admin.example",
        unset="none",
    ),
    "app": About("The app, for `fotoweb_middleware.wrap` only.", "module:attribute, such as mypackage.main:app"),
    "post_logout_url": About(
        "Where logout leads.",
        "a path on this origin, such as /bye, or an https address",
        unset="a signed-out page",
    ),
})  # fmt: skip

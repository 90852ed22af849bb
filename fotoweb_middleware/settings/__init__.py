"""The settings: read from ``FOTOWEB_*`` variables or given to ``Settings(...)``, checked once, then frozen.

    __init__       Settings: each setting declared once, with its type, default, rule and words
    rules          what a value may be
    cache_address  the same for the session store's address
    secret         a text that shows itself only to those who ask by name
    combinations   what several values mean together: conflicts and warnings
    reading        finds the values; one message for everything that is wrong
    describe       the listing of ``fotoweb-middleware config``

The texts below the fields stand in docs/reference/settings.md too (tools/reference_pages.py).

A new setting is one declaration below. Importing this reads no variable and no file.
"""

# ruff: noqa: RUF009 (``setting`` makes a new field each time)

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import cache_address, reading, rules
from fotoweb_middleware.settings.combinations import warnings
from fotoweb_middleware.settings.reading import Setting
from fotoweb_middleware.settings.rules import LONGEST_SESSION_SECONDS
from fotoweb_middleware.settings.secret import HoldsSecret, Secret

__all__ = ["DECLARED", "Settings"]

Given = TypeVar("Given")
Value = TypeVar("Value")


class Converted(Generic[Given, Value]):
    """The type of a field whose argument may have another type than the value that it becomes.

    It is for type checkers alone: they read the two types off a descriptor. Nothing is ever of this class.
    """

    if TYPE_CHECKING:

        def __get__(self, settings: object, owner: object = None) -> Value: ...

        def __set__(self, settings: object, value: Given) -> None: ...


def setting(rule: Callable[[Any], Any], expects: str, **words: Any) -> Any:
    """Declare a field of ``Settings``; the arguments are those of ``Setting``."""
    return field(metadata={"setting": Setting(rule, expects, **words)})


def switch(*, default: bool) -> Any:
    """Declare a setting that is on or off."""
    return setting(rules.read_flag, "true or false (also 1/0, yes/no, on/off)", default=default)


def one_of(*words: str) -> Any:
    """Declare a setting that takes one of these words; the first is the default."""
    expects = f"{', '.join(words[:-1])} or {words[-1]}"
    return setting(partial(rules.read_word, words=words), expects, default=words[0])


def seconds(smallest: float, largest: float, *, default: float) -> Any:
    """Declare a setting of a number of seconds within these limits."""
    expects = f"a number of seconds from {smallest} to {largest}"
    if largest == LONGEST_SESSION_SECONDS:
        expects += " (400 days)"
    rule = partial(rules.read_number, smallest=smallest, largest=largest)
    return setting(rule, expects, default=float(default))


_REGISTRATION = "In FotoWeb, open Site Configuration > Integrations > Applications"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Settings:
    """All settings: read once, checked once, and immutable afterwards.

    A setting that is not given as an argument is read from the ``FOTOWEB_*`` variable of the same name; if that is not
    set either, it takes its default. ``dataclasses.replace(settings, http_timeout=5)`` returns a changed copy, which is
    checked again. Switches and numbers may also be given as text, as in a variable.

    Raises:
        SettingsError: A setting is missing or wrong. One message names every wrong setting, and shows no secret.
    """

    url: str = setting(
        rules.read_site,
        required=True,
        expects="the site's address, such as https://tenant.example (a trailing /fotoweb or / is dropped)",
        hint="Open FotoWeb in a browser and copy the address up to the first single slash.",
    )
    """The FotoWeb site. Plain http only for loopback hosts, or with `FOTOWEB_ALLOW_HTTP=true`."""

    client_id: str = setting(
        rules.read_client_id,
        required=True,
        expects="the client id of the registered application, printable ASCII",
        hint=f"{_REGISTRATION} and copy the client ID of your application (type: Web App / API).",
    )
    """The client id from the application registration. White space around it is an error."""

    client_secret: Converted[str | HoldsSecret, Secret] = setting(
        rules.read_client_secret,
        required=True,
        secret=True,
        has_file=True,
        expects="the client secret of the registered application, printable ASCII without spaces",
        hint=f"{_REGISTRATION}. FotoWeb shows the secret only once; if it is lost, generate a new one there.",
    )
    """The client secret from the application registration."""

    secret_key: Converted[str | HoldsSecret | Iterable[str | HoldsSecret], Secret] = setting(
        rules.read_secret_keys,
        required=True,
        secret=True,
        has_file=True,
        expects="a random key of at least 32 characters; several are separated by commas, newest first",
        hint="Run `fotoweb-middleware secret`, or `python -c 'import secrets; print(secrets.token_urlsafe(32))'`, and "
        "use what it prints, the same value in every process and on every machine.",
    )
    """Signs and encrypts cookies and store entries. Several, newest first, while changing to a new key."""

    allow_http: bool = switch(default=False)
    """Allows plain http for hosts other than this machine. Tokens then travel in the open."""

    path_prefix: str = setting(
        rules.read_path_prefix,
        default="/oauth2",
        expects="an absolute path without a slash at its end, such as /oauth2; letters, digits, '.', '_', '~', '-'",
    )
    """The middleware owns `PREFIX/login`, `PREFIX/callback`, `PREFIX/logout`, `PREFIX/session` and
    `PREFIX/health`."""

    redirect_uri: str | None = setting(
        rules.read_redirect_uri,
        unset="derived from the request",
        expects="an absolute https address (http on this machine alone) that ends in PREFIX/callback, such as "
        "https://app.example/oauth2/callback",
        hint=f"{_REGISTRATION} and copy the redirection endpoint letter for letter.",
    )
    """The callback URL as registered. Its origin is the app's public origin, and its path is the callback path."""

    send_redirect_uri: bool = switch(default=True)
    """`false` leaves `redirect_uri` out of the authorize and the token request (one registered address only). Set
    `FOTOWEB_REDIRECT_URI` too: it says what the app's public address is."""

    pkce: bool = switch(default=True)
    """PKCE with S256. `false` only for FotoWeb servers without support for it."""

    public_paths: Converted[Iterable[str], tuple[str, ...]] = setting(
        rules.read_public_paths,
        default=(),
        unset="none",
        expects="paths separated by commas: exact (/health), or everything under a folder (/static/*)",
    )
    """Paths that need no login."""

    login: Literal["required", "optional"] = one_of("required", "optional")
    """`optional`: anonymous requests reach the app without a session."""

    cookie_mode: Literal["sealed", "reference"] = one_of("sealed", "reference")
    """`sealed`: the cookie holds the encrypted tokens. `reference`: it holds a random reference, and the tokens stay
    in the session store."""

    close_websockets: bool = switch(default=True)
    """Closes an accepted WebSocket with 4401 when its session ends. `false` leaves it open."""

    cache: str = setting(
        cache_address.read_cache_address,
        has_file=True,
        default="local://",
        expects="local://, memory://, sqlite:///file.db, redis://host:6379/0 (rediss:// with TLS), "
        "redis+sentinel://host:26379,host2:26379/mymaster/0 or redis+cluster://host:6379,host2:6379",
        hint="One machine: leave it unset. More machines: the address of your Redis or Valkey.",
    )
    """The session store. `local://`: this machine. `memory://`: this process. `sqlite:///relative.db`,
    `sqlite:////absolute.db`: that file. `redis://`, `rediss://`: Redis or Valkey, for more than one machine.
    `redis+sentinel://`: the primary that sentinels name. `redis+cluster://`: a Redis Cluster."""

    cache_recheck: float = seconds(0, 3600, default=5)
    """Seconds after which a session in memory is checked against the session store: how soon a logout is seen."""

    cache_size: int = setting(
        partial(rules.read_number, smallest=1, largest=10_000_000, is_whole=True),
        default=10_000,
        expects="a whole number from 1 to 10000000",
    )
    """Most sessions held in one process's memory. With `memory://`, more than the people at once."""

    cookie_name: str = setting(
        rules.read_cookie_name,
        default="fotoweb",
        expects="up to 64 letters, digits and signs such as '-', '_' and '.'",
    )
    """The session cookie's name. With `Secure`, `__Host-` is put before it."""

    cookie_secure: Converted[bool | Literal["auto", "true", "false"], Literal["auto", "true", "false"]] = setting(
        rules.read_cookie_secure, default="auto", expects="auto, true or false"
    )
    """`auto`: on unless the public origin is http on a loopback host."""

    cookie_samesite: Literal["lax", "strict", "none"] = one_of("lax", "strict", "none")
    """The cookie's `SameSite`; `none` needs `Secure`."""

    session_lifetime: float = seconds(1, LONGEST_SESSION_SECONDS, default=43_200)
    """Seconds from login to the end of the session, whatever happens."""

    session_idle: float = seconds(0, LONGEST_SESSION_SECONDS, default=0)
    """Seconds without a request that end the session; 0: never."""

    refresh_leeway: float = seconds(0, 86_400, default=60)
    """Seconds before its expiry from which a token counts as stale (half its lifetime if that is less)."""

    http_timeout: float = seconds(0.1, 300, default=10)
    """Seconds for one call to FotoWeb, everything included."""

    ca_bundle: Converted[str | os.PathLike[str] | None, str | None] = setting(
        rules.read_ca_bundle,
        unset="the system's certificates",
        expects="the path of a readable PEM file",
    )
    """PEM file with the certificates of a private CA."""

    inject_header: bool = switch(default=True)
    """Adds the bearer token to the app's request, in the `Authorization` header."""

    fetch_user: bool = switch(default=True)
    """After a login, calls `GET /fotoweb/me` once to find out who signed in."""

    trusted_origins: Converted[Iterable[str], tuple[str, ...]] = setting(
        rules.read_trusted_origins,
        default=(),
        unset="none",
        expects="origins separated by commas, such as https://admin.example",
    )
    """Other origins that may send unsafe requests and WebSockets with a session."""

    allowed_users: Converted[Iterable[str], tuple[str, ...]] = setting(
        rules.read_allowed_users,
        default=(),
        unset="everybody who can sign in to FotoWeb",
        expects="user names, and e-mail domains such as @example.com, separated by commas",
        hint="Write user names as FotoWeb shows them; in front of a domain an @, and nothing else.",
    )
    """Who may use the app; others get a 403 page. Needs `FOTOWEB_FETCH_USER`."""

    health: bool = switch(default=False)
    """Serves `PREFIX/health/live` and `PREFIX/health/ready`, without a login, for probes and load balancers."""

    app: str | None = setting(rules.read_app, expects="module:attribute, such as mypackage.main:app")
    """The app, for `fotoweb_middleware.wrap` only."""

    post_logout_url: str | None = setting(
        rules.read_post_logout_url,
        unset="a signed-out page",
        expects="a path on this origin, such as /bye, or an https address",
    )
    """Where a logout leads."""

    app_name: str | None = setting(
        rules.read_app_name,
        unset='none: the pages say "FotoWeb sign-in"',
        expects="a name of up to 60 characters, such as Picture Desk",
    )
    """The app's name, at the top of the middleware's own pages and in the browser tab."""

    accent_color: str | None = setting(
        rules.read_accent_color,
        unset="a dark blue-green",
        expects="a colour as six hexadecimal digits, such as #0b5666",
    )
    """The colour of buttons and links on the middleware's own pages; darkened there, or lightened in dark mode, if it
    would be hard to read."""

    logo: Converted[str | os.PathLike[str] | None, str | None] = setting(
        rules.read_logo,
        unset="the built-in one",
        expects="the path of a PNG or SVG file of up to 64 KiB",
    )
    """The logo at the top of the middleware's own pages, read at start-up."""

    pages: Converted[str | os.PathLike[str] | None, str | None] = setting(
        rules.read_pages_folder,
        unset="none",
        expects="the path of a folder with Jinja2 templates",
    )
    """A folder of templates that replace those of the middleware's own pages, read at start-up."""

    origins: Mapping[str, str] = field(init=False, compare=False)
    """Where each value came from: argument, environment, file PATH or default. Not compared."""

    # Type checkers don't see this one: they know the arguments from the fields.
    if not TYPE_CHECKING:

        def __init__(self, **arguments: Any) -> None:
            reading.log_warnings(reading.unknown_variable_warnings(DECLARED))
            values, origins, problems = reading.read_all(DECLARED, arguments)
            if problems:
                del arguments, values  # Error reporters send local variables along, secrets and all.
                raise SettingsError(reading.whole_message(problems))
            for name, value in {**values, "origins": origins}.items():
                object.__setattr__(self, name, value)
            reading.log_warnings(warnings(self))

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret keys, newest first: the first one seals, all of them open."""
        return tuple(self.secret_key.get_secret_value().split(","))

    def __repr__(self) -> str:
        """Write the values with the store's password masked (the secrets mask themselves).

        Error reporters write the local variables of ``__init__`` too, where an object has no values yet.
        """
        shown = {name: getattr(self, name) for name in DECLARED if hasattr(self, name)}
        if "cache" in shown:
            shown["cache"] = cache_address.mask_cache_address(shown["cache"])
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


DECLARED: Final[Mapping[str, Setting]] = {
    declared.name: declared.metadata["setting"] for declared in fields(Settings) if declared.init
}
"""Every setting's declaration by its name, in the order of the reference page."""

"""One wrapped app: its settings made ready, its keys, its clocks, and what this process remembers."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from fotoweb_middleware.caches.protocol import Stored
from fotoweb_middleware.cookies.header import CookieNames, names_of
from fotoweb_middleware.cookies.seal import Opener, Purpose, Sealer
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.addresses import read_address
from fotoweb_middleware.site.held import Limits
from fotoweb_middleware.site.near import NearCache

__all__ = ["Site", "front_page", "open_site"]


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that a decision may use besides the request.

    Attributes:
        settings: As the operator gave them.
        client_secret: Taken out of its wrapper once.
        sealer: Seals cookies and cache entries.
        near: What this process remembers.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps.
        entropy: Returns as many random bytes as asked for.
        shared_cache: Whether other processes see the same cache entries.
        peek: Looks into the server cache without ever waiting; None where that may take time.
        names: Our cookies' names where they are Secure, and where they are not.
        session_openers: What opens the session cookies of those names.
        key_binding: What every cache key is made from besides its secret: FotoWeb's address and the client.
        public_origin: Of ``FOTOWEB_REDIRECT_URI``; None where each request tells.
        always_secure: Whether cookies are Secure whatever the request; None where the request tells.
        public_paths: Those that match exactly.
        public_prefixes: Those that end in "/", once the "*" is taken off.
        trusted_origins: Lower case.
    """

    settings: Settings
    client_secret: str = field(repr=False)
    sealer: Sealer
    near: NearCache = field(repr=False)
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    entropy: Callable[[int], bytes]
    shared_cache: bool
    peek: Callable[[str], Stored | None] | None = field(repr=False)
    names: dict[bool, CookieNames]
    session_openers: dict[bool, Opener] = field(repr=False)
    key_binding: str
    public_origin: str | None
    always_secure: bool | None
    public_paths: frozenset[str]
    public_prefixes: tuple[str, ...]
    trusted_origins: frozenset[str]

    def path(self, mount: str, name: str) -> str:
        """Return the path of one of our own pages, such as "login", on this origin."""
        return f"{front_page(mount)[:-1]}{self.settings.path_prefix}/{name}"

    @property
    def tombstone_seconds(self) -> float:
        """How long a tombstone lives: twice a session's lifetime.

        That is longer than any cookie of the session may come, also where the wall clock went back meanwhile
        (``stages.first_sight:is_within``).
        """
        return 2 * self.settings.session_lifetime

    def cache_key(self, kind: str, secret_part: str) -> str:
        """Return a cache key that tells nothing of what it is made from."""
        return f"{kind}:{hashlib.sha256(f'{self.key_binding}{secret_part}'.encode()).hexdigest()}"


def front_page(mount: str) -> str:
    """Return the path of the wrapped app's front page on this origin."""
    if not mount:
        return "/"
    # "//" would name a host, at the start or once a browser has taken dot segments out.
    kept = [segment for segment in mount.split("/") if segment not in {"", ".", ".."}]
    folder = quote("/".join(kept), errors="surrogateescape")
    return f"/{folder}/" if folder else "/"


def open_site(  # noqa: PLR0913 (what a site is made of)
    settings: Settings,
    *,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
    entropy: Callable[[int], bytes],
    shared_cache: bool,
    peek: Callable[[str], Stored | None] | None = None,
    owns_cache: bool = False,
) -> Site:
    """Make the settings ready for use, once, at start-up; ``owns_cache``: the door made the server cache itself."""
    same_site = settings.cookie_samesite
    limits = Limits(
        refresh_leeway=settings.refresh_leeway,
        session_lifetime=settings.session_lifetime,
        session_idle=settings.session_idle,
        cache_recheck=settings.cache_recheck,
    )
    names = {secure: names_of(settings.cookie_name, secure=secure, same_site=same_site) for secure in (True, False)}
    binding = f"{settings.url}\n{settings.client_id}\n{settings.cookie_name}"
    sealer = Sealer(settings.secret_keys, binding=binding, entropy=entropy)
    return Site(
        settings=settings,
        client_secret=settings.client_secret.get_secret_value(),
        sealer=sealer,
        near=NearCache(settings.cache_size, limits, clock, monotonic, is_complete=owns_cache and not shared_cache),
        clock=clock,
        monotonic=monotonic,
        entropy=entropy,
        shared_cache=shared_cache,
        peek=peek,
        names=names,
        session_openers={secure: sealer.opener(Purpose.SESSION, names[secure].session) for secure in names},
        key_binding=f"{settings.url}\n{settings.client_id}\n",
        public_origin=origin_of(settings.redirect_uri) if settings.redirect_uri else None,
        always_secure=secure_whatever_comes(settings),
        public_paths=frozenset(path for path in settings.public_paths if not path.endswith("/*")),
        public_prefixes=tuple(path[:-1] for path in settings.public_paths if path.endswith("/*")),
        trusted_origins=frozenset(origin.lower() for origin in settings.trusted_origins),
    )


def origin_of(url: str) -> str:
    """Return the origin of an absolute URL as browsers write it: lower case, no default port (RFC 6454, 6.2)."""
    return read_address(url, allow_http=True).origin


def is_loopback(host: str) -> bool:
    """Return whether a host name or address (no port) is this machine, as browsers see it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def secure_whatever_comes(settings: Settings) -> bool | None:
    """Return whether cookies are Secure, where no request is needed to tell."""
    if settings.cookie_secure != "auto":
        return settings.cookie_secure == "true"
    if settings.redirect_uri is None:
        return None
    parts = urlsplit(settings.redirect_uri)
    return not (parts.scheme == "http" and is_loopback(parts.hostname or ""))

"""The short way for what comes most often: a known cookie whose token is fresh, and public paths without a cookie.

It stands before stage 1 and answers what all four stages together would answer, or nothing: then they are asked.
Two rules:

1. It never disagrees with ``Gate.decide`` (``tests/flows/test_shortcut.py`` tries).
2. For a cookie that is known it does nothing but look: no cryptography, no lock, no I/O, no exception for what
   strangers send. One that is new is opened here only where that settles it (``first_sight.meet``).

It reads few parts of a request, one by one, since to make a ``RequestView`` costs as much as all that is done here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final, TypeAlias

from fotoweb_middleware.cookies.header import LONGEST_WHOLE, PART_MARK, SIGNATURE, CookieNames, cut_session, identity_of
from fotoweb_middleware.cookies.seal import SIGNATURE_CHARACTERS
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held, Version
from fotoweb_middleware.site.near import Seen
from fotoweb_middleware.site.origin import cookies_are_secure
from fotoweb_middleware.stages.classify import is_harmless_mount, is_public
from fotoweb_middleware.stages.first_sight import meet

__all__ = ["LONGEST_OPEN_PATH", "LONGEST_RAW_PATH", "UNKNOWN", "Passage", "Shortcut"]

Passage: TypeAlias = tuple[Version, str | None]
"""The session's version that the app gets, and the Cookie header without our own cookies; None where there is none."""

OPEN_PATHS: Final = 500
LONGEST_OPEN_PATH: Final = 200
LONGEST_RAW_PATH: Final = 3 * LONGEST_OPEN_PATH  # Percent-encoded from end to end.
"""Strangers choose paths: the verdict on so many is remembered, and on none that is longer."""

UNKNOWN: Final = object()
"""What no raw path equals."""


def always() -> bool:
    """Return True: threads need not leave each other room."""
    return True


class Shortcut:
    """Looks whether a request may go to the app at once.

    Args:
        site: The wrapped app's.
        may_meet: Returns whether a cookie that is new may be opened here and now; else the stages are asked.

    Attributes:
        has_open_paths: Whether any path of the app is open to strangers.
        is_open: Takes the path without the mount, decoded, at most ``LONGEST_OPEN_PATH`` characters of it, and the raw
            path as the server has it, at most ``LONGEST_RAW_PATH``; returns whether the app may run for whoever has no
            cookie of ours, whatever the method.
        opened: The paths that ``is_open`` found open, each with the raw path that came with it. A door that finds both
            here need not ask.
        names: Our cookies' names; None where each request's origin tells.
        https_names: Those where the scheme is https.
    """

    __slots__ = (
        "_clock",
        "_known",
        "_may_meet",
        "_monotonic",
        "_prefix",
        "_site",
        "has_open_paths",
        "https_names",
        "is_open",
        "names",
        "opened",
    )

    def __init__(self, site: Site, may_meet: Callable[[], bool] = always) -> None:
        self._site = site
        self._may_meet = may_meet
        self._known = site.near.by_identity
        self._clock = site.clock
        self._monotonic = site.monotonic
        self._prefix = site.settings.path_prefix
        self.has_open_paths = site.settings.login == "optional" or bool(site.public_paths or site.public_prefixes)
        self.opened: dict[str, bytes | str | None] = {}
        self.is_open = functools.lru_cache(OPEN_PATHS)(functools.partial(look_at_path, site, self.opened))
        self.https_names = site.names[cookies_are_secure(site, "https", "")]
        self.names = None if site.always_secure is None else site.names[site.always_secure]

    def names_for(self, scheme: str, host: str) -> CookieNames:
        """Return the names of our cookies on an origin; ``names`` has them where every origin has the same."""
        return self._site.names[cookies_are_secure(self._site, scheme, host)]

    def is_new(self, cookie: bytes) -> bool:
        """Return True only where ``find`` would not know a Cookie header: one long cookie with an unknown signature.

        False says nothing: a closer look is needed.

        Args:
            cookie: The header.
        """
        cookie = cookie.strip(b" \t")  # As ``find`` has it; servers may leave blanks.
        is_one = len(cookie) > LONGEST_WHOLE and b";" not in cookie
        return is_one and cookie[SIGNATURE].decode("latin-1") not in self._known

    def find(  # noqa: PLR0913, PLR0917 (parts of a request; by position, since names would cost as much as a look)
        self, method: str, mount: str | None, path: str, raw_path: str | None, cookie: str, names: CookieNames
    ) -> Passage | None:
        """Return what the app gets for a Cookie header, or None where the stages must be asked.

        Args:
            method: As sent.
            mount: Where the app is mounted.
            path: Without the mount; decoded or not, since it is compared with ASCII alone.
            raw_path: As it stood in the request line, None where the server does not tell.
            cookie: The Cookie header. Where none or several came, the stages must be asked.
            names: Our cookies' on this origin.
        """
        if method != "GET" and method != "HEAD":  # noqa: PLR1714 (a set would hash the text of each request)
            return None  # Others are refused where another origin sends them with a session, or may be preflights.
        if not path or path[0] != "/" or path.startswith(self._prefix):
            return None
        if (raw_path and raw_path[0] != "/") or (mount and not is_harmless_mount(mount)):
            return None
        rest = None
        if names.secure and SIGNATURE_CHARACTERS < len(cookie) <= LONGEST_WHOLE:
            seen, is_alone = self._known.get(cookie), False  # Bare signatures, which are keys too, are shorter.
        else:
            # Looked through each time: a neighbour may plant what ends in a signature of their own (docs/adr/0027).
            is_ours = cookie.startswith(names.session_equals)
            is_alone = is_ours and ";" not in cookie and "," not in cookie and PART_MARK not in cookie
            seen = self._known.get(cookie[SIGNATURE]) if is_alone else None
        if seen is None:
            found = self._look_closer(cookie, names, is_alone=is_alone)
            if found is None:
                return None
            seen, rest = found
        held = seen.held
        current = held.current  # Once: another thread may swap it for the next version.
        if not held.live or (seen.version is not None and seen.version != current.record.version):
            return None  # It ended, or the browser is to get a newer cookie.
        now = self._clock()
        if current.at_once_from <= now < current.at_once_until or is_quiet(held, current, now, self._monotonic()):
            return current, rest
        return None

    def _look_closer(self, cookie: str, names: CookieNames, *, is_alone: bool) -> tuple[Seen, str | None] | None:
        """Return the session cookie in a Cookie header, and the rest of that; None where the stages must be asked.

        Args:
            cookie: The header.
            names: Our cookies' on this origin.
            is_alone: Whether it is one session cookie and nothing else, looked up by its signature in vain.
        """
        if is_alone:
            if not self._may_meet():
                return None
            seen, rest = meet(self._site, names, cookie[len(names.session_equals) :], cookie[SIGNATURE]), None
        else:
            cut = cut_session(cookie, names)
            if cut is None:
                return None
            raw, rest = cut
            identity = identity_of(names, raw)
            seen = self._known.get(identity)
            if seen is None and self._may_meet():
                seen = meet(self._site, names, raw, identity)
        return None if seen is None else (seen, rest)


def is_quiet(held: Held, current: Version, now: float, monotonic: float) -> bool:
    """Return whether nothing is due: the token serves, and the server cache need not be asked.

    A token serves that is fresh, or stale and left to whoever renews it.

    Args:
        held: The session.
        current: The version that the request gets.
        now: Epoch seconds.
        monotonic: Seconds of the clock that never jumps.
    """
    if now < current.quiet_from or monotonic >= held.recheck_at:
        return False
    return now < current.quiet_until or (now < current.usable_until and held.is_left(monotonic))


def look_at_path(site: Site, opened: dict[str, bytes | str | None], path: str, raw_path: bytes | str | None) -> bool:
    """Return whether a path is open, and note it in ``opened`` where it is and there is room. See ``Shortcut``."""
    is_open = is_open_path(site, path, raw_path)
    if is_open and len(opened) < OPEN_PATHS:
        opened[path] = raw_path
    return is_open


def is_open_path(site: Site, path: str, raw_path: bytes | str | None) -> bool:
    """Return whether a path is open to strangers and none of our own. See ``Shortcut.is_open``."""
    # An ASGI server that does not tell may say so by an empty text.
    raw = (raw_path.decode("latin-1") or None) if isinstance(raw_path, bytes) else raw_path
    is_path = path.startswith("/") and (raw is None or raw.startswith("/"))
    if not is_path or path.startswith(site.settings.path_prefix):
        return False
    return site.settings.login == "optional" or is_public(site, path, raw)

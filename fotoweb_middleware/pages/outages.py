"""Pages of things that pass by themselves: FotoWeb or the server cache can't be reached."""

from __future__ import annotations

import math
from typing import Final

from fotoweb_middleware.pages.layout import Action, Link, Note, Page

__all__ = ["cache_unavailable", "fotoweb_unavailable", "temporarily_unavailable"]

_CHECK: Final = Note(
    "To find the cause",
    "Run `fotoweb-middleware check` on this machine, as the user that runs the app, with the app's settings.",
)
_SEND_AGAIN: Final = (
    "Reload this page for that. If you were sending something, it did not reach the app; reloading sends it again."
)
_MINUTE_SECONDS: Final = 60
_LONGEST_PROMISE_SECONDS: Final = 3600


def fotoweb_unavailable(retry_after_seconds: float | None, retry_url: str | None) -> Page:
    """503, with Retry-After: FotoWeb does not answer, or answers 5xx or 429; sessions are kept.

    Args:
        retry_after_seconds: The value of the Retry-After header; None says "in a moment".
        retry_url: Where to try again: the path asked for, or the login path. None: no button.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        (
            "This app asks FotoWeb who you are, and FotoWeb does not answer just now. You did nothing wrong. If you "
            "were signed in, you still are."
        ),
        f"Please try again {_in_words(retry_after_seconds)}.",
        *(() if retry_url else (_SEND_AGAIN,)),
    )
    notes = (
        Note(
            "What happened",
            "The server at `FOTOWEB_URL` did not answer within `FOTOWEB_HTTP_TIMEOUT` seconds, broke the connection, "
            "answered with 429 or 5xx, or with something that is no token. The app's log says which.",
        ),
        Note(
            "Where to look",
            "Name resolution, firewall and outgoing proxy of this machine. For a private certificate authority, "
            "`FOTOWEB_CA_BUNDLE`.",
        ),
        _CHECK,
        Note("What to restart", "Nothing. Sessions are kept, and go on as soon as FotoWeb answers."),
    )
    return Page("fotoweb_unavailable", 503, "FotoWeb is not answering", body, _again(retry_url), notes)


def temporarily_unavailable(login_url: str, retry_after_seconds: float | None = None) -> Page:
    """503: FotoWeb's authorize endpoint sent `error=temporarily_unavailable`.

    Args:
        login_url: The path that starts a login.
        retry_after_seconds: The value of the Retry-After header, where one is sent; None says "in a moment".

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 6749, 4.1.2.1.
    """
    body = (
        "FotoWeb itself says so. It may be busy, or someone is working on it. You did nothing wrong.",
        f"Please try again {_in_words(retry_after_seconds)}.",
    )
    notes = (
        Note(
            "What happened",
            "FotoWeb answered with `temporarily_unavailable`. The app and its settings are not the cause. See the "
            "state of the FotoWeb site.",
        ),
    )
    return Page("temporarily_unavailable", 503, "FotoWeb cannot sign you in just now", body, _again(login_url), notes)


def cache_unavailable(retry_after_seconds: float | None, retry_url: str | None = None) -> Page:
    """503, with Retry-After: the server cache can't be reached and the cookies alone don't hold the session.

    Args:
        retry_after_seconds: The value of the Retry-After header; None says "in a moment".
        retry_url: Where to try again. None: no button.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        (
            "The place where this app keeps its sign-ins does not answer just now. You did nothing wrong, and you have "
            "not been signed out."
        ),
        f"Please try again {_in_words(retry_after_seconds)}.",
        *(() if retry_url else (_SEND_AGAIN,)),
    )
    notes = (
        Note(
            "What happened",
            "The server cache that `FOTOWEB_CACHE` names did not answer. Redis: is it running, and reachable from "
            "here? SQLite: may this user write the file and its folder, and is the disk full? The app's log names the "
            "reason.",
        ),
        _CHECK,
        Note("What to restart", "Only the cache. This app finds it again by itself within ten seconds."),
        Note(
            "To depend on it less",
            "With `FOTOWEB_COOKIE_MODE=sealed` sessions live in the cookies and go on while the cache is away, but for "
            "those too large for cookies (over 6 KiB).",
        ),
    )
    return Page("cache_unavailable", 503, "Sign-ins cannot be looked up", body, _again(retry_url), notes)


def _again(retry_url: str | None) -> tuple[Action, ...]:
    return () if retry_url is None else (Link("Try again", retry_url),)


def _in_words(seconds: float | None) -> str:
    """Say when to come back, never sooner than the header says."""
    if seconds is None or not 0 < seconds <= _LONGEST_PROMISE_SECONDS:
        return "later" if seconds is not None and seconds > _LONGEST_PROMISE_SECONDS else "in a moment"
    if seconds <= _MINUTE_SECONDS:
        whole = math.ceil(seconds)
        return "in a second" if whole == 1 else f"in {whole} seconds"
    return f"in {math.ceil(seconds / _MINUTE_SECONDS)} minutes"

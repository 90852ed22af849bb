"""Every error of this package, in one tree.

    FotoWebMiddlewareError
    ├── SettingsError            a FOTOWEB_* variable or Settings argument is wrong (the operator's to fix)
    ├── FotoWebError             FotoWeb, or the way to it
    │   ├── FotoWebUnreachable   no valid token for now: try again later
    │   ├── FotoWebNonsense      an answer that isn't what RFC 6749 promises
    │   └── FotoWebRefused       an OAuth error code (``error``) in an orderly answer
    ├── StoreUnavailable         the session store can't be reached
    ├── NotSignedIn              nobody is signed in, and ``require_session`` was asked for a session
    └── SessionEnded             a session that the app still holds is over: there are no more tokens

Each class has a stable ``code`` for logs and monitoring.
No message of these errors ever holds a token, a code, a key or a cookie.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

__all__ = [
    "FotoWebError",
    "FotoWebMiddlewareError",
    "FotoWebNonsense",
    "FotoWebRefused",
    "FotoWebUnreachable",
    "NotSignedIn",
    "SessionEnded",
    "SettingsError",
    "StoreUnavailable",
]


class FotoWebMiddlewareError(Exception):
    """The root of the tree: catch it to catch everything this package raises."""

    code: ClassVar[str] = "error"


class SettingsError(FotoWebMiddlewareError):
    """A setting is missing or wrong; the message names the variable, what it holds and what it accepts."""

    code = "settings"


class FotoWebError(FotoWebMiddlewareError):
    """FotoWeb, or the way to it, is the cause.

    Attributes:
        request_id: FotoWeb's own name of the call, where its answer has one.
    """

    code = "fotoweb"
    request_id: str | None = None


class FotoWebUnreachable(FotoWebError):
    """There is no answer, or no valid token, for now.

    FotoWeb gave no answer in time, a 5xx or a 429. From ``fresh_token`` it may also mean that the session store is out
    of reach, or that FotoWeb refuses this app itself: the message tells.

    Args:
        message: What happened, in words for the log.
        retry_after_seconds: When to try again; None: unknown.
    """

    code = "fotoweb_unreachable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class FotoWebNonsense(FotoWebError):
    """An answer that is not what RFC 6749, section 5, promises: HTML, broken JSON, a token that can't be a header."""

    code = "fotoweb_nonsense"


class FotoWebRefused(FotoWebError):
    """An orderly refusal.

    Args:
        error: The OAuth error code (RFC 6749, 4.1.2.1 and 5.2), or "" where none could be read.
        status: The HTTP status it came with.
        hint: What to look at, in words for the log.
    """

    code = "fotoweb_refused"

    def __init__(self, error: str, *, status: int, hint: str = "") -> None:
        super().__init__(f"FotoWeb refused: {error or 'no error code'} (HTTP {status}){hint and '; '}{hint}")
        self.error = error
        self.status = status


class StoreUnavailable(FotoWebMiddlewareError):
    """The session store did not answer, or not in time."""

    code = "store_unavailable"


class NotSignedIn(FotoWebMiddlewareError):
    """Nobody is signed in. The framework integrations make it a 401."""

    code = "not_signed_in"


class SessionEnded(FotoWebMiddlewareError):
    """A session is over: signed out, refused by FotoWeb, or past its lifetime. Its user has to sign in again."""

    code = "session_ended"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__

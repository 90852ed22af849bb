"""Every error of this package, in one tree.

    FotoWebMiddlewareError
    ├── SettingsError            a FOTOWEB_* variable or Settings argument is missing or wrong
    ├── FotoWebError             a call to FotoWeb failed
    │   ├── FotoWebUnreachable   no valid token for now: try again later
    │   ├── FotoWebNonsense      an answer that isn't what RFC 6749 promises
    │   └── FotoWebRefused       an OAuth error code (``error``) in an orderly answer
    ├── StoreUnavailable         the session store can't be reached
    │   └── LockUnanswered       and may grant a lock late, to somebody who does not wait any more
    ├── NotSignedIn              nobody is signed in, but ``require_session`` was called
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
    "LockUnanswered",
    "NotSignedIn",
    "SessionEnded",
    "SettingsError",
    "StoreUnavailable",
]


class FotoWebMiddlewareError(Exception):
    """The base class: catch it to catch all errors of this package."""

    code: ClassVar[str] = "error"


class SettingsError(FotoWebMiddlewareError):
    """A setting is missing or wrong; the message names the variable, what it holds and what it accepts."""

    code = "settings"


class FotoWebError(FotoWebMiddlewareError):
    """A call to FotoWeb failed: no answer, an unreadable one, or a refusal.

    Attributes:
        request_id: FotoWeb's own id for the call, if its answer has one.
    """

    code = "fotoweb"
    request_id: str | None = None


class FotoWebUnreachable(FotoWebError):
    """FotoWeb does not answer, or there is no valid token for now.

    FotoWeb gave no answer in time, or answered 5xx or 429. From ``fresh_token`` it may also mean that the session store
    can't be reached, or that FotoWeb refuses this app: the message says which.

    Args:
        message: What happened, in words for the log.
        retry_after_seconds: When to try again; None: unknown.
    """

    code = "fotoweb_unreachable"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class FotoWebNonsense(FotoWebError):
    """FotoWeb's answer breaks RFC 6749, section 5: HTML, broken JSON, a token that can't be sent in a header."""

    code = "fotoweb_nonsense"


class FotoWebRefused(FotoWebError):
    """FotoWeb refused a request, usually with an OAuth error code.

    Args:
        error: The OAuth error code (RFC 6749, 4.1.2.1 and 5.2), or "" if none could be read.
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


class LockUnanswered(StoreUnavailable):
    """A session store did not answer ``acquire_lock`` in time, and may still carry it out.

    The middleware releases that lock as soon as the store works again.

    Args:
        message: What happened, in words for the log.
        key: What the lock was asked for.
        owner: The name that its holder would have, chosen before the store was asked.
    """

    def __init__(self, message: str, *, key: str, owner: str) -> None:
        super().__init__(message)
        self.key = key
        self.owner = owner


class NotSignedIn(FotoWebMiddlewareError):
    """Nobody is signed in. The framework integrations turn it into a 401."""

    code = "not_signed_in"


class SessionEnded(FotoWebMiddlewareError):
    """The session is over: signed out, refused by FotoWeb, or past its lifetime. The user has to sign in again."""

    code = "session_ended"


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it, outermost first."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__

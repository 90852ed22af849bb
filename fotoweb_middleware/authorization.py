"""Who may enter: ``FOTOWEB_ALLOWED_USERS``, the app's ``authorize``; and ``on_login``, for the app's table of users.

Both are asked at login, before there is a session, and by each process that sees a session for the first time. What
the app's callables raise is not caught: it reaches the server, as what a view raises does, and lets nobody in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import anyio.from_thread

from fotoweb_middleware.events import EventEmitter, EventName, is_async
from fotoweb_middleware.session import Session, User

__all__ = ["Authorize", "OnLogin"]

Authorize: TypeAlias = Callable[[Session], bool] | Callable[[Session], Awaitable[bool]]
"""Returns True where the session's user may enter; under ASGI it may be async."""
OnLogin: TypeAlias = Callable[[Session], object]
"""What it returns is not looked at; under ASGI it may be async."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Somebody signed in to FotoWeb who may not use this app.

    Attributes:
        user: Who; None where FotoWeb did not tell.
        cause: Who refused: "FOTOWEB_ALLOWED_USERS" or "authorize".
    """

    user: User | None
    cause: str


@dataclass(frozen=True, slots=True)
class Authorization:
    """Decides who may enter. Its methods may block: under ASGI they run in one of anyio's worker threads.

    Attributes:
        allowed_users: As in ``Settings``.
        authorize: The app's; None: nobody else is asked.
        on_login: The app's.
        events: Told of everybody who may not enter.
    """

    allowed_users: tuple[str, ...]
    authorize: Authorize | None
    on_login: OnLogin | None
    events: EventEmitter

    @property
    def is_restricted(self) -> bool:
        """Whether anybody might be refused."""
        return bool(self.allowed_users) or self.authorize is not None

    def check(self, session: Session, session_id: str | None = None) -> NotAllowed | None:
        """Return None where the session's user may enter.

        Raises:
            TypeError: ``authorize`` returned something else than True or False. A coroutine, or None for a forgotten
                ``return``, must not pass for an answer.
        """
        cause = None
        if self.allowed_users and not is_listed(session.user, self.allowed_users):
            cause = "FOTOWEB_ALLOWED_USERS"
        elif self.authorize is not None:
            may_enter = call(self.authorize, session)
            if not isinstance(may_enter, bool):
                raise TypeError(f"authorize has to return True or False, not {type(may_enter).__name__}")
            cause = None if may_enter else "authorize"
        if cause is None:
            return None
        user_id = None if session.user is None else session.user.user_id
        self.events.emit(EventName.NOT_ALLOWED, session_id=session_id, cause=cause, user=user_id)
        return NotAllowed(session.user, cause)

    def tell_of_login(self, session: Session) -> None:
        """Call ``on_login``."""
        if self.on_login is not None:
            call(self.on_login, session)


def call(callback: Callable[[Session], Any], session: Session) -> Any:
    """Call one of the app's callables: here, or, where it is async, on the event loop that this thread works for."""
    return anyio.from_thread.run(callback, session) if is_async(callback) else callback(session)


def is_listed(user: User | None, allowed_users: tuple[str, ...]) -> bool:
    """Return whether a list names a user, or the domain of their e-mail address.

    User names are compared as FotoWeb writes them: nothing says that ``Alice`` and ``alice`` are one person there.
    """
    if user is None:
        return False
    is_named = user.user_name in allowed_users and not user.user_name.startswith("@")
    return is_named or email_domain(user.email) in allowed_users


def email_domain(email: str) -> str:
    """Return the domain of an e-mail address as lists have it, such as ``@example.com``; "" where it is no address.

    Lower case is for ASCII alone (RFC 4343): in Unicode, other letters would become ASCII ones.
    """
    name, _, domain = email.rpartition("@")
    if not name or not domain or "@" in name:
        return ""
    return f"@{domain.lower() if domain.isascii() else domain}"

"""Jobs as the user, in other processes: the session that a ticket names (``Session.ticket``)."""

from __future__ import annotations

from functools import lru_cache

from fotoweb_middleware.context import Context
from fotoweb_middleware.live_session import session_of_ticket
from fotoweb_middleware.refresh import Refresher
from fotoweb_middleware.session import Session
from fotoweb_middleware.settings import Settings

__all__ = ["session_from_ticket"]


def session_from_ticket(text: str, settings: Settings | None = None) -> Session:
    """Return the session that ``session.ticket()`` named, in a job or wherever there is no request.

    Its ``access_token`` is valid now. It is refreshed together with the browser's session: there is one refresh for
    both, and neither loses its tokens to the other. Blocking; in async code, call it in a thread.

    Args:
        text: What ``session.ticket()`` gave.
        settings: Those of the app; None: from ``FOTOWEB_*`` variables, as in the app. The store must be one that both
            processes reach (``FOTOWEB_CACHE``): ``local://`` or ``sqlite://`` on one machine, Redis on several.

    Raises:
        SessionEnded: The user has signed out, FotoWeb has refused the session, or its lifetime is over.
        FotoWebUnreachable: There is no valid token for now, or the session store is out of reach: try again after
            ``retry_after_seconds``.
        ValueError: It is no ticket of this app's.
        SettingsError: A setting is missing or wrong.
    """
    return session_of_ticket(refresher_of(Settings() if settings is None else settings), text)


@lru_cache(maxsize=8)
def refresher_of(settings: Settings) -> Refresher:
    """Return what refreshes sessions under these settings in this process; made once."""
    return Refresher(Context(settings))

"""A session beyond its request: tokens that are valid now, and whether it is still open.

Both ways take the same steps as a request, with the same single flight, store and limits. ``fresh_token`` blocks;
``afresh_token`` waits as a task.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeGuard, assert_never, cast

from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import FotoWebUnreachable, SessionEnded
from fotoweb_middleware.event_loop import loop_state
from fotoweb_middleware.lookup import (
    Found,
    Lookup,
    NoSession,
    SessionCookie,
    cookie_of,
    find_session,
    is_recheck_due,
)
from fotoweb_middleware.records import StoreDown
from fotoweb_middleware.refresh import Ended, NotNow, OperatorFault, Refresher, RefreshResult, Usable
from fotoweb_middleware.sealing import Purpose
from fotoweb_middleware.session import Session, build_session
from fotoweb_middleware.session_cache import CachedSession

TICKET_NAME = "ticket"
STORE_RETRY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 1.0
"""How often an open WebSocket is checked at most, where the store could not tell or ``FOTOWEB_CACHE_RECHECK`` is 0."""
REFUSED_AGAIN_SECONDS = 60.0
"""How long no 401 refreshes a session, after FotoWeb's API refused a new token too: such a 401 means something else."""


class LiveSession:
    """Answers for a ``Session`` that the app holds.

    Args:
        refresher: The middleware's.
        cached: The session as the request found it. Each call looks for what is newer.
        is_job: Whether this process may end with the job: then nothing is refreshed in the background, since new
            tokens would be lost with it.
    """

    __slots__ = ("_cached", "_is_job", "_refresher")

    def __init__(self, refresher: Refresher, cached: CachedSession, *, is_job: bool = False) -> None:
        self._refresher = refresher
        self._cached = cached
        self._is_job = is_job

    def __deepcopy__(self, memo: object) -> LiveSession:
        """Return itself, for ``dataclasses.asdict(session)`` and the like."""
        return self

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._cached.record.session_id

    @property
    def context(self) -> Context:
        """What the middleware decides with."""
        return self._refresher.context

    def ticket(self) -> str:
        """See ``Session.ticket``."""
        record = self._cached.record
        ends_at = record.started_at + self.context.settings.session_lifetime
        return self.context.sealer.seal([record.session_id, ends_at], Purpose.TICKET, name=TICKET_NAME)

    # ---------------------------------------------------------------------------------------------------- fresh tokens

    def fresh_token(self) -> str:
        """See ``Session.fresh_token``."""
        cached = self._usable(self._find())
        result = self._refresher.without_refresh(cached)
        if result is None:
            waited = self.context.client.wait(self._refresher.start(cached))
            result = self._refresher.settle(cached, waited)
        return self._token_of(result)

    async def afresh_token(self) -> str:
        """See ``Session.afresh_token``."""
        cached = self._usable(await self._afind())
        result = self._refresher.without_refresh(cached)
        if result is None:
            waited = await loop_state().wait(self._refresher.start(cached), self.context.settings.http_timeout)
            result = self._refresher.settle(cached, waited)
        return self._token_of(result)

    def _find(self) -> Lookup:
        return find_session(self.context, cookie_of(self.context, self._cached))

    async def _afind(self, *, is_use: bool = True) -> Lookup:
        """Do what ``_find`` does; in a thread where the store has to be asked."""
        context, cookie = self.context, cookie_of(self.context, self._cached)
        find = partial(find_session, context, cookie, is_use=is_use)
        cached = context.session_cache.get(cookie.session_id)
        is_noted = not is_use or (cached is not None and context.clock() < cached.note_at)
        if cached is not None and not is_recheck_due(context, cached) and is_noted:
            return find()  # From memory: no store is asked.
        return await loop_state().ask_store((id(context), cookie.session_id, is_use), find)

    def _keep_newest(self) -> CachedSession:
        """Return the newest version known of the session, and keep it.

        Memory and store may forget a session at any time. With the version of long ago its old refresh token would be
        used once more, which ends the session.
        """
        newest = self.context.session_cache.get(self.session_id)
        if newest is not None and newest.record.version > self._cached.record.version:
            self._cached = newest
        return self._cached

    def _usable(self, found: Lookup) -> CachedSession:
        match found:
            case Found():
                return self._keep_newest()
            case NoSession():
                raise SessionEnded("the session is over: its user has to sign in again")
            case StoreDown():
                newest = self._keep_newest()
                if not newest.must_refresh(self.context.clock()):
                    return newest
                raise FotoWebUnreachable(
                    "the session store is out of reach, and only it knows the session's new token",
                    retry_after_seconds=STORE_RETRY_SECONDS,
                )
            case _:
                assert_never(found)

    def _token_of(self, result: RefreshResult) -> str:
        match result:
            case Usable(cached):
                if self.context.session_cache.is_revoked(self.session_id):
                    raise SessionEnded("the session is over: its user has to sign in again")
                self._keep_newest()
                if not self._is_job and cached.is_stale(self.context.clock()):
                    self._refresher.start_if_stale(cached.record.session_id)
                return cached.record.tokens.access_token
            case Ended():
                raise SessionEnded("FotoWeb gives this session no more tokens: its user has to sign in again")
            case NotNow(seconds):
                raise FotoWebUnreachable(
                    "the session's token has expired, and there is no new one for now", retry_after_seconds=seconds
                )
            case OperatorFault(error):
                raise FotoWebUnreachable(
                    f"FotoWeb refuses this app itself ({error}): run `fotoweb-middleware check` to find out why"
                )
            case _:
                assert_never(result)

    # ------------------------------------------------------------------------------------------ tokens that are refused

    def replace_token(self, is_refused: Callable[[str], bool]) -> str | None:
        """Return another token than the one that FotoWeb's API refused, after a refresh; None where none is to be had.

        ``is_refused`` tells whether a token is that one: no secret is in a variable that an error report may show.
        """
        found: Lookup | RefreshResult | None = self._find()
        if self._may_refresh(found, is_refused):
            found = self.context.client.wait(self._refresher.start(found.cached, is_refused=True))
        return self._other(found, is_refused)

    async def areplace_token(self, is_refused: Callable[[str], bool]) -> str | None:
        """Do what ``replace_token`` does, as a task."""
        found: Lookup | RefreshResult | None = await self._afind()
        if self._may_refresh(found, is_refused):
            started = self._refresher.start(found.cached, is_refused=True)
            found = await loop_state().wait(started, self.context.settings.http_timeout)
        return self._other(found, is_refused)

    def note_refused_again(self) -> None:
        """Note that the API refused the token that ``replace_token`` gave too: one more would not help for now."""
        self._keep_newest().refused_at = self.context.monotonic()

    def _may_refresh(self, found: object, is_refused: Callable[[str], bool]) -> TypeGuard[Found]:
        """Return whether the refused token is the newest one, and a refresh may bring another now."""
        if not isinstance(found, Found) or not is_refused(found.cached.record.tokens.access_token):
            return False
        cached, now = found.cached, self.context.monotonic()
        is_time = now >= cached.retry_at and now - cached.refused_at >= REFUSED_AGAIN_SECONDS
        return is_time and cached.record.tokens.refresh_token is not None

    def _other(self, found: object, is_refused: Callable[[str], bool]) -> str | None:
        if not isinstance(found, Found | Usable) or is_refused(found.cached.record.tokens.access_token):
            return None
        return self._token_of(Usable(found.cached))

    # ---------------------------------------------------------------------------------------------------------- its end

    async def has_ended(self) -> bool:
        """Return whether the session is over. Asks the store where that is due; this is no use of the session."""
        return isinstance(await self._afind(is_use=False), NoSession)

    def seconds_until_check(self) -> float:
        """Return after how long ``has_ended`` may have news; a second where the store is out of reach."""
        context = self.context
        cached = context.session_cache.get(self.session_id) or self._cached
        shortest_seconds = min(context.settings.cache_recheck or LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        return max(shortest_seconds, min(cached.recheck_at - context.monotonic(), cached.ends_at - context.clock()))


def session_of(refresher: Refresher, cached: CachedSession, *, is_job: bool = False) -> Session:
    """Return what the app gets of a session."""
    return build_session(cached.record, refresher.context.settings.url, LiveSession(refresher, cached, is_job=is_job))


def session_of_ticket(refresher: Refresher, ticket: str) -> Session:
    """Return the session that a ticket names, with a token that is valid now.

    Raises:
        SessionEnded: The session is over, or the store does not hold it.
        FotoWebUnreachable: There is no valid token for now, or the store is out of reach.
        ValueError: It is no ticket of this app's.
    """
    context = refresher.context
    opened = context.sealer.open(ticket, Purpose.TICKET, name=TICKET_NAME)
    if opened is None:
        raise ValueError(
            "this is no ticket of this app: where it is opened, FOTOWEB_SECRET_KEY, FOTOWEB_URL, FOTOWEB_CLIENT_ID and "
            "FOTOWEB_COOKIE_NAME have to be those of the app that made it"
        )
    session_id, ends_at = opened.value
    match find_session(context, SessionCookie(session_id, ends_at, record=None, version=None)):
        case Found(cached):
            LiveSession(refresher, cached, is_job=True).fresh_token()
            return session_of(refresher, context.session_cache.get(session_id) or cached, is_job=True)
        case NoSession():
            why = "" if context.store.shared else "; or only the process that made the ticket knows it (FOTOWEB_CACHE)"
            raise SessionEnded(f"the session is over: its user has to sign in again{why}")
        case StoreDown():
            raise FotoWebUnreachable(
                "the session store is out of reach, and only it knows the session",
                retry_after_seconds=STORE_RETRY_SECONDS,
            )
        case unreachable:
            assert_never(unreachable)


def live_session_of(session: Session) -> LiveSession | None:
    """Return what stands behind a session; None where it has no middleware."""
    return cast("LiveSession | None", session._source)  # noqa: SLF001 (private to the package, not to the class)

"""New tokens for a session: one refresh at a time over threads, processes and machines, and its result is never lost.

FotoWeb: a new refresh token makes the old one invalid (vendor page "Refreshing tokens"). So a result is saved before
the lock is released, and a refusal counts only where the store shows that the newest token was refused.

What a failed refresh means:

    FotoWeb answered                                    the session   the request
    invalid_grant; 400, 401, 403 without a code         ends          as without a session
    invalid_client and the like (the operator's fault)  lives         502 once the token has expired
    5xx, 429, nothing, nonsense                         lives         503 once the token has expired

Two rules:

1. A refresh runs in a thread of its own and goes on when nobody waits for it any more.
2. While the store is out of reach no token is refreshed that is still valid: two machines that each refreshed by
   themselves would end each other's sessions.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

from fotoweb_middleware.context import Context
from fotoweb_middleware.errors import FotoWebError, FotoWebRefused, FotoWebUnreachable, StoreUnavailable
from fotoweb_middleware.events import EventName
from fotoweb_middleware.fotoweb.tokens import build_refresh_form, is_operator_fault
from fotoweb_middleware.log import LOGGER, readable_time
from fotoweb_middleware.records import StoreDown, load_newest, open_entry, revoke_session, save_record, session_key
from fotoweb_middleware.session import SessionRecord, TokenSet
from fotoweb_middleware.session_cache import CachedSession
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoreLock

REFRESH_STEP = 1_000_000
"""How far a refresh raises the version. A note for the idle limit raises it by 1: so a refresh always outranks a note
that was written meanwhile."""

CALL_TIMEOUTS = 3
"""How many times ``FOTOWEB_HTTP_TIMEOUT`` the call may take, while those who wait for it get a 503 after one: the
answer to a rotation that nobody reads is a lost session."""
LOCK_MARGIN_SECONDS = 5.0
BORN_EXPIRED_SECONDS = 60.0
POLL_SECONDS = (0.05, 0.15)
"""A waiting process looks again after a random time between these."""
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 8.0
STORE_TROUBLE_SECONDS = 60.0
"""How long after the store failed, or lost a session, another machine may know a newer token than it shows."""


@dataclass(frozen=True, slots=True)
class Usable:
    """The session's token may be used for this request."""

    cached: CachedSession


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; the next navigation logs in again.

    Attributes:
        is_certain: False where the store could not confirm it: then the browser keeps its cookie.
    """

    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class NotNow:
    """There is no new token now; the session lives on.

    Attributes:
        retry_after_seconds: When to try again.
        store_is_down: Whether the store is the cause, and not FotoWeb.
    """

    retry_after_seconds: float
    store_is_down: bool = False


@dataclass(frozen=True, slots=True)
class OperatorFault:
    """FotoWeb refuses the app itself; the session lives on."""

    error: str


RefreshResult: TypeAlias = Usable | Ended | NotNow | OperatorFault


class Refresher:
    """Refreshes sessions; of all requests of this process that want a session's new token, one asks for it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.after_fork_in_child()
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """Begin without the parent's refreshes, whose threads are not here."""
        self._lock = threading.Lock()
        self._in_flight: dict[str, Future[RefreshResult]] = {}

    def without_refresh(self, cached: CachedSession) -> RefreshResult | None:
        """Return what holds of a session as it is; None where it has to be refreshed first."""
        now, tokens = self.context.clock(), cached.record.tokens
        if not cached.must_refresh(now):
            return Usable(cached)
        if may_be_used_expired(cached, now):
            cached.used_expired = True
            return Usable(cached)
        if tokens.refresh_token is None:
            return Ended()
        wait_seconds = cached.retry_at - self.context.monotonic()
        if wait_seconds <= 0:
            return None
        failure = OperatorFault(cached.operator_error) if cached.operator_error else NotNow(wait_seconds)
        return self.settle(cached, failure)

    def start(self, cached: CachedSession, *, is_refused: bool = False) -> Future[RefreshResult]:
        """Begin to refresh a session, unless that is under way; return what will hold its result.

        ``is_refused`` says that FotoWeb's API refused the token, so that its expiry tells nothing.
        """
        session_id = cached.record.session_id
        with self._lock:
            if (future := self._in_flight.get(session_id)) is not None:
                return future
            future = self._in_flight[session_id] = Future()
        try:
            self.context.client.submit(lambda: self._run(cached, future, is_refused=is_refused))
        except RuntimeError:  # The process is about to end, and takes no new work.
            self._finish(cached, future, NotNow(FIRST_RETRY_SECONDS))
        return future

    def start_if_stale(self, session_id: str) -> Future[RefreshResult] | None:
        """Begin to refresh a stale token, unless that is under way or a try just failed."""
        context = self.context
        cached, now = context.session_cache.get(session_id), context.clock()
        if cached is None or not cached.is_stale(now) or now < cached.refresh_due_at:
            return None
        cached.postpone_refresh(now + CALL_TIMEOUTS * context.settings.http_timeout)  # Others go on meanwhile.
        return self.start(cached)

    def settle(self, cached: CachedSession, result: RefreshResult | None) -> RefreshResult:
        """Return what the result of a refresh means for a request: what is left of a valid token is handed out.

        ``cached`` is the session as the request found it; ``result`` is None if the refresh took too long.
        """
        now = self.context.clock()
        if isinstance(result, Usable):
            result.cached.used_expired = result.cached.used_expired or now >= result.cached.expires_at
            return result
        result = result or NotNow(FIRST_RETRY_SECONDS)
        has_ended = isinstance(result, Ended) and result.is_certain
        return Usable(cached) if not has_ended and cached.fresh_from <= now < cached.expires_at else result

    def _run(self, cached: CachedSession, future: Future[RefreshResult], *, is_refused: bool) -> None:
        result: RefreshResult = NotNow(FIRST_RETRY_SECONDS)
        try:
            result = refresh(self.context, cached, is_refused=is_refused)
        except Exception:  # noqa: BLE001 (those who wait must get an answer)
            LOGGER.exception("a refresh failed unexpectedly; the next request tries again")
        finally:
            self._finish(cached, future, result)

    def _finish(self, cached: CachedSession, future: Future[RefreshResult], result: RefreshResult) -> None:
        context, session_id = self.context, cached.record.session_id
        newest = context.session_cache.get(session_id)
        if newest is not None and not isinstance(result, Usable):
            wait_seconds = max(FIRST_RETRY_SECONDS, newest.retry_at - context.monotonic())
            newest.postpone_refresh(context.clock() + wait_seconds)
        with self._lock:
            if self._in_flight.get(session_id) is future:
                del self._in_flight[session_id]
        future.set_result(result)


def may_be_used_expired(cached: CachedSession, now: float) -> bool:
    """Return whether an expired token may serve one request: it was just received, and was born expired.

    A server that says ``expires_in`` 0 would else send everybody from one login to the next.
    """
    tokens = cached.record.tokens
    was_born_expired = cached.expires_at < tokens.received_at + 1
    is_new = 0 <= now - tokens.received_at < BORN_EXPIRED_SECONDS
    return was_born_expired and is_new and now >= cached.expires_at and not cached.used_expired


def refresh(context: Context, cached: CachedSession, *, is_refused: bool = False) -> RefreshResult:
    """Take the store's lock on a session and refresh it, or wait for the process that holds the lock.

    Nobody waits for the lock while the token is valid, unless FotoWeb's API refused it (``is_refused``).
    """
    before = cached.record
    gives_up_at = time.monotonic() + context.settings.http_timeout
    ttl_seconds = CALL_TIMEOUTS * context.settings.http_timeout + LOCK_MARGIN_SECONDS
    while True:
        in_time_until = context.monotonic() + LOCK_MARGIN_SECONDS
        try:
            lock = context.store.acquire_lock(session_key(context, before.session_id), ttl_seconds=ttl_seconds)
        except StoreUnavailable:
            return refresh_without_lock(context, cached)
        if lock is not None:
            try:
                return refresh_under_lock(context, cached, lock, in_time_until)
            finally:
                # Where that fails, it is released once the result is saved (``records.save_again``), or ends by itself.
                with contextlib.suppress(StoreUnavailable):
                    context.store.release_lock(lock)
        is_needed = is_refused or cached.must_refresh(context.clock())
        if time.monotonic() >= gives_up_at or not is_needed:
            return NotNow(FIRST_RETRY_SECONDS)
        time.sleep(random.uniform(*POLL_SECONDS))  # noqa: S311 (spreads the processes that wait; no secret)
        newest = load_newest(context, before.session_id, carried_by_cookie(cached))
        if newest is None:
            return Ended()
        if isinstance(newest, CachedSession) and was_refreshed(context, newest, before):
            return Usable(newest)


def refresh_under_lock(context: Context, cached: CachedSession, lock: StoreLock, in_time_until: float) -> RefreshResult:
    """Look once more whether somebody refreshed the session meanwhile, then ask FotoWeb.

    A call that begins after ``in_time_until`` (monotonic seconds), since this process stood still, could outlast the
    lock, and another process could ask too.
    """
    before = cached.record
    newest = load_newest(context, before.session_id, carried_by_cookie(cached))
    if isinstance(newest, StoreDown):
        return NotNow(FIRST_RETRY_SECONDS, store_is_down=True)
    if newest is None or newest.record.tokens.refresh_token is None:
        return Ended()
    if was_refreshed(context, newest, before):
        return Usable(newest)
    if context.monotonic() > in_time_until:
        return NotNow(FIRST_RETRY_SECONDS)
    if may_be_outdated(context, newest) and not newest.must_refresh(context.clock()):
        return NotNow(FIRST_RETRY_SECONDS, store_is_down=True)
    return exchange(context, newest, lock)


def refresh_without_lock(context: Context, cached: CachedSession) -> RefreshResult:
    """Refresh while the store is out of reach: only what has expired, and what the browser's cookie can carry."""
    if cached.by_reference or not cached.must_refresh(context.clock()):
        return NotNow(FIRST_RETRY_SECONDS, store_is_down=True)
    return exchange(context, context.session_cache.get(cached.record.session_id) or cached, None)


def carried_by_cookie(cached: CachedSession) -> SessionRecord | None:
    """Return the record where the browser's cookie carries it too; None where the store alone does."""
    return None if cached.by_reference else cached.record


def was_refreshed(context: Context, newest: CachedSession, before: SessionRecord) -> bool:
    """Return whether somebody else's refresh has brought what a request waits for, and it can be used."""
    now = context.clock()
    is_usable = now < newest.expires_at or may_be_used_expired(newest, now)
    return has_newer_tokens(newest.record, before) and is_usable


def may_be_outdated(context: Context, cached: CachedSession) -> bool:
    """Return whether another machine, or a browser's cookie, may have a newer token than the store shows."""
    was_lost = context.monotonic() - cached.lost_at < STORE_TROUBLE_SECONDS
    return was_lost or context.store.failed_within(STORE_TROUBLE_SECONDS)


def has_newer_tokens(newest: SessionRecord, before: SessionRecord) -> bool:
    """Return whether a refresh lies between two versions: notes that the session was used leave the tokens alone."""
    return newest.version > before.version and newest.tokens != before.tokens


def exchange(context: Context, cached: CachedSession, lock: StoreLock | None) -> RefreshResult:
    """Exchange the refresh token for new tokens, once (RFC 6749, 6), and save them."""
    asked = cached.record
    try:
        tokens = ask_fotoweb(context, asked)
    except FotoWebRefused as refusal:
        if not is_operator_fault(refusal):
            return end_if_confirmed(context, asked, refusal)
        context.events.emit(EventName.OPERATOR_FAULT, session_id=asked.session_id, cause=refusal)
        back_off(context, asked.session_id, operator_error=refusal.error)
        return OperatorFault(refusal.error)
    except FotoWebError as failure:
        context.events.emit(EventName.REFRESH_FAILED, session_id=asked.session_id, cause=failure)
        asked_seconds = failure.retry_after_seconds if isinstance(failure, FotoWebUnreachable) else None
        return NotNow(back_off(context, asked.session_id, retry_after_seconds=asked_seconds))
    return save_tokens(context, cached, tokens, lock)


def ask_fotoweb(context: Context, record: SessionRecord) -> TokenSet:
    """Ask for new tokens. No secret is in a variable of its own: error reporters send a frame's variables along."""
    settings = context.settings
    form = build_refresh_form(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        refresh_token=record.tokens.refresh_token or "",
    )
    timeout_seconds = CALL_TIMEOUTS * settings.http_timeout
    return context.client.ask_for_tokens(form, timeout_seconds=timeout_seconds, before=record.tokens)


def save_tokens(context: Context, cached: CachedSession, tokens: TokenSet, lock: StoreLock | None) -> RefreshResult:
    """Keep new tokens: in the store first, so that a crash right after can't lose them, then in memory.

    A logout that came meanwhile wins. Where the store is out of reach this process has them, and saves them later.
    """
    cached = context.session_cache.get(cached.record.session_id) or cached  # Its use may have been noted meanwhile.
    before = cached.record
    record = dataclasses.replace(before, version=before.version + REFRESH_STEP, tokens=tokens)
    try:
        outcome = save_record(context, record, create=not cached.by_reference, lock=lock)
    except StoreUnavailable:
        outcome = None
    if outcome in {SaveOutcome.REVOKED, SaveOutcome.MISSING}:
        context.session_cache.revoke(record.session_id)
        return Ended()
    if outcome is SaveOutcome.NEWER:
        newest = load_newest(context, record.session_id, carried_by_cookie(cached))
        if newest is None:
            return Ended()
        if isinstance(newest, CachedSession):
            if has_newer_tokens(newest.record, before):
                return Usable(newest)
            # Refused by a fence that was lost: ours are the only tokens that FotoWeb still takes.
            version = newest.record.version + REFRESH_STEP
            record = dataclasses.replace(newest.record, version=version, tokens=tokens)
        outcome = None
    context.events.emit(EventName.REFRESHED, session_id=record.session_id, expires_at=readable_time(tokens.expires_at))
    adopted = context.session_cache.adopt(record)
    if adopted is None:
        return Ended()
    context.session_cache.note_checked(adopted, is_saved=outcome is not None)
    if outcome is None:
        adopted.unsaved_under = lock
    return Usable(adopted)


def end_if_confirmed(context: Context, asked: SessionRecord, refusal: FotoWebRefused) -> RefreshResult:
    """End a session whose refresh token was refused, where the store shows that nobody else has a newer one.

    Where the store can't tell, another machine may have refreshed the session just now, and a revocation of ours would
    end that good session too.
    """
    key = session_key(context, asked.session_id)
    try:
        entry = context.store.load(key)
    except StoreUnavailable:
        entry = None
    if entry is not None and entry.is_revoked:
        context.session_cache.revoke(asked.session_id)
        return Ended()
    stored = open_entry(context, key, entry)
    if stored is not None:
        context.session_cache.adopt(stored)
    # What memory knows counts too: a cookie with the newer token may have come while FotoWeb was asked.
    newest = context.session_cache.get(asked.session_id)
    if newest is not None and has_newer_tokens(newest.record, asked):
        return Usable(newest)
    context.warnings.token_refused(asked.tokens.received_at, has_pushed_out=context.store.has_pushed_out)
    is_shown = stored is not None and stored.tokens == asked.tokens
    if not is_shown or newest is None or may_be_outdated(context, newest):
        context.events.emit(EventName.REFUSAL_UNCONFIRMED, session_id=asked.session_id, cause=refusal)
        back_off(context, asked.session_id)
        return Ended(is_certain=False)
    context.events.emit(EventName.SESSION_REFUSED, session_id=asked.session_id, cause=refusal)
    context.warnings.session_refused()
    revoke_session(context, asked.session_id, reason="refused")
    return Ended()


def back_off(
    context: Context, session_id: str, *, retry_after_seconds: float | None = None, operator_error: str | None = None
) -> float:
    """Note a failed try, and return the seconds until the next one: 1, 2, 4, then 8, or what FotoWeb asked for."""
    cached = context.session_cache.get(session_id)
    failures = cached.failures if cached is not None else 0
    wait_seconds = retry_after_seconds or min(FIRST_RETRY_SECONDS * 2.0 ** min(failures, 10), LAST_RETRY_SECONDS)
    if cached is not None:
        cached.failures += 1
        cached.retry_at = context.monotonic() + wait_seconds
        cached.operator_error = operator_error
    return wait_seconds

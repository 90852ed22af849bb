"""Stage 3 of 4, after lookup, before supply: is the token good; if not, one caller renews it, all others wait.

What a failed refresh means (docs/adr/0006):

    FotoWeb answered                                    the session    the request
    invalid_grant; 400, 401, 403 without a code         ends           as without a session
    invalid_client and the like (the operator's fault)  lives          502 once the token has expired
    5xx, 429, nothing, nonsense                         lives          503 once the token has expired

A refresh token that was answered with a new one is dead at FotoWeb (vendor page "Refreshing tokens"),
so a result is written down before the lease is given up, and a refusal counts only if nobody else got a newer token.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome
from fotoweb_middleware.effects import AwaitLease, Detach, Flow, PostForm, SaveRecord, TakeLease
from fotoweb_middleware.errors import (
    CacheUnavailable,
    FotoWebError,
    FotoWebRefused,
    FotoWebUnreachable,
)
from fotoweb_middleware.fotoweb.tokens import TOKEN_PATH, build_refresh_form, is_operator_fault, read_token_reply
from fotoweb_middleware.model import SessionRecord, TokenSet
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.site.journal import Event, journal
from fotoweb_middleware.stages.lookup import CacheDown, bury_session, load_newest, seal_record

__all__ = ["REFRESH_STEP", "Age", "Ended", "NotNow", "OperatorFault", "Usable", "age_of", "keep_usable", "renew_later"]

CLOCK_SKEW_SECONDS = 60.0
REFRESH_STEP = 1_000_000
"""How far a refresh raises the version. Noting a request for the idle limit raises it by 1:
so a refresh always outranks a note that was written meanwhile."""

LEASE_MARGIN_SECONDS = 5.0
WAIT_MARGIN_SECONDS = 0.5
FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 8.0
USED_ONCE_WITHIN_SECONDS = 60.0


class Age(enum.Enum):
    """How old a session's token is."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Usable:
    """The session's token may be used for this request."""

    held: Held
    was_renewed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; the next navigation logs in again."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """The token has expired and can't be renewed now; the session lives on."""

    retry_after_seconds: float
    cache_is_down: bool = False


@dataclass(frozen=True, slots=True)
class OperatorFault:
    """The token has expired, and FotoWeb refuses the app itself; the session lives on."""

    error: str


Renewal = Usable | Ended | NotNow | OperatorFault


def age_of(held: Held, now: float) -> Age:
    """Return how old the token is; ``now`` is in epoch seconds."""
    current = held.current
    if current.record.tokens.received_at > now + CLOCK_SKEW_SECONDS:
        return Age.EXPIRED  # The clock went back: what it says of this token's end is worth nothing.
    if now < current.stale_at:
        return Age.FRESH
    return Age.STALE if now < current.expires_at else Age.EXPIRED


def keep_usable(site: Site, held: Held) -> Flow[Renewal]:
    """Return at once while the token is valid; else renew it, or wait for whoever is renewing it."""
    now = site.clock()
    if age_of(held, now) is not Age.EXPIRED:
        return Usable(held)
    if may_be_used_once(held, now):
        held.current.spent = True
        return Usable(held)
    if held.record.tokens.refresh_token is None:
        return Ended()
    renewal = yield from renew(site, held)
    if isinstance(renewal, Usable) and site.clock() >= renewal.held.current.expires_at:
        renewal.held.current.spent = True
    return renewal


def may_be_used_once(held: Held, now: float) -> bool:
    """Return whether an expired token may serve one request.

    It may if it was just received and either was born expired (``expires_in`` of 0) or nothing could renew it:
    else a login would lead straight to the next one.
    """
    tokens = held.record.tokens
    is_new = 0 <= now - tokens.received_at < USED_ONCE_WITHIN_SECONDS
    was_born_expired = held.current.expires_at < tokens.received_at + 1
    return is_new and not held.current.spent and (was_born_expired or tokens.refresh_token is None)


def renew_later(site: Site, session_id: str) -> Flow[None]:
    """Refresh a stale token after the answer was sent, unless somebody else does or a try just failed."""
    held = site.near.find(session_id)
    if held is None or age_of(held, site.clock()) is Age.FRESH or site.monotonic() < held.retry_at:
        return
    before = held.record
    lease = yield from take_lease(site, held)
    if lease is not None:
        yield from Detach(renew_under_lease(site, before, lease), lease)


def renew(site: Site, held: Held) -> Flow[Renewal]:
    """Renew an expired token, or take the result of whoever does; waits no longer than one call to FotoWeb may last."""
    before = held.record
    waited_seconds = 0.0
    patience_seconds = site.settings.http_timeout + WAIT_MARGIN_SECONDS
    while True:
        if (result := known_result(site, before)) is not None:
            return result
        lease = yield from take_lease(site, held)
        if lease is not None:
            return (yield from Detach(renew_under_lease(site, before, lease), lease))
        if waited_seconds >= patience_seconds:
            return NotNow(FIRST_RETRY_SECONDS)
        waited_seconds += yield from AwaitLease(lease_key(site, held), patience_seconds - waited_seconds)
        if known_result(site, before) is None and site.shared_cache:
            yield from load_newest(site, before.session_id, cookie_copy(site, before))


def known_result(site: Site, before: SessionRecord) -> Renewal | None:
    """Return what became of a refresh that this process knows of; None: nothing is known, so somebody must try.

    Args:
        site: The wrapped app's.
        before: What the request came with.
    """
    if site.near.is_buried(before.session_id):
        return Ended()
    newest = site.near.find(before.session_id)
    if newest is None:
        return None
    if newest.record.version - before.version >= REFRESH_STEP or age_of(newest, site.clock()) is not Age.EXPIRED:
        return Usable(newest, was_renewed=True)  # Whatever its expires_in says: who waited takes the result.
    wait_seconds = newest.retry_at - site.monotonic()
    if wait_seconds <= 0:
        return None
    return OperatorFault(newest.operator_error) if newest.operator_error else NotNow(wait_seconds)


def take_lease(site: Site, held: Held) -> Flow[Lease | None]:
    """Try to become the one who renews; with the server cache down, the one within this process."""
    key = lease_key(site, held)
    ttl_seconds = site.settings.http_timeout + LEASE_MARGIN_SECONDS
    try:
        return (yield from TakeLease(key, ttl_seconds))
    except CacheUnavailable:
        return (yield from TakeLease(key, ttl_seconds, local_only=True))


def renew_under_lease(site: Site, before: SessionRecord, lease: Lease) -> Flow[Renewal]:
    """Look once more whether somebody renewed it meanwhile, then ask FotoWeb, and write the answer down.

    Args:
        site: The wrapped app's.
        before: What the request came with, as it was before the lease was taken.
        lease: The right to renew.
    """
    newest = yield from load_newest(site, before.session_id, cookie_copy(site, before))
    if isinstance(newest, CacheDown):
        return NotNow(FIRST_RETRY_SECONDS, cache_is_down=True)
    if newest is None or not newest.live:
        return Ended()
    if newest.record.version - before.version >= REFRESH_STEP:
        return Usable(newest, was_renewed=True)
    try:
        tokens = yield from ask_fotoweb(site, newest.record)
    except FotoWebRefused as refusal:
        if is_operator_fault(refusal):
            journal(Event.OPERATOR_FAULT, session_id=before.session_id, cause=refusal.error)
            back_off(site, newest, None, operator_error=refusal.error)
            return OperatorFault(refusal.error)
        return (yield from end_unless_newer(site, newest))
    except FotoWebError as failure:
        journal(Event.REFRESH_FAILED, session_id=before.session_id, cause=failure)
        asked_seconds = failure.retry_after_seconds if isinstance(failure, FotoWebUnreachable) else None
        return back_off(site, newest, asked_seconds)
    return (yield from write_down(site, newest, tokens, lease))


def ask_fotoweb(site: Site, record: SessionRecord) -> Flow[TokenSet]:
    """Ask for new tokens, once (RFC 6749, 6)."""
    refresh_token = record.tokens.refresh_token or ""
    form = build_refresh_form(
        client_id=site.settings.client_id, client_secret=site.client_secret, refresh_token=refresh_token
    )
    reply = yield from PostForm(site.settings.url + TOKEN_PATH, form)
    return read_token_reply(reply, now=site.clock(), refresh_token=refresh_token)


def write_down(site: Site, held: Held, tokens: TokenSet, lease: Lease) -> Flow[Renewal]:
    """Keep new tokens: in the server cache first, so that a crash right after can't lose them, then in memory.

    A logout that came meanwhile wins. Where the cache is down this process has them, and saves them as soon as it can.
    """
    record = dataclasses.replace(held.record, version=held.record.version + REFRESH_STEP, tokens=tokens)
    key = site.cache_key("session", record.session_id)
    try:
        outcome = yield from SaveRecord(
            key,
            seal_record(site, key, record),
            version=record.version,
            ttl_seconds=seconds_left(site, record),
            create=not held.by_handle,
            lease=lease if lease.fence else None,  # A lease within this process alone has no fence.
        )
    except CacheUnavailable as error:
        journal(Event.CACHE_DOWN, session_id=record.session_id, cause=error)
        outcome = None
    if outcome in {SaveOutcome.BURIED, SaveOutcome.MISSING}:
        site.near.bury(record.session_id, site.tombstone_seconds)
        return Ended()
    if outcome is SaveOutcome.NEWER:
        newest = yield from load_newest(site, record.session_id, cookie_copy(site, held.record))
        return Usable(newest, was_renewed=True) if isinstance(newest, Held) else Ended()
    journal(Event.REFRESHED, session_id=record.session_id, expires_at=tokens.expires_at)
    adopted = site.near.adopt(record)
    adopted.current.is_saved = outcome is not None
    return Usable(adopted, was_renewed=True) if adopted.live else Ended()


def end_unless_newer(site: Site, held: Held) -> Flow[Renewal]:
    """End a session that FotoWeb refused; not where somebody else has a newer token: the old one was refused then."""
    record = held.record
    newest = yield from load_newest(site, record.session_id, cookie_copy(site, record))
    if isinstance(newest, Held) and newest.live and newest.record.version - record.version >= REFRESH_STEP:
        return Usable(newest, was_renewed=True)
    journal(Event.SESSION_REFUSED, session_id=record.session_id)
    yield from bury_session(site, record.session_id)
    return Ended()


def back_off(site: Site, held: Held, retry_after_seconds: float | None, *, operator_error: str | None = None) -> NotNow:
    """Note a failed try: the next one waits 1, 2, 4, then 8 seconds, or as long as FotoWeb asked."""
    doubled = FIRST_RETRY_SECONDS * 2.0 ** min(held.failures, 10)
    wait_seconds = retry_after_seconds or min(doubled, LAST_RETRY_SECONDS)
    held.failures += 1
    held.retry_at = site.monotonic() + wait_seconds
    held.operator_error = operator_error
    return NotNow(wait_seconds)


def cookie_copy(site: Site, record: SessionRecord) -> SessionRecord | None:
    """Return the record where the browser's cookie carries it too; None where the server cache alone does."""
    held = site.near.find(record.session_id)
    by_handle = held.by_handle if held is not None else site.settings.cookie_mode == "reference"
    return None if by_handle else record


def seconds_left(site: Site, record: SessionRecord) -> float:
    """Return how long any cookie of the session may still come, with a minute for clocks that differ."""
    return max(0.0, record.started_at + site.settings.session_lifetime - site.clock()) + 60


def lease_key(site: Site, held: Held) -> str:
    """Return the key of the lease on a session's refresh."""
    return site.cache_key("refresh", held.record.session_id)

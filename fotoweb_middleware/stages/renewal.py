"""The exchange of a refresh token, for the one request that holds the lease (stage 3, ``refresh``, takes it).

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
import math
from dataclasses import dataclass

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome
from fotoweb_middleware.effects import Flow, LoadRecord, PostForm, SaveRecord
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
from fotoweb_middleware.stages.records import CacheDown, bury_session, load_newest, open_stored, seal_record

__all__ = [
    "FIRST_RETRY_SECONDS",
    "REFRESH_STEP",
    "Ended",
    "NotNow",
    "OperatorFault",
    "Renewal",
    "Right",
    "Usable",
    "cookie_copy",
    "is_result",
    "renew_under_lease",
]

REFRESH_STEP = 1_000_000
"""How far a refresh raises the version. Noting a request for the idle limit raises it by 1:
so a refresh always outranks a note that was written meanwhile."""

FIRST_RETRY_SECONDS = 1.0
LAST_RETRY_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Right:
    """The right to renew one session's tokens.

    Attributes:
        lease: Kept until the result is written down.
        ends_at: Monotonic seconds from which somebody else may hold it.
    """

    lease: Lease
    ends_at: float


@dataclass(frozen=True, slots=True)
class Usable:
    """The session's token may be used for this request."""

    held: Held
    was_renewed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over; the next navigation logs in again.

    Attributes:
        is_certain: False where only the server cache, being down, could tell: then the browser keeps its cookie.
    """

    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class NotNow:
    """The token has expired, as far as clocks tell, and can't be renewed now; the session lives on."""

    retry_after_seconds: float
    cache_is_down: bool = False


@dataclass(frozen=True, slots=True)
class OperatorFault:
    """The token has expired, and FotoWeb refuses the app itself; the session lives on."""

    error: str


Renewal = Usable | Ended | NotNow | OperatorFault


def renew_under_lease(site: Site, before: SessionRecord, right: Right, since: float = math.inf) -> Flow[Renewal]:
    """Look once more whether somebody renewed it meanwhile, then ask FotoWeb, and write the answer down.

    Args:
        site: The wrapped app's.
        before: What the request came with, as it was before the lease was taken.
        right: The right to renew.
        since: Epoch seconds at which the request began to wait; infinite where it does not.
    """
    newest = yield from load_newest(site, before.session_id, cookie_copy(site, before))
    if isinstance(newest, CacheDown):
        return NotNow(FIRST_RETRY_SECONDS, cache_is_down=True)
    if newest is None or site.near.is_buried(before.session_id):
        return Ended()
    if is_result(newest, before, site.clock(), since):
        return Usable(newest, was_renewed=True)
    if site.monotonic() + site.settings.http_timeout > right.ends_at:
        return NotNow(FIRST_RETRY_SECONDS)  # We were held up: by the time of an answer somebody else could ask too.
    asked = newest.record  # By the time of an answer a newer version may be held, which FotoWeb said nothing of.
    try:
        tokens = yield from ask_fotoweb(site, asked)
    except FotoWebRefused as refusal:
        if is_operator_fault(refusal):
            journal(Event.OPERATOR_FAULT, session_id=before.session_id, cause=refusal.error)
            back_off(site, newest, None, operator_error=refusal.error)
            return OperatorFault(refusal.error)
        return (yield from end_unless_newer(site, newest, asked))
    except FotoWebError as failure:
        journal(Event.REFRESH_FAILED, session_id=before.session_id, cause=failure)
        asked_seconds = failure.retry_after_seconds if isinstance(failure, FotoWebUnreachable) else None
        return back_off(site, newest, asked_seconds)
    return (yield from write_down(site, newest, tokens, right.lease))


def is_result(newest: Held, before: SessionRecord, now: float, since: float) -> bool:
    """Return whether somebody else's refresh has brought what a request waits for.

    What came while it waited is its result, whatever its ``expires_in`` says; the next one would be no better. What
    came earlier and has expired since is none.

    Args:
        newest: What is held of the session.
        before: What the request came with.
        now: Epoch seconds.
        since: Epoch seconds at which the request began to wait.
    """
    if not has_newer_tokens(newest.record, before):
        return False
    return now < newest.current.expires_at or newest.record.tokens.received_at >= since


def has_newer_tokens(newest: SessionRecord, before: SessionRecord) -> bool:
    """Return whether a refresh lies between two versions: notes that the session was used leave the tokens alone."""
    return newest.version > before.version and newest.tokens != before.tokens


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
    held = held_now(site, held)
    before = held.record  # What is held may be another version by the time of an answer.
    record = dataclasses.replace(before, version=before.version + REFRESH_STEP, tokens=tokens)
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
        newest = yield from load_newest(site, record.session_id, cookie_copy(site, before))
        if isinstance(newest, CacheDown):
            return NotNow(FIRST_RETRY_SECONDS, cache_is_down=True)
        if newest is None:
            return Ended()
        if has_newer_tokens(newest.record, before):
            return Usable(newest, was_renewed=True)
        outcome = None  # Refused by a fence that was lost: ours are the only tokens that FotoWeb still takes.
    journal(Event.REFRESHED, session_id=record.session_id, expires_at=tokens.expires_at)
    adopted = site.near.adopt(record)
    site.near.note_saved(record, is_saved=outcome is not None)
    return Ended() if site.near.is_buried(record.session_id) else Usable(adopted, was_renewed=True)


def end_unless_newer(site: Site, held: Held, record: SessionRecord) -> Flow[Renewal]:
    """End a session that FotoWeb refused; not where somebody else has a newer token: the old one was refused then.

    Where the server cache can't tell, only this request is without a session. Another machine may have renewed the
    token just now, and a tombstone of ours would end that good session too, once the cache is back.

    Args:
        site: The wrapped app's.
        held: What is held of the session.
        record: The version whose token was refused.
    """
    key = site.cache_key("session", record.session_id)
    try:
        stored = yield from LoadRecord(key)
    except CacheUnavailable as error:
        journal(Event.SESSION_REFUSED, session_id=record.session_id, cause=error)
        back_off(site, held, None)
        return Ended(is_certain=False)
    if (cached := open_stored(site, key, stored)) is not None:
        site.near.adopt(cached)
    was_ended = stored is not None and stored.value is None
    # What memory knows counts too: a cookie with the newer token may have come while FotoWeb was asked.
    newest = None if was_ended else site.near.find(record.session_id)
    if newest is not None and has_newer_tokens(newest.record, record):
        return Usable(newest, was_renewed=True)
    journal(Event.SESSION_REFUSED, session_id=record.session_id)
    yield from bury_session(site, record.session_id)
    return Ended()


def back_off(site: Site, held: Held, retry_after_seconds: float | None, *, operator_error: str | None = None) -> NotNow:
    """Note a failed try: the next one waits 1, 2, 4, then 8 seconds, or as long as FotoWeb asked."""
    held = held_now(site, held)
    doubled = FIRST_RETRY_SECONDS * 2.0 ** min(held.failures, 10)
    wait_seconds = retry_after_seconds or min(doubled, LAST_RETRY_SECONDS)
    held.failures += 1
    held.retry_at = site.monotonic() + wait_seconds
    held.operator_error = operator_error
    return NotNow(wait_seconds)


def held_now(site: Site, held: Held) -> Held:
    """Return what is held of a session, which may have gone to rest while FotoWeb was asked; what is noted stays."""
    return site.near.find(held.record.session_id) or held


def cookie_copy(site: Site, record: SessionRecord) -> SessionRecord | None:
    """Return the record where the browser's cookie carries it too; None where the server cache alone does."""
    held = site.near.find(record.session_id)
    by_handle = held.by_handle if held is not None else site.settings.cookie_mode == "reference"
    return None if by_handle else record


def seconds_left(site: Site, record: SessionRecord) -> float:
    """Return how long any cookie of the session may still come, with a minute for clocks that differ."""
    return max(0.0, record.started_at + site.settings.session_lifetime - site.clock()) + 60

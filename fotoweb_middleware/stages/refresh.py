"""Stage 3 of 4, after lookup, before supply: is the token good; if not, one caller renews it, all others wait.

Of each process one request stands for all that wait (the turn), so that waiters don't crowd the server cache;
of all processes one holds the lease and asks FotoWeb (``renewal``).
"""

from __future__ import annotations

import enum
import math

from fotoweb_middleware.effects import AwaitLease, Detach, Flow, TakeLease
from fotoweb_middleware.errors import CacheUnavailable
from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.records import CacheDown, load_newest
from fotoweb_middleware.stages.renewal import (
    FIRST_RETRY_SECONDS,
    Ended,
    NotNow,
    OperatorFault,
    Renewal,
    Right,
    Usable,
    cookie_copy,
    is_result,
    renew_under_lease,
)

__all__ = ["Age", "age_of", "keep_usable", "renew_later"]

LEASE_MARGIN_SECONDS = 5.0
WAIT_MARGIN_SECONDS = 0.5
IN_VAIN_SECONDS = 0.2
"""How long all others of a process are told what one of them found who got the lease too late to ask. Else each of a
crowd would take it, one after the other, and nobody with time to ask would come to it."""
USED_ONCE_WITHIN_SECONDS = 60.0
LEFT_SECONDS = 1.0
"""How long a stale token is left alone that somebody else renews: each try to take the lease asks the server cache."""


class Age(enum.Enum):
    """How old a session's token is."""

    FRESH = "fresh"
    STALE = "stale"
    EXPIRED = "expired"


def age_of(held: Held, now: float) -> Age:
    """Return how old the token is; ``now`` is in epoch seconds."""
    current = held.current
    if now < current.quiet_from:
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
    if held is None or age_of(held, site.clock()) is Age.FRESH or held.is_left(site.monotonic()):
        return
    before = held.record
    right = yield from take_lease(site, before)
    if isinstance(right, Right):
        yield from Detach(renew_alone(site, held, before, right), right.lease)
    else:
        held.left_until = site.monotonic() + LEFT_SECONDS


def renew_alone(site: Site, held: Held, before: SessionRecord, right: Right) -> Flow[Renewal]:
    """Renew a stale token while other requests of this process leave it alone, and no longer, however this ends.

    Args:
        site: The wrapped app's.
        held: The session, as it was found.
        before: Its record, as it was before the lease was taken.
        right: The right to renew.
    """
    held.left_until = right.ends_at  # At most, should this never come to its end.
    try:
        return (yield from renew_under_lease(site, before, right))
    finally:
        held.left_until = -math.inf


def renew(site: Site, held: Held) -> Flow[Renewal]:
    """Renew an expired token, or take the result of whoever does; waits no longer than one call to FotoWeb may last."""
    before, since = held.record, site.clock()
    turn_key = site.cache_key("turn", before.session_id)
    left_seconds = site.settings.http_timeout + WAIT_MARGIN_SECONDS
    while (result := known_result(site, before, since)) is None:
        if left_seconds <= 0:
            return NotNow(FIRST_RETRY_SECONDS)
        turn = yield from TakeLease(turn_key, left_seconds, local_only=True)
        if turn is not None:
            return (yield from Detach(renew_for_all(site, before, left_seconds, since), turn))
        left_seconds -= yield from AwaitLease(turn_key, left_seconds)
    return result


def renew_for_all(site: Site, before: SessionRecord, left_seconds: float, since: float) -> Flow[Renewal]:
    """Do what ``renew`` says, for every request of this process that waits for the same.

    Args:
        site: The wrapped app's.
        before: What the request came with.
        left_seconds: How long it may wait for the lease.
        since: Epoch seconds at which it began to wait.
    """
    while (result := known_result(site, before, since)) is None:
        right = yield from take_lease(site, before)
        if isinstance(right, CacheDown):
            return NotNow(FIRST_RETRY_SECONDS, cache_is_down=True)
        if right is not None:
            return (yield from renew_in_time(site, before, right, left_seconds, since))
        if left_seconds <= 0:
            return NotNow(FIRST_RETRY_SECONDS)
        left_seconds -= yield from AwaitLease(lease_key(site, before.session_id), left_seconds)
        if site.shared_cache and known_result(site, before, since) is None:
            yield from load_newest(site, before.session_id, cookie_copy(site, before))
    return result


def renew_in_time(site: Site, before: SessionRecord, right: Right, left_seconds: float, since: float) -> Flow[Renewal]:
    """Renew where a call to FotoWeb fits into the time that is left; else take what the last holder left behind.

    A call after a long wait would make the whole answer take twice as long as promised.

    Args:
        site: The wrapped app's.
        before: What the request came with.
        right: The right to renew.
        left_seconds: How much of its wait is left.
        since: Epoch seconds at which it began to wait.
    """
    if left_seconds >= site.settings.http_timeout:
        return (yield from renew_under_lease(site, before, right, since))
    if site.shared_cache:  # The result may have been written since we looked, just before the lease was given up.
        yield from load_newest(site, before.session_id, cookie_copy(site, before))
    if (result := known_result(site, before, since)) is not None:
        return result
    if (held := site.near.find(before.session_id)) is not None:
        held.retry_at = site.monotonic() + IN_VAIN_SECONDS
    return NotNow(FIRST_RETRY_SECONDS)


def known_result(site: Site, before: SessionRecord, since: float) -> Renewal | None:
    """Return what became of a refresh that this process knows of; None: nothing is known, so somebody must try.

    Args:
        site: The wrapped app's.
        before: What the request came with.
        since: Epoch seconds at which it began to wait.
    """
    if site.near.is_buried(before.session_id):
        return Ended()
    newest = site.near.find(before.session_id)
    if newest is None:
        return None
    now = site.clock()
    if is_result(newest, before, now, since) or age_of(newest, now) is not Age.EXPIRED:
        return Usable(newest, was_renewed=True)
    wait_seconds = newest.retry_at - site.monotonic()
    if wait_seconds <= 0:
        return None
    return OperatorFault(newest.operator_error) if newest.operator_error else NotNow(wait_seconds)


def take_lease(site: Site, before: SessionRecord) -> Flow[Right | CacheDown | None]:
    """Try to become the one who renews; with the server cache down, the one within this process.

    Where the server cache alone carries the session, nothing is renewed while it is down: nobody else could learn of
    the new token, and the old one would be dead for all of them.
    """
    key = lease_key(site, before.session_id)
    ttl_seconds = site.settings.http_timeout + LEASE_MARGIN_SECONDS
    ends_at = site.monotonic() + ttl_seconds
    try:
        lease = yield from TakeLease(key, ttl_seconds)
    except CacheUnavailable:
        if cookie_copy(site, before) is None:
            return CacheDown()
        ends_at = site.monotonic() + ttl_seconds
        lease = yield from TakeLease(key, ttl_seconds, local_only=True)
    return Right(lease, ends_at) if lease is not None else None


def lease_key(site: Site, session_id: str) -> str:
    """Return the key of the lease on a session's refresh: its entry's, from which a fence goes on that was lost."""
    return site.cache_key("session", session_id)

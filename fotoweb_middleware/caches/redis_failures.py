"""From whatever goes wrong with Redis to ``CacheUnavailable``, in words for the log and without a secret.

The words of redis-py and of Redis are not repeated: they may hold parts of a command. Their kinds are told instead.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator

import redis

from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["is_outage", "is_wrong_type", "tell"]

KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not one we trust (ssl_ca_certs in FOTOWEB_CACHE)"),
    (ssl.SSLError, "TLS failed; does it speak TLS at this port?"),
    (redis.exceptions.AuthenticationError, "it refuses the user and password in FOTOWEB_CACHE, or wants some"),
    (redis.exceptions.AuthenticationWrongNumberOfArgsError, "it refuses the user and password in FOTOWEB_CACHE"),
    (redis.exceptions.NoPermissionError, "the user in FOTOWEB_CACHE may not do what is needed (ACL)"),
    (redis.exceptions.BusyLoadingError, "it is still loading its data"),
    (redis.exceptions.ReadOnlyError, "it is a read-only replica"),
    (redis.exceptions.OutOfMemoryError, "its memory is full (maxmemory)"),
    (redis.exceptions.AskError, "it is a Redis Cluster, which is not supported"),
    (redis.exceptions.ClusterCrossSlotError, "it is a Redis Cluster, which is not supported"),
    (socket.gaierror, "its host has no address"),
    (redis.TimeoutError, "no answer in time"),
    (TimeoutError, "no answer in time"),
)
CODE = re.compile(r"[A-Z]{2,20}\b", re.ASCII)


def is_outage(error: Exception) -> bool:
    """Return whether Redis is out of reach or out of its mind: then the next call is likely to fail too.

    An orderly refusal of one command (read-only, memory full, no permission) is none.
    """
    return not isinstance(error, redis.ResponseError)


def is_wrong_type(error: Exception) -> bool:
    """Return whether something that is not ours lies under the key. The first word of an error is its code (RESP)."""
    return isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE")


def tell(error: Exception) -> CacheUnavailable:
    """Return the error to raise."""
    if isinstance(error, CacheUnavailable):
        return error
    chain = list(causes(error))
    for kind, words in KINDS:
        if any(isinstance(cause, kind) for cause in chain):
            return CacheUnavailable(f"Redis is unavailable: {words}.")
    code = CODE.match(str(error)) if isinstance(error, redis.ResponseError) else None
    if code is not None:
        return CacheUnavailable(f"Redis refused: {code[0]}.")
    numbers = [cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno and cause.errno > 0]
    what = os.strerror(numbers[-1]) if numbers else type(error).__name__
    return CacheUnavailable(f"Redis is unavailable: {what}.")


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    at: BaseException | None = error
    for _ in range(10):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__


def needs_new_connections(error: Exception) -> bool:
    """Return whether the idle connections lead to the wrong place, or hold answers to other questions.

    After a failover the old primary is a read-only replica; a new connection may find the new primary.
    """
    return isinstance(error, redis.exceptions.ReadOnlyError | CacheUnavailable)

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

__all__ = ["has_mend", "is_out_of_step", "is_outage", "is_read_only", "is_wrong_type", "tell", "words_of"]

NO_ANSWER = "no answer in time"
BROKEN = "the connection broke"
LOADING = "it is still loading its data"
NOT_PERMITTED = "the user in FOTOWEB_CACHE may not do what is needed (ACL)"
CLUSTER = "it is a Redis Cluster, which is not supported"

KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "its TLS certificate is not one we trust (ssl_ca_certs in FOTOWEB_CACHE)"),
    (ssl.SSLError, "TLS failed: it speaks none at this port, or wants a certificate of ours (ssl_certfile)"),
    (redis.exceptions.AuthenticationError, "it refuses the user and password in FOTOWEB_CACHE, or wants some"),
    (redis.exceptions.AuthenticationWrongNumberOfArgsError, "it refuses the user and password in FOTOWEB_CACHE"),
    (redis.exceptions.NoPermissionError, NOT_PERMITTED),
    (redis.exceptions.BusyLoadingError, LOADING),
    (redis.exceptions.ReadOnlyError, "it is a read-only replica: FOTOWEB_CACHE must lead to the primary"),
    (redis.exceptions.OutOfMemoryError, "its memory is full (maxmemory)"),
    (redis.exceptions.MasterDownError, "it is a replica without its primary"),
    (redis.exceptions.AskError, CLUSTER),
    (redis.exceptions.ClusterCrossSlotError, CLUSTER),
    (redis.exceptions.ClusterDownError, CLUSTER),
    (redis.exceptions.InvalidResponse, "it does not speak as Redis does"),
    (socket.gaierror, "its host has no address"),
    (redis.TimeoutError, NO_ANSWER),
    (TimeoutError, NO_ANSWER),
)
CODES = {
    "ACL": NOT_PERMITTED,  # Said of what a script does.
    "BUSY": "a script keeps it busy (SCRIPT KILL ends it)",
    "MISCONF": "it can't write to its disk, and takes no writes meanwhile (MISCONF)",
    "NOREPLICAS": "too few replicas follow it (min-replicas-to-write)",
}
TOO_MANY_CLIENTS = "it takes no more connections (maxclients)"
CODE = re.compile(r"[A-Z]{2,20}\b", re.ASCII)
MENDABLE = {words for _, words in KINDS} - {NO_ANSWER, LOADING} | {*CODES.values(), TOO_MANY_CLIENTS}


def is_outage(error: Exception) -> bool:
    """Return whether Redis is out of reach or out of its mind: then the next call is likely to fail too.

    An orderly refusal of one command (read-only, memory full, no permission) is none; one of every command is.
    """
    if isinstance(error, redis.exceptions.MasterDownError):
        return True
    return not isinstance(error, redis.ResponseError) or code_of(error) == "BUSY"


def has_mend(words: str) -> bool:
    """Return whether a cause is one that somebody must mend, and that does not pass by itself."""
    return words in MENDABLE


def is_wrong_type(error: Exception) -> bool:
    """Return whether something that is not ours lies under the key. The first word of an error is its code (RESP)."""
    return isinstance(error, redis.ResponseError) and str(error).startswith("WRONGTYPE")


def tell(error: Exception) -> CacheUnavailable:
    """Return the error to raise."""
    return (
        error if isinstance(error, CacheUnavailable) else CacheUnavailable(f"Redis is unavailable: {words_of(error)}.")
    )


def words_of(error: Exception) -> str:
    """Return what went wrong, as a part of a sentence."""
    if isinstance(error, CacheUnavailable):
        return str(error).partition(". ")[0].removesuffix(".")
    chain = list(causes(error))
    for kind, words in KINDS:
        if any(isinstance(cause, kind) for cause in chain):
            return words
    code = code_of(error)
    if code:
        return CODES.get(code, f"it refuses ({code})")
    numbers = [cause.errno for cause in chain if isinstance(cause, OSError) and cause.errno and cause.errno > 0]
    if numbers:
        return os.strerror(numbers[-1])
    if isinstance(error, redis.ConnectionError):
        return TOO_MANY_CLIENTS if "max number of clients" in str(error) else BROKEN
    return type(error).__name__


def code_of(error: Exception) -> str:
    """Return the code of Redis's refusal, the first word of it (RESP), or ""."""
    code = CODE.match(str(error)) if isinstance(error, redis.ResponseError) else None
    return code[0] if code is not None else ""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    at: BaseException | None = error
    for _ in range(10):
        if at is None:
            return
        yield at
        at = at.__cause__ or at.__context__


def is_out_of_step(error: Exception) -> bool:
    """Return whether the idle connections may hold answers to other questions."""
    return isinstance(error, CacheUnavailable)


def is_read_only(error: Exception) -> bool:
    """Return whether a replica answered: after a failover a new connection may find the new primary."""
    return isinstance(error, redis.exceptions.ReadOnlyError)

"""What may block, as values.

A flow is a generator that yields effects and is sent their results.
A driver carries the effects out; a test sends whatever it likes.
Two rules hold for every flow:

1. Failures are thrown into the flow as errors of our own tree, since only the flow knows what a failure means.
2. A flow never yields inside ``finally``: a cancelled request closes the generator,
   and whatever must be cleaned up is the driver's to clean up.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored

__all__ = [
    "AwaitLease",
    "BuryRecord",
    "Claim",
    "Detach",
    "Effect",
    "Flow",
    "GetDocument",
    "HttpReply",
    "LoadRecord",
    "PostForm",
    "SaveRecord",
    "TakeLease",
]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Effect(Generic[T_co]):
    """Something that may block; ``result = yield from effect`` gives its result, typed."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, T_co]:
        """Yield this effect to the driver and return what the driver sends back."""
        return cast("T_co", (yield self))


Flow: TypeAlias = Generator[Effect[Any], Any, R]
"""A generator of effects that ends in an ``R``."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An answer of FotoWeb's.

    Attributes:
        status: HTTP status.
        retry_after: The Retry-After header, None where absent.
        body: At most 256 KiB, not compressed.
    """

    status: int
    retry_after: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoadRecord(Effect[Stored | None]):
    """Read the server cache. Fails with ``CacheUnavailable``."""

    key: str


@dataclass(frozen=True, slots=True)
class SaveRecord(Effect[SaveOutcome]):
    """Write to the server cache; see ``Cache.save`` for the conditions. Fails with ``CacheUnavailable``."""

    key: str
    value: bytes = field(repr=False)
    version: int
    ttl_seconds: float
    create: bool
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class BuryRecord(Effect[None]):
    """Put a tombstone into the server cache. Fails with ``CacheUnavailable``."""

    key: str
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class TakeLease(Effect[Lease | None]):
    """Become the only one who works on ``key``; None: somebody else does, in this process or elsewhere.

    A lease ends with the run that took it, or with the ``Detach`` it was handed to.
    Fails with ``CacheUnavailable`` (then this process alone is covered: take it with ``local_only``).
    """

    key: str
    ttl_seconds: float
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class AwaitLease(Effect[float]):
    """Wait until ``key`` may be free again, at most ``at_most_seconds``; gives the seconds waited.

    Woken at once where the holder is in this process; a short pause with jitter where it is elsewhere.
    """

    key: str
    at_most_seconds: float


@dataclass(frozen=True, slots=True)
class Claim(Effect[bool]):
    """Be the first to use ``key`` within ``ttl_seconds``: True for one caller, False for all others.

    Fails with ``CacheUnavailable`` (then this process alone is covered: claim with ``local_only``).
    """

    key: str
    ttl_seconds: float
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class PostForm(Effect[HttpReply]):
    """POST a form to FotoWeb. Fails with ``FotoWebUnreachable`` or ``FotoWebNonsense``."""

    url: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GetDocument(Effect[HttpReply]):
    """GET a document from FotoWeb with a bearer token. Fails as ``PostForm`` does."""

    url: str
    accept: str
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Detach(Effect[T_co]):
    """Carry ``flow`` out to its end even if the request that asked for it goes away; gives the flow's result.

    Attributes:
        flow: What must not be cut in the middle.
        lease: Given up when the flow has ended, and not before.
    """

    flow: Flow[T_co]
    lease: Lease | None = None

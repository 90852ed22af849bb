"""What is thrown into a flow where one of its effects failed: errors of our own tree, and nothing else."""

from __future__ import annotations

import logging
from typing import Any

from fotoweb_middleware.effects import BuryRecord, Claim, Effect, LoadRecord, SaveRecord, TakeLease
from fotoweb_middleware.errors import CacheUnavailable, FotoWebMiddlewareError

__all__ = ["cache_failure", "failure_of"]

LOGGER = logging.getLogger("fotoweb_middleware")
OF_THE_CACHE = (LoadRecord, SaveRecord, BuryRecord, TakeLease, Claim)


def failure_of(effect: Effect[Any], error: Exception) -> FotoWebMiddlewareError:
    """Return what the flow is told.

    Args:
        effect: What failed.
        error: How.

    Raises:
        Exception: ``error`` itself, where it is a fault of ours.
    """
    if isinstance(effect, OF_THE_CACHE):
        return cache_failure(error)
    if isinstance(error, FotoWebMiddlewareError):
        return error
    raise error


def cache_failure(error: Exception) -> FotoWebMiddlewareError:
    """Return how a cache failed.

    One of somebody's own may raise what its database does, though it ought not to. For the people who use the app that
    is a cache out of reach, as any other; whoever wrote it finds the traceback in the log.
    """
    if isinstance(error, FotoWebMiddlewareError):
        return error
    LOGGER.error(
        "the cache raised what no cache may, and counts as down: let it raise CacheUnavailable", exc_info=error
    )
    return CacheUnavailable(f"it raised {type(error).__name__}")

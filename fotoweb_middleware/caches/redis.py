"""``redis://`` and ``rediss://``: a Redis or Valkey that several machines share.

Two thin faces over redis-py: ``redis_blocking`` and ``redis_async``. What is asked and how answers read is in
``redis_scripts``, which addresses are taken in ``redis_address``, how connections are kept in ``redis_connections``,
what failures mean in ``redis_failures``, how an outage is sat out in ``redis_breaker``, what the log is told of it in
``reports``; both faces go through ``redis_health`` for that. What becomes of leases that an outage left behind is in
``redis_orphans``. Waits in asyncio are bounded by ``redis_patience``.

redis-py is an extra: import this module only where the settings name a Redis.
"""

from __future__ import annotations

from fotoweb_middleware.errors import SettingsError

OLDEST = 8
"""redis-py before 8.0 reads a surplus answer as the answer to the next question (asyncio; seen in 5.2 to 7.4)."""

try:
    import redis

    from fotoweb_middleware.caches.redis_async import AsyncRedisCache
    from fotoweb_middleware.caches.redis_blocking import RedisCache
except ModuleNotFoundError as error:
    if error.name != "redis":
        raise
    raise SettingsError(
        "FOTOWEB_CACHE names a Redis, and redis-py is not installed. pip install 'fotoweb-middleware[redis]'"
    ) from None

if int(redis.__version__.partition(".")[0]) < OLDEST:
    raise SettingsError(
        f"FOTOWEB_CACHE names a Redis, and redis-py {redis.__version__} is too old: it needs {OLDEST}.0 or later. "
        "pip install 'fotoweb-middleware[redis]'"
    )

__all__ = ["AsyncRedisCache", "RedisCache"]

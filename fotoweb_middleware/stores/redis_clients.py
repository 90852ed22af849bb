"""redis-py's clients for a Redis address: of one server, of the primary that sentinels name, or of a cluster.

    redis://host/0                                redis.Redis
    redis+sentinel://host,host2/service/0         the same, whose connections ask a sentinel where the primary is
    redis+cluster://host,host2                    redis.cluster.RedisCluster

``rediss`` is each with TLS. All get the same options. They differ in how they find a server, and redis-py does that.
"""

from __future__ import annotations

# Every look-up of a host's name imports this at its first. A child that is forked in the middle of an import would find
# the module locked for ever.
import encodings.idna  # noqa: F401
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.cluster import REDIS_ALLOWED_KEYS, ClusterNode, RedisCluster
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings.cache_address import RedisAddress, split_redis_address

if int(redis.__version__.partition(".")[0]) < 8:
    raise SettingsError(
        f"FOTOWEB_CACHE names a Redis, and redis-py {redis.__version__} is too old: it needs 8.0 or later. "
        "pip install 'fotoweb-middleware[redis]'"
    )

# redis-py gives them no types.
take_apart: Callable[[str], dict[str, Any]] = parse_url
make_pool: Callable[..., Any] = redis.BlockingConnectionPool
make_retry: Callable[..., Any] = Retry
make_cluster: Callable[..., Any] = RedisCluster
make_node: Callable[..., Any] = ClusterNode

MAX_CONNECTIONS = 32
"""Most connections of one process to one server, where the address does not say otherwise."""
OF_SENTINELS = "sentinel_"
"""What options begin with that are for connections to the sentinels alone."""


@dataclass(frozen=True, slots=True)
class FoundAddress:
    """What an address says.

    Attributes:
        split: The address, taken apart.
        place: For the log, without a secret.
        options: For redis-py's pool and its connections.
        sentinel_options: For connections to the sentinels.
    """

    split: RedisAddress
    place: str
    options: dict[str, Any] = field(repr=False)
    sentinel_options: dict[str, Any] = field(repr=False)


def read_address(address: str) -> FoundAddress | None:
    """Return what an address says; None where it can't be read, or has an option that redis-py does not know."""
    try:
        split = split_redis_address(address)
        options: dict[str, Any] = {"max_connections": MAX_CONNECTIONS, **take_apart(split.first_host_url)}
        if not split.kind:
            place = f"Redis at {options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"
            make_pool(**options).make_connection()  # This connects to nothing; redis-py looks at the options.
            return FoundAddress(split, place, options, {})
        split.nodes()  # Raises where one can't be read.
        hosts = ", ".join(split.hosts)
        del options["host"]
        options.pop("port", None)
        if split.kind == "cluster":
            options.pop("db", None)
            make_pool(**options).make_connection()
            is_known = options.keys() <= set(REDIS_ALLOWED_KEYS)  # It leaves others out, without a word.
            return FoundAddress(split, f"Redis Cluster at {hosts}", options, {}) if is_known else None
        of_sentinels = {name: options.pop(name) for name in list(options) if name.startswith(OF_SENTINELS)}
        sentinel_options = {
            **{name: value for name, value in options.items() if name.startswith(("ssl_", "connection_class"))},
            **{name.removeprefix(OF_SENTINELS): value for name, value in of_sentinels.items()},
        }
        make_pool(**options).make_connection()
        make_pool(**sentinel_options).make_connection()
    except Exception:  # noqa: BLE001 (redis-py raises anything, and its words may hold the password)
        return None
    place = f"Redis {split.service!a} of the sentinels {hosts}"
    return FoundAddress(split, place, options, sentinel_options)


def client_maker(found: FoundAddress, timeout_seconds: float) -> Callable[[], Any]:
    """Return what returns a client, always the same. Nothing is connected to before the client is used.

    RESP 2, since with RESP 3 redis-py does not check that a connection from the pool has no surplus answer waiting,
    which would be read as the answer to the next question.
    """
    connecting = {
        "socket_timeout": timeout_seconds / 2,
        "socket_connect_timeout": timeout_seconds / 2,
        "retry_on_timeout": False,
        "decode_responses": False,
        "protocol": 2,
        "driver_info": None,  # Two answers less to wait for, and one permission less to grant (CLIENT SETINFO).
    }
    retrying = {"retry": make_retry(NoBackoff(), 0), "retry_on_error": [], "health_check_interval": 0}
    # For a free connection: longer than those who have one wait for Redis.
    options = found.options | connecting | {"timeout": timeout_seconds}
    if found.split.kind == "cluster":
        return ClusterClient(found.split.nodes(), options, timeout_seconds)
    if found.split.kind == "sentinel":
        return sentinel_client(found, options | retrying, connecting | retrying)
    client = redis.Redis(connection_pool=make_pool(**options | retrying))
    return lambda: client


# ------------------------------------------------------------------------------------------------------------- Sentinel


class UnknownService(redis.ConnectionError):
    """Sentinels answered, and none knows a service of this name."""


class PrimaryDown(redis.ConnectionError):
    """Sentinels know the service, and none knows of a primary that is up."""


class NoSentinel(redis.ConnectionError):
    """No sentinel answered; the cause is the last one's error."""


class ExplainingSentinel(Sentinel):
    """redis-py's client of sentinels, which says why it finds no primary."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the primary, from the first sentinel that knows it.

        Raises:
            UnknownService: None knows the service.
            PrimaryDown: Those that answered know of no primary that is up.
            NoSentinel: None answered.
        """
        last_error, is_known, is_answered = None, False, False
        for place, sentinel in enumerate(self.sentinels):
            try:
                masters: Any = sentinel.sentinel_masters()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                last_error = error
                continue
            state = masters.get(service_name)
            if state and self.check_master_state(state, service_name):  # type: ignore[no-untyped-call]
                self.sentinels[0], self.sentinels[place] = sentinel, self.sentinels[0]  # Asked first from now on.
                return state["ip"], state["port"]
            is_answered, is_known = True, is_known or bool(state)
        if last_error is not None and not is_answered:
            raise NoSentinel from last_error
        raise PrimaryDown if is_known else UnknownService


class BlockingSentinelPool(SentinelConnectionPool, redis.BlockingConnectionPool):
    """A pool of connections to the primary, in which a thread waits for a free one."""


def sentinel_client(found: FoundAddress, options: dict[str, Any], connecting: dict[str, Any]) -> Callable[[], Any]:
    """Return what returns a client of the primary, whichever server that is."""
    # However many of the sentinels are silent, those after them are asked in time.
    nodes = found.split.nodes()
    share = {name: connecting[name] / len(nodes) for name in ("socket_timeout", "socket_connect_timeout")}
    of_sentinels = {**found.sentinel_options, **connecting, **share, "timeout": options["timeout"]}
    sentinel: Any = ExplainingSentinel([])  # type: ignore[no-untyped-call]
    sentinel.sentinels = [
        redis.Redis(connection_pool=make_pool(host=host, port=port, **of_sentinels)) for host, port in nodes
    ]
    of_primary = {name: value for name, value in options.items() if name != "connection_class"}
    is_tls = "connection_class" in options
    pool: Any = BlockingSentinelPool(found.split.service, sentinel, ssl=is_tls, **of_primary)  # type: ignore[no-untyped-call]
    client = redis.Redis(connection_pool=pool)
    return lambda: client


# -------------------------------------------------------------------------------------------------------------- Cluster

_call = threading.local()


class TimelyPool(redis.BlockingConnectionPool):
    """A pool that gives nothing out once the time of the call is over.

    After a failure ``RedisCluster`` asks one node after the other who serves which slot, and all threads do so, one
    after the other. Where the nodes are silent, that would take minutes.
    """

    def get_connection(self, *_deprecated: Any, **_options: Any) -> Any:
        """Return a connection.

        Raises:
            redis.TimeoutError: The call has taken too long already.
        """
        if time.monotonic() > getattr(_call, "ends_at", math.inf):
            raise redis.TimeoutError("this call has taken too long")
        return super().get_connection()  # type: ignore[no-untyped-call]


class ClusterClient:
    """Returns a ``RedisCluster``, which connects when it is made, and so is made at the first call.

    Args:
        nodes: Where the cluster's other nodes are asked for, the first that answers.
        options: For the pool of each node.
        timeout_seconds: Most time for a call, if no node answers.
    """

    def __init__(self, nodes: list[tuple[str, int]], options: dict[str, Any], timeout_seconds: float) -> None:
        self._nodes = nodes
        self._options = options
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._made: Any = None

    def __call__(self) -> Any:
        """Return the client; the time of this thread's call begins.

        Raises:
            Exception: No node can be reached in time, or none belongs to a cluster.
        """
        _call.ends_at = time.monotonic() + self._timeout_seconds
        with self._lock:
            if self._made is None:
                made = make_cluster(
                    # Only with a URL does it make pools of our own kind; what it reads there is one more node.
                    url="redis://{}:{}".format(*bracketed(self._nodes[0])),
                    startup_nodes=[make_node(host, port) for host, port in self._nodes],
                    retry=make_retry(NoBackoff(), len(self._nodes)),  # It asks one of the primaries for its commands.
                    require_full_coverage=False,  # The cluster says itself whether it serves the others meanwhile.
                    connection_pool_class=TimelyPool,
                    **self._options,
                )
                made.set_retry(make_retry(NoBackoff(), 0))
                self._made = made
            return self._made


def bracketed(node: tuple[str, int]) -> tuple[str, int]:
    """Return host and port of a node as a URL has them."""
    host, port = node
    return (f"[{host}]" if ":" in host else host), port

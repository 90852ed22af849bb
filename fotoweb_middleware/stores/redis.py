r"""``redis://`` and the like: a Redis or Valkey (6.0 or later) that several machines share.

Up to four Redis keys belong to one key of ours. The braces are a hash tag: a Redis Cluster keeps them in one slot.

    namespace:{key}:entry   "<version> <fence>\n<sealed bytes>", or "revoked"
    namespace:{key}:lock    the owner of the lock
    namespace:{key}:fence   the fence of the newest lock; outlives the lock by a day
    namespace:{key}:used    what ``use_once`` has seen

Between a look and a write there may be no gap, so what looks before it writes is one Lua script, which Redis runs with
nothing in between. Redis counts the time; no clock of ours takes part.

redis-py keeps the connections, bounds each wait, loads the scripts, and replaces connections that Redis has closed. It
repeats nothing: a call whose answer was lost may have been carried out, and a second ``acquire_lock``, ``use_once`` or
``save`` would be refused by the first. A Redis that hangs carries such calls out when it goes on; so ``acquire_lock``
chooses the owner's name before it asks, and tells it where no answer came (``LockUnanswered``). The look-up of a host's
name is as slow as the system's.

``redis_clients`` makes redis-py's client: of one server, of the primary that sentinels name, or of a cluster.

redis-py is an extra: import this module only where the settings name a Redis.
"""

from __future__ import annotations

import math
import queue
import re
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import redis
from redis.exceptions import RedisClusterException, ResponseError

from fotoweb_middleware.errors import LockUnanswered, SettingsError, StoreUnavailable, chain_of
from fotoweb_middleware.stores import forks
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock
from fotoweb_middleware.stores.redis_clients import NoSentinel, PrimaryDown, UnknownService, client_maker, read_address

T = TypeVar("T")

PAUSE_SECONDS = 1.0
"""How long after a failure nobody waits for Redis."""
FENCE_TTL_SECONDS = 86_400.0
"""How long a fence is remembered after its lock: longer than any holder is late."""
KEYS_AT_ONCE = 500
"""How many keys Redis looks at in one step of a scan, which takes it less than a millisecond."""

# The first bytes of an entry are enough to decide. An error ends a script: a user who may not look (ACL) must not write
# over a revocation. Lua's numbers are exact up to 2**53.
SAVE = """
local value, version, ttl, create, fence = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local stored = redis.call('GETRANGE', KEYS[1], 0, 63)
if stored == 'revoked' then return 'revoked' end
local stored_version, stored_fence = string.match(stored, '^(%d+) (%d+)\\n')
if stored_version then
  stored_fence = tonumber(stored_fence)
  if tonumber(stored_version) >= tonumber(version) then return 'newer' end
  if fence > 0 and stored_fence > fence then return 'newer' end
  fence = math.max(fence, stored_fence)
elseif create ~= '1' then
  return 'missing'
end
redis.call('SET', KEYS[1], version .. ' ' .. string.format('%.0f', fence) .. '\\n' .. value, 'PX', ttl)
return 'saved'
"""

# The fence is counted from the entry's where the counter was lost, or no holder could write any more.
ACQUIRE = """
local counted = tonumber(redis.call('GETRANGE', KEYS[2], 0, 63)) or 0
local saved = tonumber(string.match(redis.call('GETRANGE', KEYS[3], 0, 63), '^%d+ (%d+)\\n') or 0)
if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 0 end
local fence = math.max(counted, saved) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
return fence
"""

RELEASE = """
if redis.call('GETRANGE', KEYS[1], 0, 63) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisStore:
    """A session store in Redis or Valkey.

    Safe to call from several threads, and after a fork: each process has connections of its own. For a second after
    Redis could not be reached calls fail at once; then one is let through, to see whether it is back. Revocations are
    always tried.

    Args:
        address: As ``FOTOWEB_CACHE`` has it, with hosts, database, user and password. The query may have options of
            redis-py's pool and connections; those that we set ourselves are ignored.
        namespace: What every Redis key begins with.
        timeout_seconds: Most time for a call. Half of it for each step: connecting, one answer.
            (Twice that at most, where all connections are in use.)

    Raises:
        SettingsError: The address can't be read, or has an option that redis-py does not know. Redis itself is not
            asked: it may be down at start.
    """

    shared = True

    def __init__(
        self,
        address: str,
        *,
        namespace: str = "fotoweb",
        timeout_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        found = read_address(address)
        del address  # It may hold a password, which no frame of an error may.
        if found is None:
            raise SettingsError(
                "FOTOWEB_CACHE holds a Redis address that can't be read, or that has an option that redis-py does not "
                "know (those of TLS, ssl_..., need rediss://)."
            )
        self._found = found
        self._namespace = namespace
        self._timeout_seconds = timeout_seconds
        self._monotonic = monotonic
        self._place = found.place
        self._is_down = False
        self._down_because = ""
        self._paused_until = 0.0
        self.after_fork_in_child()
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """Forget the parent's connections, and locks that another of its threads may have held."""
        self._get_client = client_maker(self._found, self._timeout_seconds)

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``. A plain GET: it works on a replica too."""
        return self._call(lambda client: read_entry(client.get(self._name(key, "entry"))))

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        words = (value, version, milliseconds(ttl_seconds), int(create), lock.fence if lock is not None else 0)
        names = [self._name(key, "entry")]
        return self._call(lambda client: SaveOutcome(run(client, SAVE, names, words).decode()))

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``. Redis is asked also where it was out of reach a moment ago."""
        name, ttl = self._name(key, "entry"), milliseconds(ttl_seconds)
        self._call(lambda client: client.set(name, b"revoked", px=ttl), despite_pause=True)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        asked = StoreLock(key, secrets.token_hex(8), 0)
        names = [self._name(key, part) for part in ("lock", "fence", "entry")]
        words = (asked.owner, milliseconds(ttl_seconds), milliseconds(ttl_seconds + FENCE_TTL_SECONDS))
        fence = self._call(lambda client: int(run(client, ACQUIRE, names, words)), lock=asked)
        return replace(asked, fence=fence) if fence else None

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        self._call(lambda client: run(client, RELEASE, [self._name(lock.key, "lock")], (lock.owner,)))

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        options = {"px": milliseconds(ttl_seconds), "nx": True}
        return self._call(lambda client: client.set(self._name(key, "used"), b"1", **options) is True)

    def keys(self, prefix: str) -> set[str]:
        """See ``Store.keys``. Each step of the scan is a call of its own: Redis serves others in between."""
        before, after = f"{self._namespace}:{{", "}:entry"
        pattern = re.sub(r"([*?\\\[\]])", r"\\\1", before + prefix) + "*" + after
        found: set[str] = set()
        for node in self._call(primaries):
            cursor: int | None = None
            while cursor != 0:
                cursor, names = self._call(partial(scan, node=node, cursor=cursor or 0, pattern=pattern))
                found.update(name.decode()[len(before) : -len(after)] for name in names)
        return found

    def close(self) -> None:
        """See ``Store.close``. A connection in use is closed once its answer is there."""
        # With its last reference redis-py closes a client's connections. Closing the idle ones here could hit one that
        # another thread has just taken.
        self._get_client = client_maker(self._found, self._timeout_seconds)

    def _name(self, key: str, part: str) -> str:
        return f"{self._namespace}:{{{key}}}:{part}"

    def _call(self, ask: Callable[[Any], T], *, despite_pause: bool = False, lock: StoreLock | None = None) -> T:
        outcome = self._try(ask, despite_pause=despite_pause, lock=lock)
        if isinstance(outcome, StoreUnavailable):
            raise outcome  # Here, so that it carries neither redis-py's error nor the frames that know the password.
        return outcome

    def _try(self, ask: Callable[[Any], T], *, despite_pause: bool, lock: StoreLock | None) -> T | StoreUnavailable:
        if self._is_down and not despite_pause:
            now = self._monotonic()
            if now < self._paused_until:
                return StoreUnavailable(
                    f"{self._place} was out of reach a moment ago and has not been asked again: {self._down_because}."
                )
            self._paused_until = now + 2 * self._timeout_seconds  # For the others, while this call finds out.
        try:
            result = ask(self._get_client())
        except Exception as error:  # noqa: BLE001 (a server that is no Redis makes redis-py raise anything)
            self._note_failure(error)
            message = f"{self._place}: {cause_of(error)}."
            is_refused = isinstance(error, ResponseError)  # An answer: nothing comes later.
            return (
                StoreUnavailable(message)
                if lock is None or is_refused
                else LockUnanswered(message, key=lock.key, owner=lock.owner)
            )
        self._is_down = False
        return result

    def _note_failure(self, error: Exception) -> None:
        if isinstance(error, ResponseError) and "CLUSTERDOWN" not in text_of(error):
            self._is_down = False  # Redis answered. It refuses this command, and others may work.
            if "READONLY" in text_of(error):
                self.close()  # After a failover the address leads to another server; these connections don't.
        elif not any(isinstance(link, queue.Empty) for link in chain_of(error)):  # That is: no connection was free.
            self.close()  # Idle connections may be dead too (a machine that vanished), and each would cost a time-out.
            self._paused_until = self._monotonic() + PAUSE_SECONDS
            self._down_because = cause_of(error)
            self._is_down = True


def run(client: Any, script: str, names: list[str], words: tuple[Any, ...]) -> Any:
    """Run a script by its hash; redis-py loads it where Redis does not know it."""
    return client.register_script(script)(names, words)


def primaries(client: Any) -> list[Any]:
    """Return the nodes of a cluster that hold keys; of one server [None]."""
    return list(client.get_primaries()) if hasattr(client, "get_primaries") else [None]


def scan(client: Any, *, node: Any, cursor: int, pattern: str) -> tuple[int, list[bytes]]:
    """Look at some hundred keys; return where to go on (0: that was all), and the names that fit."""
    options = {} if node is None else {"target_nodes": node}
    cursors, names = client.scan(cursor, match=pattern, count=KEYS_AT_ONCE, **options)
    return (cursors if node is None else cursors[node.name]), names


def milliseconds(seconds: float) -> int:
    """Return a time to live as Redis takes it: whole milliseconds, at least one."""
    return max(1, math.ceil(seconds * 1000))


def read_entry(reply: bytes | None) -> StoredEntry | None:
    """Read what lies under an entry's name. What is not ours counts as lost."""
    if reply is None:
        return None
    if reply == b"revoked":
        return StoredEntry(None, 0)
    found = re.fullmatch(rb"(\d{1,19}) \d{1,19}\n(.*)", reply, re.DOTALL)
    return StoredEntry(found[2], int(found[1])) if found else None


# Redis's and redis-py's own words are never repeated: they may hold parts of a command.
CAUSES: tuple[tuple[str | tuple[type[BaseException], ...], str], ...] = (
    # What Redis says. Its code is the first word (RESP); older ones repeat it within the error of a script.
    ("NOAUTH|WRONGPASS|invalid password|AUTH <password>", "it refuses the user and password in FOTOWEB_CACHE"),
    ("NOPERM|ACL|user executing", "its user lacks a permission (ACL); the how-to page on Redis names all of them"),
    ("READONLY|MASTERDOWN", "it is a read-only replica; FOTOWEB_CACHE must lead to the primary"),
    ("OOM", "its memory is full (maxmemory); make room or raise it"),
    ("MISCONF", "it takes no writes (is its disk full?); look into its log"),
    ("LOADING", "it is still loading its data; wait"),
    ("BUSY", "a script keeps it busy, and none of ours; SCRIPT KILL ends it"),
    ("CLUSTERDOWN", "its cluster is down, since it misses primaries; CLUSTER INFO and CLUSTER NODES tell more"),
    ("MOVED", "it is a Redis Cluster; write redis+cluster:// in FOTOWEB_CACHE"),
    ("cluster support disabled", "it is no Redis Cluster; write redis:// in FOTOWEB_CACHE"),
    (
        "command .SENTINEL",
        "it is no sentinel; FOTOWEB_CACHE must name the sentinels' ports (26379), not those of Redis",
    ),
    ("DENIED", "it takes connections from its own machine only (protected mode); set a password in Redis"),
    ("max number of clients", "it takes no more connections; raise maxclients or lower max_connections"),
    ("DB index", "it has no database of this number; correct the number in FOTOWEB_CACHE"),
    # What else goes wrong.
    ((UnknownService,), "the sentinels know no service of this name; correct the name in FOTOWEB_CACHE"),
    ((PrimaryDown,), "the sentinels know of no primary that is up; a failover is under way, or too few agree (quorum)"),
    ((queue.Empty,), "too many calls at once wait for a connection; raise max_connections in FOTOWEB_CACHE"),
    ((ssl.SSLCertVerificationError,), "its TLS certificate is not one we trust; name its CA (ssl_ca_certs)"),
    ((ssl.SSLError,), "TLS failed; it speaks none at this port, or wants a certificate of ours (ssl_certfile)"),
    ((socket.gaierror, UnicodeError), "its host has no address; correct the host in FOTOWEB_CACHE"),
    ((ConnectionRefusedError,), "connection refused; start Redis, or correct host and port in FOTOWEB_CACHE"),
    ((FileNotFoundError, PermissionError), "a file that FOTOWEB_CACHE names (ssl_...) can't be read"),
    ((TimeoutError, redis.TimeoutError), "no answer in time; look at port and scheme (redis:// or rediss://)"),
    ((OSError, redis.ConnectionError), "the connection broke; look at port and scheme (redis:// or rediss://)"),
    (
        (RedisClusterException, IndexError),  # redis-py takes the first of no primaries where no slot is served at all.
        "its cluster does not serve all slots, since it misses primaries; CLUSTER INFO and CLUSTER NODES tell more",
    ),
    ((ResponseError,), "it refuses, for a reason that we don't know; look into its log"),
    ((Exception,), "it does not speak as Redis does; host and port must be those of a Redis or Valkey server"),
)
"""What goes wrong, and what to do; the first row that fits is told."""


def cause_of(error: Exception) -> str:
    """Return what went wrong and what to do, as a part of a sentence and without a secret."""
    text, chain = text_of(error), list(chain_of(error))
    for sign, cause in CAUSES:
        if re.search(rf"\b(?:{sign})\b", text) if isinstance(sign, str) else any(isinstance(e, sign) for e in chain):
            return f"{asked(chain)}{cause}"
    raise AssertionError  # The last row fits everything.


def asked(chain: list[BaseException]) -> str:
    """Return who it was that failed, where that is not told by the address."""
    if any(isinstance(link, NoSentinel) for link in chain):
        return "no sentinel can be asked: "
    node = getattr(chain[0], "connection", None)  # redis-py notes it, or where it would have led, of clusters alone.
    return f"node {node.host}:{node.port}: " if node is not None else ""


def text_of(error: Exception) -> str:
    """Return what Redis said, its code first, or "" where it said nothing. For decisions only, never to be shown.

    redis-py's client of clusters wraps what a node said into errors of its own.
    """
    said = ((getattr(link, "status_code", None), link) for link in chain_of(error))
    return "\n".join(f"{code or ''} {link}" for code, link in said if code or isinstance(link, ResponseError))

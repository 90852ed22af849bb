r"""``redis://`` and ``rediss://``: a Redis or Valkey (6.0 or later) that several machines share.

Three Redis keys may belong to one key of ours, a fourth to a key that is used once. The braces are a hash tag: a Redis
Cluster keeps all of them in one slot.

    namespace:{key}:entry   "<version> <fence>\n<sealed bytes>", or "revoked"
    namespace:{key}:lock    the owner of the lock
    namespace:{key}:fence   the fence of the newest lock; outlives the lock by a day
    namespace:{key}:used    what ``use_once`` has seen

Between a look and a write there may be no gap, so each promise of ``Store`` is one Lua script, which Redis runs with
nothing in between. Redis counts the time; no clock of ours takes part.

redis-py keeps the connections, bounds each wait and loads the scripts. It repeats nothing: a call whose answer was lost
may have been carried out, and a second ``acquire_lock``, ``use_once`` or ``save`` would be refused by the first. (Idle
connections that Redis has closed are replaced before they are used.) A lock that was taken and never answered ends by
itself. The look-up of a host's name is as slow as the system's.

redis-py is an extra: import this module only where the settings name a Redis.
"""

from __future__ import annotations

# Every look-up of a host's name imports this at its first. A child that is forked in the middle of an import would find
# the module locked for ever.
import encodings.idna  # noqa: F401
import math
import queue
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import InvalidResponse, MasterDownError, ResponseError
from redis.retry import Retry

from fotoweb_middleware.errors import SettingsError, StoreUnavailable
from fotoweb_middleware.stores.base import SaveOutcome, StoredEntry, StoreLock
from fotoweb_middleware.stores.forks import register
from fotoweb_middleware.stores.reports import OutageLog

__all__ = ["RedisStore"]

OLDEST = 8
"""The oldest redis-py (its first number) that takes the options below."""
if int(redis.__version__.partition(".")[0]) < OLDEST:
    raise SettingsError(
        f"FOTOWEB_CACHE names a Redis, and redis-py {redis.__version__} is too old: it needs {OLDEST}.0 or later. "
        "pip install 'fotoweb-middleware[redis]'"
    )

T = TypeVar("T")

MAX_CONNECTIONS = 32
"""Most connections of one process, where the address does not say otherwise."""
PAUSE_SECONDS = 1.0
"""How long after a failure nobody waits for Redis."""
FENCE_TTL_SECONDS = 86_400.0
"""How long a fence is remembered after its lock: longer than any holder is late."""
REVOKED = b"revoked"
ALL_CALLS = "every call"
"""What fails, for the log, where Redis is out of reach; any answer is the end of that."""

# ------------------------------------------------------------------------------------------------------------ scripts

# Something of another type under our key counts as lost. Any other error ends the script: a user who may not look
# (ACL) must not write over a revocation. Lua's numbers are exact up to 2**53.
HEAD = """
local function head(key)
  local reply = redis.pcall('GETRANGE', key, 0, 63)
  if type(reply) == 'string' then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return '' end
  return redis.call('GETRANGE', key, 0, 63)
end
"""

SAVE = f"""{HEAD}
local value, version, ttl, create, fence = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local stored = head(KEYS[1])
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

# A second revocation never makes the first end earlier.
REVOKE = f"""{HEAD}
if head(KEYS[1]) ~= 'revoked' or redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], 'revoked', 'PX', ARGV[1])
end
return 1
"""

# The fence is counted from the entry's where the counter was lost, or no holder could write any more.
ACQUIRE = f"""{HEAD}
local counted = tonumber(head(KEYS[2])) or 0
local saved = tonumber(string.match(head(KEYS[3]), '^%d+ (%d+)\\n') or 0)
if not redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return 0 end
local fence = math.max(counted, saved) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
return fence
"""

RELEASE = f"""{HEAD}
if head(KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisStore:
    """A session store in Redis or Valkey.

    Safe to call from several threads, and after a fork: each process has connections of its own.

    Args:
        address: ``redis://`` or ``rediss://`` with host, port, database, user, password, and TLS options in the query.
        namespace: What every Redis key begins with.
        timeout_seconds: Most time for a call. Half of it for each step: connecting, one answer.
            (Twice that at most, where all connections are in use.)
        monotonic: Seconds of a clock that never jumps.

    Raises:
        SettingsError: The address can't be read. Redis itself is not asked: it may be down at start.
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
        options = read_address(address)
        del address  # It may hold a password, which no frame of an error may.
        if isinstance(options, SettingsError):
            raise options
        self._options = options
        self._namespace = namespace
        self._step_seconds = timeout_seconds / 2
        self._place = f"Redis at {options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"
        self._breaker = _Breaker(trial_seconds=2 * timeout_seconds, monotonic=monotonic)
        self._log = OutageLog(self._place, monotonic=monotonic)
        self.after_fork_in_child()
        register(self)

    def after_fork_in_child(self) -> None:
        """Forget the parent's connections, and the lock that another of its threads may have held."""
        self._lock = threading.Lock()
        self._client: _Client | None = None
        self._log.after_fork_in_child()

    def load(self, key: str) -> StoredEntry | None:
        """See ``Store.load``. A plain GET: it works on a replica too."""
        return self._call("load", lambda client: read_entry(client.get(self._name(key, "entry"))))

    def save(  # noqa: PLR0913 (each is a condition of the write)
        self, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lock: StoreLock | None = None
    ) -> SaveOutcome:
        """See ``Store.save``."""
        words = (value, version, milliseconds(ttl_seconds), int(create), lock.fence if lock is not None else 0)
        return self._call("save", lambda client: read_outcome(client.save([self._name(key, "entry")], words)))

    def revoke(self, key: str, *, ttl_seconds: float) -> None:
        """See ``Store.revoke``. Redis is asked also where it was out of reach a moment ago."""
        words = (milliseconds(ttl_seconds),)
        self._call("revoke", lambda client: client.revoke([self._name(key, "entry")], words), ask_anyway=True)

    def acquire_lock(self, key: str, *, ttl_seconds: float) -> StoreLock | None:
        """See ``Store.acquire_lock``."""
        owner = secrets.token_hex(8)
        names = [self._name(key, part) for part in ("lock", "fence", "entry")]
        words = (owner, milliseconds(ttl_seconds), milliseconds(ttl_seconds + FENCE_TTL_SECONDS))
        fence = self._call("acquire_lock", lambda client: read_fence(client.acquire(names, words)))
        return StoreLock(key, owner, fence) if fence else None

    def release_lock(self, lock: StoreLock) -> None:
        """See ``Store.release_lock``."""
        self._call("release_lock", lambda client: client.release([self._name(lock.key, "lock")], (lock.owner,)))

    def use_once(self, key: str, *, ttl_seconds: float) -> bool:
        """See ``Store.use_once``."""
        options = {"px": milliseconds(ttl_seconds), "nx": True}
        return self._call("use_once", lambda client: client.redis.set(self._name(key, "used"), b"1", **options) is True)

    def close(self) -> None:
        """See ``Store.close``. A connection in use is closed once its answer is there."""
        # With its last reference redis-py closes a client's connections. Closing the idle ones here could hit one that
        # another thread has just taken.
        self._client = None

    def _name(self, key: str, part: str) -> str:
        return f"{self._namespace}:{{{key}}}:{part}"

    def _call(self, operation: str, ask: Callable[[_Client], T], *, ask_anyway: bool = False) -> T:
        outcome = self._try(operation, ask, ask_anyway=ask_anyway)
        if isinstance(outcome, StoreUnavailable):
            raise outcome  # Here, so that it carries neither redis-py's error nor the frames that know the password.
        return outcome

    def _try(self, operation: str, ask: Callable[[_Client], T], *, ask_anyway: bool) -> T | StoreUnavailable:
        if not self._breaker.admits() and not ask_anyway:
            return StoreUnavailable(f"{self._place} was out of reach a moment ago and has not been asked again.")
        try:
            result = ask(self._get_client())
        except Exception as error:  # noqa: BLE001 (a server that is no Redis makes redis-py raise anything)
            return self._failed(operation, error)
        self._breaker.reset()
        self._log.worked(ALL_CALLS)
        self._log.worked(operation)
        return result

    def _failed(self, operation: str, error: Exception) -> StoreUnavailable:
        cause = cause_of(error)
        if is_refusal(error):  # Redis answered: it is no outage.
            if "READONLY" in text_of(error):
                self.close()  # After a failover the address leads to another server; these connections don't.
            self._breaker.reset()
            self._log.worked(ALL_CALLS)
            self._log.failed(operation, cause)
        elif not any(isinstance(link, queue.Empty) for link in chain_of(error)):
            self.close()  # Idle connections may be dead too (a machine that vanished), and each would cost a time-out.
            self._breaker.trip()
            self._log.failed(ALL_CALLS, cause)
        elif not self._breaker.is_open:  # No connection was free, and none of them has found Redis to be silent.
            self._log.failed(operation, cause)
        return StoreUnavailable(f"{self._place}: {cause}.")

    def _get_client(self) -> _Client:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or _Client(self._options, step_seconds=self._step_seconds)
        return client


class _Client:
    """The connections of one process, and our scripts. It connects when it is first asked.

    RESP 2, since with RESP 3 redis-py does not check that a connection from the pool has no surplus answer waiting,
    which would be read as the answer to the next question.
    """

    def __init__(self, options: dict[str, Any], *, step_seconds: float) -> None:
        make_pool: Callable[..., redis.BlockingConnectionPool] = redis.BlockingConnectionPool
        pool = make_pool(
            **options,
            timeout=2 * step_seconds,  # For a free connection: longer than those who have one wait for Redis.
            socket_timeout=step_seconds,
            socket_connect_timeout=step_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,  # Two answers less to wait for, and one permission less to grant (CLIENT SETINFO).
        )
        client: Any = redis.Redis(connection_pool=pool)
        self.redis = client
        self.save = client.register_script(SAVE)
        self.revoke = client.register_script(REVOKE)
        self.acquire = client.register_script(ACQUIRE)
        self.release = client.register_script(RELEASE)

    def get(self, name: str) -> object:
        try:
            return self.redis.get(name)
        except ResponseError as error:
            if "WRONGTYPE" in text_of(error):
                return None  # Not ours: it counts as lost.
            raise


class _Breaker:
    """Refuses calls for a second after a failure; then lets one through, to see whether Redis is back.

    It holds no lock: one call too many does no harm, and a lock could be held by another thread during a fork.
    """

    def __init__(self, *, trial_seconds: float, monotonic: Callable[[], float]) -> None:
        self.is_open = False
        self._trial_seconds = trial_seconds  # The next call is let through after that, should this one never return.
        self._monotonic = monotonic
        self._refuse_until = 0.0

    def admits(self) -> bool:
        if not self.is_open:
            return True
        now = self._monotonic()
        if now < self._refuse_until:
            return False
        self._refuse_until = now + self._trial_seconds
        return True

    def trip(self) -> None:
        self._refuse_until = self._monotonic() + PAUSE_SECONDS
        self.is_open = True

    def reset(self) -> None:
        self.is_open = False


# ------------------------------------------------------------------------------------------------- answers and times


def milliseconds(seconds: float) -> int:
    """Return a time to live as Redis takes it: whole milliseconds, at least one."""
    return max(1, math.ceil(seconds * 1000))


def read_entry(reply: object) -> StoredEntry | None:
    """Read what lies under an entry's name. What is not ours counts as lost."""
    if reply is None:
        return None
    if not isinstance(reply, bytes):
        raise InvalidResponse
    if reply == REVOKED:
        return StoredEntry(None, 0)
    head, line_break, value = reply.partition(b"\n")
    version, _, fence = head.partition(b" ")
    if not (line_break and version.isdigit() and fence.isdigit() and len(head) < 64):
        return None
    return StoredEntry(value, int(version))


def read_fence(reply: object) -> int:
    """Read the fence of a new lock; 0 where somebody else holds it."""
    if not isinstance(reply, int):
        raise InvalidResponse
    return reply


def read_outcome(reply: object) -> SaveOutcome:
    """Read what the script says of a save."""
    try:
        return SaveOutcome(reply.decode() if isinstance(reply, bytes) else reply)
    except ValueError:
        raise InvalidResponse from None


# ------------------------------------------------------------------------------------------------------------- causes

# Redis's and redis-py's own words are never repeated: they may hold parts of a command.
LOOK = "look after Redis and the way to it, and at port and scheme (redis:// or rediss://)"
CAUSES: tuple[tuple[str | tuple[type[BaseException], ...], str], ...] = (
    # What Redis says. Its code is the first word (RESP); older ones repeat it within the error of a script.
    (
        "NOAUTH|WRONGPASS|invalid password|AUTH <password>",
        "it refuses the user and password in FOTOWEB_CACHE, or wants some; correct them there or in Redis",
    ),
    (
        "NOPERM|ACL|user executing",
        (
            "the user in FOTOWEB_CACHE may not do what is needed (ACL); grant get, getrange, set, del, pttl, evalsha, "
            "script|load and select on our keys"
        ),
    ),
    ("READONLY", "it is a read-only replica; FOTOWEB_CACHE must lead to the primary"),
    ("MASTERDOWN", "it is a replica without its primary; FOTOWEB_CACHE must lead to the primary"),
    ("OOM", "its memory is full (maxmemory); make room or raise it"),
    ("MISCONF", "it can't write to its disk, and takes no writes meanwhile (MISCONF); make room on the disk"),
    ("NOREPLICAS", "too few replicas follow it; fix them or lower min-replicas-to-write"),
    ("LOADING", "it is still loading its data; wait"),
    ("BUSY", "a script keeps it busy, and none of ours; SCRIPT KILL ends it"),
    ("MOVED|ASK|CROSSSLOT|CLUSTERDOWN|TRYAGAIN", "it is a Redis Cluster; FOTOWEB_CACHE must lead to a single server"),
    ("DENIED", "it takes connections from its own machine only (protected mode); set a password in Redis"),
    ("max number of clients", "it takes no more connections; raise maxclients or lower max_connections"),
    ("DB index", "it has no database of this number; correct the number in FOTOWEB_CACHE"),
    ("unknown command", "it lacks a command that is needed; Redis 6.0 and later have all, unless they are disabled"),
    # What else goes wrong.
    ((queue.Empty,), "too many calls at once wait for a connection; raise max_connections in FOTOWEB_CACHE"),
    (
        (ssl.SSLCertVerificationError,),
        "its TLS certificate is not one we trust; name its CA (ssl_ca_certs) in FOTOWEB_CACHE, and the host as it does",
    ),
    (
        (ssl.SSLError,),
        "TLS failed; it speaks none at this port, or wants a certificate of ours (ssl_certfile, ssl_keyfile)",
    ),
    ((socket.gaierror, UnicodeError), "its host has no address; correct the host in FOTOWEB_CACHE or the name service"),
    ((ConnectionRefusedError,), "connection refused; start Redis, or correct host and port in FOTOWEB_CACHE"),
    (
        (FileNotFoundError, PermissionError),
        "a file that FOTOWEB_CACHE names (ssl_ca_certs, ssl_certfile, ssl_keyfile) can't be read; correct its path",
    ),
    ((TimeoutError, redis.TimeoutError), f"no answer in time; {LOOK}"),
    ((InvalidResponse,), "it does not speak as Redis does; host and port must be those of a Redis or Valkey server"),
    ((OSError, redis.ConnectionError), f"the connection broke; {LOOK}"),
    ((ResponseError,), "it refuses, for a reason that we don't know; look into its log"),
    ((Exception,), "it does not speak as Redis does; host and port must be those of a Redis or Valkey server"),
)
"""What goes wrong, and what to do; the first row that fits is told."""


def cause_of(error: Exception) -> str:
    """Return what went wrong and what to do, as a part of a sentence and without a secret."""
    text, chain = text_of(error), list(chain_of(error))
    for sign, cause in CAUSES:
        if re.search(rf"\b(?:{sign})\b", text) if isinstance(sign, str) else any(isinstance(e, sign) for e in chain):
            return cause
    raise AssertionError  # The last row fits everything.


def is_refusal(error: Exception) -> bool:
    """Return whether Redis refused this one command (read-only, memory full, no permission), and others may work."""
    is_for_all = isinstance(error, MasterDownError) or str(error).startswith(("BUSY", "DENIED"))
    return isinstance(error, ResponseError) and not is_for_all


def text_of(error: Exception) -> str:
    """Return what Redis said, its code first, or "" where it said nothing. For decisions only, never to be shown."""
    code = getattr(error, "status_code", None)
    return f"{code or ''} {error}" if code or isinstance(error, ResponseError) else ""


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    link: BaseException | None = error
    for _ in range(10):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


# ------------------------------------------------------------------------------------------------------------ address

OPTIONS = {"client_name", "db", "host", "max_connections", "password", "port", "username"}
TLS_OPTIONS = {
    f"ssl_{name}"
    for name in ("ca_certs", "ca_path", "cert_reqs", "certfile", "check_hostname", "ciphers", "keyfile", "password")
}
CERT_REQS = ("required", "optional", "none")
take_apart: Callable[[str], dict[str, Any]] = parse_url  # redis-py gives it no types.


def read_address(address: str) -> dict[str, Any] | SettingsError:
    """Return the options of redis-py's pool, or what is wrong with the address: options by name, never a value.

    Options that would undo our time-outs or the bytes we expect are refused, and so is what redis-py does not know.
    """
    try:
        options = take_apart(address)
        is_readable = not urlsplit(address).fragment
    except ValueError:
        options, is_readable = {}, False
    if not is_readable:
        return SettingsError(
            "FOTOWEB_CACHE holds a Redis address that can't be read. It accepts redis://user:password@host:6379/0 "
            "and rediss:// likewise. Percent-encode the signs / ? # @ : in a password (a slash is %2F)."
        )
    is_tls = address.startswith("rediss://")
    options.pop("connection_class", None)
    allowed = OPTIONS | TLS_OPTIONS if is_tls else OPTIONS
    refused = sorted(option for option in options if option not in allowed)
    if refused:
        return SettingsError(
            f"FOTOWEB_CACHE holds options that are not taken here: {', '.join(map(_printable, refused))}. "
            f"It accepts {', '.join(sorted(allowed - {'host', 'port'}))}"
            f"{'' if is_tls else '; those of TLS (ssl_...) need rediss://'}."
        )
    defaults: dict[str, Any] = {"max_connections": MAX_CONNECTIONS}
    if not is_tls:
        return defaults | options
    cert_reqs = options.setdefault("ssl_cert_reqs", "required")
    if cert_reqs not in CERT_REQS:
        return SettingsError(f"FOTOWEB_CACHE holds an ssl_cert_reqs that is none of: {', '.join(CERT_REQS)}.")
    # The certificate's name is checked unless the address says otherwise, whatever redis-py's default is.
    options["ssl_check_hostname"] = cert_reqs != "none" and options.get("ssl_check_hostname", True)
    return {"connection_class": redis.SSLConnection, **defaults, **options}


def _printable(option: str) -> str:
    """Return the name of an option, where it is plainly one: a mistyped password must not show."""
    is_plain = option.isascii() and option.isidentifier() and option.islower() and len(option) <= 40
    return option if is_plain else "***"

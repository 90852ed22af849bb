r"""What is asked of Redis, and what its answers mean: pure, and the same for both faces.

Three Redis keys may belong to one key of ours. The braces make a Redis Cluster keep them together (its hash tags):

    namespace:{key}:entry   "<version> <fence>\n<sealed bytes>", or "buried" for a tombstone
    namespace:{key}:lease   the owner of the lease that is out
    namespace:{key}:fence   the fence of the newest lease; it outlives the lease, and ends by itself too

Redis runs a script from end to end with nothing in between, so each promise of ``Cache`` is one script.
Times to live are Redis's own; no clock of ours takes part.
What is not ours under one of these keys (a wrong type, another text) counts as lost, and the next write replaces it.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from fotoweb_middleware.caches.protocol import Lease, SaveOutcome, Stored
from fotoweb_middleware.errors import CacheUnavailable

__all__ = ["RedisCall", "build_bury", "build_free_lease", "build_load", "build_probe", "build_save", "build_take_lease"]

R = TypeVar("R")

FENCE_TTL_SECONDS = 86_400.0
"""How long a key's fence is remembered after its newest lease: longer than any holder is late."""
LONGEST_FENCED_SECONDS = 600.0
"""A lease that lasts longer is a claim: nothing is saved under it, so its fence ends with it. Strangers make claims."""

TOMBSTONE = b"buried"
HEAD_ENDS_WITHIN = 128
"""Two numbers of 20 digits and two separators need 42 bytes."""

# A wrong type reads as nothing; any other error ends the script: who may not see a tombstone must not write over it.
# Lua numbers are doubles: versions and fences are exact up to 2**53.
HEAD_OF = """
local function head_of(key)
  local head = redis.pcall('GETRANGE', key, 0, 63)
  if type(head) == 'string' then return head end
  if string.find(head.err, 'WRONGTYPE', 1, true) then return '' end
  return redis.call('GETRANGE', key, 0, 63)
end
"""

SAVE = f"""{HEAD_OF}
local value, version, ttl, create, fence = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local head = head_of(KEYS[1])
if head == 'buried' then return 'buried' end
local there_version, there_fence = string.match(head, '^(%d+) (%d+)\\n')
if there_version then
  there_fence = tonumber(there_fence)
  if tonumber(there_version) >= tonumber(version) then return 'newer' end
  if fence > 0 and there_fence > fence then return 'newer' end
  fence = math.max(fence, there_fence)
elseif create ~= '1' then
  return 'missing'
end
redis.call('SET', KEYS[1], version .. ' ' .. string.format('%.0f', fence) .. '\\n' .. value, 'PX', ttl)
return 'saved'
"""

# A tombstone is never made to end earlier.
BURY = f"""{HEAD_OF}
if head_of(KEYS[1]) ~= 'buried' or redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], 'buried', 'PX', ARGV[1])
end
return 1
"""

# A lease that has longer to live than we would give it was given before a jump of Redis's clock: cut it.
# The fence goes on from the entry's where the counter was lost, or no holder could write any more.
TAKE_LEASE = f"""{HEAD_OF}
local owner, ttl, fence_ttl = ARGV[1], ARGV[2], ARGV[3]
local left = redis.call('PTTL', KEYS[1])
if left == -1 or left > tonumber(ttl) then redis.call('PEXPIRE', KEYS[1], ttl) end
if left ~= -2 then return 0 end
local counted = tonumber(head_of(KEYS[2])) or 0
local _, saved = string.match(head_of(KEYS[3]), '^(%d+) (%d+)\\n')
local fence = math.max(counted, tonumber(saved) or 0) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', fence_ttl)
redis.call('SET', KEYS[1], owner, 'PX', ttl)
return fence
"""

FREE_LEASE = f"""{HEAD_OF}
if head_of(KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


@dataclass(frozen=True, slots=True)
class RedisCall(Generic[R]):
    """One question to Redis.

    Attributes:
        name: What it does, for the log.
        command: The words of the command.
        in_full: The same with the script's text, for a Redis that does not know the script yet.
        read: From the answer to what it means; raises CacheUnavailable where it means nothing.
        make_up: What is asked once Redis answers again, where nobody knows whether this was carried out.
        makes_up: Whether this is such a call.
        must_happen: Whether it is asked then also where Redis refused this, or was not asked.
    """

    name: str
    command: tuple[str | bytes | int, ...] = field(repr=False)
    in_full: tuple[str | bytes | int, ...] = field(repr=False)
    read: Callable[[object], R] = field(repr=False)
    make_up: RedisCall[None] | None = field(default=None, repr=False)
    makes_up: bool = False
    must_happen: bool = False


def build_load(namespace: str, key: str) -> RedisCall[Stored | None]:
    """Return what asks for an entry. A plain GET: it works on a replica too."""
    command = ("GET", entry_name(namespace, key))
    return RedisCall("load", command, command, read_stored)


def build_save(  # noqa: PLR0913 (each is a condition of the write)
    namespace: str, key: str, value: bytes, *, version: int, ttl_seconds: float, create: bool, lease: Lease | None
) -> RedisCall[SaveOutcome]:
    """Return what asks for a save."""
    fence = lease.fence if lease is not None else 0
    words = (value, version, milliseconds(ttl_seconds), int(create), fence)
    return build_script("save", SAVE, (entry_name(namespace, key),), words, read_outcome)


def build_bury(namespace: str, key: str, *, ttl_seconds: float) -> RedisCall[None]:
    """Return what asks for a tombstone."""
    return build_script("bury", BURY, (entry_name(namespace, key),), (milliseconds(ttl_seconds),), read_done)


def build_take_lease(namespace: str, key: str, *, ttl_seconds: float) -> RedisCall[Lease | None]:
    """Return what asks for a lease, under a new random owner."""
    owner = secrets.token_hex(8)
    is_claim = ttl_seconds > LONGEST_FENCED_SECONDS
    fence_ttl_seconds = ttl_seconds if is_claim else FENCE_TTL_SECONDS
    names = (lease_name(namespace, key), fence_name(namespace, key), entry_name(namespace, key))
    words = (owner, milliseconds(ttl_seconds), milliseconds(fence_ttl_seconds))

    def read_lease(reply: object) -> Lease | None:
        if not isinstance(reply, int):
            raise wrong_answer()
        return Lease(key, owner, reply) if reply > 0 else None

    # A Redis that hung carries out what came meanwhile, though nobody waits for it any more: a lease of nobody. A claim
    # stays: who asked for it may have gone on without an answer, and nobody may do the same again.
    make_up = None if is_claim else build_free_lease(namespace, Lease(key, owner, 0)).make_up
    return replace(build_script("take_lease", TAKE_LEASE, names, words, read_lease), make_up=make_up)


def build_free_lease(namespace: str, lease: Lease) -> RedisCall[None]:
    """Return what gives a lease up."""
    call = build_script("free_lease", FREE_LEASE, (lease_name(namespace, lease.key),), (lease.owner,), read_done)
    return replace(call, make_up=replace(call, makes_up=True), must_happen=True)


def build_probe(make_up: RedisCall[None]) -> RedisCall[object]:
    """Return what asks whether Redis answers at all: a look at the lease that a call would give up."""
    command = ("GET", make_up.command[3])
    return RedisCall("load", command, command, lambda reply: reply)


def build_script(
    name: str, text: str, names: tuple[str, ...], words: tuple[str | bytes | int, ...], read: Callable[[object], R]
) -> RedisCall[R]:
    """Return a call of a script, by its hash and in full."""
    rest = (len(names), *names, *words)
    return RedisCall(name, ("EVALSHA", hash_of(text), *rest), ("EVAL", text, *rest), read)


def hash_of(text: str) -> str:
    """Return the name that Redis gives a script (https://redis.io/docs/latest/commands/evalsha/)."""
    return HASHES[text]


# Redis names scripts by SHA-1; no secrecy hangs on it.
HASHES = {
    text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    for text in (SAVE, BURY, TAKE_LEASE, FREE_LEASE)
}


def entry_name(namespace: str, key: str) -> str:
    """Return the Redis key of an entry or its tombstone."""
    return f"{namespace}:{{{key}}}:entry"


def lease_name(namespace: str, key: str) -> str:
    """Return the Redis key of a lease."""
    return f"{namespace}:{{{key}}}:lease"


def fence_name(namespace: str, key: str) -> str:
    """Return the Redis key of what counts a key's leases."""
    return f"{namespace}:{{{key}}}:fence"


def milliseconds(seconds: float) -> int:
    """Return a time to live as Redis takes it: whole milliseconds, at least one."""
    return max(1, math.ceil(seconds * 1000))


def read_stored(reply: object) -> Stored | None:
    """Read the answer to ``build_load``."""
    if reply is None:
        return None
    if not isinstance(reply, bytes):
        raise wrong_answer()
    if reply == TOMBSTONE:
        return Stored(None, 0)
    head_end = reply.find(b"\n", 0, HEAD_ENDS_WITHIN)
    version, _, fence = reply[: max(head_end, 0)].partition(b" ")
    if not (version.isdigit() and fence.isdigit()):
        return None
    return Stored(reply[head_end + 1 :], int(version))


def read_outcome(reply: object) -> SaveOutcome:
    """Read the answer to ``build_save``."""
    outcomes = {outcome.value.encode(): outcome for outcome in SaveOutcome}
    if not isinstance(reply, bytes) or reply not in outcomes:
        raise wrong_answer()
    return outcomes[reply]


def read_done(reply: object) -> None:
    """Read the answer of a script that only does something."""
    if reply != 1:
        raise wrong_answer()


def wrong_answer() -> CacheUnavailable:
    """Return the error for an answer to some other question."""
    return CacheUnavailable("Redis answered what was not asked. Is the address that of a Redis or Valkey server?")

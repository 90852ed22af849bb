"""What this process remembers of sessions, so that a known cookie costs a dictionary lookup and nothing else.

Sessions in use are awake, as objects; the others are at rest, as bytes (``resting``, docs/adr/0022).

Four rules:

1. Everything here may be forgotten at any time but tombstones, which live as long as any cookie of their session.
2. A ``Held`` that is no longer live (logged out, refused, at rest, forgotten) decides nothing: the slow way asks again.
3. Who only looks takes no lock: one look into a dictionary is whole by itself.
4. A session is awake or at rest, never both. Who asks for it by its id wakes it, into a new ``Held``. So what is noted
   of a session after something was waited for is noted of what ``find`` returns then, or under the lock here.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable

from fotoweb_middleware.model import SessionRecord
from fotoweb_middleware.site.held import Held, Limits, Version
from fotoweb_middleware.site.resting import pack, unpack

__all__ = ["LEAST_AWAKE", "NearCache", "Seen"]

BURIALS_AT_ONCE = 20
COOKIES_PER_SESSION = 2  # during a refresh a session's old cookie still comes while the new one is on its way
ONE_AWAKE_OF = 32
LEAST_AWAKE = 3_000
LARGEST_STEP_BACK_SECONDS = 1.0
"""A wall clock that is set back by more at once makes all known cookies be opened again, and the cache be asked."""


class Seen:
    """A session cookie that was verified before. Made once and never changed.

    Attributes:
        held: Its session.
        version: The session's version that the cookie carries; None: a handle, which carries none.
    """

    __slots__ = ("held", "version")

    def __init__(self, held: Held, version: int | None) -> None:
        self.held = held
        self.version = version


class NearCache:
    """Sessions by verified cookie and by id, and tombstones.

    Args:
        size: Most sessions kept.
        limits: Lifetimes, from the settings.
        clock: Epoch seconds.
        monotonic: A clock that never jumps, in seconds.
        least_awake: At least so many may be awake (never more than ``size``); of a large size, a 32nd.
        is_complete: Whether the server cache is empty yet, and this process alone will write into it.

    Attributes:
        is_complete: Whether the server cache knows nothing more than this: nothing was forgotten here.
        lock: Held while something is changed. Whoever holds it takes no other lock and waits for nothing.
        by_identity: Verified cookies by ``cookies.header:identity_of``, also of sessions that are no longer live. It
            stays the same object, which the shortcut keeps.
    """

    lock: threading.Lock
    by_identity: dict[str, Seen]

    def __init__(  # noqa: PLR0913 (two sizes, two clocks)
        self,
        size: int,
        limits: Limits,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        least_awake: int = LEAST_AWAKE,
        *,
        is_complete: bool = False,
    ) -> None:
        self._size = size
        self._most_awake = min(size, max(size // ONE_AWAKE_OF, least_awake))
        self._limits = limits
        self._clock = clock
        self._monotonic = monotonic
        # A plain dictionary: cachetools and a lock would cost more than all else that a known cookie costs.
        self.by_identity = {}
        self.start_anew(whole=False)
        self.is_complete = is_complete

    def start_anew(self, *, whole: bool) -> None:
        """Go on in a child process, with a lock that nobody holds.

        Args:
            whole: False where a thread that is not there was in the middle of a change: then all is forgotten.
        """
        self.lock = threading.Lock()
        if whole:
            return
        self.is_complete = False
        self._ahead = -math.inf  # By how many seconds the wall clock was ahead of the other one when it was last read.
        self.by_identity.clear()
        # By id, the one not used for longest first: those that are awake, and those at rest, all of them older.
        self._by_id: OrderedDict[str, Held] = OrderedDict()
        self._resting: OrderedDict[str, bytes] = OrderedDict()
        self._owed_burials: set[str] = set()
        self._tombstones: dict[str, float] = {}  # By session id, the monotonic seconds at which each ends.

    def seen(self, identity: str) -> Seen | None:
        """Return the session of a cookie that was verified before, if it is still live."""
        seen = self.by_identity.get(identity)
        return seen if seen is not None and seen.held.live else None

    def remember(self, identity: str, held: Held, version: int | None) -> Held:
        """Note that a cookie was verified. Of each session the last two are known.

        Args:
            identity: What the cookie is known by.
            held: Its session.
            version: See ``Seen``. None, or 0 for one under an old key: the cookie is a handle.

        Returns:
            What is held of the session now: another object where it went to rest meanwhile; not live where it ended.
        """
        with self.lock:
            if not held.live:
                held = self._wake(held.record.session_id) or held
            if not held.live:
                return held
            self._note_cookie(identity, held, version)
            return held

    def find(self, session_id: str) -> Held | None:
        """Return the session with this id, if it is known and live; it is awake then."""
        with self.lock:
            return self._wake(session_id)

    def is_buried(self, session_id: str) -> bool:
        """Return whether this session was logged out or refused, as far as this process knows."""
        with self.lock:
            return self._is_buried(session_id)

    def adopt(self, record: SessionRecord) -> Held:
        """Keep the highest version of a session and return what is held of it now.

        What was buried is not held again: the result is then not live.
        """
        with self.lock:
            held = self._wake(record.session_id)
            if held is None:
                held = Held(Version(record, self._limits))
                self.note_checked(held)
                if self._is_buried(record.session_id):
                    held.live = False
                    return held
                self._keep(record.session_id, held)
            elif record.version > held.record.version:
                held.advance(Version(record, self._limits))
                self.note_checked(held)
            return held

    def meet(self, record: SessionRecord, identity: str, now: float, *, was_asked: bool) -> Seen | None:
        """Hold a session whose cookie is new to this process, and remember the cookie.

        Args:
            record: What the cookie carries.
            identity: What the cookie is known by.
            now: Epoch seconds.
            was_asked: Whether the server cache was asked, and knows no more than the cookie says.

        Returns:
            None where the session has ended, or where more is known of it than the cookie says, or may be.
        """
        session_id = record.session_id
        with self.lock:
            if session_id in self._tombstones and self._is_buried(session_id):
                return None
            if session_id not in self._by_id and session_id not in self._resting:
                return self._meet_new(record, identity, now) if was_asked or self.is_complete else None
            held = self._wake(session_id)
            if (
                held is None
                or held.record.version != record.version
                or not held.current.is_saved
                or now >= held.current.ends_at
            ):
                return None
            self.note_checked(held)
            return self._note_cookie(identity, held, record.version)

    def note_saved(self, record: SessionRecord, *, is_saved: bool) -> None:
        """Note whether the server cache knows this version of a session, awake or at rest."""
        with self.lock:
            held = self._wake(record.session_id)
            if held is not None and held.record.version == record.version:
                held.current.is_saved = is_saved

    def note_checked(self, held: Held) -> None:
        """Note that the server cache has just been asked about this session, or could not be."""
        now, monotonic = self._clock(), self._monotonic()
        if now - monotonic < self._ahead - LARGEST_STEP_BACK_SECONDS:
            # The wall clock was set back, and comes once more to times at which sessions needed no look at the cache.
            self.by_identity.clear()
        self._ahead = now - monotonic
        held.checked(now, monotonic, self._limits.cache_recheck)

    def owe_burial(self, session_id: str) -> None:
        """Note that the server cache, being down, was not told of a session's end."""
        with self.lock:
            self._owed_burials.add(session_id)

    def owed_burials(self) -> list[str]:
        """Return the sessions of whose end the server cache is still to be told, a few at a time, and forget them."""
        if not self._owed_burials:
            return []
        with self.lock:
            return [self._owed_burials.pop() for _ in range(min(len(self._owed_burials), BURIALS_AT_ONCE))]

    def bury(self, session_id: str, ttl_seconds: float) -> None:
        """End a session in this process; nothing brings it back for ``ttl_seconds``."""
        with self.lock:
            self._set_tombstone(session_id, ttl_seconds)
            self._resting.pop(session_id, None)
            held = self._by_id.pop(session_id, None)
            if held is not None:
                self._retire(held)

    def _is_buried(self, session_id: str) -> bool:
        """Return whether a session has a tombstone. The lock is held."""
        return self._monotonic() < self._tombstones.get(session_id, -math.inf)

    def _set_tombstone(self, session_id: str, ttl_seconds: float) -> None:
        """Note a session's end, and forget the oldest tombstones that have lived long enough. The lock is held."""
        now = self._monotonic()
        self._tombstones.pop(session_id, None)  # So that it stands last.
        self._tombstones[session_id] = now + ttl_seconds
        for oldest_id, ends_at in list(itertools.islice(self._tombstones.items(), BURIALS_AT_ONCE)):
            if ends_at > now:
                break
            del self._tombstones[oldest_id]

    def _meet_new(self, record: SessionRecord, identity: str, now: float) -> Seen | None:
        """Hold a session that nothing is known of, with its cookie. The lock is held."""
        current = Version(record, self._limits)
        if now >= current.ends_at:
            return None
        held = Held(current)
        held.checked(now, self._monotonic(), self._limits.cache_recheck)
        held.identities = (identity,)
        self._keep(record.session_id, held)
        seen = self.by_identity[identity] = Seen(held, record.version)
        return seen

    def _note_cookie(self, identity: str, held: Held, version: int | None) -> Seen:
        """Note a cookie of a live session. Of each session the last two are known. The lock is held."""
        held.by_handle = not version
        others = [known for known in held.identities if known != identity]
        for forgotten in others[: 1 - COOKIES_PER_SESSION]:
            self.by_identity.pop(forgotten, None)
        held.identities = (*others[1 - COOKIES_PER_SESSION :], identity)
        seen = self.by_identity[identity] = Seen(held, version)
        return seen

    def _wake(self, session_id: str) -> Held | None:
        """Return a live session, now the one used last, and wake it where it is at rest. The lock is held."""
        held = self._by_id.get(session_id)
        if held is not None and held.live:
            self._by_id.move_to_end(session_id)
            return held
        if held is not None:
            del self._by_id[session_id]
            self._retire(held)
        packed = self._resting.get(session_id)
        if packed is None:
            return None
        held = unpack(session_id, packed, self._limits)  # Should it fail, for want of memory, nothing is forgotten.
        del self._resting[session_id]
        self._keep(session_id, held)
        return held

    def _keep(self, session_id: str, held: Held) -> None:
        """Hold one more: the one used longest ago goes to rest, who rested longest is forgotten. The lock is held."""
        self._by_id[session_id] = held
        if len(self._by_id) > self._most_awake:
            oldest_id, oldest = next(iter(self._by_id.items()))
            packed = pack(oldest) if oldest.live else None  # Before anything changes: it may fail, for want of memory.
            self._retire(oldest)  # From here on no object decides that a logout would not find.
            del self._by_id[oldest_id]
            if packed is not None:
                self._resting[oldest_id] = packed
        if len(self._by_id) + len(self._resting) > self._size:
            self._resting.popitem(last=False)
            self.is_complete = False

    def _retire(self, held: Held) -> None:
        """Let an object decide nothing any more, and forget its session's cookies. The lock is held."""
        held.live = False
        for identity in held.identities:
            self.by_identity.pop(identity, None)

"""Signs of a wrong set-up that the running app sees: one warning an hour for each cause, with how often it was seen.

They are looked for when a login begins or something has gone wrong: a request whose session is known costs nothing
here.
"""

from __future__ import annotations

import enum
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from fotoweb_middleware.events import KINDS, EventEmitter, EventName
from fotoweb_middleware.log import plain
from fotoweb_middleware.stores import forks

SILENT_SECONDS = 3600.0
MANY_LOGINS = 30
"""Where there are several processes, a login may come back to another than it began in; a run so long is no chance."""
LONG_LOGIN_SECONDS = 120.0
"""People who type their password have come back by then."""
MANY_REFUSED = 10
REFUSED_WITHIN_SECONDS = 60.0
CLOCK_SKEW_SECONDS = 60.0
MOMENT_SECONDS = 60.0
"""Nobody loses an account so soon after a login."""


class SetupCause(enum.StrEnum):
    """What may be wrong. The names are stable; each is an anchor in docs/reference/troubleshooting.md."""

    CACHE_TOO_SMALL = "cache_too_small"
    CLOCK_DIFFERS = "clock_differs"
    HTTPS_SEEN_AS_HTTP = "https_seen_as_http"
    LOGINS_NOT_COMPLETED = "logins_not_completed"
    MANY_SESSIONS_REFUSED = "many_sessions_refused"
    OTHER_KEY = "other_key"
    REDIRECT_URI_MOUNT = "redirect_uri_mount"
    STORE_NOT_SHARED = "store_not_shared"
    WRAPPED_TWICE = "wrapped_twice"


WORDS = {
    SetupCause.CACHE_TOO_SMALL: (
        "more people are signed in than FOTOWEB_CACHE_SIZE allows, and a session in use was pushed out of memory, its "
        "only store: raise FOTOWEB_CACHE_SIZE, or set FOTOWEB_CACHE to a store that is no process's memory"
    ),
    SetupCause.CLOCK_DIFFERS: (
        "FotoWeb's clock and this machine's differ by more than a minute: turn on time synchronisation (NTP) on this "
        "machine; if its clock is right, ask FotoWeb's operator to correct theirs"
    ),
    SetupCause.HTTPS_SEEN_AS_HTTP: (
        "TLS ends at a proxy and the app doesn't know: browsers use https, but the app sees http and sends FotoWeb an "
        "http redirect URI; make the proxy send X-Forwarded-Proto and the server trust it, or set FOTOWEB_REDIRECT_URI"
    ),
    SetupCause.LOGINS_NOT_COMPLETED: (
        f"{MANY_LOGINS} logins began and none came back: FotoWeb may refuse the redirect URI, the client ID or PKCE on "
        "a page of its own, or a proxy may not pass on the callback; run fotoweb-middleware check"
    ),
    SetupCause.MANY_SESSIONS_REFUSED: (
        f"FotoWeb refused the refresh tokens of {MANY_REFUSED} sessions within a minute: it has lost or revoked them, "
        "or processes that don't share a session store (FOTOWEB_CACHE) use up each other's"
    ),
    SetupCause.OTHER_KEY: (
        "no key in FOTOWEB_SECRET_KEY opens a session cookie: other processes or another app on this host have a "
        "different key, FOTOWEB_URL, FOTOWEB_CLIENT_ID or FOTOWEB_COOKIE_NAME, or an old key was removed too soon"
    ),
    SetupCause.REDIRECT_URI_MOUNT: (
        "the path in FOTOWEB_REDIRECT_URI is not this app's callback path: the app doesn't know its sub-path "
        "(--root-path, SCRIPT_NAME), or the setting is wrong"
    ),
    SetupCause.STORE_NOT_SHARED: (
        "the session store lacks what another process saved: FOTOWEB_CACHE must name one store for all processes "
        "and machines, and that store must not evict entries"
    ),
    SetupCause.WRAPPED_TWICE: (
        "the app is wrapped in the FotoWeb middleware twice, such as in its code and by FOTOWEB_APP: remove one; if "
        "both are meant, give the inner one a FOTOWEB_COOKIE_NAME and a FOTOWEB_PATH_PREFIX of its own"
    ),
}
"""How the log line of each begins: what is wrong, then what to do."""


class SetupWarnings:
    """Warns of each cause once an hour. Safe from any number of threads, and after a fork.

    Args:
        events: Told of each warning.
        clock: Epoch seconds.
        monotonic: Seconds of a clock that never jumps.
    """

    def __init__(self, events: EventEmitter, *, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._events = events
        self._clock = clock
        self._monotonic = monotonic
        self.after_fork_in_child()
        forks.register(self)

    def after_fork_in_child(self) -> None:
        """Begin with nothing seen, and with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._began_at = self._clock()
        self._times = dict.fromkeys(SetupCause, 0)
        self._silent_until = dict.fromkeys(SetupCause, -math.inf)
        self._logins = 0
        self._first_login_at = 0.0
        self._refused_at: deque[float] = deque(maxlen=MANY_REFUSED)

    def warn(self, cause: SetupCause, **fields: Any) -> None:
        """Count a cause, and tell of it unless that was done within the last hour; ``fields`` are those of the event.

        The event's ``times`` is how often it was seen since the last one.
        """
        now = self._monotonic()
        with self._lock:
            self._times[cause] += 1
            if now < self._silent_until[cause]:
                return
            self._silent_until[cause] = now + SILENT_SECONDS
            times, self._times[cause] = self._times[cause], 0
        told = "".join(f" {name}={plain(value)}" for name, value in {"cause": cause, "times": times, **fields}.items())
        line = f"{KINDS[EventName.SETUP_WARNING].words}: {WORDS[cause]}{told}"
        self._events.emit(EventName.SETUP_WARNING, cause=cause, times=times, line=line, **fields)

    def login_started(self) -> None:
        """Count a login that began; warn where many did and none came back, the first of them two minutes ago."""
        now = self._monotonic()
        with self._lock:
            self._logins += 1
            if self._logins == 1:
                self._first_login_at = now
            is_long = self._logins >= MANY_LOGINS and now - self._first_login_at >= LONG_LOGIN_SECONDS
        if is_long:
            self.warn(SetupCause.LOGINS_NOT_COMPLETED)

    def login_returned(self) -> None:
        """Count from one again: somebody came back from FotoWeb, with a code or with an error."""
        with self._lock:
            self._logins = 0

    def session_refused(self) -> None:
        """Count a session that ended by a refusal of FotoWeb's; warn where many did within a minute."""
        now = self._monotonic()
        with self._lock:
            self._refused_at.append(now)
            are_many = len(self._refused_at) == MANY_REFUSED and now - self._refused_at[0] <= REFUSED_WITHIN_SECONDS
        if are_many:
            self.warn(SetupCause.MANY_SESSIONS_REFUSED)

    def session_missing(self, saved_at: float, *, has_pushed_out: bool) -> None:
        """Warn where the store lacks a session that was saved (epoch seconds) while this process ran.

        ``has_pushed_out`` says that the store is this process's memory, and was full.
        """
        if has_pushed_out:
            self.warn(SetupCause.CACHE_TOO_SMALL)
        elif saved_at > self._began_at + CLOCK_SKEW_SECONDS:
            self.warn(SetupCause.STORE_NOT_SHARED)

    def token_refused(self, issued_at: float, *, has_pushed_out: bool) -> None:
        """Warn where FotoWeb refuses a refresh token that it issued (epoch seconds) a moment ago: another used it.

        ``has_pushed_out`` is as in ``session_missing``.
        """
        if abs(self._clock() - issued_at) < MOMENT_SECONDS:
            self.warn(SetupCause.CACHE_TOO_SMALL if has_pushed_out else SetupCause.STORE_NOT_SHARED)

    def clock_seen(self, skew_seconds: float | None) -> None:
        """Warn where FotoWeb's clock, by the ``Date`` of its last answer, is not this machine's."""
        if skew_seconds is not None and abs(skew_seconds) > CLOCK_SKEW_SECONDS:
            self.warn(SetupCause.CLOCK_DIFFERS, seconds_ahead=round(skew_seconds))

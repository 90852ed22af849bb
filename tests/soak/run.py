"""The soak: ``make soak``, or ``python -m tests.soak.run --seconds 3600`` (security case T-RL-07).

50 people use one app behind gunicorn and uvicorn, with three and two workers that share a store. Tokens live for two
seconds, and one in five token requests goes wrong. At the end it prints what memory and files of the workers did, and
ends with 1 where I1 (no unhandled error) or I2 (own tokens, no session lost) was broken, or where in ten minutes or
more memory or open files went on growing. Nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.attacks.attacked import APP
from tests.attacks.scripted_fotoweb import CLIENT_ID, CLIENT_SECRET, ScriptedFotoWeb
from tests.soak.meter import Meter, judgement
from tests.soak.toxics import Toxics
from tests.soak.users import User
from tests.stress.scenes import required_variables
from tests.stress.workers import Workers

PEOPLE = 50
SESSIONS_REMEMBERED = 100
"""Each login adds a session to what a worker remembers, and one that was logged out at another worker stays there until
others push it out. With the default, 10,000, an hour would not fill it, and its growth would hide a leak."""

SAMPLES = 60
DEADLINE_SECONDS = 2
END_SECONDS = 30
MOST_BREAKS = 20


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[tuple[ScriptedFotoWeb, list[Workers]]]:
    """Start FotoWeb and the app servers."""
    with (
        ScriptedFotoWeb() as fotoweb,
        Workers("gunicorn", 3, folder=folder) as gunicorn,
        Workers("uvicorn", 2, folder=folder) as uvicorn,
    ):
        given = required_variables(
            fotoweb.url,
            CLIENT_ID,
            CLIENT_SECRET,
            redirect_uri=f"{APP}/oauth2/callback",
            cache=f"sqlite:///{folder}/sessions.db",
            cache_size=SESSIONS_REMEMBERED,
            http_timeout=DEADLINE_SECONDS,
            fetch_user="false",
        )
        gunicorn.start(given)
        uvicorn.start(given)
        yield fotoweb, [gunicorn, uvicorn]


def watch(seconds: float, meters: Sequence[Meter], fotoweb: ScriptedFotoWeb) -> None:
    """Measure now and then until the time is over; forget what FotoWeb remembers of each request meanwhile."""
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0:
        time.sleep(min(left, max(1.0, seconds / SAMPLES)))
        for meter in meters:
            meter.measure()
        fotoweb.forget_requests()


def told_of(users: Sequence[User], groups: Sequence[Workers], fotoweb: ScriptedFotoWeb) -> list[str]:
    """Return everything that must never happen and did."""
    breaks = [one for user in users for one in user.breaks]
    breaks += [f"{user.user} does not end" for user in users if user.is_alive()]
    breaks += [f"I1: a traceback at {group.kind}" for group in groups if "Traceback (most recent" in group.output]
    return breaks + [f"I4: {violation}" for violation in fotoweb.violations]


def soak(seconds: float, people: int = PEOPLE) -> int:
    """Run it and print what came of it; return the process's exit code."""
    toxics, stop = Toxics(), threading.Event()
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as (fotoweb, groups):
        users = [User(groups, fotoweb, stop) for _ in range(people)]
        for user in users:
            fotoweb.script(user.user, toxics)
            user.start()
        meters = [Meter(f"{group.kind}, {group.count} workers", group.worker_pids) for group in groups]
        try:
            watch(seconds, meters, fotoweb)
        finally:
            stop.set()
        for user in users:
            user.join(END_SECONDS)
        limits, grown = judgement(meters, seconds)
        breaks = [*grown, *told_of(users, groups, fotoweb)]
        size = sum(file.stat().st_size for file in Path(folder).glob("sessions.db*"))
    statuses = sum((user.statuses for user in users), Counter[int]())
    lines = [
        f"{seconds:.0f} s, {people} people, {statuses.total()} answers: {dict(statuses.most_common())}",
        f"token requests: {dict(toxics.counts.most_common())}",
        *(meter.told() for meter in meters),
        limits,
        f"the cache's files: {size / 1024:.0f} KiB",
        *(f"BROKEN {one}" for one in breaks[:MOST_BREAKS]),
        f"{len(breaks)} breaks",
    ]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if breaks else 0


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long to go on")
    return soak(parser.parse_args().seconds)


if __name__ == "__main__":
    sys.exit(main())

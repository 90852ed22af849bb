"""``gunicorn --preload``: the middleware is made and used in the parent, and the workers are forks of it."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers.serving import Kind
from tests.servers.sites import FakeSite, fake_site, wait_until
from tests.servers.visitor import Visitor

WORKERS = 3
VISITORS = 9
TOKEN_SECONDS = 2
PATIENCE_SECONDS = 30
PRELOADED = Kind(
    "gunicorn-preload",
    "wsgi",
    (
        *("-m", "gunicorn", "tests.servers.preload_app:application", "--bind", "fd://{fd}", "--preload"),
        *("--workers", str(WORKERS), "--threads", "4", "--graceful-timeout", "1", "--no-control-socket"),
    ),
)


def fetch(site: FakeSite, visitor: Visitor) -> tuple[str, float]:
    """Ask for something; return which worker answered, and when the token that it had expires."""
    answer = visitor.fetch(f"{site.url}/data", headers={"Connection": "close"})
    assert answer.status_code == 200, answer.text
    return answer.headers["x-worker"], answer.json()["expires_at"]


def test_every_worker_answers_and_refreshes(tmp_path: Path) -> None:
    """Whatever the parent's threads were at while it forked, each worker refreshes and serves (T-CX-10)."""
    switches = {"access_token_lifetime_seconds": TOKEN_SECONDS}
    with contextlib.ExitStack() as stack:
        cache = f"sqlite:///{tmp_path}/sessions.db"
        site = stack.enter_context(fake_site(PRELOADED, switches=switches, cache=cache, refresh_leeway="0"))
        visitors = [stack.enter_context(Visitor()) for _ in range(VISITORS)]
        threads = stack.enter_context(ThreadPoolExecutor(VISITORS))
        expiries = list(threads.map(lambda visitor: visitor.visit(site.url).json()["expires_at"], visitors))
        refreshed: set[str] = set()
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while len(refreshed) < WORKERS and time.monotonic() < ends_at:
            wait_until(max(expiries))
            answers = list(threads.map(lambda visitor: fetch(site, visitor), visitors))
            # Nobody else asks for the same visitor: the worker that has a new token got it itself.
            refreshed |= {worker for (worker, new), old in zip(answers, expiries, strict=True) if new > old}
            expiries = [new for _, new in answers]
    assert (len(refreshed), set(site.fake.posts_per_refresh_token.values())) == (WORKERS, {1})

"""``gunicorn --preload``: the middleware is made and used in the parent, and the workers are forks of it."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers.serving import Kind
from tests.servers.sites import TOKEN_SECONDS, FakeSite, fake_site
from tests.servers.visitor import Visitor

WORKERS = 3
VISITORS = 9
MOST_ROUNDS = 10
"""Sessions last twelve hours, tokens one. The kernel hands connections to whichever worker is free."""
PRELOADED = Kind(
    "gunicorn-preload",
    "wsgi",
    (
        *("-m", "gunicorn", "tests.servers.preload_app:application", "--bind", "fd://{fd}", "--preload"),
        *("--workers", str(WORKERS), "--threads", "4", "--graceful-timeout", "1", "--no-control-socket"),
    ),
)


def fetch(site: FakeSite, visitor: Visitor) -> tuple[str, str]:
    """Ask for something; return which worker answered, and the token that it had."""
    answer = visitor.fetch(f"{site.url}/data", headers={"Connection": "close"})
    assert answer.status_code == 200, answer.text
    return answer.headers["x-worker"], answer.json()["token"]


def test_every_worker_answers_and_refreshes(tmp_path: Path) -> None:
    """Whatever the parent's threads were at while it forked, each worker refreshes and serves (R-TE20; T-CX-10)."""
    with contextlib.ExitStack() as stack:
        site = stack.enter_context(fake_site(PRELOADED, cache=f"sqlite:///{tmp_path}/sessions.db"))
        visitors = [stack.enter_context(Visitor()) for _ in range(VISITORS)]
        threads = stack.enter_context(ThreadPoolExecutor(VISITORS))
        tokens = list(threads.map(lambda visitor: visitor.visit(site.url).json()["token"], visitors))
        refreshed: set[str] = set()
        for _ in range(MOST_ROUNDS):
            site.clock.advance(TOKEN_SECONDS + 1)
            answers = list(threads.map(lambda visitor: fetch(site, visitor), visitors))
            # Nobody else asks for the same visitor: the worker that has a new token got it itself.
            refreshed |= {worker for (worker, new), old in zip(answers, tokens, strict=True) if new != old}
            tokens = [new for _, new in answers]
            if len(refreshed) == WORKERS:
                break
    assert (len(refreshed), set(site.fake.posts_per_refresh_token.values())) == (WORKERS, {1})

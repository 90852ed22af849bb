"""The workers of docs/how-to/jobs.md, with real Celery and RQ in the environment that `make .make/jobs/done` makes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.providers.redis_server import RedisServer, find_redis_server
from tests.servers.serving import ROOT, UVICORN_H11, clean_environment
from tests.servers.sites import FakeSite, environment, fake_site
from tests.servers.visitor import Visitor
from tools.code_blocks import HOW_TO, named_files

PYTHON = ROOT / ".make" / "jobs" / "bin" / "python"
PAGE = HOW_TO / "jobs.md"
SECONDS = 60
CELERY = (
    ["-m", "celery", "-A", "celery_tasks", "worker", "--pool=solo"],
    "import sys, celery_tasks; print(celery_tasks.count_archives.delay(sys.argv[1]).get(timeout=30))",
)
RQ = (
    ["-m", "rq.cli", "worker"],
    """if True:
    import os, sys, time, redis, rq, rq_tasks
    queue = rq.Queue(connection=redis.Redis.from_url(os.environ["RQ_REDIS_URL"]))
    job = queue.enqueue(rq_tasks.count_archives, sys.argv[1])
    while job.latest_result() is None:
        time.sleep(0.1)
    print(job.latest_result().return_value)
    """,
)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """Return the address of a Redis, for the sessions and for the queue."""
    if find_redis_server() is None:
        pytest.skip("no redis-server here: install Debian's package `redis-server`")
    with RedisServer(tmp_path) as server:
        yield server.url


@pytest.fixture
def site(redis_url: str) -> Iterator[FakeSite]:
    """Return an app that gives tickets, at a simulator."""
    with fake_site(UVICORN_H11, app="tests.stress.jobs_app:app", cache=redis_url) as started:
        yield started


@pytest.fixture
def variables(site: FakeSite, redis_url: str, tmp_path: Path) -> Mapping[str, str]:
    """Return the worker's variables; what the page shows lies in its folder."""
    if not PYTHON.exists():
        pytest.skip("run `make .make/jobs/done` first")
    for name, text in named_files(PAGE):
        (tmp_path / name).write_text(text, encoding="utf-8")
    client = site.fake.client
    given = environment(site.serving.url, client.client_id, client.client_secret, {"cache": redis_url})
    queue = {"QUEUE_URL": redis_url, "RQ_REDIS_URL": redis_url, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    return clean_environment({**given, **queue})


@pytest.mark.parametrize(("worker", "call"), [CELERY, RQ], ids=["Celery", "RQ"])
def test_a_job_counts_the_archives(
    worker: list[str], call: str, site: FakeSite, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """A job that gets the ticket through a real queue sees what Alice sees."""
    with Visitor() as visitor:
        page = visitor.go(f"{site.url}/ticket")
        page = visitor.submit(page, "Log in", {"username": "alice", "password": "secret"})
        ticket = visitor.submit(page, "Allow").text
    with subprocess.Popen([PYTHON, *worker], cwd=tmp_path, env=variables) as running:
        try:
            done = subprocess.run(
                [PYTHON, "-c", call, ticket],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                timeout=SECONDS,
                check=True,
            )
        finally:
            running.terminate()

    assert done.stdout == b"2\n"

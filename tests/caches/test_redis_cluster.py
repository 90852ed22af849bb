"""A Redis Cluster takes the keys of one script together. The cache speaks to a cluster of one node only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.caches.protocol import SaveOutcome
from tests.caches.redis_kit import FACES, admin, free_port, open_face
from tests.providers.child import Child
from tests.providers.redis_server import find_redis_server

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Redis Cluster of one node. It takes two seconds until it is one."""
    tmp_path: Path = tmp_path_factory.mktemp("cluster")
    program = find_redis_server()
    if program is None:
        pytest.skip("no redis-server or valkey-server here")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"]
    options += ["--cluster-port", str(free_port()), "--dir", str(tmp_path)]
    child = Child([program, *options], folder=tmp_path)
    try:
        child.wait_for_line("Ready to accept connections")
        url = f"redis://127.0.0.1:{port}/0"
        with admin(url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            ready_by = time.monotonic() + 20
            while client.cluster("INFO")["cluster_state"] != "ok" and time.monotonic() < ready_by:
                time.sleep(0.05)
        yield url
    finally:
        child.stop()


@pytest.mark.parametrize("face", FACES)
def test_cluster_of_one(cluster_url: str, face: str) -> None:
    """The keys of one script are ones that a Redis Cluster takes together."""
    with open_face(face, cluster_url) as cache:
        lease = cache.take_lease(f"session:{face}", ttl_seconds=60)
        outcome = cache.save(f"session:{face}", b"v", version=1, ttl_seconds=60, create=True, lease=lease)
        assert (lease is not None, outcome) == (True, SaveOutcome.SAVED)

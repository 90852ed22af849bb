"""What a claim leaves in Redis: strangers can make as many as they like."""

from __future__ import annotations

import pytest

from fotoweb_middleware.caches.redis_scripts import build_take_lease


@pytest.mark.parametrize(
    ("ttl_seconds", "fence_ttl_milliseconds"), [(15, 86_400_000), (305, 86_400_000), (660, 660_000)]
)
def test_fence_of_a_claim_ends_with_it(ttl_seconds: float, fence_ttl_milliseconds: int) -> None:
    """A refresh's fence is remembered for a day; a used state leaves nothing behind once it may be forgotten."""
    assert build_take_lease("test", "key", ttl_seconds=ttl_seconds).command[-1] == fence_ttl_milliseconds

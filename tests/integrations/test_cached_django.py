"""Django's caches behind the middleware keep everybody's pages apart (T-CS-12).

The same with Django 5.2.0, whose caches tell fewer people apart by themselves: tests/stress/test_caches.py.
"""

from __future__ import annotations

import json

import pytest

from tests.integrations.cached_pages import Visits, is_cached, strangers_pages
from tests.integrations.django_site import run_python

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.


@pytest.fixture(scope="module")
def visits() -> dict[str, Visits]:
    """Return what everybody read, by way to cache a page."""
    code, output = run_python("-m", "tests.integrations.cached_django")
    assert code == 0, output
    found: dict[str, Visits] = json.loads(output.splitlines()[-1])["visits"]
    return found


def test_nobody_reads_anothers_page(visits: dict[str, Visits]) -> None:
    """With ``cache_page`` or site-wide, with injected header or none, with ``request.user`` or none, on each visit."""
    found = {way: pages for way, seen in visits.items() if (pages := strangers_pages(seen))}

    assert found == {}


def test_the_pages_are_cached(visits: dict[str, Visits]) -> None:
    """Whoever comes again gets the page that was kept for them, so the test above is one of caches."""
    assert [way for way, seen in visits.items() if not is_cached(seen)] == []

"""Caches inside the app keep everybody's pages apart (T-CS-12): in the environment that `make .make/caches/done` makes.

Django's caches with the version of `dev`: tests/integrations/test_cached_django.py.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.integrations.cached_pages import Visits, is_cached, strangers_pages
from tests.servers.serving import ROOT, clean_environment

PYTHON = ROOT / ".make" / "caches" / "bin" / "python"
WITHOUT_KEY = "no key"


def run(program: str) -> dict[str, Any]:
    """Return what a program told."""
    if not PYTHON.exists():
        pytest.skip("run `make .make/caches/done` first")
    done = subprocess.run(
        [PYTHON, "-m", program],
        cwd=ROOT,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def visits() -> dict[str, Visits]:
    """Return what everybody read in apps with Flask-Caching and fastapi-cache."""
    found: dict[str, Visits] = run("tests.stress.cached_apps")["visits"]
    return found


def test_django_5_2_0() -> None:
    """With the oldest Django that we admit, nobody reads another's page."""
    told = run("tests.integrations.cached_django")
    wrong = {way: seen for way, seen in told["visits"].items() if strangers_pages(seen) or not is_cached(seen)}

    assert (told["version"], wrong) == ("5.2", {})


def test_flask_caching_and_fastapi_cache(visits: dict[str, Visits]) -> None:
    """With the key function of docs/reference/requests.md, everybody gets their own page from the cache."""
    with_key = {way: seen for way, seen in visits.items() if WITHOUT_KEY not in way}

    assert [way for way, seen in with_key.items() if strangers_pages(seen) or not is_cached(seen)] == []


def test_without_a_key_they_mix_people_up(visits: dict[str, Visits]) -> None:
    """As the page warns. Where this fails, they have learnt to tell people apart, and the warning can go."""
    assert [way for way, seen in visits.items() if WITHOUT_KEY in way and not strangers_pages(seen)] == []

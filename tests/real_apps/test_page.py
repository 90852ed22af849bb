"""The page about real apps can be tried: ``make real-apps`` does it, with a real browser and the real packages."""

from __future__ import annotations

import pytest

from tests.real_apps.page import PICTURES, RealApp, read_page
from tests.real_apps.visits import VISITS

APPS = read_page()
MAX_PICTURE_BYTES = 80_000


def test_each_app_is_visited() -> None:
    """Each section about an app has a visit, and no visit lacks its section."""
    assert APPS.keys() == VISITS.keys()


@pytest.mark.parametrize("app", APPS.values(), ids=APPS)
def test_the_python_compiles(app: RealApp) -> None:
    """The page's Python has no mistakes of syntax."""
    for name, text in app.files.items():
        compile(text, name, "exec")


@pytest.mark.parametrize("app", APPS.values(), ids=APPS)
def test_the_picture_is_small(app: RealApp) -> None:
    """The page's screenshot is there, and loads quickly."""
    assert (PICTURES / f"{app.name}.png").stat().st_size < MAX_PICTURE_BYTES

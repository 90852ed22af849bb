"""Logging in and out with each cookie setting, and where browsers say little of where a request comes from.

Each setting on one server: the attributes of a cookie are the same on all, and tests/behaviour looks at them.
"""

from __future__ import annotations

import pytest

from tests.servers.serving import GUNICORN_THREADS, UVICORN_HTTPTOOLS, Kind
from tests.servers.sites import FakeSite, fake_site
from tests.servers.visitor import Visitor

INTRANET = "app.intranet.test"


def check_in_and_out(site: FakeSite, visitor: Visitor) -> None:
    """One login brings the page; a reload keeps it; the form of the page that asks logs out."""
    page = visitor.visit(f"{site.url}/start")
    assert page.json()["path"] == "/start"
    assert visitor.go(f"{site.url}/start").json()["path"] == "/start"
    assert site.logins == 1
    out = visitor.submit(visitor.go(f"{site.url}/oauth2/logout"), "Sign out")
    assert (out.status, "You are signed out" in out.text) == (200, True)
    assert visitor.fetch(f"{site.url}/data").status_code == 401


@pytest.mark.parametrize(
    ("kind", "same_site"),
    [(UVICORN_HTTPTOOLS, "lax"), (GUNICORN_THREADS, "strict"), (UVICORN_HTTPTOOLS, "none")],
    ids=str,
)
def test_every_same_site_setting_works(kind: Kind, same_site: str, visitor: Visitor) -> None:
    """FotoWeb is another site, so a Strict cookie does not come along on the way back from it."""
    secure = "true" if same_site == "none" else "auto"
    with fake_site(kind, cookie_samesite=same_site, cookie_secure=secure) as site:
        check_in_and_out(site, visitor)


@pytest.mark.parametrize(("kind", "same_site"), [(GUNICORN_THREADS, "lax"), (UVICORN_HTTPTOOLS, "strict")], ids=str)
def test_a_plain_http_intranet_works(kind: Kind, same_site: str, visitor: Visitor) -> None:
    """There browsers send no Fetch Metadata, and Firefox hides the Origin of a form whose page is ``no-referrer``."""
    with fake_site(kind, host=INTRANET, cookie_secure="false", cookie_samesite=same_site) as site:
        check_in_and_out(site, visitor)

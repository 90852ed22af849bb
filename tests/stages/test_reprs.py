"""What the stages hand on shows no cookie and no id in its repr (R-LG1)."""

from __future__ import annotations

from fotoweb_middleware.stages.first_sight import SessionCookie
from fotoweb_middleware.stages.lookup import present
from tests.site.samples import NOW, a_request, a_site

SITE = a_site()


def test_presented() -> None:
    """The session cookie's value is not shown."""
    name = present(SITE, a_request()).names.session

    assert "S3CR3T" not in repr(present(SITE, a_request(cookie=f"{name}=S3CR3T; a=S3CR3T")))


def test_session_cookie() -> None:
    """A session's id, which is a secret in reference mode, is not shown."""
    assert "S3CR3T" not in repr(SessionCookie("S3CR3T", NOW, None, 1))

"""A logout finds the session of a cookie among many that somebody planted beside it, and in no time (stage 2)."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cookies.content import write_record
from fotoweb_middleware.cookies.header import CookieNames
from fotoweb_middleware.cookies.parts import MAX_TOTAL_CHARACTERS
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.site import Site
from fotoweb_middleware.stages import lookup
from fotoweb_middleware.stages.first_sight import SessionCookie, unseal_cookie
from fotoweb_middleware.stages.lookup import present, presented_sessions
from tests.site.samples import a_record, a_request
from tests.stages.turned import Clocks, a_turned_site


@pytest.fixture
def site() -> Site:
    """Return a site on plain http, whose cookies have no prefix that keeps other hosts of the domain out."""
    return a_turned_site(Clocks(), shared_cache=False, cookie_secure="false")


def found(site: Site, *planted: str) -> list[str]:
    """Return whose sessions end when somebody logs out who brings these cookies, and their own after them."""
    own = site.sealer.seal(write_record(a_record()), Purpose.SESSION, name=site.names[False].session)
    request = a_request("/oauth2/logout", method="POST", cookie="; ".join([*planted, f"fotoweb={own}"]))
    return presented_sessions(site, request, present(site, request))


@pytest.mark.parametrize("each", [1, 7, 8, 20])
def test_many_parts(site: Site, each: int) -> None:
    """Parts that make hundreds of values of three don't hide a cookie that is whole."""
    parts = [f"fotoweb{end}{letter}{number}" for end, letter in (("=3~", "a"), (".1=", "b"), (".2=", "c"))
             for number in range(each)]  # fmt: skip

    assert found(site, *parts) == ["session-1"]


def test_long_values_are_not_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than all our cookies together is none of ours; to open 256 of such would take 0.1 s (T-RL-03)."""
    opened: list[int] = []

    def watched(site: Site, names: CookieNames, raw: str) -> SessionCookie | None:
        opened.append(len(raw))
        return unseal_cookie(site, names, raw)

    monkeypatch.setattr(lookup, "unseal_cookie", watched)
    most = MAX_TOTAL_CHARACTERS
    parts = [f"fotoweb.1={'b' * most}", "fotoweb=2~", "fotoweb=2~a", f"fotoweb={'c' * (most + 1)}"]

    assert found(site, *parts) == ["session-1"]
    assert [length for length in opened if length > 1000] == [most]

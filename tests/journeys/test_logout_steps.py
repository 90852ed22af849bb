"""A logout's steps, where whoever asked for it goes away in the middle."""

from __future__ import annotations

from fotoweb_middleware.cookies.content import write_record
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.effects import BuryRecord, Detach
from fotoweb_middleware.journeys.logout import end_session
from fotoweb_middleware.stages.lookup import present
from tests.site.samples import a_record, a_request, a_site


def test_logout_outlives_its_request() -> None:
    """The server cache is told of a session's end though the browser hangs up: other processes must know."""
    site, record = a_site(), a_record()
    name = site.names[True].session
    value = site.sealer.seal(write_record(record), Purpose.SESSION, name=name)
    request = a_request("/oauth2/logout", method="POST", sec_fetch_site="same-origin", cookie=f"{name}={value}")

    effect = next(end_session(site, request, present(site, request)))

    assert isinstance(effect, Detach)
    assert next(effect.flow) == BuryRecord(site.cache_key("session", record.session_id), site.tombstone_seconds)


def test_logout_of_several_outlives_its_request() -> None:
    """Where several sessions' cookies came, all of them end, though the browser hangs up during the first."""
    site = a_site()
    name = site.names[True].session
    values = [
        site.sealer.seal(write_record(a_record(session_id)), Purpose.SESSION, name=name) for session_id in ("a", "b")
    ]
    cookie = "; ".join(f"{name}={value}" for value in values)
    request = a_request("/oauth2/logout", method="POST", sec_fetch_site="same-origin", cookie=cookie)

    flow = end_session(site, request, present(site, request))
    effect = next(flow)
    flow.close()

    assert isinstance(effect, Detach)
    buried = [next(effect.flow), effect.flow.send(None)]
    assert buried == [BuryRecord(site.cache_key("session", each), site.tombstone_seconds) for each in ("a", "b")]

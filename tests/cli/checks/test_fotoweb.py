"""Both endpoints of the simulator, asked as a login would ask them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fotoweb_middleware.cli.checks.finding import Finding
from fotoweb_middleware.cli.checks.fotoweb import check_fotoweb
from fotoweb_middleware.testing import Client, FakeFotoWeb, Fault
from tests.cli.samples import CALLBACK, settings_for


def _check(fake: FakeFotoWeb, *, clock: Callable[[], float] = time.time, **changes: Any) -> list[Finding]:
    with httpx.Client(transport=fake.transport()) as client:
        return check_fotoweb(settings_for(fake, **changes), client, clock=clock)


def _bad(findings: list[Finding]) -> list[str]:
    assert all(finding.hint for finding in findings if finding.level == "bad")
    return [str(finding) for finding in findings if finding.level == "bad"]


def test_all_well() -> None:
    """Against a FotoWeb that knows the application, everything is ok."""
    findings = _check(FakeFotoWeb())

    assert [finding.level for finding in findings] == ["ok"] * 3
    assert "leads to its login" in findings[0].what
    assert "accepts the credentials" in findings[2].what


@pytest.mark.parametrize("changes", [{"pkce": False}, {"send_redirect_uri": False}, {"redirect_uri": None}])
def test_all_well_with_other_switches(changes: dict[str, Any]) -> None:
    """The same with each switch that changes the two requests."""
    assert _bad(_check(FakeFotoWeb(), **changes)) == []


def test_unknown_client_id() -> None:
    """A client id that neither endpoint knows is one finding."""
    found = _bad(_check(FakeFotoWeb(), client_id="unknown"))

    assert len(found) == 1
    assert "FOTOWEB_CLIENT_ID is wrong" in found[0]


def test_unregistered_redirect_uri() -> None:
    """A redirect URI that is not registered is shown, so that it can be compared."""
    found = _bad(_check(FakeFotoWeb(), redirect_uri="http://localhost:8001/oauth2/callback"))

    assert len(found) == 1
    assert "http://localhost:8001/oauth2/callback is not registered" in found[0]


SEVERAL = Client(redirect_uris=(CALLBACK, "http://localhost:8001/oauth2/callback"))


def test_several_redirect_uris_and_none_sent() -> None:
    """With ``FOTOWEB_SEND_REDIRECT_URI=false`` several registered ones are a fault."""
    found = _bad(_check(FakeFotoWeb(clients=[SEVERAL]), send_redirect_uri=False))

    assert "not exactly one redirect URI is registered" in found[0]


def test_several_redirect_uris_and_none_set() -> None:
    """Where the redirect URI is derived, logins work: the check can't send one, says so, and does not fail."""
    found = _check(FakeFotoWeb(clients=[SEVERAL]), redirect_uri=None)

    assert _bad(found) == []
    assert any("set FOTOWEB_REDIRECT_URI" in finding.hint for finding in found)


def test_unregistered_redirect_uri_and_wrong_secret() -> None:
    """Where the client ID alone is right, both other causes are named."""
    fake = FakeFotoWeb()
    found = _bad(_check(fake, redirect_uri="http://localhost:8001/oauth2/callback", client_secret="wrong"))

    assert ["is not registered" in found[0], "FOTOWEB_CLIENT_SECRET is wrong" in found[1]] == [True, True]


def test_unregistered_redirect_uri_among_several() -> None:
    """Several registered ones, and another one set: the token endpoint knows the client, so it is the redirect URI."""
    found = _bad(_check(FakeFotoWeb(clients=[SEVERAL]), redirect_uri="http://localhost:8002/oauth2/callback"))

    assert len(found) == 1
    assert "http://localhost:8002/oauth2/callback is not registered" in found[0]


def test_pkce_required() -> None:
    """A FotoWeb that insists on PKCE is told apart from one that refuses the application."""
    fake = FakeFotoWeb()
    fake.switch(require_pkce=True)

    found = _bad(_check(fake, pkce=False))

    assert len(found) == 1
    assert "FotoWeb requires PKCE, but FOTOWEB_PKCE=false" in found[0]


def test_wrong_secret() -> None:
    """invalid_client means wrong credentials; the secret is not shown."""
    found = _bad(_check(FakeFotoWeb(), client_secret="planted-wrong"))

    assert len(found) == 1
    assert "invalid_client" in found[0]
    assert "planted" not in found[0]


@pytest.mark.parametrize("error", ["unauthorized_client", "access_denied", "invalid_scope"])
def test_application_known_but_refused(error: str) -> None:
    """An error at the callback means that the application is known and may not be used."""
    fake = FakeFotoWeb()
    fake.switch(authorize_error=error)

    assert f"but answers {error}" in _bad(_check(fake))[0]


def test_trouble_at_the_callback_is_no_fault_of_the_settings() -> None:
    """temporarily_unavailable is a warning."""
    fake = FakeFotoWeb()
    fake.switch(authorize_error="temporarily_unavailable")

    assert [finding.level for finding in _check(fake)] == ["warn", "ok", "ok"]


def test_login_that_needs_no_page() -> None:
    """A FotoWeb that sends the code at once is fine."""
    fake = FakeFotoWeb()
    fake.switch(auto_login="alice")

    assert _bad(_check(fake)) == []


def test_script_application() -> None:
    """An application of another type is turned down with FotoWeb's own words."""
    fake = FakeFotoWeb(clients=[Client(kind="script")])

    found = _bad(_check(fake))

    assert len(found) == 1
    assert "unauthorized_client" in found[0]
    assert "not registered for this grant_type" in found[0]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.server_error(), "HTTP 500"),
        (Fault.bad_gateway(), "HTTP 502"),
        (Fault.too_many_requests(), "HTTP 429"),
    ],
)
@pytest.mark.parametrize("endpoint", ["authorize", "token"])
def test_trouble(endpoint: Any, fault: Fault, words: str) -> None:
    """5xx and 429 are FotoWeb's trouble, not the settings'."""
    fake = FakeFotoWeb()
    fake.fault(endpoint, fault)

    found = _bad(_check(fake))

    assert len(found) == 1
    assert f"The {endpoint} endpoint answers {words}" in found[0]
    assert "FotoWeb has trouble" in found[0]


def test_unreachable_is_told_once() -> None:
    """Where the first request gets no answer, the second is not tried."""
    fake = FakeFotoWeb()
    fake.switch(reachable=False)

    assert len(_bad(_check(fake))) == 1


@pytest.mark.parametrize(
    ("ahead_seconds", "level", "words"),
    [
        (0, "ok", "agree"),
        (59, "ok", "agree"),
        (62, "warn", "62 seconds ahead of"),
        (-7200, "warn", "120 minutes behind"),
    ],
)
def test_clock_skew(ahead_seconds: float, level: str, words: str) -> None:
    """Clocks that are more than a minute apart are a warning that says which way."""
    fake = FakeFotoWeb(clock=lambda: 1_790_000_000.0)
    fake.switch(clock_skew_seconds=ahead_seconds)

    skew = _check(fake, clock=lambda: 1_790_000_000.0)[1]

    assert skew.level == level
    assert words in skew.what

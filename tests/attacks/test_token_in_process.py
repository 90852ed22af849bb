"""Cases that need a clock to turn or a certificate to choose: in this process, calls over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio.from_thread
import pytest

from tests.attacks.answers import Answer, reply
from tests.attacks.attacked import DEADLINE_SECONDS
from tests.attacks.in_process import open_site
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.tls_front import HANDSHAKE, tls_front
from tests.attacks.watched_site import watched_case
from tests.behaviour.kit import Visited, Visitor
from tests.cli.checks.tls_server import Certificate, make_certificate

BOTH_DOORS = pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
OUTAGE_SECONDS = 60
REQUESTS_PER_SECOND = 10


@pytest.fixture
def site(adapter: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb) -> Iterator[Visited]:
    """Return an app at the scripted FotoWeb; the oracles are held against what happens there."""
    with watched_case(fotoweb) as case:
        opened = open_site(adapter, portal, fotoweb, case=case, http_timeout=DEADLINE_SECONDS)
        yield opened
        opened.close()


@pytest.fixture
def member(site: Visited, fotoweb: ScriptedFotoWeb) -> Visitor:
    """Return somebody who is logged in, with a token of an hour."""
    visitor = site.visitor(fotoweb.new_user())
    visitor.log_in()
    return visitor


@BOTH_DOORS
@pytest.mark.parametrize(
    "answer",
    [reply(503), reply(429, Retry_After="7"), reply(200, "<title>Sorry</title>", "text/html")],
    ids=["503", "429", "page"],
)
def test_failed_refresh_of_a_valid_token(
    site: Visited, member: Visitor, fotoweb: ScriptedFotoWeb, answer: Answer
) -> None:
    """While the token is valid, a refresh that fails is not seen: the old token serves, no cookie is set (T-TE-16).

    Shows R-TE12.
    """
    old = member.get("/").seen["token"]
    fotoweb.script(member.user_name, answer)
    site.clock.advance(3600 - 30)

    replies = [member.get("/") for _ in range(3)]

    assert [(each.seen["token"], each.all("Set-Cookie")) for each in replies] == [(old, [])] * 3
    assert len(fotoweb.requests_of(member.user_name)) == 2  # The login's, and one refresh that failed.


@BOTH_DOORS
def test_outage_of_a_minute(site: Visited, member: Visitor, fotoweb: ScriptedFotoWeb) -> None:
    """Ten requests a second on one session, for a minute of 503s: at most 15 token requests (R-TE18; T-TE-23)."""
    fotoweb.script(member.user_name, reply(503))
    site.clock.advance(3601)
    before = len(fotoweb.requests_of(member.user_name))

    for _ in range(OUTAGE_SECONDS * REQUESTS_PER_SECOND):
        assert member.get("/").status == 503
        site.clock.advance(1 / REQUESTS_PER_SECOND)

    assert 1 <= len(fotoweb.requests_of(member.user_name)) - before <= 15
    fotoweb.heal(member.user_name)
    site.clock.advance(10)
    assert member.get("/").status == 200


def certificate_and_bundle(folder: Path, choice: str) -> tuple[Certificate, Path]:
    """Return a certificate, and the file of what the app trusts."""
    (folder / "other").mkdir()
    other = make_certificate(folder / "other")
    host = "elsewhere.test" if choice == "wrong host" else "localhost"
    days = (-3, -1) if choice == "expired" else (-1, 1)
    made = make_certificate(folder, host=host, days_from_now=days)
    return made, other.certificate if choice == "self-signed" else made.certificate


@BOTH_DOORS
@pytest.mark.parametrize("choice", ["good", "self-signed", "expired", "wrong host"])
def test_certificates(
    adapter: str, choice: str, portal: anyio.from_thread.BlockingPortal, fotoweb: ScriptedFotoWeb, tmp_path: Path
) -> None:
    """A certificate that does not hold fails the login before a secret is sent; nothing is tried in plain (T-TE-21).

    Shows R-TE2.
    """
    made, bundle = certificate_and_bundle(tmp_path, choice)
    user = fotoweb.new_user()
    with tls_front(lambda: made, fotoweb.url) as (url, first_bytes), watched_case(fotoweb) as case:
        case.fotoweb_host = url.removeprefix("https://")
        site = open_site(adapter, portal, fotoweb, case=case, url=url, ca_bundle=str(bundle))
        visitor = site.visitor(user)
        arrived = visitor.visit(visitor.approve(visitor.visit("/").location))
        site.close()

    is_good = choice == "good"
    assert (arrived.status, len(fotoweb.requests_of(user))) == ((302, 1) if is_good else (503, 0))
    assert ("__Host-fotoweb" in visitor.jar.names()) is is_good
    assert first_bytes == [HANDSHAKE]

"""The whole demo over real ports, as ASGI and as WSGI, with a scripted browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from fotoweb_middleware.demo.ports import listen
from fotoweb_middleware.demo.running import Demo, announce, running
from fotoweb_middleware.testing import FakeFotoWeb
from tests.demo.person import Person

MOST_SECONDS = 40.0
KEY = "kJ8s-2mQzX0pLr7VtY5wBn3cHd6fGg9aEeRiUoTqWxM"


@pytest.fixture(params=[False, True], ids=["asgi", "wsgi"])
def wsgi(request: pytest.FixtureRequest) -> bool:
    """Run the test for both."""
    return bool(request.param)


@pytest.fixture
def demo(wsgi: bool) -> Iterator[Demo]:
    """Run a demo whose tokens outlive the test: with those of a second a slow page finds FotoWeb refusing them."""
    with running(host="127.0.0.1", port=0, wsgi=wsgi, token_lifetime_seconds=600) as running_demo:
        yield running_demo


@pytest.fixture
def alice(demo: Demo) -> Iterator[Person]:
    """Return Alice, who isn't signed in yet."""
    with Person(demo.url) as person:
        yield person


def wait_for_refresh(person: Person) -> dict[str, Any]:
    """Ask as the page's script does, until a refresh shows."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        status: dict[str, Any] = json.loads(person.fetch().content)
        if status["sightings"][0]["kind"] == "refreshed":
            return status
        time.sleep(0.1)
    raise AssertionError("no refresh was seen")


def test_the_way_in(alice: Person, demo: Demo) -> None:
    """Log in, consent, and there are the pictures."""
    page = alice.sign_in()

    assert (str(page.url), page.status_code) == (f"{demo.url}/", 200)
    assert "Alice Berg" in page.text
    assert "Nordic coast" in page.text


def test_a_picture_can_be_seen(alice: Person) -> None:
    """A preview is loaded from FotoWeb with nothing but its address."""
    page = alice.sign_in()
    address = page.text.partition('<img src="')[2].partition('"')[0]
    with Person(address) as other:
        picture = other.visit("")

    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")


def test_a_refresh_happens_by_itself(alice: Person, demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    """Requests continue, one of them brings a new token, and the terminal tells."""
    assert demo.site.simulator is not None
    demo.site.simulator.switch(access_token_lifetime_seconds=1)
    alice.sign_in()
    status = wait_for_refresh(alice)

    assert [each["kind"] for each in status["sightings"]][-1] == "signed in"
    assert status["fingerprint"] != status["sightings"][-1]["fingerprint"]
    assert "Token refreshed" in alice.visit().text
    assert "token refreshed" in capsys.readouterr().out


def test_signing_out_lasts(alice: Person, demo: Demo) -> None:
    """The button ends the session: fetches get 401, a visit leads to FotoWeb."""
    alice.submit(alice.sign_in())

    assert alice.fetch().status_code == 401
    assert demo.site.simulator is not None
    demo.site.simulator.forget_browsers()
    assert alice.visit().url.path == "/fotoweb/views/login"


def test_signing_in_again_is_told_as_such(alice: Person) -> None:
    """FotoWeb still knows the browser, so it is a click; it is no refresh."""
    alice.submit(alice.sign_in())
    page = alice.sign_in()

    assert page.text.count('"what">Signed in') == 2


def test_fotoweb_down(alice: Person, demo: Demo) -> None:
    """The status needs no FotoWeb while the token is valid; the pictures do, and a page says so."""
    assert demo.site.simulator is not None
    alice.sign_in()
    demo.site.simulator.switch(reachable=False)
    page = alice.visit()

    assert (page.status_code, "No pictures just now" in page.text) == (502, True)
    assert alice.fetch().status_code == 200


def test_noise_starts_no_login(alice: Person, capsys: pytest.CaptureFixture[str]) -> None:
    """What browsers ask for by themselves is answered, or refused without a word."""
    assert alice.fetch("/favicon.ico").status_code == 200
    assert alice.fetch("/apple-touch-icon.png").status_code == 401
    assert capsys.readouterr() == ("", "")


def test_the_other_name_of_this_machine_works_too(demo: Demo) -> None:
    """Who types 127.0.0.1 comes back to 127.0.0.1."""
    with Person(demo.url.replace("localhost", "127.0.0.1"), "bob") as bob:
        page = bob.sign_in()

    assert (page.url.host, "Bob Holm" in page.text) == ("127.0.0.1", True)


def test_a_taken_port(wsgi: bool) -> None:
    """The next free one is taken, and its callback is the one that the simulator knows."""
    with (
        listen("127.0.0.1", 0) as somebody,
        running(host="127.0.0.1", port=somebody.getsockname()[1], wsgi=wsgi) as demo,
        Person(demo.url) as person,
    ):
        assert demo.port > somebody.getsockname()[1]
        assert person.sign_in().status_code == 200


@pytest.fixture
def own_fotoweb(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFotoWeb]:
    """Name a FotoWeb in the environment, and return it."""
    fake = FakeFotoWeb()
    with fake.serve() as url:
        monkeypatch.setenv("FOTOWEB_URL", url)
        monkeypatch.setenv("FOTOWEB_CLIENT_ID", fake.client.client_id)
        monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fake.client.client_secret)
        monkeypatch.setenv("FOTOWEB_SECRET_KEY", KEY)
        monkeypatch.setenv("FOTOWEB_CACHE", "memory://")
        yield fake


def test_your_own_fotoweb(own_fotoweb: FakeFotoWeb, wsgi: bool) -> None:
    """With the four variables no simulator is started."""
    with running(host="127.0.0.1", port=0, wsgi=wsgi) as demo, Person(demo.url) as person:
        own_fotoweb.register(replace(own_fotoweb.client, redirect_uris=(demo.site.callback_url,)))
        page = person.sign_in()

    assert demo.site.simulator is None
    assert demo.site.callback_url == f"http://localhost:{demo.port}/oauth2/callback"
    assert f"Pictures from {demo.site.settings.url}" in page.text


def test_your_own_fotoweb_knows_one_port(own_fotoweb: FakeFotoWeb) -> None:
    """Where that is taken the demo stops: a callback at another one is not registered."""
    with (
        listen("127.0.0.1", 0) as somebody,
        pytest.raises(OSError, match="choose another port"),
        running(host="127.0.0.1", port=somebody.getsockname()[1], wsgi=False),
    ):
        pass


def test_you_are_told_what_to_register(own_fotoweb: FakeFotoWeb, capsys: pytest.CaptureFixture[str]) -> None:
    """The callback URL, no word of a simulator, and no secret."""
    with running(host="127.0.0.1", port=0, wsgi=False) as demo:
        announce(demo, wanted_port=demo.port, token_lifetime_seconds=60)
    words = capsys.readouterr().out

    assert f"http://localhost:{demo.port}/oauth2/callback must be registered" in words
    assert "simulator" not in words
    assert own_fotoweb.client.client_secret not in words


def test_addresses_stand_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing follows an address that terminals take for a part of the link."""
    with running(host="127.0.0.1", port=0, wsgi=False) as demo:
        announce(demo, wanted_port=demo.port, token_lifetime_seconds=60)

    addresses = re.findall(r"http\S+", capsys.readouterr().out)

    assert addresses == [demo.url, demo.site.settings.url]

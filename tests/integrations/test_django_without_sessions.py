"""A Django project without ``django.contrib.sessions``: ``request.user`` is found anew on each request."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integrations.django_settings import INSTALLED_APPS, MIDDLEWARE
from tests.integrations.django_site import Interface, Person, Site, serve

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

SETTINGS = {
    "FOTOWEB": {"PUBLIC_PATHS": ["/public/*"]},
    "INSTALLED_APPS": ["django.contrib.auth", "django.contrib.contenttypes", INSTALLED_APPS[-1]],
    "MIDDLEWARE": [MIDDLEWARE[3]],
    "TEMPLATES": [],
}


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the project once for all tests here."""
    interface: Interface = request.param
    with serve(interface, tmp_path_factory.mktemp(interface), SETTINGS) as running:
        yield running


@pytest.fixture
def person(site: Site) -> Iterator[Person]:
    """Return somebody who has not signed in."""
    made = Person(site)
    yield made
    made.client.close()


@pytest.mark.parametrize("path", ["/", "/async", "/public/who", "/public/login-required"])
def test_the_user_is_who_signed_in(person: Person, path: str) -> None:
    """``request.user`` is who is signed in to FotoWeb, whoever was before, and no cookie of Django's is needed."""
    person.sign_in("alice")
    assert person.user_at(path) == "alice"
    person.sign_out()
    person.sign_in("bob")

    assert person.user_at(path) == "bob"
    assert all(name.startswith("fotoweb") for name in person.client.cookies)


@pytest.mark.parametrize("path", ["/public/who", "/public/who-async"])
def test_nobody_is_anonymous(person: Person, path: str) -> None:
    """On a public path, who has not signed in is Django's anonymous user."""
    assert person.user_at(path) == ""

"""Who ``request.user`` is in a Django project behind the middleware, under ASGI and under WSGI."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from fotoweb_middleware.testing import Fault
from tests.integrations.django_site import Interface, Person, Site, run_python, serve

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

TEST_CLIENT = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create(username="tester"))
print(client.get("/public/greeting").content.decode(), client.get("/public/links").content.decode().split())
client.get("/public/needs-session")
"""
ALICE = ["Alice", "Berg", "alice@example.test"]
NewPerson = Callable[[], Person]


@pytest.fixture(scope="module", params=["asgi", "wsgi"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the project once for all tests here."""
    interface: Interface = request.param
    with serve(interface, tmp_path_factory.mktemp(interface)) as site:
        yield site


@pytest.fixture
def site(running: Site) -> Iterator[Site]:
    """Return the project with no users and no sessions."""
    running.execute("DELETE FROM django_session")
    running.execute("DELETE FROM auth_user")
    yield running
    httpx.get(f"{running.url}/public/create-users?value=true", headers={"Host": "localhost"}).raise_for_status()


@pytest.fixture
def new_person(site: Site) -> Iterator[NewPerson]:
    """Return a function that gives somebody with a browser of their own."""
    people: list[Person] = []

    def make() -> Person:
        people.append(Person(site))
        return people[-1]

    yield make
    for each in people:
        each.client.close()


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    """Return somebody who has not signed in."""
    return new_person()


@pytest.mark.parametrize("path", ["/", "/async", "/public/who", "/public/who-async", "/public/login-required"])
def test_the_user_is_who_signed_in(person: Person, path: str) -> None:
    """``request.user`` and ``request.auser`` are FotoWeb's user from the first request on, and remain so."""
    person.sign_in("alice")

    assert [person.user_at(path), person.user_at(path)] == ["alice", "alice"]


@pytest.mark.parametrize("path", ["/public/who", "/public/who-async"])
def test_nobody_is_anonymous(person: Person, path: str) -> None:
    """On a public path, who has not signed in is Django's anonymous user, and gets no session."""
    answer = person.go(path)

    assert answer.json()["is_authenticated"] is False
    assert "set-cookie" not in answer.headers


def test_an_answer_that_depends_on_the_user_says_so(person: Person) -> None:
    """A public page that asks who it is has ``Vary: Cookie`` for anonymous users too; one that doesn't has not."""
    assert "Cookie" in person.go("/public/greeting").headers.get("Vary", "")
    assert "Cookie" not in person.go("/public/static-page").headers.get("Vary", "")


def test_login_required_leads_to_fotoweb(person: Person) -> None:
    """``login_required`` on a public path leads to the middleware's login, and back to the page."""
    answer = person.go("/public/login-required?a=1")

    assert answer.headers["Location"] == "/oauth2/login?next=/public/login-required%3Fa%3D1"


def test_a_new_user_has_a_name_and_no_password(person: Person) -> None:
    """A user who is created gets FotoWeb's name and address, and no password that could be set by e-mail."""
    person.sign_in("alice")

    told = person.go("/").json()

    assert (told["name"], told["has_password"]) == (ALICE, False)


def test_a_known_user_stays_as_they_are(site: Site, person: Person) -> None:
    """A login writes nothing into an account that was there: its password could be reset by FotoWeb's e-mail."""
    person.sign_in("alice")
    person.go("/")
    site.execute("UPDATE auth_user SET first_name = 'Al', last_name = '', email = '', password = 'kept'")
    person.sign_out()
    person.sign_in("alice")

    told = person.go("/").json()

    assert (told["name"], told["has_password"]) == (["Al", "", ""], True)


def test_signing_out_empties_the_session(site: Site, person: Person) -> None:
    """Who signed out of FotoWeb is anonymous at once, and what Django's session held is gone."""
    person.sign_in("alice")
    person.go("/?note=of-alice")
    person.sign_out()

    told = person.go("/public/who").json()

    assert (told["user"], told["note"]) == ("", None)
    assert site.execute("SELECT COUNT(*) FROM django_session") == [(0,)]


def test_the_next_person_inherits_nothing(person: Person) -> None:
    """Who signs in after somebody else in the same browser gets a session of their own, at their first request."""
    person.sign_in("alice")
    person.go("/?note=of-alice")
    person.sign_out()
    person.sign_in("bob")

    told = person.go("/").json()

    assert (told["user"], told["note"]) == ("bob", None)


def test_a_stolen_session_cookie_is_worth_nothing(person: Person, new_person: NewPerson) -> None:
    """Django's session cookie without FotoWeb's session is anonymous."""
    person.sign_in("alice")
    person.go("/?note=of-alice")
    thief = new_person()
    thief.client.cookies.set("sessionid", person.client.cookies["sessionid"])

    assert thief.go("/public/who").json() | {"name": []} == {
        "user": "",
        "is_authenticated": False,
        "name": [],
        "has_password": False,
        "note": None,
    }


def test_the_session_gets_a_new_key_at_login(person: Person, new_person: NewPerson) -> None:
    """A session that was there before the login keeps what it holds, under a key that nobody could know before."""
    attacker = new_person()
    attacker.go("/public/who?note=before")
    planted = attacker.client.cookies["sessionid"]
    person.client.cookies.set("sessionid", planted, domain="127.0.0.1")
    person.sign_in("alice")

    told = person.go("/").json()

    assert (told["user"], told["note"]) == ("alice", "before")
    assert planted not in {cookie.value for cookie in person.client.cookies.jar if cookie.name == "sessionid"}
    assert attacker.go("/public/who").json()["note"] is None


def test_the_session_lasts_while_the_user_stays(person: Person) -> None:
    """What Django's session holds is there on the next request: a session is begun once, not on each request."""
    person.sign_in("alice")
    person.go("/?note=kept")
    key = person.client.cookies["sessionid"]

    assert person.go("/").json()["note"] == "kept"
    assert person.client.cookies["sessionid"] == key


def test_a_password_login_stays_on_public_paths(person: Person) -> None:
    """Who signed in to Django with a password, where an app has that, remains so without FotoWeb."""
    person.go("/public/password-login?name=local")

    assert person.user_at("/public/who") == "local"


def test_fotoweb_goes_before_a_password_login(person: Person) -> None:
    """Who signs in to FotoWeb is the user, whoever was signed in to Django with a password."""
    person.go("/public/password-login?name=local")
    person.go("/public/who?note=of-local")
    person.sign_in("alice")

    told = person.go("/").json()

    assert (told["user"], told["note"]) == ("alice", None)


def test_users_are_only_mapped(site: Site, person: Person) -> None:
    """With ``CREATE_USERS`` False somebody without a Django user gets 403, and no user is made."""
    person.go("/public/create-users?value=false")
    person.sign_in("alice")

    assert person.go("/").status_code == 403
    assert site.execute("SELECT COUNT(*) FROM auth_user") == [(0,)]


def test_a_mapped_user_gets_in(person: Person) -> None:
    """With ``CREATE_USERS`` False somebody with a Django user of that name gets in."""
    person.sign_in("alice")
    person.go("/")
    person.sign_out()
    person.go("/public/create-users?value=false")
    person.sign_in("alice")

    assert person.user_at("/") == "alice"


def test_a_deactivated_user_is_locked_out(site: Site, person: Person) -> None:
    """Who is not active in Django gets 403, at the next request, and the session is emptied."""
    person.sign_in("alice")
    person.go("/")
    site.execute("UPDATE auth_user SET is_active = 0")

    assert person.go("/").status_code == 403
    assert site.execute("SELECT COUNT(*) FROM django_session") == [(0,)]


def test_the_admin_lets_staff_in(site: Site, person: Person) -> None:
    """The admin needs no login of its own: who is staff gets in."""
    person.sign_in("alice")
    person.go("/")
    site.execute("UPDATE auth_user SET is_staff = 1, is_superuser = 1")

    assert person.go("/admin/login/").headers["Location"] == "/admin/"
    page = person.go("/admin/").text
    assert "Site administration" in page
    assert "Alice" in page


def test_the_admin_sends_others_to_its_login(person: Person) -> None:
    """Who is no staff is told so."""
    person.sign_in("alice")

    answer = person.go("/admin/")
    page = person.go(answer.headers["Location"])

    assert "You are authenticated as alice, but are not authorized" in page.text


def test_the_admins_logout_signs_out_of_fotoweb(site: Site, person: Person) -> None:
    """With ``LOGOUT_REDIRECT_URL`` the admin's button ends both sessions."""
    person.sign_in("alice")
    token = person.go("/form").text
    site.execute("UPDATE auth_user SET is_staff = 1")

    answer = person.submit("/admin/logout/", csrfmiddlewaretoken=token)
    person.go(answer.headers["Location"])

    assert person.user_at("/public/who") == ""
    assert person.go("/").status_code == 302


def test_a_view_that_needs_a_session_gives_401(person: Person) -> None:
    """``NotSignedIn`` becomes a 401 with a link to the login."""
    answer = person.go("/public/needs-session")

    assert answer.status_code == 401
    assert "/oauth2/login?next=%2Fpublic%2Fneeds-session" in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("FotoWeb-Login ")


def test_a_view_that_can_not_reach_fotoweb_gives_503(person: Person) -> None:
    """``FotoWebUnreachable`` becomes a 503, which says when to come back."""
    assert person.go("/public/unreachable").headers["Retry-After"] == "1"
    answer = person.go("/public/unreachable?seconds=2.5")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")


def test_templates_have_the_links(person: Person) -> None:
    """The context processor gives the addresses of login and logout."""
    assert person.go("/public/links").text == "/oauth2/login?next=%2Fpublic%2Flinks /oauth2/logout"


def test_a_password_login_is_nothing_beside_a_nameless_session(site: Site, person: Person) -> None:
    """Where FotoWeb did not say who signed in, nobody else's Django session stands in for the name."""
    person.go("/public/password-login?name=local")
    site.fotoweb.fault("me", Fault.bad_gateway(), times=1)
    person.sign_in("alice")

    assert person.user_at("/") == ""


LOOSE_DATABASE = """
from unittest import mock
from types import SimpleNamespace
from django.contrib.auth.backends import RemoteUserBackend
from fotoweb_middleware import User
from fotoweb_middleware.integrations.django import FotoWebBackend
found = SimpleNamespace(get_username=lambda: "root")
with mock.patch.object(RemoteUserBackend, "authenticate", lambda *_, **__: found):
    print([FotoWebBackend().authenticate(None, User(1, name, "", "")) is not None for name in ("root", "ROOT")])
"""


def test_a_database_that_compares_loosely() -> None:
    """Where the database finds another user for a name, as MySQL does for ROOT and root, it is not that person."""
    code, output = run_python("-c", f"import django; django.setup(){LOOSE_DATABASE}")

    assert (code, output.splitlines()[-1]) == (0, "[True, False]")


UNWRAPPED = (
    TEST_CLIENT.partition("print(")[0]
    + """
session = client.session
session["fotoweb_signed_in"] = True
session.save()
print(client.get("/public/greeting").content.decode() + ".")
client.get("/public/greeting")
"""
)


def test_a_server_that_does_not_wrap_the_project() -> None:
    """A Django session that a FotoWeb login made counts for nothing where nobody can tell whose it is now.

    The log says once that nobody can.
    """
    code, output = run_python("-c", UNWRAPPED, settings={"ALLOWED_HOSTS": ["testserver"]})

    assert (code, output.splitlines()[-1]) == (0, "Hello stranger.")
    assert output.count("this request did not come through the FotoWeb middleware") == 1


def test_djangos_own_test_client_is_left_alone() -> None:
    """It calls views directly: ``force_login`` says who the user is, there are no links, and errors reach the test."""
    code, output = run_python("-c", TEST_CLIENT, settings={"ALLOWED_HOSTS": ["testserver"]})

    assert (code, "Hello tester []" in output) == (1, True)
    last_line = output.splitlines()[-1]
    assert last_line.startswith("fotoweb_middleware.errors.NotSignedIn: this request did not come through the FotoWeb")

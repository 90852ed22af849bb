"""Flask: ``FotoWeb``, ``current_session``, ``login_required``, with Flask's own test client."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import httpx
import pytest
from flask import Blueprint, Flask, Response, render_template_string, request
from flask.testing import FlaskClient
from flask_login import LoginManager, current_user
from flask_login import login_required as flask_login_required
from werkzeug.exceptions import HTTPException

from fotoweb_middleware import (
    FotoWebUnreachable,
    NotSignedIn,
    SessionEnded,
    Settings,
    SettingsError,
    User,
    get_session,
    require_session,
)
from fotoweb_middleware.client import FotoWebAuth
from fotoweb_middleware.integrations.flask import FotoWeb, current_session, login_required
from fotoweb_middleware.testing import FakeClock, FakeFotoWeb


@pytest.fixture
def extension(settings: Settings, fotoweb: FakeFotoWeb, clock: FakeClock) -> FotoWeb:
    """Return the extension, as a module of an app factory has it: before there is an app."""
    return FotoWeb(settings=settings, transport=fotoweb.transport(), clock=clock, monotonic=clock)


@pytest.fixture
def app(extension: FotoWeb) -> Flask:
    """Return an app with one view."""
    app = Flask(__name__)
    extension.init_app(app)

    @app.get("/")
    def home() -> str:
        return current_session.user.user_name if current_session.user else ""

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without a session."""
    return app.test_client()


def sign_in(client: FlaskClient, fotoweb: FakeFotoWeb, user_name: str = "alice", mount: str = "") -> None:
    """Log in."""
    to_fotoweb = client.get("/oauth2/login", base_url=f"http://localhost{mount}")
    callback = fotoweb.approve(to_fotoweb.headers["Location"], user_name)
    assert (
        client.get(callback.removeprefix(f"http://localhost{mount}"), base_url=f"http://localhost{mount}").status_code
        == 302
    )


def test_the_view_has_the_session(client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """``current_session`` is the session of whoever sends the request."""
    sign_in(client, fotoweb, "bob")

    assert client.get("/").text == "bob"


def test_two_people_at_once(app: Flask, fotoweb: FakeFotoWeb) -> None:
    """One person's ``current_session`` is never another's."""
    alice, bob = app.test_client(), app.test_client()
    sign_in(alice, fotoweb, "alice")
    sign_in(bob, fotoweb, "bob")

    assert [alice.get("/").text, bob.get("/").text, alice.get("/").text] == ["alice", "bob", "alice"]


def test_nobody_is_false(app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """``current_session`` is false where nobody is signed in, and true where somebody is."""
    app.add_url_rule("/truth", view_func=lambda: str(bool(current_session)))
    before = client.get("/truth").text
    sign_in(client, fotoweb)

    assert (before, client.get("/truth").text) == ("False", "True")


def test_outside_of_a_request_there_is_no_session() -> None:
    """Outside of a request ``current_session`` fails as ``request`` does, and hides no mistake."""
    with pytest.raises(RuntimeError, match="request context"):
        _ = current_session.user


def sync_view() -> str:
    """Stand for a view."""
    return "come in"


async def async_view() -> str:
    """Stand for an async one."""
    return "come in"


@pytest.mark.parametrize("view", [sync_view, async_view])
def test_login_required(view: Callable[[], str], app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """A guarded view answers 401 with a challenge to anonymous users, and runs for those who are signed in."""
    app.add_url_rule("/guarded", view_func=login_required(view))
    refused = client.get("/guarded")
    sign_in(client, fotoweb)
    admitted = client.get("/guarded")

    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Fotoweb-Login realm=fotoweb")
    assert (admitted.status_code, admitted.text) == (200, "come in")


def test_login_required_keeps_arguments_and_name(app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """The decorator hands on what the route has found, and keeps the endpoint's name."""

    @app.get("/archives/<int:number>")
    @login_required
    def archive(number: int) -> str:
        return f"archive {number}"

    sign_in(client, fotoweb)

    assert "archive" in app.view_functions
    assert client.get("/archives/5000").text == "archive 5000"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NotSignedIn("nobody"), 401, "Not signed in"),
        (SessionEnded("over"), 401, "Not signed in"),
        (FotoWebUnreachable("no answer"), 503, "Try again later."),
    ],
)
def test_errors_become_answers(error: Exception, status: int, words: str, app: Flask, client: FlaskClient) -> None:
    """What our calls raise in a view is an answer of the app, also where errors are not swallowed."""
    app.testing = True

    def failing() -> str:
        raise error

    app.add_url_rule("/failing", view_func=failing)

    answer = client.get("/failing")

    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize(("seconds", "retry_after"), [(6.2, "7"), (None, "1")])
def test_a_503_says_when_to_try_again(seconds: float | None, retry_after: str, app: Flask, client: FlaskClient) -> None:
    """How long FotoWeb asked to wait is handed on, in whole seconds; a second where it named no time."""

    def failing() -> str:
        raise FotoWebUnreachable("no answer", retry_after_seconds=seconds)

    app.add_url_rule("/failing", view_func=failing)

    assert client.get("/failing").headers["Retry-After"] == retry_after


def test_the_apps_own_error_page_is_shown(app: Flask, client: FlaskClient) -> None:
    """An app that has a handler for 401 is asked for it, whichever way the 401 came about."""

    @app.errorhandler(401)
    def own_page(error: HTTPException) -> tuple[str, int]:
        return f"own page: {error.description}", 401

    app.add_url_rule("/raised", view_func=lambda: require_session(request).token_type)
    app.add_url_rule("/guarded", view_func=login_required(sync_view))

    assert [client.get(path).text for path in ("/raised", "/guarded")] == ["own page: Not signed in"] * 2


def test_a_stream_outlives_its_token(app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb, clock: FakeClock) -> None:
    """A body that is made after the view has returned calls FotoWeb's API with a fresh token each time."""

    @app.get("/stream")
    def stream() -> Response:
        session = require_session(request)

        def names() -> object:
            with httpx.Client(transport=fotoweb.transport(), auth=FotoWebAuth(session)) as api:
                for _ in range(3):
                    clock.advance(61)
                    answer = api.get(f"{session.fotoweb_url}/fotoweb/me", headers={"Accept": "application/json"})
                    yield f"{answer.raise_for_status().json()['user']['userName']}\n"

        return Response(names(), mimetype="text/plain")  # type: ignore[arg-type]

    sign_in(client, fotoweb)

    assert client.get("/stream").text == "alice\n" * 3


TEMPLATE = """

{%- if current_session %}{{ current_session.user.full_name }} {{ fotoweb_logout_url() }}
{%- else %}{{ fotoweb_login_url() }} {{ fotoweb_login_url(next=url_for("home")) }}{% endif -%}
"""


@pytest.mark.parametrize("mount", ["", "/sub"])
def test_templates_have_the_links(mount: str, app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """A template says who is signed in, and has the way in and out, also below a mount."""
    fotoweb.register(dataclasses.replace(fotoweb.client, redirect_uris=(f"http://localhost{mount}/oauth2/callback",)))
    app.add_url_rule("/page", view_func=lambda: render_template_string(TEMPLATE))
    origin = f"http://localhost{mount}"
    login = f"{mount}/oauth2/login?next={mount.replace('/', '%2F')}"

    anonymous = client.get("/page", base_url=origin).text
    sign_in(client, fotoweb, mount=mount)

    assert anonymous == f"{login}%2Fpage {login}%2F"
    assert client.get("/page", base_url=origin).text == f"Alice Berg {mount}/oauth2/logout"


def test_nested_blueprints(app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """A blueprint in a blueprint is guarded as a whole, has the session, and its own page for a 401."""
    outer, inner = Blueprint("outer", __name__, url_prefix="/outer"), Blueprint("inner", __name__, url_prefix="/inner")
    outer.register_blueprint(inner)
    outer.before_request(login_required(lambda: None))
    outer.register_error_handler(401, lambda error: ("the blueprint's page", 401))
    inner.add_url_rule("/", "home", lambda: current_session.user.user_name if current_session.user else "")
    inner.add_url_rule("/raised", "raised", lambda: require_session({}).token_type)
    app.register_blueprint(outer)

    anonymous = client.get("/outer/inner/")
    sign_in(client, fotoweb)
    raised = client.get("/outer/inner/raised")

    assert (anonymous.status_code, anonymous.text) == (401, "the blueprint's page")
    assert (raised.status_code, raised.text) == (401, "the blueprint's page")
    assert client.get("/outer/inner/").text == "alice"


def test_one_extension_for_several_apps(extension: FotoWeb, fotoweb: FakeFotoWeb) -> None:
    """A factory may make many apps with one extension; each has sessions of its own."""

    def create_app() -> Flask:
        app = Flask(__name__)
        extension.init_app(app)
        app.add_url_rule("/", view_func=login_required(sync_view))
        return app

    first, second = create_app().test_client(), create_app().test_client()
    sign_in(first, fotoweb)

    assert [first.get("/").status_code, second.get("/").status_code] == [200, 401]


def test_settings_come_from_the_apps_configuration(
    settings: Settings, fotoweb: FakeFotoWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``app.config`` has what the environment leaves out; a variable goes before it."""
    monkeypatch.setenv("FOTOWEB_URL", "https://fotoweb.test")
    monkeypatch.setenv("FOTOWEB_CLIENT_ID", fotoweb.client.client_id)
    monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fotoweb.client.client_secret)
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", settings.secret_keys[0])
    monkeypatch.setenv("FOTOWEB_CACHE", "memory://")
    app = Flask(__name__)
    app.config.update(FOTOWEB_CLIENT_ID="from the code", FOTOWEB_PUBLIC_PATHS=["/about"])
    app.add_url_rule("/about", view_func=sync_view)

    FotoWeb(app, transport=fotoweb.transport())

    client = app.test_client()
    assert client.get("/about").text == "come in"
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 302
    assert f"client_id={fotoweb.client.client_id}" in client.get("/oauth2/login").headers["Location"]


def test_an_unknown_name_in_the_configuration_is_an_error(settings: Settings) -> None:
    """A name with a typo stops the app, which is left as it was."""
    app = Flask(__name__)
    app.config["FOTOWEB_PUBLIC_PATH"] = "/about"

    with pytest.raises(SettingsError, match="Did you mean public_paths") as wrong:
        FotoWeb(app)

    assert "Settings(...) stands for app.config, which gives FOTOWEB_PUBLIC_PATH." in str(wrong.value)

    FotoWeb(app, settings=settings)


def test_an_app_is_wrapped_once(app: Flask, extension: FotoWeb) -> None:
    """``FotoWeb(app)`` and then ``init_app(app)`` is a mistake that would end in a login loop."""
    with pytest.raises(RuntimeError, match="already"):
        extension.init_app(app)


def test_flask_login_knows_who_is_signed_in(app: Flask, client: FlaskClient, fotoweb: FakeFotoWeb) -> None:
    """A request loader gives Flask-Login's ``current_user`` and ``login_required`` our session."""

    class Person:
        is_authenticated = is_active = True

        def __init__(self, user: User) -> None:
            self.user = user

    def load_person(request: object) -> Person | None:
        session = get_session(request)
        return None if session is None or session.user is None else Person(session.user)

    LoginManager(app).request_loader(load_person)
    app.add_url_rule("/me", "me", flask_login_required(lambda: current_user.user.full_name))
    anonymous = client.get("/me")
    sign_in(client, fotoweb)

    assert anonymous.status_code == 401
    assert client.get("/me").text == "Alice Berg"

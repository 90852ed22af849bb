"""``FOTOWEB`` in Django's settings, and what ``manage.py check`` finds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.django_settings import MIDDLEWARE
from tests.integrations.django_site import ROOT, run_python

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

ENVIRONMENT = {
    "FOTOWEB_URL": "https://environment.example",
    "FOTOWEB_CLIENT_ID": "client",
    "FOTOWEB_CLIENT_SECRET": "planted-secret",
    "FOTOWEB_SECRET_KEY": "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
}
PRINT_SETTINGS = """
import json
from fotoweb_middleware.integrations.django import fotoweb_settings
read = fotoweb_settings()
print(json.dumps({name: getattr(read, name) for name in ("url", "public_paths", "session_idle")}))
"""
HOW_TO = ROOT / "docs" / "how-to" / "django.md"
RUN_CHECKS = """
import json, os
import django
from django.core.checks import run_checks
from django.test import override_settings
django.setup()
before, found = dict(os.environ), {}
for name, (settings, variables) in json.loads(os.environ["PROJECT_MISTAKES"]).items():
    os.environ.update(variables)
    with override_settings(**settings):
        found[name] = [message.id for message in run_checks()]
    os.environ.update(before)
print(json.dumps(found))
"""

WITHOUT_BACKEND = {"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}
WRONG_ORDER = {"MIDDLEWARE": [MIDDLEWARE[3], *MIDDLEWARE[:3], MIDDLEWARE[4]]}

SINGLE_FILE = """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
from tests.integrations import django_settings
defaults = {name: value for name, value in vars(django_settings).items() if name.isupper()}
middleware = [*django_settings.MIDDLEWARE, sys.argv[1].format(name=__name__)]
settings.configure(**{**defaults, "MIDDLEWARE": middleware, "ROOT_URLCONF": __name__})
urlpatterns = []
def own_middleware(get_response):
    return get_response
execute_from_command_line(["site.py", "check"])
"""
APPS = "tests.integrations.django_apps"

MISTAKES: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "wrong value": ({"FOTOWEB": {"LOGIN": "sometimes"}}, {}, "fotoweb.E001"),
    "CREATE_USERS is text": ({"FOTOWEB": {"CREATE_USERS": "no"}}, {}, "fotoweb.E001"),
    "lower case": ({"FOTOWEB": {"login": "optional"}}, {}, "fotoweb.E001"),
    "unknown name": ({"FOTOWEB": {"LOGINS": "optional"}}, {}, "fotoweb.E001"),
    "no dict": ({"FOTOWEB": ["LOGIN"]}, {}, "fotoweb.E001"),
    "wrong variable": ({}, {"FOTOWEB_URL": "ftp://tenant.example"}, "fotoweb.E001"),
    "one is missing": ({}, {"FOTOWEB_URL": ""}, "fotoweb.E001"),
    "no user is fetched": ({"FOTOWEB": {"FETCH_USER": False}}, {}, "fotoweb.E002"),
    "wrong order": (WRONG_ORDER, {}, "fotoweb.E003"),
    "no backend": (WITHOUT_BACKEND, {}, "fotoweb.E004"),
    "misspelt backend": ({"AUTHENTICATION_BACKENDS": ["mysite.Backend"]}, {}, "fotoweb.E004"),
    "nothing is set": ({"FOTOWEB": {}}, dict.fromkeys(ENVIRONMENT, ""), "fotoweb.W001"),
    "no middleware": ({"MIDDLEWARE": [*MIDDLEWARE[:3], MIDDLEWARE[4]]}, {}, "fotoweb.W002"),
    "wsgi.py is not wrapped": ({"WSGI_APPLICATION": f"{APPS}.unwrapped_wsgi"}, {}, "fotoweb.W003"),
    "asgi.py is not wrapped": ({"ASGI_APPLICATION": f"{APPS}.unwrapped_asgi"}, {}, "fotoweb.W003"),
    "nor is it in a router": ({"ASGI_APPLICATION": f"{APPS}.router"}, {}, "fotoweb.W003"),
}
"""Settings and variables that replace the right ones, and the id of the message."""


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Run the system checks on each mistake, in one process of the project."""
    mistakes = {name: mistake[:2] for name, mistake in MISTAKES.items()}
    variables = {**ENVIRONMENT, "PROJECT_MISTAKES": json.dumps(mistakes)}
    code, output = run_python("-c", RUN_CHECKS, variables=variables)
    assert code == 0, output
    return dict(json.loads(output.splitlines()[-1]))


def effective(settings: dict[str, Any], variables: dict[str, str]) -> dict[str, Any]:
    """Return the middleware's settings as the project would start with them."""
    code, output = run_python("-c", PRINT_SETTINGS, settings=settings, variables=variables)
    assert code == 0, output
    return dict(json.loads(output))


def test_a_right_project_passes() -> None:
    """Nothing is found where nothing is wrong."""
    code, output = run_python("-m", "django", "check", "--fail-level", "WARNING", variables=ENVIRONMENT)

    assert (code, "no issues" in output) == (0, True)


def test_a_router_of_wrapped_apps_passes() -> None:
    """An application that has ours inside, as with Channels' router, is wrapped."""
    settings = {"ASGI_APPLICATION": f"{APPS}.router_of_wrapped"}
    code, output = run_python(
        "-m", "django", "check", "--fail-level", "WARNING", settings=settings, variables=ENVIRONMENT
    )

    assert (code, "no issues" in output) == (0, True)


def test_an_unwrapped_app_may_be_wrapped_from_outside() -> None:
    """The message names both ways, with the value that ``FOTOWEB_APP`` then has; it is no error."""
    settings = {"WSGI_APPLICATION": f"{APPS}.unwrapped_wsgi"}
    code, output = run_python("-m", "django", "check", settings=settings, variables=ENVIRONMENT)

    assert code == 0
    assert "Wrap it in FotoWebWSGIMiddleware." in output
    assert (
        "loads fotoweb_middleware.wrap:wsgi instead, with FOTOWEB_APP=tests.integrations.django_apps:unwrapped_wsgi"
        in output
    )


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_found(mistake: str, found: dict[str, list[str]]) -> None:
    """Each mistake has one message, with an id that the how-to page explains."""
    expected = MISTAKES[mistake][2]

    assert found[mistake] == [expected]
    assert f"| `{expected}` |" in HOW_TO.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{name}.own_middleware", "no issues"),
        (".site.own_middleware", "it holds '.site.own_middleware'"),
    ],
    ids=["right", "wrong"],
)
def test_a_site_in_a_single_file(entry: str, words: str) -> None:
    """Its entries begin with ``__name__``; one with ``__package__``, which is empty there, is told."""
    _, output = run_python("-c", SINGLE_FILE, entry, variables=ENVIRONMENT)

    assert words in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (WRONG_ORDER, "stands before SessionMiddleware"),
        (WITHOUT_BACKEND, "FotoWebBackend is not in AUTHENTICATION_BACKENDS"),
        ({"MIDDLEWARE": [".site.middleware", *MIDDLEWARE]}, "MIDDLEWARE is no list of import paths"),
        ({"AUTHENTICATION_BACKENDS": [1]}, "AUTHENTICATION_BACKENDS is no list of import paths, it holds 1."),
    ],
    ids=["order", "backend", "relative", "no text"],
)
def test_a_server_does_not_start_either(settings: dict[str, Any], words: str) -> None:
    """A server runs no checks: the middleware itself refuses a wrong order, and a missing backend."""
    code, output = run_python(
        "-c", "from tests.integrations.django_apps import wsgi", settings=settings, variables=ENVIRONMENT
    )

    assert (code, "ImproperlyConfigured" in output, words in output) == (1, True, True)


def test_a_wrong_value_names_its_source() -> None:
    """The message names the setting, what it holds, and that it stands in Django's settings; it shows no secret."""
    settings = {"FOTOWEB": {"LOGIN": "sometimes", "CLIENT_SECRET": "planted secret"}}
    variables = {**ENVIRONMENT, "FOTOWEB_CLIENT_SECRET": ""}

    _, output = run_python("-m", "django", "check", settings=settings, variables=variables)

    assert "FOTOWEB_LOGIN, holds 'sometimes'" in output
    assert "stands for FOTOWEB in Django's settings, which gives LOGIN, CLIENT_SECRET." in output
    assert "planted" not in output


def test_a_missing_value_names_both_places() -> None:
    """The message about a missing setting says that Django's settings do not give it either."""
    variables = {**ENVIRONMENT, "FOTOWEB_URL": ""}
    _, output = run_python("-m", "django", "check", settings={"FOTOWEB": {}}, variables=variables)

    assert "FOTOWEB_URL is empty, and Settings(...) got no url." in output
    assert "stands for FOTOWEB in Django's settings, which gives nothing." in output


def test_entries_are_settings() -> None:
    """Names are those of the variables without their prefix; values may be of Python's own types."""
    entries = {name.removeprefix("FOTOWEB_"): value for name, value in ENVIRONMENT.items()}
    entries["URL"] = "https://settings.example"

    told = effective({"FOTOWEB": {**entries, "PUBLIC_PATHS": ["/about"], "SESSION_IDLE": 600}}, {})

    assert told == {"url": "https://settings.example", "public_paths": ["/about"], "session_idle": 600}


def test_the_environment_goes_first(tmp_path: Path) -> None:
    """A variable, or a file that one names, wins over the entry; an empty variable does not."""
    (tmp_path / "secret").write_text("of-the-file", encoding="utf-8")
    entries = {"URL": "https://settings.example", "CLIENT_SECRET": "wrong secret", "SESSION_IDLE": 600}
    variables = {**ENVIRONMENT, "FOTOWEB_CLIENT_SECRET": "", "FOTOWEB_CLIENT_SECRET_FILE": str(tmp_path / "secret")}

    told = effective({"FOTOWEB": entries}, {**variables, "FOTOWEB_SESSION_IDLE": " "})

    assert told == {"url": "https://environment.example", "public_paths": [], "session_idle": 600}

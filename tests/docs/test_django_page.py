"""The project of docs/how-to/django.md, built from the page alone: it does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fotoweb_middleware.testing import FakeFotoWeb, Fault
from tests.integrations.django_site import Person, Site, variables_of
from tests.providers.child import RUN_SECONDS, run_server
from tests.providers.pytest_run import run_tests
from tools.code_blocks import HOW_TO, named_files

pytestmark = pytest.mark.timeout(180)  # See RUN_SECONDS.

PAGE = HOW_TO / "django.md"


class Project:
    """A Django project in a folder."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **variables}
        self.run("-m", "django", "startproject", "mysite", ".")
        for name, text in named_files(PAGE):
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        """Write a file of the page; what is for settings.py goes to its end, and the example to a file of its own."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        if name == "mysite/settings.py":
            text = path.read_text(encoding="utf-8") + text
        path.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, variables: dict[str, str] | None = None) -> str:
        """Run Python in the folder, which must succeed, and return what it wrote."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**self.environment, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def fotoweb() -> FakeFotoWeb:
    """Return a simulator; its one application is registered with http://localhost:8000/oauth2/callback."""
    return FakeFotoWeb()


@pytest.fixture(scope="module")
def project(fotoweb: FakeFotoWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Build the project, with its tables."""
    with fotoweb.serve() as url:
        built = Project(tmp_path_factory.mktemp("project"), variables_of(fotoweb, url))
        built.run("manage.py", "migrate")
        yield built


def test_the_page_has_every_file() -> None:
    """These are the files that the page shows."""
    names = [name for name, _ in named_files(PAGE)]

    assert names == [
        *("mysite/settings.py", "mysite/asgi.py", "mysite/wsgi.py", "mysite/views.py", "mysite/urls.py"),
        *("templates/home.html", "templates/about.html", "mysite/settings.py, an example"),
        *("pytest.ini", "test_mysite.py"),
    ]


def test_check_finds_nothing(project: Project) -> None:
    """``manage.py check`` is content with the project."""
    assert "no issues" in project.run("manage.py", "check", "--fail-level", "WARNING")


def test_check_finds_nothing_in_the_example(project: Project) -> None:
    """Nor has it anything against the example of ``FOTOWEB``."""
    example = (project.folder / "mysite/settings.py, an example").read_text(encoding="utf-8")
    (project.folder / "mysite/other_settings.py").write_text(f"from mysite.settings import *\n{example}", "utf-8")
    variables = {"DJANGO_SETTINGS_MODULE": "mysite.other_settings"}

    assert "no issues" in project.run("manage.py", "check", "--fail-level", "WARNING", variables=variables)


@pytest.mark.parametrize(
    "command",
    [
        ["uvicorn", "mysite.asgi:application", "--port", "0"],
        ["gunicorn", "mysite.wsgi", "--bind", "127.0.0.1:0"],
    ],
    ids=["asgi", "wsgi"],
)
def test_a_server_shows_the_pages(command: list[str], project: Project, fotoweb: FakeFotoWeb) -> None:
    """The front page names the user and their archives, the public page is public, and signing out works."""
    with run_server(command, environment=project.environment, folder=project.folder) as url:
        person = Person(Site(url, fotoweb, project.folder / "db.sqlite3"))
        about = person.go("/about").text
        person.sign_in("alice")
        front = person.go("/").text
        fotoweb.fault("api", Fault.dropped(), times=1)
        without_fotoweb = person.go("/").status_code
        person.submit("/oauth2/logout")
        after = person.go("/").status_code
        person.client.close()

    assert 'href="/oauth2/login?next=%2Fabout">Sign in' in about
    assert "Signed in as Alice Berg." in front
    assert "<li>Nordic coast</li>" in front
    assert (without_fotoweb, after) == (503, 302)


def test_a_superuser_by_name_gets_into_the_admin(project: Project, fotoweb: FakeFotoWeb) -> None:
    """The command of the page makes a superuser of the person who has that name in FotoWeb."""
    [line] = re.findall(r"^python (manage.py createsuperuser .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    project.run(*line.replace("alice", "bob").split())
    command = ["gunicorn", "mysite.wsgi", "--bind", "127.0.0.1:0"]
    with run_server(command, environment=project.environment, folder=project.folder) as url:
        person = Person(Site(url, fotoweb, project.folder / "db.sqlite3"))
        person.sign_in("bob")
        page = person.go("/admin/").text
        person.client.close()

    assert "Site administration" in page


def test_a_user_who_has_signed_in_becomes_a_superuser(project: Project, fotoweb: FakeFotoWeb) -> None:
    """The line of the page for people whose Django user is there already lets them into the admin."""
    [code] = re.findall(r'^python manage.py shell -c "(.*)"$', PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    command = ["gunicorn", "mysite.wsgi", "--bind", "127.0.0.1:0"]
    with run_server(command, environment=project.environment, folder=project.folder) as url:
        person = Person(Site(url, fotoweb, project.folder / "db.sqlite3"))
        person.sign_in("alice")
        before = person.go("/admin/").status_code
        project.run("manage.py", "shell", "-c", code)
        page = person.go("/admin/").text
        person.client.close()

    assert (before, "Site administration" in page) == (302, True)


def test_the_tests_pass(project: Project) -> None:
    """The tests of the page pass."""
    assert "3 passed in" in run_tests(project.folder)

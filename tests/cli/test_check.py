"""``fotoweb-middleware check`` as a command, against the simulator over a port."""

from __future__ import annotations

import json
import logging

import pytest

from fotoweb_middleware.testing import FakeFotoWeb
from tests.cli.samples import CALLBACK, KEY, run


@pytest.fixture
def fake() -> FakeFotoWeb:
    """Return a simulator with one application."""
    return FakeFotoWeb()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, fake: FakeFotoWeb) -> pytest.MonkeyPatch:
    """Set everything but FOTOWEB_URL for the simulator's application."""
    monkeypatch.setenv("FOTOWEB_CLIENT_ID", fake.clients[0].client_id)
    monkeypatch.setenv("FOTOWEB_CLIENT_SECRET", fake.clients[0].client_secret)
    monkeypatch.setenv("FOTOWEB_SECRET_KEY", KEY)
    monkeypatch.setenv("FOTOWEB_REDIRECT_URI", CALLBACK)
    monkeypatch.setenv("FOTOWEB_CACHE", "memory://")
    return monkeypatch


def test_all_well(environment: pytest.MonkeyPatch, fake: FakeFotoWeb) -> None:
    """With good settings every line says ok, and the exit code is 0."""
    with fake.serve() as url:
        environment.setenv("FOTOWEB_URL", url)
        done = run("check")

    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()[:-1]] == ["ok"] * 5
    assert done.stdout.splitlines()[-1] == "5 ok, 0 to think about, 0 wrong"


def test_wrong_secret(environment: pytest.MonkeyPatch, fake: FakeFotoWeb) -> None:
    """A wrong client secret is named as such, is not shown, and the exit code is 1."""
    environment.setenv("FOTOWEB_CLIENT_SECRET", "planted-wrong-secret")
    with fake.serve() as url:
        environment.setenv("FOTOWEB_URL", url)
        done = run("check")

    assert done.exit_code == 1
    assert done.stdout.startswith("bad   FOTOWEB_CLIENT_SECRET is wrong: ")
    assert "planted" not in done.output


def test_wrong_settings_ask_nobody(environment: pytest.MonkeyPatch, fake: FakeFotoWeb) -> None:
    """With wrong settings nothing is tried; each problem is a finding of its own."""
    environment.setenv("FOTOWEB_URL", "ftp://tenant.example")
    environment.setenv("FOTOWEB_SECRET_KEY", "planted")

    done = run("check")

    assert done.exit_code == 1
    assert done.stdout.splitlines()[-1] == "0 ok, 0 to think about, 2 wrong"
    assert "planted" not in done.output
    assert fake.requests == []


def test_says_nothing_twice(environment: pytest.MonkeyPatch, fake: FakeFotoWeb) -> None:
    """What the settings would log is a finding, so it is not on standard error as well."""
    environment.setenv("FOTOWEB_PKCE", "false")
    with fake.serve() as url:
        environment.setenv("FOTOWEB_URL", url)
        done = run("check")

    assert done.output.count("FOTOWEB_PKCE=false") == 1
    assert done.stderr == ""


@pytest.fixture(autouse=True)
def _loggers_as_before() -> object:
    logger = logging.getLogger("fotoweb_middleware")
    before = list(logger.handlers)
    yield
    logger.handlers[:] = before


def test_something_to_think_about(environment: pytest.MonkeyPatch, fake: FakeFotoWeb) -> None:
    """Where logins work but something is to be thought about, the exit code is 2, and that comes first."""
    environment.setenv("FOTOWEB_PKCE", "false")
    with fake.serve() as url:
        environment.setenv("FOTOWEB_URL", url)
        done = run("check")

    assert done.exit_code == 2
    assert done.stdout.startswith("warn  FOTOWEB_PKCE=false")


@pytest.mark.parametrize(("secret", "exit_code", "level"), [(None, 0, "ok"), ("planted-wrong", 1, "bad")])
def test_json(
    environment: pytest.MonkeyPatch, fake: FakeFotoWeb, secret: str | None, exit_code: int, level: str
) -> None:
    """With ``--json`` standard output is one document, with the same findings in the same order."""
    if secret is not None:
        environment.setenv("FOTOWEB_CLIENT_SECRET", secret)
    with fake.serve() as url:
        environment.setenv("FOTOWEB_URL", url)
        done, lines = run("check", "--json"), run("check").stdout.splitlines()

    document = json.loads(done.stdout)
    assert (done.exit_code, document["exit_code"], done.stderr) == (exit_code, exit_code, "")
    assert document["findings"][0]["level"] == level
    assert lines[0] == f"{level:<5} {document['findings'][0]['what']}"
    assert set(document["findings"][0]) == {"level", "what", "to_do"}


def test_nothing_is_set() -> None:
    """Where nothing is in the environment, the options are named that look elsewhere."""
    done = run("check")

    assert done.exit_code == 1
    assert "Does its code set them? Use --app." in done.stdout

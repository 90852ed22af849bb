"""The one message that wrong settings end in, and the warnings about what weakens the login (R-CF4)."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.combinations import warnings
from tests.settings.samples import environment_refusal, refusal, settings

PLANTED = "planted-7f3a"
WRONG: dict[str, Any] = {
    "url": f"https://user:{PLANTED}@tenant.example",
    "client_secret": f"{PLANTED} with spaces",
    "secret_key": f"{PLANTED},{PLANTED}",
    "cache": f"redis://:{PLANTED}/x@cache.example",
    "redirect_uri": f"https://user:{PLANTED}@app.example/oauth2/callback",
    "trusted_origins": [f"https://user:{PLANTED}@a.example"],
    "post_logout_url": f"https://user:{PLANTED}@a.example",
}
PLAIN_CALLBACK = {"allow_http": True, "redirect_uri": "http://app.example/oauth2/callback"}


def test_whole_message_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    """A wrong variable: its name, what it holds, what is wrong, what it takes, and what to do."""
    environment.setenv("FOTOWEB_URL", "ftp://tenant.example")

    assert environment_refusal() == (
        "A setting of the FotoWeb middleware is wrong, so nothing was started.\n"
        "FOTOWEB_URL holds 'ftp://tenant.example'.\n"
        "    Wrong: it does not start with https://.\n"
        "    Accepts: the site's address, such as https://tenant.example (a trailing /fotoweb or / is dropped).\n"
        "    To do: Open FotoWeb in a browser and copy the address up to the first single slash."
    )


def test_whole_message_from_an_argument() -> None:
    """A wrong argument is named together with its variable."""
    assert refusal(http_timeout="soon") == (
        "A setting of the FotoWeb middleware is wrong, so nothing was started.\n"
        "Settings(http_timeout=...), the argument for FOTOWEB_HTTP_TIMEOUT, holds 'soon'.\n"
        "    Wrong: it is not a number written with the digits 0 to 9 and at most one point.\n"
        "    Accepts: a number of seconds from 0.1 to 300."
    )


def test_unknown_argument_names_the_nearest() -> None:
    """An unknown argument is an error with the nearest known name."""
    message = refusal(client_sceret=PLANTED)

    assert "Settings(client_sceret=...): there is no setting of this name." in message
    assert "Did you mean client_secret?" in message
    assert PLANTED not in message


@pytest.mark.parametrize("name", ["_env_file", "_cli_parse_args", "_secrets_dir", "origins", "model_config", "xyz"])
def test_no_back_doors(name: str) -> None:
    """What other libraries of settings would take besides, and what is no setting, is unknown here."""
    assert f"Settings({name}=...)" in refusal(**{name: "x"})


def test_everything_wrong_is_in_one_message() -> None:
    """All wrong settings are told at once, in one message."""
    message = refusal(**WRONG, pkce="perhaps")

    assert message.startswith("8 settings of the FotoWeb middleware are wrong")
    assert [name for name in [*WRONG, "pkce"] if f"Settings({name}=...)" in message] == [*WRONG, "pkce"]


def test_no_secret_anywhere_in_the_error() -> None:
    """Neither the message, nor the traceback, nor a chained exception shows a secret (R-CF1)."""
    with pytest.raises(SettingsError) as caught:
        settings(**WRONG)

    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.__dict__)
    assert PLANTED not in text


def test_nothing_is_chained() -> None:
    """No other exception hangs on to the error: error trackers would show its values."""
    with pytest.raises(SettingsError) as caught:
        settings(**WRONG)

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_values_stay_on_one_ascii_line() -> None:
    """A value can forge no line, no colour and no writing direction in a log."""
    message = refusal(login="x\r\n2026-01-01 CRITICAL forged \x1b[2J \u202e \u2028")

    assert message.isascii()
    assert message.count("\n") == 3
    assert "\x1b" not in message


def test_value_that_fails_by_itself() -> None:
    """An object that can't be read is of the wrong type; what it says itself, which may be its value, is not told."""

    class Odd:
        def __fspath__(self) -> str:
            raise ValueError(PLANTED)

    with pytest.raises(SettingsError, match=r"Wrong: it is of the wrong type\.") as caught:
        settings(ca_bundle=Odd())

    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("user:planted@tenant.example", "'***@tenant.example'"),
        ("//user:planted@tenant.example", "'//***@tenant.example'"),
        ("https://pl@nted@tenant.example", "'https://***@tenant.example'"),
        ("/@me", "'/@me'"),
        ("tenant.example", "'tenant.example'"),
    ],
)
def test_what_stands_before_an_at_is_masked(typed: str, shown: str) -> None:
    """A user name and password in an address are masked, whether there is a scheme or not."""
    assert f"holds {shown}." in refusal(url=typed)


def test_long_values_are_cut() -> None:
    """A value of any length takes a line at most."""
    assert len(refusal(login="x" * 100_000)) < 600


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_every_setting_refuses_nonsense_by_name(name: str) -> None:
    """Whatever setting holds an object that it can't use, the message names it; nothing else is raised."""
    message = refusal(**{name: object()})

    assert f"FOTOWEB_{name.upper()}" in message
    assert "Accepts: " in message


def test_traceback_names_the_error() -> None:
    """A traceback ends in the public name of the error, which has its code."""
    with pytest.raises(SettingsError) as caught:
        Settings()

    last = traceback.format_exception_only(caught.value)[0]
    assert last.startswith("fotoweb_middleware.errors.SettingsError: 4 settings of the FotoWeb middleware are wrong")
    assert caught.value.code == "settings"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"allow_http": True}, []),
        ({"allow_http": True, "url": "http://localhost"}, []),
        ({"allow_http": True, "url": "http://tenant.example"}, ["FOTOWEB_URL is plain http"]),
        ({"pkce": False}, ["FOTOWEB_PKCE=false"]),
        ({"cookie_secure": False}, ["FOTOWEB_COOKIE_SECURE=false"]),
        (
            {"cookie_secure": False, "redirect_uri": "https://app.example/oauth2/callback"},
            ["FOTOWEB_COOKIE_SECURE=false"],
        ),
        ({"cookie_secure": False, "redirect_uri": "http://localhost:8000/oauth2/callback"}, []),
        (
            {"cookie_secure": "true", "redirect_uri": "http://localhost:8000/oauth2/callback"},
            ["FOTOWEB_COOKIE_SECURE=true, and FOTOWEB_REDIRECT_URI is plain http"],
        ),
        ({"cookie_secure": "true", "redirect_uri": "https://localhost:8000/oauth2/callback"}, []),
        (PLAIN_CALLBACK, ["FOTOWEB_REDIRECT_URI is plain http", "FOTOWEB_REDIRECT_URI is plain http, and the cookies"]),
        (
            PLAIN_CALLBACK | {"cookie_secure": False},
            ["FOTOWEB_REDIRECT_URI is plain http", "FOTOWEB_COOKIE_SECURE=false"],
        ),
    ],
)
def test_warnings(changes: dict[str, Any], expected: list[str]) -> None:
    """Each switch that weakens the login has its sentence, and safe settings have none."""
    found = warnings(settings(**changes))

    assert [text[: len(start)] for text, start in zip(found, expected, strict=True)] == expected


def test_warnings_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Constructing the settings logs each warning once, with the settings' logger of the settings' logger."""
    settings(pkce=False)

    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("fotoweb_middleware.settings", "WARNING")
    ]

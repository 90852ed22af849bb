"""Switches, numbers, words, lists, names, client id and secret (R-CF4)."""

from __future__ import annotations

from typing import Any

import pytest

from fotoweb_middleware.settings import DECLARED, Settings
from tests.settings.samples import REQUIRED, environment_refusal, refusal, settings

FLAGS = ["allow_http", "send_redirect_uri", "pkce", "inject_header", "fetch_user"]
NOT_A_NUMBER = [
    "nan", "inf", "-inf", "1e3", "+5", "-5", "5_0", "\u0665", "\uff15", "0x10", "5 s", "5s", "1.2.3", ".5", "5.", "1,5",
    "9" * 400, float("nan"), float("inf"), 10**400, True, b"5",
]  # fmt: skip
RANGES = [
    ("cache_recheck", 0, 3600),
    ("cache_size", 1, 10_000_000),
    ("session_lifetime", 1, 34_560_000),
    ("session_idle", 0, 34_560_000),
    ("refresh_leeway", 0, 86_400),
    ("http_timeout", 0.1, 300),
]
NO_COOKIE_NAMES = [
    "a b", "a=b", "a;b", "a,b", "a\nb", "ä", "x" * 65, "", "__Host-x", "__host-x", "__Secure-x", "__HTTP-x", 'a"b',
    "a/b",
]  # fmt: skip
NO_APPS = ["main", "main:", ":app", "main:app()", "my-package:app", "main:app:x", "a..b:c", "/a:b"]


@pytest.mark.parametrize("text", ["true", "TRUE", " true ", "1", "yes", "on", "On\n"])
def test_words_for_on(text: str) -> None:
    """All words for on are taken, in any case, with spaces around."""
    assert settings(allow_http=text).allow_http is True


@pytest.mark.parametrize("text", ["false", " False", "0", "no", "OFF"])
def test_words_for_off(text: str) -> None:
    """All words for off are taken, in any case, with spaces around."""
    assert settings(fetch_user=text).fetch_user is False


@pytest.mark.parametrize(
    "text", ["t", "enabled", "2", "-1", "None", "tru e", "\uff34\uff32\uff35\uff25", 1, 0, None, []]
)
@pytest.mark.parametrize("name", FLAGS)
def test_other_words_are_no_switch(name: str, text: Any) -> None:
    """Anything else is an error, never silently off."""
    assert f"FOTOWEB_{name.upper()}" in refusal(**{name: text})


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", [True, False])
def test_python_flags_are_switches(name: str, *, value: bool) -> None:
    """Arguments may be True and False."""
    assert getattr(settings(**{name: value}, redirect_uri="https://app.example/oauth2/callback"), name) is value


@pytest.mark.parametrize(("name", "smallest", "largest"), RANGES)
def test_numbers_at_the_ends_of_their_range(name: str, smallest: float, largest: float) -> None:
    """Both ends of a range are in it, as text and as numbers."""
    assert getattr(settings(**{name: smallest}), name) == smallest
    assert getattr(settings(**{name: str(largest)}), name) == largest


@pytest.mark.parametrize(("name", "smallest", "largest"), RANGES)
def test_numbers_beyond_their_range(name: str, smallest: float, largest: float) -> None:
    """What is beyond either end is refused, and the message states the range."""
    message = refusal(**{name: largest + 1})

    assert "it is too large" in message
    assert f"from {smallest:g} to {largest:.0f}" in message
    assert f"FOTOWEB_{name.upper()}" in refusal(**{name: smallest - 0.5 if smallest < 1 else 0})


@pytest.mark.parametrize("number", [*NOT_A_NUMBER, None])
@pytest.mark.parametrize("name", ["http_timeout", "cache_size"])
def test_no_number(name: str, number: Any) -> None:
    """Only digits and one point are a number; infinity and NaN are none."""
    assert f"FOTOWEB_{name.upper()}" in refusal(**{name: number})


def test_fractions_of_seconds() -> None:
    """Seconds may have a fraction, counts may not."""
    assert settings(http_timeout="2.5").http_timeout == 2.5
    assert "not a whole number" in refusal(cache_size="2.5")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("login", ["required", "optional"]),
        ("cookie_mode", ["sealed", "reference"]),
        ("cookie_samesite", ["lax", "strict", "none"]),
    ],
)
def test_words(name: str, words: list[str]) -> None:
    """Each word is taken in any case; another one is refused, and the message lists them."""
    assert [getattr(settings(**{name: word.upper()}), name) for word in words] == words
    assert " or ".join(words[-2:]) in refusal(**{name: "other"})


@pytest.mark.parametrize(
    ("typed", "expected"),
    [(True, "true"), (False, "false"), ("AUTO", "auto"), ("on", "true"), ("0", "false"), (" yes", "true")],
)
def test_cookie_secure(typed: object, expected: str) -> None:
    """FOTOWEB_COOKIE_SECURE knows auto besides every spelling of a switch, and nothing else."""
    assert settings(cookie_secure=typed).cookie_secure == expected
    assert "auto, true or false" in refusal(cookie_secure="maybe")


def test_auto_needs_a_public_address(environment: pytest.MonkeyPatch) -> None:
    """Where no redirect URI is sent, nobody would notice a wrong one: auto is refused, in words that tell the way out.

    Seen behind a proxy on the same machine that passes its upstream's Host: cookies of a public site without Secure.
    """
    environment.setenv("FOTOWEB_SEND_REDIRECT_URI", "false")

    message = environment_refusal()

    assert "FOTOWEB_COOKIE_SECURE is not set, which means 'auto'." in message
    assert "To do: Set FOTOWEB_REDIRECT_URI" in message
    assert Settings(redirect_uri="https://app.example/oauth2/callback").cookie_secure == "auto"
    assert Settings(redirect_uri="http://localhost:8000/oauth2/callback").cookie_secure == "auto"
    assert Settings(cookie_secure=True).cookie_secure == "true"
    assert Settings(cookie_secure=False).cookie_secure == "false"


def test_a_wrong_redirect_uri_is_reported_alone() -> None:
    """Where the redirect URI itself is wrong, FOTOWEB_COOKIE_SECURE is not reported on top."""
    assert refusal(send_redirect_uri=False, redirect_uri="nonsense").startswith("A setting of")


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [
        ({}, False),
        ({"cookie_secure": "true"}, False),
        ({"cookie_secure": "false"}, True),
        ({"redirect_uri": "http://localhost/oauth2/callback"}, True),
        ({"redirect_uri": "http://localhost/oauth2/callback", "cookie_secure": True}, False),
        ({"redirect_uri": "https://app.example/oauth2/callback"}, False),
    ],
)
def test_samesite_none_needs_secure(changes: dict[str, Any], *, is_refused: bool) -> None:
    """SameSite=None is refused wherever the cookies would not be Secure (RFC 6265bis, 5.7)."""
    if is_refused:
        assert "FOTOWEB_COOKIE_SAMESITE" in refusal(cookie_samesite="none", **changes)
    else:
        assert settings(cookie_samesite="none", **changes).cookie_samesite == "none"


@pytest.mark.parametrize("name", ["fotoweb", "my-app.session_2", "a", "x" * 64, "!#$%&'*+-.^_`|~"])
def test_cookie_name_accepted(name: str) -> None:
    """A cookie name is any token."""
    assert settings(cookie_name=name).cookie_name == name


@pytest.mark.parametrize("name", NO_COOKIE_NAMES)
def test_cookie_name_refused(name: str) -> None:
    """What is no token, or starts with a prefix that has a meaning, is refused."""
    assert "FOTOWEB_COOKIE_NAME" in refusal(cookie_name=name)


@pytest.mark.parametrize("app", ["main:app", "my_package.main:app", "a.b.c:d.e"])
def test_app_accepted(app: str) -> None:
    """An app is a module and an attribute."""
    assert settings(app=app).app == app


@pytest.mark.parametrize("app", NO_APPS)
def test_app_refused(app: str) -> None:
    """Anything else is refused; nothing is imported here."""
    assert "FOTOWEB_APP" in refusal(app=app)


def test_client_id_with_a_space(environment: pytest.MonkeyPatch) -> None:
    """A client id is any printable ASCII, a space inside included (RFC 6749, A.1)."""
    printable = "".join(map(chr, range(0x21, 0x7F)))
    environment.setenv("FOTOWEB_CLIENT_ID", "two words")

    assert Settings().client_id == "two words"
    assert settings(client_id=f"{printable} {printable}").client_id == f"{printable} {printable}"


@pytest.mark.parametrize("value", [" an-id", "an-id ", "an-id\n", "\tan-id"])
def test_client_id_with_space_around_it(environment: pytest.MonkeyPatch, value: str) -> None:
    """White space at either end of a client id is an error, and is seen in the message."""
    environment.setenv("FOTOWEB_CLIENT_ID", value)

    assert f"FOTOWEB_CLIENT_ID holds {value!r}." in environment_refusal()
    assert "white space at its start or end" in refusal(client_id=value)


@pytest.mark.parametrize("value", ["", "a\tb", "é", "a\x00b", "a\x7fb", "x" * 257, 12])
def test_client_id_refused(value: object) -> None:
    """Other characters are refused, and so is a client id without end (T-TE-07)."""
    assert "FOTOWEB_CLIENT_ID" in refusal(client_id=value)


@pytest.mark.parametrize("secret", ["two words planted", "plánted-secret", "planted\nsecret", "…", "p" * 1025])
def test_client_secret_refused_without_showing_it(secret: str) -> None:
    """A client secret with a space or a letter that is not ASCII is refused, and not shown (T-TE-07)."""
    message = refusal(client_secret=secret)

    assert "FOTOWEB_CLIENT_SECRET" in message
    assert secret not in message
    assert "planted" not in message


@pytest.mark.parametrize("value", [["/health", "/static/*"], ("/health", "/static/*"), " /health , /static/* "])
def test_lists(environment: pytest.MonkeyPatch, value: Any) -> None:
    """A list is text with commas, as in a variable, or any list of Python's."""
    assert settings(public_paths=value).public_paths == ("/health", "/static/*")
    if isinstance(value, str):
        environment.setenv("FOTOWEB_PUBLIC_PATHS", value)
        assert Settings().public_paths == ("/health", "/static/*")


@pytest.mark.parametrize("value", ["/a,,/b", ",", "/a,", [""], [3], 3, {"/a": 1}, b"/a", None, '["/health"]'])
def test_lists_with_holes_refused(value: object) -> None:
    """An empty piece, or what is no list of texts, is refused; JSON is not read."""
    assert "FOTOWEB_PUBLIC_PATHS" in refusal(public_paths=value)


def test_allowed_users() -> None:
    """User names stay as they are, domains become lower case; spaces inside and a backslash belong to a name."""
    given = "Alice, CORP\\bob, Carol Dahl, dave@Example.com, @Example.COM, @intranet"
    expected = ("Alice", "CORP\\bob", "Carol Dahl", "dave@Example.com", "@example.com", "@intranet")

    assert settings(allowed_users=given).allowed_users == expected
    assert settings(allowed_users=[]).allowed_users == ()


@pytest.mark.parametrize("entry", ["a@b@c", "", "@", "@@example.com", "a@", "@.com", "@*.example.com", "@a b", "a\tb"])
def test_entry_that_is_neither_user_nor_domain(environment: pytest.MonkeyPatch, entry: str) -> None:
    """The message names the variable."""
    assert "FOTOWEB_ALLOWED_USERS" in refusal(allowed_users=["alice", entry])
    environment.setenv("FOTOWEB_ALLOWED_USERS", f"alice,{entry}")
    assert environment_refusal().startswith("A setting of the FotoWeb middleware is wrong")


def test_wrong_list_of_users_is_shown_whole() -> None:
    """What stands before an @ is masked in addresses, which may hold a password, and nowhere else."""
    assert "holds 'alice,,bob@example.com'" in refusal(allowed_users="alice,,bob@example.com")


def test_allowed_users_need_a_user() -> None:
    """A list that nobody could be compared with is refused."""
    message = refusal(allowed_users=["alice"], fetch_user=False)

    assert "FOTOWEB_ALLOWED_USERS" in message
    assert "FOTOWEB_FETCH_USER=false" in message


@pytest.mark.parametrize("name", sorted(set(DECLARED) - set(REQUIRED)))
def test_empty_optional_variable_is_unset(environment: pytest.MonkeyPatch, name: str) -> None:
    """An optional variable that holds nothing but white space leaves the default in place."""
    environment.setenv(f"FOTOWEB_{name.upper()}", "  ")

    assert getattr(Settings(), name) == DECLARED[name].default


@pytest.mark.parametrize(("given", "taken"), [("#0B5666", "#0b5666"), (" #ffffff ", "#ffffff")])
def test_accent_color(given: str, taken: str) -> None:
    """A colour of six hexadecimal digits is taken, in any case."""
    assert settings(accent_color=given).accent_color == taken


@pytest.mark.parametrize("color", ["0b5666", "#0b5", "#0b566g", "#0b566600", "red", "#0b5666;", "", "#\uff10b5666"])
def test_accent_color_refused(color: str) -> None:
    """Nothing else is: it becomes a part of the style sheet."""
    assert "FOTOWEB_ACCENT_COLOR" in refusal(accent_color=color)


@pytest.mark.parametrize("name", ["Picture Desk", "Bilder & Bøker", "x" * 60])
def test_app_name(name: str) -> None:
    """A name may hold any letters that can be shown."""
    assert settings(app_name=f" {name} ").app_name == name


@pytest.mark.parametrize("name", ["a\nb", "a\x00b", "a\u202eb", "x" * 61])
def test_app_name_refused(name: str) -> None:
    """It fits the head of a page, and holds nothing that can't be seen."""
    assert "FOTOWEB_APP_NAME" in refusal(app_name=name)

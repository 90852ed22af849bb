"""Addresses (FotoWeb's, the callback's, trusted origins, where logout leads) and paths (T-CF-02, T-CF-05, R-CF5)."""

from __future__ import annotations

import pytest

from tests.settings.samples import refusal, settings

NO_SITES = [
    "http://f.example", "https://u:p@f", "https://u@f", "https://f/#x", "https://f/#", "ftp://f", "https://f\r\nX: y",
    "https://f\tx", "//f", "f.example", "https:f.example", "https:///f", "https://", "https://[::1",
    "https://[::1]evil", "https://[v1.x]", "https://[fe80::1%25eth0]", "https://f.example/path", "https://f.example//",
    "https://f.example/?q", "https://f.example:0", "https://f.example:65536", "https://f.example:",
    "https://f.example:x", "https://f.example:٤٤٣", "https://bücher.example", "https://f.example\\@evil.example",
    "https://-f.example", "https://f..example", "https://.", "https://1.2.3.999", "https://127.1",
    "https://" + "a" * 64 + ".example", "https://" + "a." * 127, "https://" + "a." * 126 + "example",
    "javascript://f.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://128.0.0.1",
]  # fmt: skip
NO_REDIRECT_URIS = [
    "/oauth2/callback", "http://app.example/oauth2/callback", "https://u:p@app.example/oauth2/callback",
    "https://app.example/oauth2/callback#x", "https://app.example/oauth2/callback?x=1",
    "https://app.example/oauth2/callback/", "https://app.example/oauth2/Callback", "https://app.example/callback",
    "https://app.example/", "https://app.example/other/callback", "https://app.example/xoauth2/callback",
    "https://app.example/a/../oauth2/callback", "https://app.example//oauth2/callback",
    "https://app.example/%2e%2e/oauth2/callback", "https://app.example/a;b/oauth2/callback",
    "https://app.example/a\\b/oauth2/callback", "https:///oauth2/callback", 'https://app.example/a"b/oauth2/callback',
    "https://app.example/ä/oauth2/callback",
]  # fmt: skip
NO_ORIGINS = [
    "*", "null", "https://a.example/path", "https://a.example?x", "http://a.example", "a.example", "https://*.example",
]  # fmt: skip
NO_POST_LOGOUT_URLS = [
    "//evil.example", "/\\evil.example", "/bye\r\nSet-Cookie: a=b", "/b ye", "/bücher", '/b"ye', "bye",
    "javascript:alert(1)", "http://www.example/", "https://u:p@www.example/",
]  # fmt: skip
NO_PREFIXES = [
    "oauth2/cb", "/a/../b", "/./a", "/a/..", "/", "//", "/a/", "/a//b", "/a%2fb", "/a\\b", "/a;b", "/a?b", "/a#b",
    "/ä", "/a b", "/a\nb", "", "/a/*",
]  # fmt: skip
NO_PUBLIC_PATHS = [
    "/", "*", "/*", "", "(a+)+$", "/(a+)+$", "^/health$", "/health$", "/static*", "/static/**", "/*/x", "/a/*/b",
    "/a?", "/v[12]", "/item/{id}", "/a|/b", "health", "//", "//*", "/a/../b", "/../*", "/./*", "/a%2fb", "/%2e%2e/*",
    "/a\\b", "/a;b", "/a#b", "/a b", "/a\x00b", "https://app.example/health",
]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("https://tenant.example", "https://tenant.example"),
        ("https://tenant.example/", "https://tenant.example"),
        ("https://tenant.example/fotoweb", "https://tenant.example"),
        ("https://tenant.example/fotoweb/", "https://tenant.example"),
        ("https://tenant.example/FotoWeb/", "https://tenant.example"),
        (" https://tenant.example\n", "https://tenant.example"),
        ("HTTPS://Tenant.Example:443/", "https://tenant.example"),
        ("https://tenant.example:8443", "https://tenant.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8080/fotoweb", "http://localhost:8080"),
        ("http://foto.localhost", "http://foto.localhost"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://127.8.9.10", "http://127.8.9.10"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_site_becomes_an_origin(typed: str, expected: str) -> None:
    """The site's address is cleaned to an origin as browsers write it."""
    assert settings(url=typed).url == expected


@pytest.mark.parametrize("typed", NO_SITES)
def test_site_refused(typed: str) -> None:
    """What is no https origin (or http on this machine) is refused, with the variable named (R-CF2; T-CF-02)."""
    assert "FOTOWEB_URL" in refusal(url=typed)


def test_plain_http_elsewhere_needs_the_switch() -> None:
    """Plain http for another host is taken with FOTOWEB_ALLOW_HTTP only (R-TE2)."""
    assert settings(url="http://f.example", allow_http=True).url == "http://f.example"
    assert "FOTOWEB_ALLOW_HTTP=true" in refusal(url="http://f.example")


def test_wrong_switch_is_reported_alone() -> None:
    """Where FOTOWEB_ALLOW_HTTP itself is wrong, plain http is not reported on top."""
    message = refusal(url="http://f.example", allow_http="perhaps")

    assert "FOTOWEB_ALLOW_HTTP" in message
    assert "FOTOWEB_URL" not in message


@pytest.mark.parametrize(
    "typed",
    [
        "https://app.example/oauth2/callback",
        "https://App.Example:443/mount/oauth2/callback",
        "http://localhost:8000/oauth2/callback",
    ],
)
def test_redirect_uri_is_kept_letter_for_letter(typed: str) -> None:
    """FotoWeb compares the redirect URI with the registered one, so not a letter of it is changed."""
    assert settings(redirect_uri=typed).redirect_uri == typed


@pytest.mark.parametrize("typed", NO_REDIRECT_URIS)
def test_redirect_uri_refused(typed: str) -> None:
    """A redirect URI that is not https, or does not end in the callback path, is refused (R-CF2; T-CF-05)."""
    assert "FOTOWEB_REDIRECT_URI" in refusal(redirect_uri=typed)


def test_redirect_uri_follows_the_path_prefix() -> None:
    """The path that it must end in comes from FOTOWEB_PATH_PREFIX."""
    typed = "https://app.example/auth/fotoweb/callback"

    assert settings(redirect_uri=typed, path_prefix="/auth/fotoweb").redirect_uri == typed
    assert "/auth/callback" in refusal(redirect_uri=typed, path_prefix="/auth")


def test_redirect_uri_is_not_compared_with_a_wrong_prefix() -> None:
    """Where the prefix itself is wrong, only that is reported."""
    message = refusal(redirect_uri="https://app.example/auth/callback", path_prefix="auth")

    assert "FOTOWEB_PATH_PREFIX" in message
    assert "FOTOWEB_REDIRECT_URI" not in message


def test_trusted_origins_are_written_as_browsers_write_them() -> None:
    """Origins are lower-cased, without the default port and the slash at the end."""
    typed = "https://Admin.Example:443/, http://localhost:3000"

    assert settings(trusted_origins=typed).trusted_origins == ("https://admin.example", "http://localhost:3000")


@pytest.mark.parametrize("typed", NO_ORIGINS)
def test_trusted_origin_refused(typed: str) -> None:
    """What is more than one origin, or none, is refused."""
    assert "FOTOWEB_TRUSTED_ORIGINS" in refusal(trusted_origins=typed)


@pytest.mark.parametrize(
    "typed", ["/", "/bye", "/bye?from=app#top", "https://www.example/bye?x=1#top", "http://localhost:3000/"]
)
def test_post_logout_url_accepted(typed: str) -> None:
    """Logout may lead to a path on this origin or to an https address."""
    assert settings(post_logout_url=typed).post_logout_url == typed


@pytest.mark.parametrize("typed", NO_POST_LOGOUT_URLS)
def test_post_logout_url_refused(typed: str) -> None:
    """What browsers could read as another host, or what is not https, is refused."""
    assert "FOTOWEB_POST_LOGOUT_URL" in refusal(post_logout_url=typed)


@pytest.mark.parametrize("path", ["/oauth2", "/auth/fotoweb", "/a.b_c~d-e", "/..."])
def test_path_prefix_accepted(path: str) -> None:
    """A prefix is an absolute, canonical path."""
    assert settings(path_prefix=path).path_prefix == path


@pytest.mark.parametrize("path", NO_PREFIXES)
def test_path_prefix_refused(path: str) -> None:
    """A relative, ambiguous or odd prefix is refused (R-CF2; T-CF-05)."""
    assert "FOTOWEB_PATH_PREFIX" in refusal(path_prefix=path)


@pytest.mark.parametrize(
    "path", ["/health", "/health/", "/static/*", "/a/b/*", "/.well-known/*", "/@me", "/$metadata", "/ä"]
)
def test_public_path_accepted(path: str) -> None:
    """A public path is exact, or a prefix of whole folders."""
    assert settings(public_paths=path).public_paths == (path,)


@pytest.mark.parametrize("path", NO_PUBLIC_PATHS)
def test_public_path_refused(path: str) -> None:
    """Catch-alls, patterns and ambiguous paths are refused (T-CF-05)."""
    assert "FOTOWEB_PUBLIC_PATHS" in refusal(public_paths=[path])


def test_one_catch_all_spoils_the_list() -> None:
    """A catch-all among good paths is refused, and the message names the right way."""
    assert "FOTOWEB_LOGIN=optional" in refusal(public_paths="/health,/*")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("*", "set FOTOWEB_LOGIN=optional"),
        ("health", "To do: Write /health."),
        ("static/*", "To do: Write /static/*."),
        ("https://app.example/health", "To do: Write /health."),
        ("/static*", "everything under a folder, write /static/*."),
        ("/health /static/*", "To do: Write commas between paths."),
        ("/health,", "To do: Remove the comma"),
    ],
)
def test_public_path_that_was_meant(typed: str, meant: str) -> None:
    """The message says what to write in place of what was written."""
    assert meant in refusal(public_paths=typed)


@pytest.mark.parametrize("typed", ["oauth2", "/oauth2/", "oauth2/"])
def test_path_prefix_that_was_meant(typed: str) -> None:
    """The message says what to write in place of what was written."""
    assert "To do: Write /oauth2." in refusal(path_prefix=typed)


@pytest.mark.parametrize("typed", ["*", "/"])
def test_path_prefix_that_is_no_path(typed: str) -> None:
    """Nothing and everything are no prefix; the message says what one is."""
    assert "To do: Write a path that the app itself does not use, such as /oauth2." in refusal(path_prefix=typed)


@pytest.mark.parametrize("typed", ["bye", "www.example/bye", "*"])
def test_post_logout_url_that_was_meant(typed: str) -> None:
    """A path without its slash looks like an address without its scheme: the message names both."""
    assert "To do: Begin a path with a slash, an address with https://." in refusal(post_logout_url=typed)


@pytest.mark.parametrize("name", ["public_paths", "path_prefix", "post_logout_url"])
def test_spaces_around_a_path(name: str) -> None:
    """White space around a path, as env files leave it, is ignored."""
    assert getattr(settings(**{name: " /bye "}), name) in {"/bye", ("/bye",)}

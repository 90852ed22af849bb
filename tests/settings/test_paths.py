"""The path prefix and the public paths (T-CF-05, R-CF5)."""

from __future__ import annotations

import pytest

from tests.settings.samples import refusal, settings


@pytest.mark.parametrize("path", ["/oauth2", "/auth/fotoweb", "/a.b_c~d-e", "/..."])
def test_path_prefix_accepted(path: str) -> None:
    """A prefix is an absolute, canonical path."""
    assert settings(path_prefix=path).path_prefix == path


@pytest.mark.parametrize(
    "path",
    [
        "oauth2/cb",
        "/a/../b",
        "/./a",
        "/a/..",
        "/",
        "//",
        "/a/",
        "/a//b",
        "/a%2fb",
        "/a\\b",
        "/a;b",
        "/a?b",
        "/a#b",
        "/ä",
        "/a b",
        "/a\nb",
        "",
        "/a/*",
    ],
)
def test_path_prefix_refused(path: str) -> None:
    """A relative, ambiguous or odd prefix is refused (T-CF-05)."""
    assert "FOTOWEB_PATH_PREFIX" in refusal(path_prefix=path)


@pytest.mark.parametrize(
    "path", ["/health", "/health/", "/static/*", "/a/b/*", "/.well-known/*", "/@me", "/$metadata", "/ä"]
)
def test_public_path_accepted(path: str) -> None:
    """A public path is exact, or a prefix of whole folders."""
    assert settings(public_paths=path).public_paths == (path,)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "*",
        "/*",
        "",
        "(a+)+$",
        "/(a+)+$",
        "^/health$",
        "/health$",
        "/static*",
        "/static/**",
        "/*/x",
        "/a/*/b",
        "/a?",
        "/v[12]",
        "/item/{id}",
        "/a|/b",
        "health",
        "//",
        "//*",
        "/a/../b",
        "/../*",
        "/./*",
        "/a%2fb",
        "/%2e%2e/*",
        "/a\\b",
        "/a;b",
        "/a#b",
        "/a b",
        "/a\x00b",
        "https://app.example/health",
    ],
)
def test_public_path_refused(path: str) -> None:
    """Catch-alls, patterns and ambiguous paths are refused (T-CF-05)."""
    assert "FOTOWEB_PUBLIC_PATHS" in refusal(public_paths=[path])


def test_one_catch_all_spoils_the_list() -> None:
    """A catch-all among good paths is refused, and the message names the right way."""
    assert "FOTOWEB_LOGIN=optional" in refusal(public_paths="/health,/*")

"""The settings of one wrapped app, made ready."""

from __future__ import annotations

import re

import pytest

from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.site import Site, front_page, is_loopback, open_site
from tests.settings.samples import CLIENT_SECRET, KEY, settings
from tests.site.samples import a_record, a_site


def test_own_path() -> None:
    """Our own pages lie under mount and prefix."""
    assert a_site(path_prefix="/auth").path("/sub", "login") == "/sub/auth/login"


@pytest.mark.parametrize(
    ("mount", "path"),
    [
        ("", "/"),
        ("/sub", "/sub/"),
        ("/\u00e4 b", "/%C3%A4%20b/"),
        ("/\udcff", "/%FF/"),
        ("/\\evil.test", "/%5Cevil.test/"),
        ("/a\r\nX: y", "/a%0D%0AX%3A%20y/"),
        ("/a?b#c", "/a%3Fb%23c/"),
        ("//evil.test", "/evil.test/"),
        ("///evil.test/x", "/evil.test/x/"),
        ("/.//evil.test", "/evil.test/"),
        ("/a/..//evil.test", "/a/evil.test/"),
        ("/..", "/"),
    ],
)
def test_front_page(mount: str, path: str) -> None:
    """The front page is a path on this origin, whatever the mount is called."""
    assert front_page(mount) == path


def test_cache_key_tells_nothing() -> None:
    """A cache key is a hash: whoever reads the cache learns no session id (R-CS10)."""
    assert re.fullmatch(r"session:[0-9a-f]{64}", a_site().cache_key("session", "S3CR3T"))


@pytest.mark.parametrize(
    "other",
    [
        a_site().cache_key("session", "b"),
        a_site().cache_key("refresh", "a"),
        a_site(url="https://other.example").cache_key("session", "a"),
        a_site(client_id="other").cache_key("session", "a"),
    ],
)
def test_cache_keys_differ(other: str) -> None:
    """Kind, site, client and session each make another key: apps that share a cache don't meet."""
    assert other != a_site().cache_key("session", "a")


def test_cache_key_stays() -> None:
    """The key is the same in every process."""
    assert a_site().cache_key("session", "a") == a_site().cache_key("session", "a")


@pytest.mark.parametrize(
    "changes",
    [{"url": "https://other.example"}, {"client_id": "other"}, {"cookie_name": "other"}, {"secret_key": KEY[::-1]}],
)
def test_sealer_bound(changes: dict[str, str]) -> None:
    """What one app sealed does not open at another that differs in site, client, cookie name or key."""
    sealed = a_site().sealer.seal(b"x", Purpose.SESSION)
    assert a_site(**changes).sealer.open(sealed, Purpose.SESSION) is None


def opened(shared_cache: bool, **changes: float) -> Site:
    """Return a site whose cache is shared or not."""
    return open_site(
        settings(**changes), clock=lambda: 0.0, monotonic=lambda: 0.0, entropy=bytes, shared_cache=shared_cache
    )


@pytest.mark.parametrize("shared", [True, False])
def test_recheck(shared: bool) -> None:
    """The cache is asked again now and then; one that nobody shares learns so who is still there."""
    assert opened(shared, cache_recheck=7).near.adopt(a_record()).recheck_at == 7.0


def test_public_paths() -> None:
    """Exact public paths and prefixes are told apart once."""
    site = a_site(public_paths="/health,/static/*")
    assert site.public_paths == {"/health"}
    assert site.public_prefixes == ("/static/",)


def test_trusted_origins_lower_case() -> None:
    """Trusted origins are compared in lower case."""
    assert a_site(trusted_origins="https://Partner.Example").trusted_origins == {"https://partner.example"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.255.0.1", True),
        ("::1", True),
        ("localhost.example", False),
        ("notlocalhost", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("127.1", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Only what surely is this machine is."""
    assert is_loopback(host) is expected


def test_no_secret_in_repr() -> None:
    """Neither client secret nor key stands in the repr (T-LG-03)."""
    assert not [secret for secret in (CLIENT_SECRET, KEY) if secret in repr(a_site())]

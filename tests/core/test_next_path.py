"""Where a login may lead back to (R-RP1 to R-RP3; T-RP-01, T-RP-04, T-RP-10)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.views.next_path import is_decoded, next_parameter, requested_path, safe_next_path
from tests.attacks.targets import HOSTILE_TARGETS
from tests.core.samples import a_request, a_settings

SETTINGS = a_settings()

HOSTILE = [
    *HOSTILE_TARGETS,
    " /a",
    "/%2e%2e//evil.test",
    "/a//b",
    "\u3031evil.test",
    "/\u3031evil.test",
    "/\uff0fevil.test",
    "/a b",
    "/a\x7f",
    "/caf\u00e9",
    "/a\r\nSet-Cookie: x=y",
    "/a?b=\n",
    "/a?b=\\",
    "/a#\\",
    "",
    "?a=b",
    "#a",
    "a",
    "*",
    "@evil.test",
    "/" + "a" * 500,
    "/" + "a" * 100_000,
]


@pytest.mark.parametrize("target", HOSTILE)
def test_hostile(target: str) -> None:
    """What could lead anywhere else leads to the front page (T-RP-01)."""
    assert safe_next_path(SETTINGS, "", target) == "/"


@pytest.mark.parametrize("target", HOSTILE)
def test_hostile_next(target: str) -> None:
    """The same, as ``next`` of the login page."""
    assert next_parameter(SETTINGS, a_request(query=urlencode({"next": target}, errors="surrogatepass"))) == "/"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/a?b=1",
        "/p%C3%A4th%20x;v=1/%E2%82%AC?q=%ff&a=b%26c&d=1+2",
        "/a?next=//evil.test",
        "/a?u=https://evil.test/x",
        "/a#//b",
        "/a:b@c",
        "/%5Cevil.test",
        "/%2Fevil.test",
        "/%09/evil.test",
        "/...",
        "/.well-known/x",
        "/oauth2x",
        "/x/oauth2/login",
        "/a?/oauth2/logout",
        "/OAUTH2/login",
        "/" + "a" * 499,
    ],
)
def test_harmless(target: str) -> None:
    """A path on this origin is kept byte for byte (T-RP-04)."""
    assert safe_next_path(SETTINGS, "", target) == target


@pytest.mark.parametrize(
    "target",
    [
        "/oauth2",
        "/oauth2/",
        "/oauth2/login",
        "/oauth2/login?next=/",
        "/oauth2/logout#x",
        "/oauth2/callback?code=C&state=S",
        "/%6fauth2/logout",
        "/oauth2%2Flogout",
        "/oauth2/log%6Fut",
        "/x/../oauth2/logout",
        "/x/%2E%2e/oauth2/logout",
        "/./oauth2/logout",
        "/%2e/oauth2/logout",
        "/x/.%2e/oauth2/logout",
        "/a/..",
        "/a/.",
    ],
)
def test_own_pages(target: str) -> None:
    """A login ends neither in the next login nor in a logout, however that is spelt; dot segments are never kept."""
    assert safe_next_path(SETTINGS, "", target) == "/"


@pytest.mark.parametrize(
    ("mount", "target", "expected"),
    [
        ("/sub", "/sub/a", "/sub/a"),
        ("/sub", "/oauth2/x", "/oauth2/x"),
        ("/sub", "/sub/oauth2/login", "/sub/"),
        ("/sub", "//evil.test", "/sub/"),
        ("/\u00e4", "/%C3%A4/oauth2/login", "/%C3%A4/"),
        ("/\u00e4", "/%c3%a4/oauth2/login", "/%C3%A4/"),
        ("/\\evil.test", "//x", "/%5Cevil.test/"),
        ("//evil.test", "//x", "/evil.test/"),
    ],
)
def test_mounted(mount: str, target: str, expected: str) -> None:
    """Under a mount the front page and our own pages are the mount's."""
    assert safe_next_path(SETTINGS, mount, target) == expected


def resolved(target: str) -> str | None:
    """Return the path that a browser goes to, or None where it leaves this origin (WHATWG URL, basic URL parser)."""
    text = re.sub(r"[\t\n\r]", "", target.strip("".join(map(chr, range(33)))))
    path = re.split(r"[?#]", text, maxsplit=1)[0].replace("\\", "/")
    if not path.startswith("/") or path.startswith("//"):
        return None
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if re.fullmatch(r"(\.|%2e){2}", segment, re.IGNORECASE):
            kept = kept[:-1]
        elif not re.fullmatch(r"\.|%2e", segment, re.IGNORECASE):
            kept.append(segment)
    return "/" + "/".join(kept)


targets = st.text("/\\.%2eEfF5cC?#:@oauthlgin \t\n\u3031\x00", max_size=30) | st.text(max_size=30)
mounts = st.sampled_from(["", "/sub"]) | st.text("/\\.ab \u00e4\n?#%", max_size=8).map(
    lambda text: f"/{text}".rstrip("/")
)


@given(mounts, targets | targets.map(lambda text: f"/{text}") | targets.map(lambda text: f"/x/../oauth2/{text}"))
def test_always_here(mount: str, target: str) -> None:
    """Whatever comes, the result is a path that browsers keep on this origin, and none of our own pages."""
    path = resolved(safe_next_path(SETTINGS, mount, target))
    assert path is not None
    assert not path.startswith("//")
    assert not f"{unquote(path)}/".startswith(f"{mount.rstrip('/')}/oauth2/") or mount not in {"", "/sub"}


@given(mounts, targets)
def test_fit_for_header(mount: str, target: str) -> None:
    """The result is visible ASCII: it goes into a Location header and into a cookie."""
    assert re.fullmatch(r"/[!-~]*", safe_next_path(SETTINGS, mount, target))


@given(mounts, targets)
def test_stable(mount: str, target: str) -> None:
    """A result is its own result: it is checked again when it is used (R-RP2)."""
    first = safe_next_path(SETTINGS, mount, target)
    assert safe_next_path(SETTINGS, mount, first) == first


@pytest.mark.parametrize(
    ("request_parts", "expected"),
    [
        ({"path": "/a", "raw_path": "/a", "query": "b=1"}, "/a?b=1"),
        ({"path": "/a", "raw_path": "/a"}, "/a"),
        ({"path": "/a", "query": "b=1"}, "/a?b=1"),
        ({"path": "/p\u00e4th x;v=1/\u20ac"}, "/p%C3%A4th%20x;v=1/%E2%82%AC"),
        ({"path": "/p\u00e4th", "raw_path": "/p%c3%a4th"}, "/p%c3%a4th"),
        ({"path": "/a", "raw_path": "/sub/a", "mount": "/sub"}, "/sub/a"),
        ({"path": "/a", "mount": "/sub"}, "/sub/a"),
        ({"path": "/\ufffd", "raw_path": "/%ff"}, "/%ff"),
        ({"path": "/x\udcff", "raw_path": "/x%ff"}, "/x%ff"),
        ({"path": "/\udcff"}, "/%FF"),
        ({"path": "/rewritten", "raw_path": "/original"}, "/rewritten"),
        ({"path": "/a?b#c%"}, "/a%3Fb%23c%25"),
        ({"path": "/\\evil.test"}, "/%5Cevil.test"),
        ({"path": "/\t/evil.test"}, "/%09/evil.test"),
        ({"path": "//evil.test", "raw_path": "/%2fevil.test"}, "/%2fevil.test"),
        ({"path": "//evil.test"}, "/"),
        ({"path": "/oauth2/login"}, "/"),
    ],
)
def test_requested(request_parts: dict[str, str], expected: str) -> None:
    """The target is the raw one, or the path quoted again where the server hides or rewrites the raw one (R-RP2)."""
    assert requested_path(SETTINGS, a_request(**request_parts)) == expected


@given(st.text("/ab\u00e4 %?#;=&+\\\t.\udcff\u20ac", max_size=20).map(lambda text: f"/x{text}"))
def test_requested_round_trip(path: str) -> None:
    """Without a raw target the way back leads to the same path, whatever stands in it."""
    target = requested_path(SETTINGS, a_request(path))
    assert target == "/" or unquote(target, errors="surrogateescape") == path


@given(st.binary(max_size=20))
def test_requested_raw(octets: bytes) -> None:
    """With a raw target the way back is that target to the byte, however the server decodes it."""
    raw = "/x" + quote(octets, safe="")
    for errors in ("replace", "surrogateescape"):
        target = requested_path(SETTINGS, a_request(unquote(raw, errors=errors), raw_path=raw))
        assert target == raw or b"/." in octets or b"//" in octets


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("next=/a%3Fb%3D1", "/a?b=1"),
        ("x=1&next=/a", "/a"),
        ("next=/a&next=/b", "/"),
        ("next=/a&next=/a", "/"),
        ("next=", "/"),
        ("", "/"),
        ("Next=/a", "/"),
        ("next=%2Fa%2520b", "/a%20b"),
        ("next=/%ff", "/"),
        ("next=/a&" + "&".join(["x=1"] * 50), "/"),
        ("next=/a&" + "&".join(["x=1"] * 10_000), "/"),
        ("next=/" + "a" * 100_000, "/"),
    ],
)
def test_next(query: str, expected: str) -> None:
    """``next`` is decoded once and counts only where it comes once (T-RP-10)."""
    assert next_parameter(SETTINGS, a_request(query=query)) == expected


def test_percent_sign_that_was_not_decoded() -> None:
    """Where a server gives the decoded path as the raw one, a percent sign in it is quoted again."""
    assert requested_path(SETTINGS, a_request("/a%20b", raw_path="/a%20b")) == "/a%2520b"


def test_percent_sign_in_a_true_raw_path() -> None:
    """A raw path that decodes to the path is kept, query included."""
    request = a_request("/a b", raw_path="/a%20b", query="x=%20")

    assert requested_path(SETTINGS, request) == "/a%20b?x=%20"


@pytest.mark.parametrize("codes", [(0xD800,), (0xDC7F,), (0xDCFF, 0xD800)])
def test_lone_surrogates(codes: tuple[int, ...]) -> None:
    """A surrogate that stands for no byte is replaced; nothing is raised."""
    assert requested_path(SETTINGS, a_request("/a" + "".join(map(chr, codes)))).startswith("/a")


@pytest.mark.parametrize(
    ("code", "decoded"),
    [
        (0x61, True),
        (0xD7FF, True),
        (0xD800, False),
        (0xDC7F, False),
        (0xDC80, True),
        (0xDCFF, True),
        (0xE000, True),
    ],
)
def test_which_surrogates_are_bytes(code: int, decoded: bool) -> None:
    """The surrogates of Python's ``surrogateescape`` stand for bytes, all below them for nothing."""
    assert is_decoded(f"/{chr(code)}") is decoded

"""Where a page may lead."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import pytest

from fotoweb_middleware import pages
from fotoweb_middleware.pages import FotoWebStep, Page, StateProblem, check_target, origin_of
from fotoweb_middleware.pages.layout import Link, PostButton

GOOD = (
    "/",
    "/a?b=c&d=%2F%2Fe#f",
    "/å",
    "/O'Brien",
    '/"onclick="x',
    "/<script>",
    "https://tenant.example",
    "http://localhost:8000/x",
    "https://[::1]:8000/",
)
BAD = (
    "",
    "relative",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "\tjavascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "https://",
    "https://user@evil.example",
    "https://user:secret@evil.example/",
    "https://[::1",
    "https://evil\u2100.example",
    "https://evil.example;script-src *",
    "https://evil.example,x",
    "https://*.example",
    "https://bücher.example",
    "ftp://evil.example",
    "blob:https://evil.example/x",
    "/a b",
    "/a\x00",
    "/a\u2028",
    "/a\udcff",
)

# Every way a target enters a page.
DOORS: dict[str, Callable[[str], Page | Link | PostButton]] = {
    "Link": lambda target: Link("x", target),
    "PostButton": lambda target: PostButton("x", target),
    "access_denied": lambda target: pages.access_denied(None, target),
    "bad_request_target": pages.bad_request_target,
    "cache_unavailable": lambda target: pages.cache_unavailable(None, target),
    "confirm_logout action": lambda target: pages.confirm_logout(target, "/"),
    "confirm_logout back": lambda target: pages.confirm_logout("/", target),
    "cross_origin_refused": pages.cross_origin_refused,
    "fotoweb_error": lambda target: pages.fotoweb_error(FotoWebStep.CODE, "", target),
    "fotoweb_nonsense": pages.fotoweb_nonsense,
    "fotoweb_unavailable": lambda target: pages.fotoweb_unavailable(None, target),
    "method_not_allowed": lambda target: pages.method_not_allowed(("GET",), target),
    "no_such_page": pages.no_such_page,
    "one_moment": pages.one_moment,
    "not_signed_in": pages.not_signed_in,
    "sign_in_again": lambda target: pages.sign_in_again(StateProblem.EXPIRED, target),
    "sign_in_again app": lambda target: pages.sign_in_again(StateProblem.REUSED, "/", app_url=target),
    "signed_out": pages.signed_out,
    "signed_out fotoweb": lambda target: pages.signed_out("/", target),
    "temporarily_unavailable": pages.temporarily_unavailable,
}


@pytest.mark.parametrize("target", GOOD)
def test_good_target_comes_back_unchanged(target: str) -> None:
    """A path on this origin and an http(s) address are let through as they are."""
    assert target == check_target(target)


@pytest.mark.parametrize("target", BAD)
def test_bad_target_is_refused_without_being_repeated(target: str) -> None:
    """Anything else is a ValueError, whose message holds nothing of the target."""
    with pytest.raises(ValueError, match="link target") as caught:
        check_target(target)

    told = "".join(traceback.format_exception_only(caught.value)) + str(
        None if caught.value.__suppress_context__ else caught.value.__context__
    )
    assert "evil" not in told
    assert "secret" not in told


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_no_page_takes_a_script_as_target(door: Callable[[str], object]) -> None:
    """`javascript:` never becomes an href or an action, whichever page it is given to."""
    with pytest.raises(ValueError, match="target"):
        door("javascript:alert(1)")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/bye", None),
        ("https://www.example/bye?x#y", "https://www.example"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_origin_of(target: str, expected: str | None) -> None:
    """An address has its scheme, host and port as origin; a path of our own has none to name."""
    assert expected == origin_of(target)

"""Where a page may lead."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping

import pytest

from fotoweb_middleware.pages import check_target, page
from fotoweb_middleware.pages.appearance import TEMPLATES
from tests.pages.every_page import LOOP_CODES, STATE_CODES, read

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

NOT_ALLOWED = {"full_name": "", "user_name": "alice", "email_domain": "", "cause": "authorize"}

# Every way a target enters a page: the page, the name of the target, and what else the page needs.
WAYS_IN: list[tuple[str, str, Mapping[str, object]]] = [
    ("access_denied", "login_url", {}),
    ("confirm_logout", "back_url", {"logout_url": "/"}),
    ("confirm_logout", "logout_url", {"back_url": "/"}),
    ("cross_origin_refused", "app_url", {}),
    ("fotoweb_error", "retry_url", {"step": "code", "error": ""}),
    ("fotoweb_nonsense", "retry_url", {}),
    ("fotoweb_unavailable", "retry_url", {}),
    ("method_not_allowed", "app_url", {"allowed": ("GET",)}),
    ("no_such_page", "app_url", {}),
    ("not_allowed", "fotoweb_url", {**NOT_ALLOWED, "login_url": "/"}),
    ("not_allowed", "login_url", {**NOT_ALLOWED, "fotoweb_url": "/"}),
    ("not_signed_in", "login_url", {}),
    ("one_moment", "target", {}),
    ("signed_out", "fotoweb_url", {"login_url": "/"}),
    ("signed_out", "login_url", {"fotoweb_url": "/"}),
    ("store_unavailable", "retry_url", {}),
    ("temporarily_unavailable", "login_url", {}),
    *((code, "login_url", {"app_url": "/"}) for code in STATE_CODES),
    *((code, "app_url", {"login_url": "/"}) for code in STATE_CODES),
    *((code, "login_url", {"characters": 1}) for code in LOOP_CODES),
]
ways_in = pytest.mark.parametrize(("code", "name", "rest"), WAYS_IN)


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


@ways_in
@pytest.mark.parametrize("target", ["javascript:alert(1)", "//evil.example", ""])
def test_no_page_takes_a_script_as_target(code: str, name: str, rest: Mapping[str, object], target: str) -> None:
    """Neither `javascript:` nor another origin in disguise becomes an href or an action, on whichever page."""
    with pytest.raises(ValueError, match="target"):
        page(code, **{name: target}, **rest)


def test_every_link_of_every_template_is_a_target() -> None:
    """No template writes a variable into an href or an action that `page` does not check."""
    written = {
        name
        for template in TEMPLATES.glob("*.html")
        for name in re.findall(r'(?:href|action)="([^"]*)"', template.read_text(encoding="utf-8"))
    }

    own_documentation = "{{ url }}/reference/troubleshooting.html#{{ code }}"  # From the package's own metadata.
    assert {f"{{{{ {name} }}}}" for _, name, _ in WAYS_IN} | {own_documentation} == written


@pytest.mark.parametrize(
    "target", ['/"onclick="alert(1)', "/'onclick='x", "/><script>alert(1)</script>", "/a?b=1&copy=2"]
)
def test_target_cannot_leave_its_attribute(target: str) -> None:
    """A target with quotes, angle brackets or an ampersand stays one attribute's value, in a link and in a form."""
    seen = read(page("confirm_logout", logout_url=target, back_url=target))

    assert seen.named("a") == [{"href": target}]
    assert seen.named("form") == [{"method": "post", "action": target}]
    assert not seen.named("script")

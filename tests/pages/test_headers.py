"""The headers that stand before every page and problem document of ours."""

from __future__ import annotations

import base64
import hashlib

import pytest

from fotoweb_middleware.pages import PROBLEM_HEADERS, Page, security_headers
from tests.pages.every_page import EVERY_PAGE, PAGES

SECURITY_HEADERS = security_headers()


@pytest.mark.parametrize("page", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())
def test_policy_allows_the_very_style_that_is_sent(page: Page) -> None:
    """The hash in the policy is that of the bytes between <style> and </style>; there is one style element."""
    html = PAGES.html(page, "en")
    style = html.partition(b"<style>")[2].partition(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode("ascii")

    assert html.count(b"<style") == 1
    assert f"style-src 'sha256-{digest}'" in dict(PAGES.headers())["Content-Security-Policy"].split("; ")


def test_policy_allows_nothing_else() -> None:
    """Everything but our own style and our own form is forbidden, framing and base elements included (T-OP-03).

    Shows R-OP2.
    """
    directives = dict(SECURITY_HEADERS)["Content-Security-Policy"].split("; ")
    rest = [directive for directive in directives if not directive.startswith("style-src")]

    assert rest == ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"]


def test_other_headers() -> None:
    """Type, sniffing, referrer, opener and caching are settled; no header stands there twice (R-OP2; T-OP-03)."""
    expected = {
        "Content-Type": "text/html; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    rest = [(name, value) for name, value in SECURITY_HEADERS if name != "Content-Security-Policy"]

    assert expected == dict(rest)
    assert len(expected) == len(rest)


def test_problem_headers_differ_in_type_and_policy_alone() -> None:
    """A problem document is as guarded as a page, and allows no style either."""
    expected = {
        **dict(SECURITY_HEADERS),
        "Content-Type": "application/problem+json",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }

    assert expected == dict(PROBLEM_HEADERS)


def test_page_with_a_form_sends_its_origin() -> None:
    """Under ``no-referrer`` a form would say "Origin: null"; everything else stays as it is."""
    assert dict(security_headers(has_form=True)) == {**dict(SECURITY_HEADERS), "Referrer-Policy": "same-origin"}


def test_form_may_end_at_the_given_origin() -> None:
    """The logout form may be redirected to one named origin besides our own."""
    policy = dict(security_headers("https://www.example:8443"))["Content-Security-Policy"]

    assert policy.endswith("; form-action 'self' https://www.example:8443")

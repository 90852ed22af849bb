"""Answers of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fotoweb_middleware.model import Answer, Reason
from fotoweb_middleware.pages.headers import PROBLEM_HEADERS, SECURITY_HEADERS
from fotoweb_middleware.pages.layout import Page
from fotoweb_middleware.pages.refusals import method_not_allowed
from fotoweb_middleware.site.answers import page_answer, page_or_problem, problem_answer, redirect, with_cookies
from tests.site.samples import a_request

PAGE = method_not_allowed(("GET",), "/")
JSON: dict[str, Any] = {"accept": "application/json"}


def page() -> Page:
    """Return a page of ours."""
    return PAGE


def test_page() -> None:
    """A page has its own status and the usual headers."""
    answer = page_answer(Reason.NO_SESSION, page())
    assert (answer.status, answer.headers, answer.body[:15]) == (405, SECURITY_HEADERS, b"<!DOCTYPE html>")


def test_page_extra_headers() -> None:
    """Further headers come behind the usual ones."""
    answer = page_answer(Reason.NO_SESSION, page(), extra=(("Allow", "GET"),))
    assert answer.headers == (*SECURITY_HEADERS, ("Allow", "GET"))


def test_page_other_headers() -> None:
    """A page may bring headers of its own instead."""
    assert page_answer(Reason.NO_SESSION, page(), headers=(("A", "b"),)).headers == (("A", "b"),)


def test_page_for_people() -> None:
    """Whoever takes HTML gets the page."""
    answer = page_or_problem(a_request(accept="text/html"), Reason.NO_SESSION, page())
    assert answer == page_answer(Reason.NO_SESSION, page())


def test_problem_for_programs() -> None:
    """Whoever doesn't gets problem details with the same status and words (RFC 9457)."""
    answer = page_or_problem(a_request(**JSON), Reason.NO_SESSION, page(), extra=(("Allow", "GET"),))
    problem = json.loads(answer.body)
    assert (answer.status, answer.headers) == (405, (*PROBLEM_HEADERS, ("Allow", "GET")))
    assert (problem["status"], problem["title"]) == (405, page().title)


def test_problem_with_login_url() -> None:
    """Where a login would help, the problem says where."""
    answer = problem_answer(Reason.NO_SESSION, 401, "T", "D", code="c", login_url="/oauth2/login")
    assert json.loads(answer.body)["login_url"] == "/oauth2/login"


def test_problem_close_code() -> None:
    """A WebSocket that is refused is closed with 4000 and the status."""
    answer = page_or_problem(a_request(is_websocket=True), Reason.NO_SESSION, page())
    assert answer.websocket_close_code == 4405


def test_redirect() -> None:
    """A redirect is a 302 with an empty body, and nobody may keep it (R-AC15, R-CS12)."""
    answer = redirect(Reason.LOGIN_STARTED, "/x")
    headers = dict(answer.headers)
    assert (answer.status, answer.body, headers["Location"]) == (302, b"", "/x")
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_redirect_content_type() -> None:
    """Every answer of ours has a Content-Type."""
    assert "Content-Type" in dict(redirect(Reason.LOGIN_STARTED, "/x").headers)


def test_cookies_each_in_a_header() -> None:
    """Every cookie has a header of its own: Set-Cookie can't be folded (RFC 6265, 3)."""
    answer = redirect(Reason.LOGGED_IN, "/", set_cookies=("a=1", "b=2"))
    assert answer.headers[-2:] == (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))


def test_with_cookies_keeps_the_rest() -> None:
    """Cookies change nothing else about an answer."""
    answer = Answer(Reason.NO_SESSION, 401, (("A", "b"),), b"body", 4403)
    expected = Answer(Reason.NO_SESSION, 401, (("A", "b"), ("Set-Cookie", "c=d")), b"body", 4403)
    assert with_cookies(answer, ("c=d",)) == expected


def test_without_cookies() -> None:
    """No cookies, no change."""
    answer = Answer(Reason.NO_SESSION, 401, ())
    assert with_cookies(answer, ()) is answer


@pytest.mark.parametrize("answer", [redirect(Reason.LOGGED_IN, "/?c=S3CR3T", set_cookies=("a=S3CR3T",))])
def test_no_secret_in_repr(answer: Answer) -> None:
    """Neither cookies nor addresses stand in the repr."""
    assert "S3CR3T" not in repr(answer)

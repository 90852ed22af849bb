"""The pages that people see: log in, consent, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import jinja2

from fotoweb_middleware.testing.fake_fotoweb.messages import FakeResponse, html_response
from fotoweb_middleware.testing.fake_fotoweb.registration import Client, User

__all__ = ["consent_page", "error_page", "home_page", "login_page", "widget_page"]

TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def login_page(users: tuple[User, ...], *, return_url: str, failed: bool = False) -> FakeResponse:
    """Build the log-in page.

    Args:
        users: named as a hint: this is a simulator, and nobody knows its accounts by heart.
        return_url: path of this site to go to after the log-in; empty: stay.
        failed: say that name or password were wrong.
    """
    names = [user.user_name for user in users if user.password]
    text = TEMPLATES.get_template("login.html").render(names=names, return_url=return_url, failed=failed)
    return html_response(text)


def consent_page(client: Client, user: User, pending_id: str) -> FakeResponse:
    """Build the page that asks whether an application may act for the user."""
    text = TEMPLATES.get_template("consent.html").render(client=client, user=user, pending_id=pending_id)
    return html_response(text)


def home_page(user: User | None) -> FakeResponse:
    """Build the front page, where a person sees whether FotoWeb knows this browser, and can log out."""
    return html_response(TEMPLATES.get_template("home.html").render(user=user))


def widget_page(kind: Literal["selection", "export"], frame_origins: list[str]) -> FakeResponse:
    """Build a widget: the one kind of page here that has a script and may be framed, by these origins alone."""
    ancestors = " ".join(frame_origins) or "'none'"
    policy = (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
        f"img-src 'self'; base-uri 'none'; frame-ancestors {ancestors}"
    )
    text = TEMPLATES.get_template("widget.html").render(kind=kind)
    return html_response(text).with_header("Content-Security-Policy", policy)


def error_page(status: int, title: str, explanation: str) -> FakeResponse:
    """Build FotoWeb's own error page, shown where nothing may be redirected."""
    text = TEMPLATES.get_template("error.html").render(title=title, explanation=explanation, status=status)
    return html_response(text, status)

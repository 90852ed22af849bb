"""Every example, driven as its user would: sign in, see one's name and archives, read the public page, sign out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fotoweb_middleware import wrap
from fotoweb_middleware.testing import FakeFotoWeb, Fault
from tests.examples.browser import Browser, Interface, browse
from tests.examples.conftest import EXAMPLES, LoadExample

WRAPPED: dict[str, tuple[Interface, str, str]] = {
    "FastAPI": ("asgi", "fastapi_app", "app"),
    "Starlette": ("asgi", "starlette_app", "app"),
    "Litestar": ("asgi", "litestar_app", "app"),
    "Flask": ("wsgi", "flask_app", "app"),
    "Quart": ("asgi", "quart_app", "app"),
    "Django as ASGI": ("asgi", "django_app", "asgi_application"),
    "Django as WSGI": ("wsgi", "django_app", "wsgi_application"),
}
"""Examples that wrap their app themselves: interface, module, attribute."""

NOT_WRAPPED: dict[str, tuple[Interface, str]] = {
    "no code, ASGI": ("asgi", "no_code:asgi_app"),
    "no code, WSGI": ("wsgi", "no_code:wsgi_app"),
}
"""Apps that ``fotoweb_middleware.wrap`` wraps: interface, FOTOWEB_APP."""

ARCHIVES_OF_ALICE = ["Nordic coast", "Garden and greenhouse"]


@pytest.fixture(params=[*WRAPPED, *NOT_WRAPPED])
def browser(
    request: pytest.FixtureRequest,
    load_example: LoadExample,
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Browser]:
    """Open a browser on one of the examples."""
    app: Any
    if request.param in WRAPPED:
        interface, module, attribute = WRAPPED[request.param]
        app = getattr(load_example(module), attribute)
    else:
        interface, address = NOT_WRAPPED[request.param]
        load_example(address.partition(":")[0])
        app = wrap_without_code(interface, address, variables, monkeypatch)
    with browse(interface, app) as opened:
        yield opened


def wrap_without_code(
    interface: Interface, address: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Do what uvicorn and gunicorn do with ``fotoweb_middleware.wrap:asgi`` and ``…:wsgi``."""
    wanted = {**variables, "FOTOWEB_APP": address, "FOTOWEB_PUBLIC_PATHS": "/about"}
    for variable, value in wanted.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.syspath_prepend(EXAMPLES)
    wrap.wrapped.cache_clear()  # It keeps what it wrapped; each test wraps again.
    app = getattr(wrap, interface)
    wrap.wrapped.cache_clear()
    return app


def sign_in(browser: Browser, fotoweb: FakeFotoWeb) -> None:
    """Go to the front page, log in at FotoWeb as Alice, and come back to it."""
    to_fotoweb = browser.go("/")
    back = browser.go(fotoweb.approve(to_fotoweb.headers["location"], "alice"))
    assert (back.status_code, back.headers["location"]) == (302, "/")


def test_a_visitor_is_sent_to_fotoweb(browser: Browser, variables: dict[str, str]) -> None:
    """Without a session the front page leads to FotoWeb's login."""
    answer = browser.go("/")

    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{variables['FOTOWEB_URL']}/fotoweb/oauth2/authorize?")


def test_the_page_names_the_user(browser: Browser, fotoweb: FakeFotoWeb) -> None:
    """After the login the front page says who is signed in."""
    sign_in(browser, fotoweb)

    page = browser.go("/")

    assert page.status_code == 200
    assert "Signed in as Alice Berg." in page.text or "Signed in as alice." in page.text


def test_the_token_works(browser: Browser, fotoweb: FakeFotoWeb) -> None:
    """The page lists the archives that FotoWeb shows to this user, and to nobody else."""
    sign_in(browser, fotoweb)

    page = browser.go("/").text

    assert [name for name in ARCHIVES_OF_ALICE if f"<li>{name}</li>" in page] == ARCHIVES_OF_ALICE
    assert page.count("<li>") == len(ARCHIVES_OF_ALICE)


@pytest.mark.parametrize("browser", WRAPPED, indirect=True)
def test_an_outage_is_told(browser: Browser, fotoweb: FakeFotoWeb) -> None:
    """While FotoWeb is down and the token still valid, the front page says that it can't be reached."""
    sign_in(browser, fotoweb)
    fotoweb.fault("api", Fault.dropped(), times=1)

    page = browser.go("/")

    assert (page.status_code, page.text) == (503, "FotoWeb can't be reached. Try again later.")


def test_the_public_page_needs_no_login(browser: Browser) -> None:
    """The public path answers without a session, and sets no cookie."""
    page = browser.go("/about")

    assert page.status_code == 200
    assert "Nobody needs to sign in" in page.text
    assert browser.cookie_names() == []


def test_the_sign_out_form_signs_out(browser: Browser, fotoweb: FakeFotoWeb) -> None:
    """The form on the page ends the session: none of its cookies is left, and the front page leads to FotoWeb again."""
    sign_in(browser, fotoweb)
    page = browser.go("/").text
    assert '<form method="post" action="/oauth2/logout">' in page

    signed_out = browser.submit("/oauth2/logout")

    ours = [name for name in browser.cookie_names() if "fotoweb" in name]  # Django has cookies of its own.
    assert (signed_out.status_code, ours) == (200, [])
    assert browser.go("/").status_code == 302


def test_every_example_is_tested() -> None:
    """No file in the folder is missing here."""
    tested = {module for _, module, _ in WRAPPED.values()} | {"no_code"}

    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested

"""The examples below a path, as docs/how-to/behind-a-proxy.md says it: nginx serves each at /sub, to a real browser."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.browser.chromium import find_chromium, running_chromium
from tests.providers.nginx import PROXY_DIRECTIVES, find_nginx, listens, run_nginx
from tests.providers.ports import free_port
from tests.servers.serving import AppServer, Kind
from tests.servers.sites import environment

PATIENCE_SECONDS = 15.0
HTTP = """
    server {{
        listen 127.0.0.1:{port};
        location /sub/ {{
            proxy_pass {app};
            {directives}
        }}
    }}
"""


@dataclass(frozen=True, slots=True)
class Example:
    """An example, and how its server is told of /sub.

    Attributes:
        kind: The server, run in the project's folder; ``{fd}`` stands for its socket.
        strips_mount: Whether nginx takes /sub off the path; if not, the server does.
        variables: Of its environment.
    """

    kind: Kind
    strips_mount: bool
    variables: tuple[tuple[str, str], ...] = ()


def under_uvicorn(name: str, app: str) -> Example:
    """Return an ASGI example; uvicorn puts /sub back before the path that nginx gives it."""
    command = ("-m", "uvicorn", "--app-dir", "examples", app, "--fd", "{fd}", "--root-path", "/sub")
    return Example(Kind(name, "asgi", command), strips_mount=True)


def under_gunicorn(name: str, app: str) -> Example:
    """Return a WSGI example; gunicorn takes ``SCRIPT_NAME`` off the path."""
    command = ("-m", "gunicorn", "--chdir", "examples", app, "--bind", "fd://{fd}", "--no-control-socket")
    return Example(Kind(name, "wsgi", command), strips_mount=False, variables=(("SCRIPT_NAME", "/sub"),))


EXAMPLES = [
    under_uvicorn("FastAPI", "fastapi_app:app"),
    under_uvicorn("Starlette", "starlette_app:app"),
    under_uvicorn("Litestar", "litestar_app:app"),
    under_uvicorn("Quart", "quart_app:app"),
    under_gunicorn("Flask", "flask_app:app"),
    under_uvicorn("Django (ASGI)", "django_app:asgi_application"),
    under_gunicorn("Django (WSGI)", "django_app:wsgi_application"),
]
"""Each has a front page that names its user and has a form to sign out, and a public page with a link in or out."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Return a headless Chromium."""
    if find_chromium() is None:
        pytest.skip("no Chromium here: install Debian's package `chromium`")
    with running_chromium() as running:
        yield running


@contextlib.contextmanager
def served(example: Example, folder: Path) -> Iterator[str]:
    """Start a simulator, an example and nginx, and yield where browsers find the app."""
    if find_nginx() is None:
        pytest.skip("no nginx here: install Debian's nginx")
    port = free_port()
    url = f"http://localhost:{port}/sub"
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(f"{url}/oauth2/callback",))])
    with fake.serve() as fotoweb_url, AppServer(example.kind) as server:
        given = environment(fotoweb_url, fake.client.client_id, fake.client.client_secret, {})
        server.start({**given, **dict(example.variables)})
        app = f"http://127.0.0.1:{server.port}{'/' if example.strips_mount else ''}"
        http = HTTP.format(port=port, app=app, directives=PROXY_DIRECTIVES)
        with run_nginx(folder, http, lambda: listens(port)):
            yield url


def log_in(page: Page) -> None:
    """Fill in FotoWeb's pages."""
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()


@pytest.mark.browser
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.kind.name)
def test_sign_in_and_sign_out_links_work(example: Example, chromium: Browser, tmp_path: Path) -> None:
    """The link to sign in leads back to its page, the link and the form to sign out end the session, all below /sub."""
    with served(example, tmp_path) as url, chromium.new_context() as context:
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        expect.set_options(timeout=PATIENCE_SECONDS * 1000)
        page = context.new_page()

        page.goto(f"{url}/about")
        page.get_by_role("link", name="Sign in").click()
        log_in(page)
        page.wait_for_url(f"{url}/about")
        page.get_by_role("link", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")

        page.goto(f"{url}/")  # FotoWeb still knows the browser, and may ask for nothing.
        page.wait_for_url(f"{url}/")
        expect(page.locator("p")).to_have_text(re.compile("Signed in as (Alice Berg|alice)."))
        expect(page.get_by_role("listitem")).to_have_count(2)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You are signed out")
        page.goto(f"{url}/about")
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()

"""``make real-apps``: try the apps of docs/how-to/real-apps.md in a browser: ``python -m tests.real_apps.run dash``.

Each app gets a virtual environment of its own in ``.make/real-apps``, with the version that the page names. The page's
Python is type-checked against it, the page's command starts it, and Chromium uses it: signed in, with a token that has
expired, signed out in another tab, and back again. The screenshots in docs/pictures are taken anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, Page, expect

from fotoweb_middleware.testing import FakeFotoWeb
from fotoweb_middleware.testing.fake_fotoweb.registration import Client
from fotoweb_middleware.testing.fake_fotoweb.switches import Switches
from tests.browser.chromium import running_chromium
from tests.real_apps.page import PICTURES, ROOT, RealApp, read_page
from tests.real_apps.visits import VISITS, Visit

__all__ = ["main"]

ENVIRONMENTS = ROOT / ".make" / "real-apps"
TOKEN_SECONDS = 12
START_SECONDS = 120
STOP_SECONDS = 10
PATIENCE_MS = 20_000
WIDTH_PIXELS = 900
SHRINK = """
import sys
from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(sys.argv[2], optimize=True)
"""


def main(*names: str) -> None:
    """Try these apps, or all."""
    apps = read_page()
    if apps.keys() != VISITS.keys():
        raise ValueError(f"not on the page and in visits.py alike: {apps.keys() ^ VISITS.keys()}")
    for name in names or apps:
        app, visit = apps[name], VISITS[name]
        environment = make_environment(app, visit)
        folder = environment / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        visit.prepare(folder)
        check_types(environment, app.write_files(folder))
        with running_app(app, environment) as (fotoweb, url), running_chromium() as browser:
            context = browser.new_context(base_url=url, viewport={"width": WIDTH_PIXELS, "height": visit.height_pixels})
            context.set_default_timeout(PATIENCE_MS)
            expect.set_options(timeout=PATIENCE_MS)
            go_through(context, visit, fotoweb, environment / "picture.png")
        python = str(ENVIRONMENTS / "pictures" / "bin" / "python")
        subprocess.run([python, "-c", SHRINK, environment / "picture.png", PICTURES / f"{name}.png"], check=True)
        sys.stdout.write(f"{name} {app.version}: works as the page says\n")


def go_through(context: BrowserContext, visit: Visit, fotoweb: FakeFotoWeb, picture: Path) -> None:
    """Sign in, use the app, let the token expire, use it again, sign out in another tab, come back."""
    page = context.new_page()
    page.goto(visit.path)
    log_in(page)
    visit.use(page)
    page.screenshot(path=picture)
    time.sleep(TOKEN_SECONDS + 1)
    visit.use(page)
    assert len(fotoweb.token_requests) > 1, "no token was ever replaced"
    tab = context.new_page()
    tab.goto("/oauth2/logout")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_text("signed out").first).to_be_visible()
    visit.after_sign_out(page)
    page.goto(visit.path)
    page.reload()  # A fragment alone loads nothing. FotoWeb remembers the browser: no form this time.
    visit.use(page)


def log_in(page: Page) -> None:
    """Log in at the simulator and allow the app."""
    page.get_by_label("User name").fill("alice")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Allow").click()


def make_environment(app: RealApp, visit: Visit) -> Path:
    """Return a virtual environment with the app and this package as it is now; pip does what is not yet done."""
    for folder, packages in (
        (ENVIRONMENTS / "pictures", ["pillow"]),
        (ENVIRONMENTS / app.name, [f"{app.name}=={app.version}", "uvicorn", "gunicorn", *visit.packages, str(ROOT)]),
    ):
        if not folder.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
        subprocess.run([*pip, *packages], check=True)
    return ENVIRONMENTS / app.name


def check_types(environment: Path, files: list[Path]) -> None:
    """Check the page's Python against the app's own types, where the app ships any."""
    if files:
        options = ["--strict", "--follow-imports=silent", "--disable-error-code=import-untyped"]
        options += ["--disable-error-code=untyped-decorator", f"--cache-dir={environment / 'mypy'}"]
        options += ["--config-file=", f"--python-executable={environment / 'bin' / 'python'}"]
        names = [path.relative_to(environment / "work") for path in files]
        subprocess.run([sys.executable, "-m", "mypy", *options, *names], cwd=environment / "work", check=True)


@contextlib.contextmanager
def running_app(app: RealApp, environment: Path) -> Iterator[tuple[FakeFotoWeb, str]]:
    """Run the page's commands, on a free port, until the app answers; yield the simulator and the app's address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://localhost:{port}"
    registration = Client(redirect_uris=(f"{url}/oauth2/callback",))
    fotoweb = FakeFotoWeb(clients=[registration], switches=Switches(access_token_lifetime_seconds=TOKEN_SECONDS))
    with fotoweb.serve() as fotoweb_url, tempfile.TemporaryFile("w+") as output:
        variables = {
            "FOTOWEB_URL": fotoweb_url,
            "FOTOWEB_CLIENT_ID": fotoweb.client.client_id,
            "FOTOWEB_CLIENT_SECRET": fotoweb.client.client_secret,
            "FOTOWEB_SECRET_KEY": "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
            "FOTOWEB_CACHE": "memory://",
            "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
            "UVICORN_PORT": str(port),
            "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{port}",
        }
        process = subprocess.Popen(
            ["sh", "-ec", app.commands],
            cwd=environment / "work",
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(process, url)
            yield fotoweb, url
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read()[-4000:])
            raise
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                    os.killpg(process.pid, number)
                    process.wait(STOP_SECONDS)


def wait_for(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait until the app answers.

    Raises:
        RuntimeError: It ended, or did not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{url}/oauth2/session")
            return
        time.sleep(0.3)
    raise RuntimeError("the app did not start")


if __name__ == "__main__":
    main(*sys.argv[1:])

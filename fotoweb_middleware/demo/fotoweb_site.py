"""Which FotoWeb the demo uses: the simulator, or the one that the environment names."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from fotoweb_middleware.settings import Settings
from fotoweb_middleware.testing import Client, FakeFotoWeb, Switches

__all__ = ["FotoWebSite", "is_configured", "real_site", "simulated_site"]

WHAT_NAMES_A_SITE: Final = (
    "FOTOWEB_URL",
    "FOTOWEB_CLIENT_ID",
    "FOTOWEB_CLIENT_SECRET",
    "FOTOWEB_CLIENT_SECRET_FILE",
    "FOTOWEB_SECRET_KEY",
    "FOTOWEB_SECRET_KEY_FILE",
)
PREFIX: Final = "/oauth2"
ICON_PATH: Final = "/favicon.ico"  # Public, so that the middleware's own pages have the icon too.
LEEWAY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class FotoWebSite:
    """A FotoWeb, and how the gallery is known to it.

    Attributes:
        settings: For the middleware.
        callback_url: The redirect URI that FotoWeb must know.
        simulator: None where it is a real FotoWeb.
    """

    settings: Settings
    callback_url: str
    simulator: FakeFotoWeb | None = None


def is_configured(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether somebody began to name a FotoWeb, completely or not."""
    return any(environ.get(name, "").strip() for name in WHAT_NAMES_A_SITE)


def real_site(origin: str) -> FotoWebSite:
    """Return the FotoWeb that the environment names.

    Args:
        origin: Where the gallery will be, such as ``http://localhost:8000``.

    Raises:
        SettingsError: A variable is missing or wrong.
    """
    settings = Settings()
    return FotoWebSite(settings, settings.redirect_uri or f"{origin}{settings.path_prefix}/callback")


@contextmanager
def simulated_site(origin: str, *, token_lifetime_seconds: float) -> Iterator[FotoWebSite]:
    """Run a simulator on a free port of 127.0.0.1 that knows the gallery.

    What the environment sets beyond the site itself is kept: ``FOTOWEB_COOKIE_MODE=reference`` shows that mode.

    Args:
        origin: Where the gallery will be.
        token_lifetime_seconds: How long an access token works.

    Raises:
        SettingsError: A variable is wrong.
    """
    callback_url = f"{origin}{PREFIX}/callback"
    # Registered too, since people type it: a login that began at 127.0.0.1 must come back to 127.0.0.1.
    by_number = callback_url.replace("//localhost:", "//127.0.0.1:")
    client = Client(name="Demo gallery", redirect_uris=tuple(dict.fromkeys((callback_url, by_number))))
    switches = Switches(access_token_lifetime_seconds=token_lifetime_seconds)
    fake = FakeFotoWeb(clients=[client], switches=switches)
    with fake.serve() as url:
        settings = Settings(
            url=url,
            client_id=fake.client.client_id,
            client_secret=fake.client.client_secret,
            secret_key=secrets.token_urlsafe(48),
            cache="memory://",
            path_prefix=PREFIX,
            public_paths=(ICON_PATH,),
            redirect_uri=None,
            refresh_leeway=LEEWAY_SECONDS,
        )
        yield FotoWebSite(settings, callback_url, fake)

"""What tests of the demo share: a gallery in this process, whose pictures come from a simulator in this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from fotoweb_middleware.demo.gallery import Asked, Gallery
from fotoweb_middleware.demo.pages import Place, Reply
from fotoweb_middleware.demo.pictures import FotoWebApi
from fotoweb_middleware.demo.sightings import RefreshWatch, Sightings
from fotoweb_middleware.log import readable_time
from fotoweb_middleware.session import Session, User
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb

URL = "http://127.0.0.1:4711"
CALLBACK = "http://localhost:8000/oauth2/callback"
ALICE = User(user_id=15021, user_name="alice", full_name="Alice Berg", email="")


def session_for(token: str, *, expires_at: float | None = None, user: User | None = ALICE) -> Session:
    """Return what the middleware would hand to the app."""
    return Session(access_token=token, token_type="bearer", expires_at=expires_at, user=user)


def token_of(fake: FakeFotoWeb, user_name: str = "alice") -> str:
    """Log somebody in and return an access token."""
    client = fake.client
    back = fake.approve(
        f"{URL}/fotoweb/oauth2/authorize?response_type=code&client_id={client.client_id}&state=s", user_name
    )
    form = {
        "grant_type": "authorization_code",
        "code": httpx.URL(back).params["code"],
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    with httpx.Client(transport=fake.transport()) as http:
        token: str = http.post(f"{URL}/fotoweb/oauth2/token", data=form).json()["access_token"]
        return token


def refresh_line(expires_at: float, created: float) -> logging.LogRecord:
    """Return the line that the middleware logs for a refresh."""
    text = f"token refreshed session=ab12 expires_at={readable_time(expires_at)}"
    record = logging.LogRecord("fotoweb_middleware", logging.INFO, "", 0, "%s", (text,), None)
    record.created, record.fotoweb_event = created, "refreshed"
    return record


@dataclass(frozen=True, slots=True)
class Wall:
    """A gallery with all that hangs on it."""

    gallery: Gallery
    fake: FakeFotoWeb
    clock: FakeClock
    watch: RefreshWatch
    token: str

    def ask(self, path: str = "/", **changes: Any) -> Reply:
        """Ask as the signed-in user would."""
        session = session_for(self.token, expires_at=self.clock() + 42)
        given: Mapping[str, Any] = {
            "method": "GET",
            "path": path,
            "session": session,
            "authorization": f"Bearer {self.token}",
        }
        return self.gallery.answer(Asked(**{**given, **changes}))


def hang_pictures(*, user_name: str = "alice", transport: httpx.BaseTransport | None = None) -> Wall:
    """Put a gallery together."""
    clock = FakeClock()
    fake = FakeFotoWeb(clock=clock, clients=[Client(redirect_uris=(CALLBACK,))])
    http = httpx.Client(transport=transport or fake.transport())
    watch = RefreshWatch()
    place = Place(URL, "/oauth2", "ASGI: a test", is_simulated=True)
    gallery = Gallery(place, FotoWebApi(URL, http), Sightings(watch), clock)
    return Wall(gallery, fake, clock, watch, token_of(fake, user_name))

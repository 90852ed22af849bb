"""The gallery: which path gets which page. Plain functions from what was asked to a reply, for ASGI and WSGI alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from fotoweb_middleware.demo.pages import ICON, Place, Reply, plain_page, show_gallery
from fotoweb_middleware.demo.pictures import ApiTrouble, Archive, FotoWebApi, Picture
from fotoweb_middleware.demo.sightings import Sighting, Sightings
from fotoweb_middleware.session import Session

__all__ = ["Asked", "Gallery"]

BROWSER_COOKIE: Final = "demo_gallery"
ARCHIVE_PATH: Final = "/archive/"
NO_STORE: Final = ("Cache-Control", "no-store")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as the gallery looks at it.

    Attributes:
        method: As sent.
        path: Decoded.
        session: What ``get_session`` gives.
        authorization: The header that the middleware put in; None where FOTOWEB_INJECT_HEADER is off.
        cookie: The Cookie header, without the middleware's own cookies; "" where there is none.
    """

    method: str
    path: str
    session: Session | None
    authorization: str | None = field(repr=False)
    cookie: str = field(default="", repr=False)


class Gallery:
    """A picture gallery of FotoWeb's archives.

    Args:
        place: Where it stands; for the pages.
        api: Where pictures come from.
        sightings: Remembers which tokens came.
        clock: Epoch seconds.
    """

    def __init__(self, place: Place, api: FotoWebApi, sightings: Sightings, clock: Callable[[], float]) -> None:
        self._place = place
        self._api = api
        self._sightings = sightings
        self._clock = clock

    def answer(self, asked: Asked) -> Reply:
        """Answer a request. It never raises for what FotoWeb or the browser does."""
        if asked.method not in {"GET", "HEAD"}:
            return plain_page(self._place, 405, "This page only shows things", extra=(("Allow", "GET, HEAD"),))
        if asked.path == "/favicon.ico":
            return Reply(200, (("Content-Type", "image/svg+xml"), ("Cache-Control", "private, max-age=3600")), ICON)
        if asked.session is None:
            return plain_page(self._place, 200, "Nobody is signed in", signs_in=True)
        if asked.path == "/status":
            return self._status(asked, asked.session)
        if asked.path == "/" or asked.path.startswith(ARCHIVE_PATH):
            return self._pictures(asked, asked.session)
        return plain_page(self._place, 404, "There is no such page")

    def _status(self, asked: Asked, session: Session) -> Reply:
        """Tell the page's script how the token is. It is the request behind the refreshes that the page shows."""
        cookies, sightings = self._note(asked, session)
        content = {
            "now": self._clock(),
            "expires_at": session.expires_at,
            "fingerprint": sightings[0].fingerprint,
            "sightings": [asdict(each) for each in sightings],
        }
        headers = (("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff"), NO_STORE, *cookies)
        return Reply(200, headers, json.dumps(content).encode())

    def _pictures(self, asked: Asked, session: Session) -> Reply:
        cookies, sightings = self._note(asked, session)
        authorization = asked.authorization or f"Bearer {session.access_token}"
        archives: list[Archive] = []
        chosen: Archive | None = None
        pictures: list[Picture] = []
        trouble = ""
        try:
            archives = self._api.archives(authorization)
            chosen = choose(archives, asked.path)
            pictures = self._api.pictures(chosen, authorization) if chosen else []
        except ApiTrouble as error:
            trouble = str(error)
        if archives and not chosen and asked.path != "/":
            return plain_page(self._place, 404, "There is no such archive, or it is not yours to see", extra=cookies)
        return show_gallery(
            self._place,
            session=session,
            sightings=sightings,
            now=self._clock(),
            archives=archives,
            chosen=chosen,
            pictures=pictures,
            trouble=trouble,
            extra=cookies,
        )

    def _note(self, asked: Asked, session: Session) -> tuple[tuple[tuple[str, str], ...], tuple[Sighting, ...]]:
        """Take the token down, and return the Set-Cookie header that the browser may need, and what was seen so far."""
        said = browser_name(asked.cookie)
        name, sightings = self._sightings.note(said, session, self._clock())
        cookie = ("Set-Cookie", f"{BROWSER_COOKIE}={name}; Path=/; HttpOnly; SameSite=Lax")
        return ((cookie,) if name != said else ()), sightings


def choose(archives: list[Archive], path: str) -> Archive | None:
    """Return the archive that a path names, or the first one; None: there is no such archive."""
    if path == "/":
        return archives[0] if archives else None
    wanted = path.removeprefix(ARCHIVE_PATH)
    return next((archive for archive in archives if archive.archive_id == wanted), None)


def browser_name(cookie_header: str) -> str | None:
    """Return what the gallery's own cookie says; None where there is none."""
    cookies = (part.strip().partition("=") for part in cookie_header.split(";"))
    return next((value for name, _, value in cookies if name == BROWSER_COOKIE), None)

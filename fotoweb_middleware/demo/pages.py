"""From what the gallery knows to HTML."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2

from fotoweb_middleware.demo.pictures import Archive, Picture
from fotoweb_middleware.demo.sightings import Sighting
from fotoweb_middleware.session import Session

__all__ = ["ICON", "Place", "Reply", "plain_page", "show_gallery"]

TEMPLATES: Final = Path(__file__).parent / "templates"
ICON: Final = (TEMPLATES / "icon.svg").read_bytes()
SIGHTINGS_SHOWN: Final = 20
NARROWEST_RATIO, WIDEST_RATIO = 0.5, 2.5

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the gallery stands.

    Attributes:
        fotoweb_url: The FotoWeb site; the browser loads pictures from there.
        prefix: Where the middleware's own pages are.
        server: What runs the gallery, in words.
        is_simulated: Whether that FotoWeb is the simulator.
    """

    fotoweb_url: str
    prefix: str
    server: str
    is_simulated: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, ready for any server."""

    status: int
    headers: tuple[Header, ...] = field(repr=False)
    body: bytes = field(repr=False)


def time_left(expires_at: float | None, now: float) -> str:
    """Write how long a token is still good, as a clock does: 0:42, 7:59:13."""
    if expires_at is None:
        return "no end known"
    hours, seconds = divmod(max(0, int(expires_at - now)), 3600)
    minutes, seconds = divmod(seconds, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def time_of_day(moment: float | None) -> str:
    """Write a moment as the time of day where the demo runs."""
    return "" if moment is None else local(moment).strftime("%H:%M:%S")


def machine_time(moment: float | None) -> str:
    """Write a moment for a ``datetime`` attribute."""
    return "" if moment is None else local(moment).isoformat(timespec="seconds")


def local(moment: float) -> dt.datetime:
    """Return epoch seconds as a time with the zone of this machine."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).astimezone()


def grouped(mark: str) -> str:
    """Write a fingerprint in groups of four."""
    return " ".join(mark[start : start + 4] for start in range(0, len(mark), 4))


def percent(picture: Picture) -> int:
    """Return a picture's width in percent of its height, within what looks well in a row."""
    preview = picture.preview
    ratio = preview.width / preview.height if preview else 1.5
    return round(100 * min(max(ratio, NARROWEST_RATIO), WIDEST_RATIO))


def initials(name: str) -> str:
    """Return the first letters of the first and the last word of a name."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def build_environment() -> jinja2.Environment:
    """Build the templates' surroundings: everything is escaped, and a name that nobody gave is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    filters = (time_of_day, machine_time, grouped, percent, initials)
    environment.filters |= {each.__name__: each for each in filters}
    environment.globals |= {"time_left": time_left}
    return environment


ENVIRONMENT: Final = build_environment()


def show_gallery(  # noqa: PLR0913 - all by name; the page shows them all
    place: Place,
    *,
    session: Session,
    sightings: tuple[Sighting, ...],
    now: float,
    archives: list[Archive],
    chosen: Archive | None,
    pictures: list[Picture],
    trouble: str,
    extra: tuple[Header, ...] = (),
) -> Reply:
    """Build the gallery: who is signed in, how their token is, their archives and pictures.

    Args:
        place: Where the gallery stands.
        session: Whose.
        sightings: Tokens seen, newest first; at least one.
        now: Epoch seconds.
        archives: All that the user sees.
        chosen: The one whose pictures are shown; None: there is none.
        pictures: What is in it.
        trouble: Why pictures are missing; "" where none are.
        extra: More headers.
    """
    user = session.user
    content = {
        "user_name": user.user_name if user else "",
        "full_name": (user.full_name or user.user_name) if user else "Signed in",
        "sightings": sightings[:SIGHTINGS_SHOWN],
        "newest": sightings[0],
        "now": now,
        "archives": archives,
        "chosen": chosen,
        "pictures": pictures,
        "ratios": sorted({percent(picture) for picture in pictures}),
        "trouble": trouble,
    }
    return rendered("gallery.html", place, 502 if trouble else 200, content, extra)


def plain_page(
    place: Place, status: int, title: str, *, signs_in: bool = False, extra: tuple[Header, ...] = ()
) -> Reply:
    """Build a page of one sentence.

    Args:
        place: Where the gallery stands.
        status: HTTP status.
        title: The sentence, without a full stop.
        signs_in: Whether to offer a login.
        extra: More headers.
    """
    return rendered("plain.html", place, status, {"title": title, "signs_in": signs_in}, extra)


def rendered(template: str, place: Place, status: int, content: dict[str, Any], extra: tuple[Header, ...]) -> Reply:
    """Fill a template; its style and its script are the only ones that the browser will run."""
    nonce = secrets.token_urlsafe(16)
    html = ENVIRONMENT.get_template(template).render(place=place, nonce=nonce, **content)
    policy = (
        "default-src 'none'",
        f"img-src 'self' {place.fotoweb_url}",
        f"style-src 'nonce-{nonce}'",
        f"script-src 'nonce-{nonce}'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "; ".join(policy)),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
        *extra,
    )
    return Reply(status, headers, html.encode())

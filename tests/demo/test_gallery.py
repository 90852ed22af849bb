"""The gallery's pages, asked without any server."""

from __future__ import annotations

import html
import json
import re

import httpx
import pytest

from fotoweb_middleware.demo.pages import Reply
from fotoweb_middleware.session import User
from fotoweb_middleware.testing import Fault
from tests.demo.samples import URL, Wall, hang_pictures, refresh_line, session_for

IMAGE = re.compile(r"<img [^>]*>")


@pytest.fixture
def wall() -> Wall:
    """Return a gallery for Alice."""
    return hang_pictures()


def text(reply: Reply) -> str:
    """Return a reply's body as text."""
    return html.unescape(reply.body.decode())


def header(reply: Reply, name: str) -> str:
    """Return one header of a reply."""
    return dict(reply.headers)[name]


def cookie(reply: Reply) -> str:
    """Return what the browser would send next time."""
    return header(reply, "Set-Cookie").partition(";")[0]


def test_it_shows_who_is_signed_in(wall: Wall) -> None:
    """Full name and user name, and a form to sign out at the middleware's own path."""
    page = text(wall.ask())

    assert "Alice Berg</strong>" in page
    assert "(alice)" in page
    assert '<form method="post" action="/oauth2/logout">' in page


def test_it_shows_the_pictures_of_the_first_archive(wall: Wall) -> None:
    """Pictures come from FotoWeb's signed addresses, each with a text for those who can't see it."""
    page = text(wall.ask())
    pictures = [image for image in IMAGE.findall(page) if "srcset" in image]

    assert "Nordic coast</h1>" in page
    assert len(pictures) == 30
    assert all(f'src="{URL}/fotoweb/cache/v2/' in image and re.search(r'alt="[^"]{9,}"', image) for image in pictures)


def test_another_archive_has_its_own_address(wall: Wall) -> None:
    """The chosen one is marked in the list of archives."""
    page = text(wall.ask("/archive/5003"))

    assert "Garden and greenhouse</h1>" in page
    assert re.findall(r'href="(/archive/\d+)" aria-current="page"', page) == ["/archive/5003"]


@pytest.mark.parametrize("path", ["/archive/5002", "/archive/", "/archive/5001/x"])
def test_archives_of_others_are_not_found(wall: Wall, path: str) -> None:
    """What FotoWeb doesn't list for the user does not exist for them."""
    assert wall.ask(path).status == 404


def test_it_shows_the_token_without_telling_it(wall: Wall) -> None:
    """Remaining life and a fingerprint are there; the token is not, in no page and no header."""
    replies = [wall.ask(path) for path in ("/", "/status", "/nowhere")]
    page = text(replies[0])

    assert ">0:42</span>" in page
    assert re.search(r'<code id="mark">[0-9a-f]{4} [0-9a-f]{4} [0-9a-f]{4}</code>', page)
    assert not any(wall.token in text(reply) or wall.token in repr(reply.headers) for reply in replies)


def test_a_refresh_is_visible_without_a_script(wall: Wall) -> None:
    """A reload shows when it was, and until when the new token is good."""
    first = wall.ask()
    wall.clock.advance(50)
    expires_at = wall.clock() + 60
    wall.watch.emit(refresh_line(expires_at, wall.clock()))
    page = text(wall.ask(session=session_for("second", expires_at=expires_at), cookie=cookie(first)))

    assert page.index("Token refreshed") < page.index("Signed in</span>")
    assert ">1:00</span>" in page


def test_status_tells_the_script(wall: Wall) -> None:
    """Times, fingerprint and what was seen so far; fresh each time."""
    reply = wall.ask("/status")
    content = json.loads(reply.body)

    assert set(content) == {"now", "expires_at", "fingerprint", "sightings"}
    assert content["expires_at"] - content["now"] == 42
    assert [each["kind"] for each in content["sightings"]] == ["signed in"]
    assert header(reply, "Cache-Control") == "no-store"


def test_the_browser_is_named_once(wall: Wall) -> None:
    """The gallery's own cookie is set for the first request and kept from then on."""
    first = wall.ask()

    assert "Set-Cookie" not in dict(wall.ask(cookie=cookie(first)).headers)
    assert header(first, "Set-Cookie").endswith("; Path=/; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize("others", ["", "; ;=; a[1]=2", "; demo_gallery_of_another=x"])
def test_other_cookies_are_no_matter(wall: Wall, others: str) -> None:
    """All apps on localhost share one jar, and some of them write strange things."""
    assert "Set-Cookie" not in dict(wall.ask(cookie=f"x=y{others}; {cookie(wall.ask())}").headers)


def test_an_unknown_name_is_replaced(wall: Wall) -> None:
    """It may be from an earlier run of the demo."""
    assert "Set-Cookie" in dict(wall.ask(cookie="demo_gallery=from-yesterday").headers)


@pytest.mark.parametrize("fault", [Fault.server_error(), Fault.bad_gateway(), Fault.stripped_authorization()])
def test_trouble_with_fotoweb_is_told(wall: Wall, fault: Fault) -> None:
    """A page in plain words, with the way out; who is signed in is still there."""
    wall.fake.fault("me", fault)
    reply = wall.ask()

    assert reply.status == 502
    assert "No pictures just now" in text(reply)
    assert "Alice Berg" in text(reply)


def test_fotoweb_down_is_told(wall: Wall) -> None:
    """No answer at all is no reason for a traceback."""
    wall.fake.switch(reachable=False)

    assert "does not answer" in text(wall.ask())


def test_no_archives() -> None:
    """Somebody who may see nothing is told so."""
    content = {"archives": "/fotoweb/me/archives/", "data": []}
    empty = hang_pictures(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=content)))
    reply = empty.ask()

    assert (reply.status, "shows you no archives" in text(reply)) == (200, True)


def test_names_are_escaped(wall: Wall) -> None:
    """A name can't become markup."""
    user = User(user_id=1, user_name='"><script>', full_name="<b>Eve</b>", email="")
    body = wall.ask(session=session_for(wall.token, user=user)).body

    assert b"<b>Eve" not in body
    assert b'"><script>' not in body


def test_an_unknown_user_is_fine(wall: Wall) -> None:
    """FotoWeb may not have told who it is, nor until when."""
    page = text(wall.ask(session=session_for(wall.token, user=None)))

    assert "no end known" in page
    assert "Signed in</strong>" in page


def test_nothing_is_loaded_from_elsewhere(wall: Wall) -> None:
    """The policy allows FotoWeb's pictures, and one style and one script of this very page."""
    first, second = wall.ask(), wall.ask()
    policy = header(first, "Content-Security-Policy")
    nonce = re.findall(r"'nonce-([^']+)'", policy)

    assert f"img-src 'self' {URL};" in policy
    assert policy.startswith("default-src 'none'")
    assert text(first).count(f'nonce="{nonce[0]}"') == 2
    assert policy != header(second, "Content-Security-Policy")
    assert set(re.findall(r'(?:src|href)="(https?://[^/"]+)', text(first))) == {URL}


def test_without_a_session_there_is_a_way_in(wall: Wall) -> None:
    """With FOTOWEB_LOGIN=optional nobody may be signed in."""
    page = text(wall.ask(session=None, authorization=None))

    assert 'href="/oauth2/login?next=%2F"' in page


def test_without_the_header_the_session_serves(wall: Wall) -> None:
    """FOTOWEB_INJECT_HEADER may be off."""
    assert wall.ask(authorization=None).status == 200


@pytest.mark.parametrize("session", [None, session_for("any")])
def test_the_icon_needs_nobody(wall: Wall, session: object) -> None:
    """Browsers ask for it on every page."""
    reply = wall.ask("/favicon.ico", session=session)

    assert (reply.status, header(reply, "Content-Type")) == (200, "image/svg+xml")


def test_what_is_not_there_is_not_found(wall: Wall) -> None:
    """It says so and leads back."""
    assert wall.ask("/robots.txt").status == 404


def test_it_only_shows(wall: Wall) -> None:
    """A form that is sent here changes nothing."""
    reply = wall.ask(method="POST")

    assert (reply.status, header(reply, "Allow")) == (405, "GET, HEAD")

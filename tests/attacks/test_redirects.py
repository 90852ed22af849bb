"""Where a login leads back to: hostile ``next`` targets, targets that must come back letter by letter, a mount.

Security cases T-RP-01, T-RP-04, T-RP-08 and T-RP-10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.attacks.attacked import APP, APP_HOST, EVERY_SERVER, ONE_OF_EACH_KIND
from tests.attacks.browser import SESSION, Browser
from tests.attacks.mounted import MOUNT, mounted_server
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.targets import HOSTILE_TARGETS, as_written
from tests.servers.serving import Kind

ON_EVERY_SERVER = pytest.mark.parametrize("kind", EVERY_SERVER, ids=str)
LOGIN = "/oauth2/login"
MOST_COOKIE_CHARACTERS = 4096
HUGE_TARGETS = {
    "path of 100 KB": "/" + "a" * 100_000,
    "query of 100 KB": "/a?q=" + "b" * 100_000,
    "10,000 parameters": "/a?" + "&".join(f"p{number}=1" for number in range(10_000)),
    "10,000 short parameters": "/a?" + "x&" * 10_000,
    "path of 3 KB": "/" + "a" * 3000,  # What gunicorn takes too.
}


def landing(browser: Browser, login_target: str) -> str | int:
    """Log in by way of ``login_target``; return where that led, or the status with which the request was refused."""
    reply = browser.nav(login_target)
    if reply.status != 302:
        return reply.status
    arrived = browser.come_back(browser.approve(reply.location))
    assert arrived.status == 302, (arrived, arrived.text[:300])
    return arrived.location


@ON_EVERY_SERVER
@pytest.mark.parametrize("session", ["without", "with"])
def test_hostile_next(case: Case, session: str) -> None:
    """Whatever else than a path of this origin ``next`` says, the login ends at "/", logged in or not (T-RP-01)."""
    landed = {}
    for target in HOSTILE_TARGETS:
        browser = case.browser()
        if session == "with":
            browser.log_in()
        landed[target] = landing(browser, f"{LOGIN}?next={quote(target, safe='')}")

    assert landed == dict.fromkeys(HOSTILE_TARGETS, "/")


@ON_EVERY_SERVER
def test_hostile_next_as_written(case: Case) -> None:
    """The same without percent-encoding: the login ends at "/", or the server refuses the request (T-RP-01)."""
    landed = {target: landing(case.browser(), f"{LOGIN}?next={as_written(target)}") for target in HOSTILE_TARGETS}

    assert {target: where for target, where in landed.items() if where not in {"/", 400}} == {}
    assert "/" in landed.values()


@ON_EVERY_SERVER
def test_a_good_next(browser: Browser) -> None:
    """A path of this origin is where the login ends: the check above can fail (T-RP-01)."""
    assert landing(browser, f"{LOGIN}?next=%2Fa%3Fb%3D1") == "/a?b=1"


@ON_EVERY_SERVER
@pytest.mark.parametrize("way", ["the page itself", "next"])
def test_target_comes_back_letter_by_letter(browser: Browser, way: str) -> None:
    """Percent-encoding, parameters and bytes that are no UTF-8 come back as they were sent (T-RP-04)."""
    target = "/p%C3%A4th%20x;v=1/%E2%82%AC?q=%ff&a=b%26c&d=1+2"

    landed = landing(browser, target if way == "the page itself" else f"{LOGIN}?next={quote(target, safe='')}")

    assert landed == target
    assert browser.nav(target).seen["query"] == "q=%ff&a=b%26c&d=1+2"


@ON_EVERY_SERVER
@pytest.mark.parametrize("size", HUGE_TARGETS)
@pytest.mark.parametrize("way", ["the page itself", "next", "beside next"])
def test_huge_target(browser: Browser, size: str, way: str) -> None:
    """A target that is too long is forgotten, or the request is refused; no cookie grows with it (T-RP-10)."""
    target = HUGE_TARGETS[size]
    login_targets = {
        "the page itself": target,
        "next": f"{LOGIN}?next={quote(target, safe='')}",
        "beside next": f"{LOGIN}?next=%2Fa&{target.removeprefix('/a?')}",
    }

    landed = landing(browser, login_targets[way])

    # The parameters beside it are not the target: few enough of them leave it as it is.
    assert landed in {"/", 400, 414, 431} or (way == "beside next" and landed == "/a")
    pairs = [value.partition(";")[0] for reply in browser.replies for value in reply.all("Set-Cookie")]
    assert [pair for pair in pairs if len(pair) >= MOST_COOKIE_CHARACTERS] == []
    assert browser.jar.refused == []


# --------------------------------------------------------------------------------------------------------- mounted


@pytest.fixture(scope="module")
def serve_mounted(
    fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], Case]]:
    """Return a function that opens a case on a server under ``/sub``, which it starts once."""
    with mounted_server(fotoweb, tmp_path_factory) as serve:
        yield lambda kind: Case(serve(kind), fotoweb)


@pytest.fixture
def mounted(kind: Kind, serve_mounted: Callable[[Kind], Case]) -> Iterator[Case]:
    """Return a case on a server under ``/sub``; the oracles are held against it at the end."""
    case = serve_mounted(kind)
    yield case
    check_oracles(case)


ON_ONE_OF_EACH_KIND = pytest.mark.parametrize("kind", ONE_OF_EACH_KIND, ids=str)


@ON_ONE_OF_EACH_KIND
def test_login_under_a_mount(mounted: Case) -> None:
    """The login goes by way of the mount's own callback, and back below the mount (T-RP-08)."""
    browser = mounted.browser()
    begun = browser.nav(f"{MOUNT}/a?b=1")
    callback = browser.approve(begun.location)
    arrived = browser.come_back(callback)

    told = dict(parse_qsl(urlsplit(begun.location).query))
    assert told["redirect_uri"] == f"{APP}{MOUNT}/oauth2/callback"
    assert callback.startswith(f"{MOUNT}/oauth2/callback?")
    assert (arrived.status, arrived.location) == (302, f"{MOUNT}/a?b=1")
    assert browser.xhr(f"{MOUNT}/a").status == 200
    assert SESSION in browser.jar.snapshot(APP_HOST)


@ON_ONE_OF_EACH_KIND
def test_hostile_next_under_a_mount(mounted: Case) -> None:
    """Hostile targets, and our own pages, lead to the mount's front page (T-RP-08)."""
    targets = [*HOSTILE_TARGETS, f"{MOUNT}/oauth2/logout", f"{MOUNT}/../oauth2/logout"]

    landed = {target: landing(mounted.browser(), f"{MOUNT}{LOGIN}?next={quote(target, safe='')}") for target in targets}

    assert landed == dict.fromkeys(targets, f"{MOUNT}/")


@ON_ONE_OF_EACH_KIND
def test_public_paths_under_a_mount(mounted: Case) -> None:
    """Public paths are relative to the mount, and the mount's own name makes nothing public (T-RP-08)."""
    mounted.open_paths = {f"{MOUNT}/public/x", "/public/x"}  # ASGI apps see the mount in their path.
    browser = mounted.browser()

    assert browser.xhr(f"{MOUNT}/public/x").seen["token"] is None
    for target in (f"{MOUNT}/private", f"{MOUNT}{MOUNT}/public/x", f"{MOUNT}/public/../private", f"{MOUNT}/x/public/x"):
        assert is_refused(browser.xhr(target)), target


def is_refused(reply: RawReply) -> bool:
    """Return whether somebody without a session was sent away."""
    return 400 <= reply.status < 500

"""Attacks on the authorize request and the callback, on real servers (security cases T-AC)."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.attacks.answers import reply as answer
from tests.attacks.attacked import APP, APP_HOST, SOME_SERVERS
from tests.attacks.browser import SESSION, Browser, state_of
from tests.attacks.conftest import Serve
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import CLIENT_ID, ScriptedFotoWeb

ON_SOME_SERVERS = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)
CALLBACK = "/oauth2/callback"
AUTHORIZE_PARAMETERS = [
    *("response_type", "client_id", "redirect_uri", "state"),
    *("code_challenge", "code_challenge_method"),
]
LOGINS = 1000


def check_rejected(reply: RawReply, browser: Browser, posts: int) -> None:
    """Check that a callback was refused and changed nothing: no token request, no cookie, no redirect."""
    assert 400 <= reply.status < 500, reply
    assert (reply.all("Set-Cookie"), reply.all("Location"), browser.posts) == ([], [], posts)


@ON_SOME_SERVERS
def test_login(browser: Browser) -> None:
    """Each authorize parameter comes once, the verifier is that of the challenge, the way back is exact (T-AC-01)."""
    authorize = browser.nav("/a?b=1").location
    arrived = browser.come_back(browser.approve(authorize))

    pairs = parse_qsl(urlsplit(authorize).query, keep_blank_values=True, strict_parsing=True)
    assert [name for name, _ in pairs] == AUTHORIZE_PARAMETERS
    told, form = dict(pairs), browser.fotoweb.requests_of(browser.user)[0].form
    assert (told["client_id"], told["redirect_uri"]) == (CLIENT_ID, f"{APP}{CALLBACK}")
    assert (len(told["state"]) >= 22, 43 <= len(form["code_verifier"]) <= 128) == (True, True)
    assert (arrived.status, arrived.location) == (302, "/a?b=1")
    assert browser.xhr("/a?b=1").seen["query"] == "b=1"


def test_a_thousand_logins(serve: Serve, fotoweb: ScriptedFotoWeb) -> None:
    """No state and no challenge, and so no verifier, comes twice in 1,000 logins (R-AC2; T-AC-01)."""
    states, challenges = set(), set()
    for kind in SOME_SERVERS:
        case = Case(serve(kind), fotoweb)
        for _ in range(LOGINS // len(SOME_SERVERS)):
            query = dict(parse_qsl(urlsplit(case.browser().nav("/").location).query))
            states.add(query["state"])
            challenges.add(query["code_challenge"])
        check_oracles(case)
    assert len(states) == len(challenges) == LOGINS // len(SOME_SERVERS) * len(SOME_SERVERS)


@ON_SOME_SERVERS
def test_foreign_callback(case: Case) -> None:
    """Somebody else's code and state log nobody in; the victim's own login then completes (R-AC4; T-AC-03)."""
    victim, mallory = case.browser(), case.browser()
    own = victim.begin("/mine")
    foreign = mallory.approve(mallory.begin("/"))

    check_rejected(victim.come_back(foreign), victim, 0)
    assert mallory.posts == 0
    assert victim.come_back(victim.approve(own)).location == "/mine"
    assert victim.xhr("/").status == 200


@ON_SOME_SERVERS
@pytest.mark.parametrize("cookie", ["gone", "kept"])
def test_replay(browser: Browser, cookie: str) -> None:
    """A callback that was used is refused, also where its cookie was kept, and the session goes on (T-AC-06)."""
    callback = browser.approve(browser.begin("/"))
    kept = browser.jar.snapshot(APP_HOST)
    browser.come_back(callback)
    put_back(browser, kept if cookie == "kept" else {})

    check_rejected(browser.come_back(callback), browser, 1)
    assert browser.xhr("/").status == 200


def put_back(browser: Browser, cookies: dict[str, str]) -> None:
    """Put login cookies back into a jar, as whoever kept them by hand would."""
    for name, value in cookies.items():
        if name.startswith(f"{SESSION}-login-"):
            browser.jar.plant(name, value, host=APP_HOST)


@ON_SOME_SERVERS
def test_replay_after_a_failure(browser: Browser) -> None:
    """A code whose exchange failed is not tried again: a page says so, and leads nowhere by itself (T-AC-08)."""
    browser.fotoweb.script(browser.user, answer(500))
    callback = browser.approve(browser.begin("/here"))
    kept = browser.jar.snapshot(APP_HOST)
    failed = browser.come_back(callback)
    browser.fotoweb.heal(browser.user)
    put_back(browser, kept)
    replayed = browser.come_back(callback)

    assert (failed.status, browser.posts) == (503, 1)
    check_rejected(replayed, browser, 1)
    assert (failed.header("Refresh"), replayed.header("Refresh")) == (None, None)
    assert "/oauth2/login" in replayed.text


@ON_SOME_SERVERS
@pytest.mark.parametrize(
    "query",
    [
        "code=A&code=B&state={state}",
        "code=A&state={state}&state={state}",
        "code=A&error=access_denied&state={state}",
        "iss=x&iss=y&code=A&state={state}",
        "code=A&c%6fde=B&state={state}",
        "code=A&state={state}&%73tate=",
    ],
    ids=["code", "state", "error", "iss", "code encoded", "state encoded and empty"],
)
def test_doubled_parameters(member: Browser, query: str) -> None:
    """A parameter that comes twice, or a code beside an error, is refused and uses nothing up (T-AC-09)."""
    authorize = member.begin("/later")

    reply = member.come_back(f"{CALLBACK}?{query.replace('{state}', state_of(authorize))}")

    check_rejected(reply, member, 1)
    assert member.xhr("/").status == 200
    assert member.come_back(member.approve(authorize)).location == "/later"


@ON_SOME_SERVERS
def test_code_that_would_add_parameters(browser: Browser) -> None:
    """A code reaches the token endpoint letter by letter, and adds no parameter (T-AC-10)."""
    state, before = state_of(browser.begin("/")), len(browser.fotoweb.requests)
    hostile = "C&grant_type=client_credentials&client_id=evil#"

    reply = browser.come_back(f"{CALLBACK}?code={quote(hostile, safe='')}&state={state}")

    assert reply.status == 502
    (request,) = browser.fotoweb.requests[before:]
    names = [name for name, _ in request.pairs]
    assert (names.count("grant_type"), names.count("client_id")) == (1, 1)
    assert request.form["code"] == hostile
    assert (request.form["grant_type"], request.form["client_id"]) == ("authorization_code", CLIENT_ID)


@ON_SOME_SERVERS
@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_other_methods(browser: Browser, method: str) -> None:
    """Only a GET spends the code (R-AC10; T-AC-11)."""
    callback = browser.approve(browser.begin("/later"))

    reply = browser.send(method, callback, {"Accept": "text/html"})

    assert (reply.status, reply.header("Allow"), reply.all("Set-Cookie"), browser.posts) == (405, "GET", [], 0)
    assert browser.come_back(callback).location == "/later"


@ON_SOME_SERVERS
def test_error_uses_the_state_up(member: Browser) -> None:
    """After ``access_denied`` no code is taken for the same state, and the live session goes on (R-AC11; T-AC-12)."""
    state = state_of(member.begin("/"))
    kept = member.jar.snapshot(APP_HOST)

    denied = member.come_back(f"{CALLBACK}?error=access_denied&state={state}")
    put_back(member, kept)
    late = member.come_back(f"{CALLBACK}?code=C&state={state}")

    assert denied.status == 403
    assert not any(value.startswith(f"{SESSION}=") for value in denied.all("Set-Cookie"))
    check_rejected(late, member, 1)
    assert member.xhr("/").status == 200


@ON_SOME_SERVERS
def test_error_without_a_login(member: Browser) -> None:
    """An error with a state that nobody was given is refused like any other callback (T-AC-12)."""
    pending = member.begin("/later")

    check_rejected(member.come_back(f"{CALLBACK}?error=access_denied&state=bad"), member, 1)
    assert member.xhr("/").status == 200
    assert member.come_back(member.approve(pending)).location == "/later"


@ON_SOME_SERVERS
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test"},
        {"Forwarded": "host=evil.test;proto=http"},
        {"X-Forwarded-Proto": "http"},
        {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Port": "1", "X-Forwarded-Server": "evil.test"},
    ],
    ids=",".join,
)
def test_forged_host(browser: Browser, headers: dict[str, str]) -> None:
    """No header changes the redirect URI, nor takes Secure and ``__Host-`` off a cookie (T-AC-14)."""
    others = dict(headers)
    host = others.pop("Host", APP_HOST)
    login = browser.send("GET", "/a", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", **others}, host=host)
    callback = browser.approve(login.location)
    arrived = browser.send("GET", callback, {"Accept": "text/html", **others}, host=host)

    query = dict(parse_qsl(urlsplit(login.location).query))
    assert query["redirect_uri"] == f"{APP}{CALLBACK}"
    assert browser.fotoweb.requests_of(browser.user)[0].form["redirect_uri"] == f"{APP}{CALLBACK}"
    assert (arrived.status, arrived.location) == (302, "/a")
    cookies = [value for reply in (login, arrived) for value in reply.all("Set-Cookie")]
    assert [value for value in cookies if not (value.startswith("__Host-") and "; Secure" in value)] == []
    assert SESSION in browser.session_cookies


@ON_SOME_SERVERS
def test_five_tabs(browser: Browser) -> None:
    """Five logins that were begun at once end in reverse order, each where it was going (R-AC8; T-AC-17)."""
    begun = [browser.nav(f"/tab/{number}").location for number in range(5)]

    arrived = [browser.come_back(browser.approve(authorize)) for authorize in reversed(begun)]

    assert [reply.location for reply in arrived] == ["/tab/4", "/tab/3", "/tab/2", "/tab/1", "/tab/0"]
    assert browser.xhr("/").status == 200


@ON_SOME_SERVERS
@pytest.mark.parametrize("name", ["its own", "the other's"])
def test_cookie_of_another_login(member: Browser, name: str) -> None:
    """A state needs the cookie of its own login, whatever that of another is called (R-AC4; T-AC-18)."""
    first, first_cookie = member.begin("/"), login_cookie(member)
    second = member.begin("/later")
    second_cookie = login_cookie(member)
    member.jar.take(APP, f"{first_cookie[0]}=; Max-Age=0; Path=/; Secure")
    if name == "the other's":
        member.jar.plant(first_cookie[0], second_cookie[1], host=APP_HOST)

    check_rejected(member.come_back(member.approve(first)), member, 1)
    assert member.xhr("/").status == 200
    assert member.come_back(member.approve(second)).location == "/later"


def login_cookie(browser: Browser) -> tuple[str, str]:
    """Return name and value of the login cookie that the last answer set."""
    values = [value for value in browser.replies[-1].all("Set-Cookie") if value.startswith(f"{SESSION}-login-")]
    name, _, value = values[0].partition(";")[0].partition("=")
    return name, value


@ON_SOME_SERVERS
def test_browser_without_cookies(case: Case) -> None:
    """A browser that blocks cookies ends on an error page, not in a loop (R-AC17; T-AC-19)."""
    browser = case.browser(keeps_cookies=False)

    replies = browser.follow("/", most_hops=8)

    assert len(replies) <= 5
    assert 400 <= replies[-1].status < 500
    assert (replies[-1].header("Refresh"), browser.posts) == (None, 0)

"""The shortcut answers what the stages would answer, or nothing: both doors, whatever comes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fotoweb_middleware import FotoWebASGIMiddleware, FotoWebWSGIMiddleware, Session, asgi, wsgi
from fotoweb_middleware.caches.faces import InlineFace
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.cookies.header import OwnCookies
from fotoweb_middleware.drivers.later import LaterGate
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Answer, Decision, PassThrough
from fotoweb_middleware.site import open_site
from fotoweb_middleware.site.origin import cookies_are_secure
from fotoweb_middleware.stages.lookup import Presented
from fotoweb_middleware.stages.shortcut import Shortcut
from fotoweb_middleware.stages.supply import session_cookies
from tests.flows.conftest import World

SETTINGS: list[dict[str, Any]] = [
    {},
    {"redirect_uri": None},
    {"redirect_uri": None, "cookie_secure": "false"},
    {"public_paths": ("/health", "/public/*")},
    {"login": "optional"},
    {"inject_header": False},
    {"session_idle": 600.0},
    {"cache_recheck": 3600.0},
]
PATHS = ["/", "/x", "/oauth2x", "/oauth2/session", "/health", "/public/x", "/public/../x", "/public//x", "*", "/sub/x"]
COOKIES = [
    None,
    "",
    "a=1",
    "{own}",
    "a=1; {own}; b=2",
    "{own};b=2",
    ";{own};",
    "  {own}",
    " {own} ",
    "\t" * 257 + "{own}",
    "{own}\t; b=2",
    "{own}; {own}",
    "{own}; __Host-fotoweb=x",
    "{own}; __Host-fotoweb-trail=x",
    "{own}; __Host-fotoweb.1=x",
    "{own}; __Host-fotowebber=x",
    "{own}; a=__Host-fotoweb",
    "a=1,{own}",
    "{own},{own}",
    "__Host-fotoweb=x,{own}",
    "{altered}",
    "a=1; {altered}",
    "{own}x",
    "__Host-fotoweb=",
    "__Host-fotoweb",
    "fotoweb={value}",
    "__host-fotoweb={value}",
    "theme123456789={value}",  # As long as the session's own.
]
RAW_PATHS = ["", "same", "/public/%2e%2e/x", "http://app.test/x", "@evil.test", "/%78", "?"]
requests = st.fixed_dictionaries(
    {
        "changes": st.sampled_from(SETTINGS),
        "path": st.sampled_from(PATHS),
        "raw_path": st.sampled_from(RAW_PATHS),
        "method": st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "get"]),
        "scheme": st.sampled_from(["https", "http"]),
        "mount": st.sampled_from(["", "/sub", "//evil.test"]),
        "host": st.sampled_from(["app.test", "localhost:8000", None]),
        "cookie": st.sampled_from(COOKIES),
        "authorization": st.booleans(),
        "upgrade": st.sampled_from([None, "websocket", "h2c"]),
        "age_seconds": st.sampled_from([0, 4, 6, 29, 31, 239, 241, 301, 43_201]),
        "left": st.sampled_from(["", "retry_at", "left_until"]),
    }
)
EVERY_TRY = settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def first_gate(world: World) -> Gate:
    """Return the gate that logs people in."""
    return world.gate


class Asked:
    """A request to a site that knows one session, aged as asked; it knows the session's cookie too."""

    def __init__(self, world: World, first_gate: Gate, asked: dict[str, Any]) -> None:
        world.gate = first_gate  # Another try may have left one with other settings.
        world.log_in_afresh()
        old = first_gate.site
        *_, held = old.near._by_id.values()
        site = open_site(
            replace(old.settings, **asked["changes"]),
            clock=old.clock,
            monotonic=old.monotonic,
            entropy=old.entropy,
            shared_cache=True,
        )
        names = site.names[cookies_are_secure(site, asked["scheme"], asked["host"] or "")]
        held.current.cookies = None
        (written,) = session_cookies(site, Presented(names, OwnCookies({}, conflicting=False, rest=None), None), held)
        own = written.partition(";")[0]
        self.world, self.asked = world, asked
        self.site = site
        self.cookie = asked["cookie"]
        if self.cookie is not None:
            value = own.partition("=")[2]
            self.cookie = self.cookie.format(own=own, altered=own.replace(value[:4], "AAAA", 1), value=value)
        self.raw_path = asked["mount"] + asked["path"] if asked["raw_path"] == "same" else asked["raw_path"]
        world.gate = Gate(site)
        first = self.scope(path="/", mount="", cookie=own)
        assert isinstance(world.driver.run(world.gate.decide(asgi.view_of(first))), Admit)
        world.clock.advance(asked["age_seconds"])
        for known in site.near._by_id.values() if asked.get("left") else ():
            setattr(known, asked["left"], site.monotonic() + 1)

    def scope(self, **changes: Any) -> dict[str, Any]:
        """Return the request as an ASGI server would hand it over."""
        told = {**self.asked, "cookie": self.cookie, **changes}
        headers = [(b"accept", b"text/html")]
        sent = [(name, told[name]) for name in ("host", "cookie") if told[name] is not None]
        headers += [(name.encode(), value.encode("latin-1")) for name, value in sent]
        if told["authorization"]:
            headers.append((b"authorization", b"Bearer forged"))
        scope = {"type": "http", "method": "GET", "scheme": told["scheme"], "root_path": told["mount"]}
        scope |= {"path": told["mount"] + told["path"], "headers": headers, "query_string": b"a=1"}
        if not changes:
            scope |= {"method": told["method"], "raw_path": self.raw_path.encode()}
        return scope

    def environ(self) -> dict[str, Any]:
        """Return it as a WSGI server would."""
        asked = self.asked
        environ = {"REQUEST_METHOD": asked["method"], "SCRIPT_NAME": asked["mount"], "PATH_INFO": asked["path"]}
        environ |= {"wsgi.url_scheme": asked["scheme"], "SERVER_NAME": "app.test", "SERVER_PORT": "443"}
        environ |= {"QUERY_STRING": "a=1", "REMOTE_USER": "forged", "HTTP_ACCEPT": "text/html"}
        if self.raw_path:
            environ["RAW_URI"] = f"{self.raw_path}?a=1"
        told = {"HTTP_HOST": asked["host"], "HTTP_COOKIE": self.cookie, "HTTP_UPGRADE": asked.get("upgrade")}
        for key, value in told.items():
            if value is not None:
                environ[key] = value
        if asked["authorization"]:
            environ["HTTP_AUTHORIZATION"] = "Bearer forged"
        return environ

    def door(self, kind: Any) -> Any:
        """Return a door whose gate is the world's."""
        site = self.world.gate.site
        door = kind(None, site.settings, cache=_cache(kind))
        gate = Gate(site) if kind is FotoWebWSGIMiddleware else LaterGate(site)
        door._gate, door._shortcut = gate, Shortcut(site)
        return door


def _cache(kind: Any) -> Any:
    cache = MemoryCache(10)
    return InlineFace(cache) if kind is FotoWebASGIMiddleware else cache


def quietly(decision: Decision) -> Admit | PassThrough:
    """Check that a decision leaves nothing to do but to call the app."""
    assert not isinstance(decision, Answer), decision
    assert decision.set_cookies == ()
    assert not (isinstance(decision, Admit) and decision.renew_session_id)
    return decision


def taken_by_asgi(door: Any, scope: Any) -> Any:
    """Return the scope as the app gets it on the short way, None where the door does not take that."""
    taken: list[Any] = []

    async def app(inner: Any, *_: Any) -> None:
        taken.append(inner)

    async def gate(*_: Any) -> None:
        pass

    door._app, door._ask_the_gate = app, gate
    with pytest.raises(StopIteration):
        door(scope, None, None).send(None)
    return taken[0] if taken else None


def taken_by_wsgi(door: Any, environ: Any) -> Any:
    """Return the environ as the app gets it on the short way, None where the door does not take that."""
    door._app, door._ask_the_gate = (lambda inner, _: inner), (lambda *_: None)
    return door(environ, None)


@EVERY_TRY
@given(request=requests)
def test_asgi(world: World, first_gate: Gate, request: dict[str, Any]) -> None:
    """Where the ASGI door goes the short way, the app gets what it would get the long way."""
    asked = Asked(world, first_gate, request)
    door, scope = asked.door(FotoWebASGIMiddleware), asked.scope()

    short = taken_by_asgi(door, scope)

    assert taken_by_asgi(door, scope) == short  # Again, by what was remembered the first time.
    if short is not None:
        decision = quietly(world.driver.run(world.gate.decide(asgi.view_of(scope))))
        assert short == door._scope_for(scope, decision)


@EVERY_TRY
@given(request=requests)
def test_wsgi(world: World, first_gate: Gate, request: dict[str, Any]) -> None:
    """Where the WSGI door goes the short way, the app gets what it would get the long way."""
    asked = Asked(world, first_gate, request)
    door, environ = asked.door(FotoWebWSGIMiddleware), asked.environ()

    short = taken_by_wsgi(door, environ)

    assert taken_by_wsgi(door, environ) == short
    if short is not None:
        decision = quietly(world.driver.run(world.gate.decide(wsgi.view_of(environ))))
        assert short == door._environ_for(environ, decision)


GOOD: dict[str, Any] = {
    "changes": {"public_paths": ("/health",)},
    "path": "/x",
    "raw_path": "same",
    "method": "GET",
    "scheme": "https",
    "mount": "",
    "host": "app.test",
    "cookie": "{own}",
    "authorization": True,
    "age_seconds": 1,
}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"method": "HEAD"},
        {"cookie": "a=1; {own}; b=2"},
        {"mount": "/sub"},
        {"raw_path": ""},
        {"cookie": None, "path": "/health", "authorization": False},
        {"changes": {"redirect_uri": None}},
        {"changes": {"redirect_uri": None, "cookie_secure": "false"}, "scheme": "http", "host": "localhost:80"},
    ],
)
def test_it_is_taken(world: World, first_gate: Gate, change: dict[str, Any]) -> None:
    """The usual requests go the short way, through both doors: else the tests above would show nothing."""
    asked = Asked(world, first_gate, {**GOOD, **change})
    door, scope = asked.door(FotoWebASGIMiddleware), asked.scope()

    takes = [taken_by_asgi(door, scope), taken_by_wsgi(asked.door(FotoWebWSGIMiddleware), asked.environ())]

    assert None not in takes


def test_forged_names_are_gone(world: World, first_gate: Gate) -> None:
    """Nobody's token, user or session but the cookie's reaches the app on the short way."""
    asked = Asked(world, first_gate, GOOD)
    scope = {**asked.scope(), "fotoweb.session": "forged"}
    environ = {**asked.environ(), "fotoweb.session": "forged"}

    inner = taken_by_asgi(asked.door(FotoWebASGIMiddleware), scope)
    environ = taken_by_wsgi(asked.door(FotoWebWSGIMiddleware), environ)

    session = inner["fotoweb.session"]
    assert isinstance(session, Session)
    bearer = f"Bearer {session.access_token}"
    assert [value for name, value in inner["headers"] if name == b"authorization"] == [bearer.encode()]
    assert (environ["fotoweb.session"], environ["HTTP_AUTHORIZATION"]) == (session, bearer)
    assert environ["REMOTE_USER"] != "forged"
    assert "HTTP_COOKIE" not in environ

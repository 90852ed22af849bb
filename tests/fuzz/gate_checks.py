"""What must hold of a whole request through both doors: they agree, and only a session of ours opens what is closed."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any, cast
from urllib.parse import unquote

from fotoweb_middleware import asgi, asgi_messages, wsgi
from fotoweb_middleware.cookies.content import write_handle
from fotoweb_middleware.cookies.header import is_own
from fotoweb_middleware.cookies.seal import Purpose
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Answer, Decision, PassThrough, RequestView
from tests.behaviour.doors import AsgiDoor, WsgiDoor
from tests.fuzz.browser_url import origin_of, resolved_path, stays_at
from tests.site.samples import NOW, a_record, a_site

__all__ = ["GENUINE_COOKIE", "check_request"]

APP = "https://app.test"
TRUSTED = "https://partner.example"
PUBLIC = re.compile(r"/health|/static(/.*)?", re.DOTALL)

SITE = a_site(public_paths="/health,/static/*", trusted_origins=TRUSTED)
GATE = Gate(SITE)
ASGI_DOOR = AsgiDoor(None, cast("Any", None), origin=APP)
WSGI_DOOR = WsgiDoor(None, origin=APP)
NAMES = SITE.names[True]
HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]{1,40}")
NO_HEADER_TEXT = re.compile(r"[\x00\r\n]")


def genuine_cookie() -> str:
    """Return a Cookie header that opens a session, which this process already knows."""
    value = SITE.sealer.seal(write_handle("session-1", NOW + 9000), Purpose.SESSION, name=NAMES.session)
    SITE.near.remember(value, SITE.near.adopt(a_record("session-1")), None)
    return f"{NAMES.session}={value}"


GENUINE_COOKIE = genuine_cookie()


def check_request(data: bytes) -> None:
    """No request raises, both doors decide alike, and what the app gets is what it may get."""
    lines = data.decode("latin-1").split("\n")
    method, _, target = lines[0].partition(" ")
    pairs = [(name.lower(), value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines[1:])]
    headers = [pair for pair in pairs if HEADER_NAME.fullmatch(pair[0]) and not NO_HEADER_TEXT.search(pair[1])]
    if [name for name, _ in headers].count("host") > 1:
        return  # Servers refuse that (RFC 9112, 3.2).
    views = [
        asgi.view_of(ASGI_DOOR.scope("http", method, target, headers)),
        wsgi.view_of(WSGI_DOOR.environ(method, target, headers, b"")),
    ]
    decisions = [GATE.decide_now(view) for view in views]
    for view, decision in zip(views, decisions, strict=True):
        check_decision(view, decided_slowly(view) if decision is None else decision)
    # Bytes that are no UTF-8 are told apart by one door alone, and two of one header are joined by the servers.
    if is_utf8(target) and len({name for name, _ in headers}) == len(headers):
        assert kind_of(decisions[0]) == kind_of(decisions[1]), "the doors disagree"


def is_utf8(target: str) -> bool:
    """Return whether a path's bytes, decoded, are text."""
    return "\ufffd" not in unquote(target.partition("?")[0], errors="replace") and target.isascii()


def kind_of(decision: Decision | None) -> object:
    """Return what of a decision must be the same at both doors."""
    status = decision.status if isinstance(decision, Answer) else None
    return decision and (type(decision), decision.reason, status)


def decided_slowly(view: RequestView) -> Decision | None:
    """Return what is decided where memory doesn't do; None where the decision asks somebody else first."""
    flow = GATE.decide(view)
    try:
        next(flow)
    except StopIteration as ended:
        return cast("Decision", ended.value)
    flow.close()
    return None


def check_decision(view: RequestView, decision: Decision | None) -> None:
    """Hold a decision against what the request showed."""
    cookie = view.headers.get("cookie", "")
    match decision:
        case Answer():
            check_answer(decision, view)
        case PassThrough():
            check_left_over(decision.cookie_header)
            origin = view.headers.get("origin", "").lower()
            if decision.reason.value == "preflight_admitted" and origin == TRUSTED:
                return
            path = resolved_path(APP, view.raw_path or view.path)
            assert PUBLIC.fullmatch(unquote(path)), f"{path!r} is not public"
            assert PUBLIC.fullmatch(spelt_alike(path)), f"{path!r} is not public to who takes %2f for no slash"
            assert PUBLIC.fullmatch(view.path), f"{view.path!r} is not public"
        case Admit():
            check_left_over(decision.cookie_header)
            assert GENUINE_COOKIE in cookie
            assert decision.session.access_token == "access-1"
        case None:
            assert GENUINE_COOKIE in cookie or NAMES.session in cookie


def spelt_alike(path: str) -> str:
    """Return a path with what means the same when encoded decoded, and nothing else (RFC 3986, 6.2.2.2)."""
    return re.sub(
        "%(2[DE]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5F|7E)", lambda found: unquote(found[0]), path, flags=re.IGNORECASE
    )


def check_left_over(cookie_header: str | None) -> None:
    """The app sees no cookie of ours."""
    for piece in re.split("[;,]", cookie_header or ""):
        name, equals, _ = piece.strip(" \t").partition("=")
        assert not (equals and is_own(name, NAMES)), "the app sees a cookie of ours"


def check_answer(answer: Answer, view: RequestView) -> None:
    """An answer of our own is none of our faults, can be sent by both doors, and leads to FotoWeb or stays here."""
    assert 200 <= answer.status < 500
    for name, value in answer.headers:
        assert HEADER_NAME.fullmatch(name.lower())
        assert value.isascii()
        assert not NO_HEADER_TEXT.search(value)
        if name.lower() == "location":
            origin = (a_host(view) or APP).lower()
            assert origin_of(value) == "https://tenant.example" or stays_at(origin, value), f"sent to {value!r}"
        if name.lower() == "set-cookie":
            assert len(value.partition(";")[0]) <= 4097
    sent: list[Any] = []
    finish(asgi_messages.answer(answer, {"type": "http", "method": view.method}, cast("Any", None), collector(sent)))
    assert sent[0]["status"] == answer.status
    body = wsgi.answer(answer, view.method, lambda status, headers: sent.append((status, headers)))
    assert b"".join(body) == (b"" if view.method == "HEAD" else answer.body)


def a_host(view: RequestView) -> str | None:
    """Return the origin that the Host header names, None where it names none."""
    return origin_of(f"{view.scheme}://{view.headers.get('host', '')}/")


def collector(sent: list[Any]) -> Any:
    """Return an ASGI ``send`` that keeps what is sent."""

    async def send(message: Any) -> None:
        sent.append(message)

    return send


def finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    msg = "it waited"
    raise AssertionError(msg)

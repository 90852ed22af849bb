"""What must hold of whatever a client sends: return targets, callback queries, hosts and origins, whole requests."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import ada_url

from fotoweb_middleware.effects import Claim
from fotoweb_middleware.fotoweb.authorize import CallbackProblem, read_callback
from fotoweb_middleware.journeys.callback import complete_login
from fotoweb_middleware.journeys.target import next_target, requested_target, safe_target
from fotoweb_middleware.model import Answer
from fotoweb_middleware.site.origin import callback_url, cookie_names, is_from_elsewhere, is_loopback_host_header
from fotoweb_middleware.site.request_class import is_document_navigation, is_navigation, wants_page
from fotoweb_middleware.stages.lookup import present
from tests.fuzz.browser_url import leads_to_own_page, parsed, stays_at
from tests.fuzz.login_cookie import CALLBACK_COOKIE, STATE
from tests.site.samples import a_request, a_site

__all__ = ["check_accept", "check_callback", "check_origin", "check_return_target"]

SITE = a_site()
ORIGIN = "https://app.example"
MOUNTS = ("", "/sub", "/\u00e4", "//evil.test")
SINGLE = ("state", "code", "error", "error_description", "iss")


def check_return_target(data: bytes) -> None:
    """Whatever is asked for, a login leads to a path on this origin, as browsers read it, and to no page of our own."""
    text = data.decode("utf-8", "surrogateescape")
    for mount in MOUNTS:
        check_target(mount, safe_target(SITE, mount, text))
        assert safe_target(SITE, mount, safe_target(SITE, mount, text)) == safe_target(SITE, mount, text)
    query = data.decode("latin-1")
    check_target("", next_target(SITE, a_request("/oauth2/login", query=query)))
    path, _, asked = query.partition("?")
    check_target("", requested_target(SITE, a_request(path, raw_path=path, query=asked)))
    check_target("", requested_target(SITE, a_request(text, raw_path=None, query=asked)))


def check_target(mount: str, target: str) -> None:
    """A target fits a Location header, and a browser stays where it is."""
    assert target.isascii()
    assert target.isprintable()
    assert " " not in target
    assert stays_at(ORIGIN, target), f"a browser leaves for {target!r}"
    folder = f"{mount}/oauth2" if mount != MOUNTS[-1] else "/evil.test/oauth2"
    assert not leads_to_own_page(ORIGIN, target, folder), f"a login would end at {target!r}"


def check_callback(data: bytes) -> None:
    """A callback counts only with this browser's own state, as another reader of forms sees it."""
    query = data.decode("latin-1")
    found = read_callback(query)
    if isinstance(found, CallbackProblem):
        assert becomes_of(query, "") == 400
    else:
        seen = ada_url.URLSearchParams(query)
        assert all(len(seen.get_all(name)) <= 1 for name in SINGLE)
        assert (found.state, found.code, found.error) == tuple(only(seen, name) for name in ("state", "code", "error"))
        assert bool(found.code) != bool(found.error)
        assert len(found.state) <= 128
        assert len(found.error_description) <= 500
        assert becomes_of(query, "") == 400
    claimed = becomes_of(query, CALLBACK_COOKIE) == 0
    assert claimed is (not isinstance(found, CallbackProblem) and found.state == STATE)


def only(seen: ada_url.URLSearchParams, name: str) -> str:
    """Return a parameter's value, "" where there is none."""
    return str(seen.get(name) or "")


def becomes_of(query: str, cookie: str) -> int:
    """Return the status of the answer to a callback, or 0 where its state is good and is being used up."""
    request = a_request("/oauth2/callback", query=query, cookie=cookie)
    flow = complete_login(SITE, request, present(SITE, request))
    try:
        effect = next(flow)
    except StopIteration as ended:
        answer: Answer = ended.value
        assert not [name for name, _ in answer.headers if name.lower() == "set-cookie"], (
            "a bad callback changes nothing"
        )
        assert len(answer.body) < 50_000
        return answer.status
    assert isinstance(effect, Claim), "nothing is asked before the state is used up"
    flow.close()
    return 0


def headers_of(data: bytes, *names: str) -> dict[str, str]:
    """Read one header a line, in this order; a line that is missing or says "-" is a header that did not come."""
    lines = data.decode("latin-1").split("\n")
    return {name: line for name, line in zip(names, lines, strict=False) if line != "-"}


def check_origin(data: bytes) -> None:
    """Host and Origin mean to us what they mean to a browser; what can't be read never counts as ours."""
    headers = headers_of(data, "host", "origin", "sec_fetch_site")
    host = headers.get("host", "app.example")
    for scheme in ("https", "http"):
        request = a_request("/oauth2/login", scheme=scheme, method="POST", **headers)
        address = callback_url(SITE, request)
        read = parsed(f"{scheme}://{host}/") if address else None
        if address is not None and read is not None and is_plain_host(host):
            assert stays_at(str(read.origin), address)
            assert read.username == read.password == ""
        if not cookie_names(SITE, request).secure:
            assert scheme == "http"
            assert read is None or is_this_machine(str(read.hostname)), f"{host!r} is not this machine"
        check_elsewhere(request, headers, str(read.host) if read is not None else None)
    assert is_loopback_host_header(host) in {True, False}


def check_elsewhere(request: Any, headers: dict[str, str], own: str | None) -> None:
    """Another origin's request is never taken for our own."""
    if "sec_fetch_site" in headers:
        assert is_from_elsewhere(SITE, request) is (headers["sec_fetch_site"] not in {"same-origin", "none"})
    elif "origin" not in headers:
        assert not is_from_elsewhere(SITE, request)
    elif not is_from_elsewhere(SITE, request):
        theirs = parsed(headers["origin"])
        assert theirs is None or own is None or theirs.host == own, f"{headers['origin']!r} is not {own!r}"


def is_plain_host(host: str) -> bool:
    """Return whether a host is no number in disguise, such as 0x7f.1, that browsers write in another way."""
    name = host.partition(":")[0].rstrip(".").rpartition(".")[2]
    return host.startswith("[") or not re.match(r"0[xX]|[0-9]", name)


def is_this_machine(hostname: str) -> bool:
    """Return whether a browser stays on its own machine (Secure Contexts, 3.1)."""
    bare = hostname.strip("[]")
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")


ACCEPT_HEADERS = (
    "accept",
    "sec_fetch_mode",
    "sec_fetch_dest",
    "sec_purpose",
    "purpose",
    "x_requested_with",
)


def check_accept(data: bytes) -> None:
    """A login begins only for a GET whose headers all agree that a person goes to a page."""
    headers = headers_of(data, *ACCEPT_HEADERS)
    get, post = a_request("/", **headers), a_request("/", method="POST", **headers)
    assert not is_navigation(post)
    assert wants_page(post) in {True, False}
    if is_navigation(get):
        assert "prefetch" not in f"{headers.get('sec_purpose')} {headers.get('purpose')}".lower()
        if "sec_fetch_mode" in headers or "sec_fetch_dest" in headers:
            assert (headers["sec_fetch_mode"], headers["sec_fetch_dest"]) == ("navigate", "document")
            assert is_document_navigation(get)
        else:
            assert "x_requested_with" not in headers
            accept = headers.get("accept", "*/*").lower()
            assert any(kind in accept for kind in ("text/html", "application/xhtml+xml", "*/*", "text/*"))

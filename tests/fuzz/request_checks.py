"""What must hold of whatever a client sends: return targets, callback queries, hosts and origins, whole requests."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import ada_url

from fotoweb_middleware.cookies import read_cookies
from fotoweb_middleware.fotoweb.authorize import read_callback
from fotoweb_middleware.pages.languages import LANGUAGES, choose_language
from fotoweb_middleware.request import (
    callback_url,
    cookie_names,
    is_cross_origin,
    is_document_navigation,
    is_loopback_host_header,
    is_navigation,
    wants_page,
)
from fotoweb_middleware.views.callback import ValidatedCallback, validate
from fotoweb_middleware.views.next_path import next_parameter, requested_path, safe_next_path
from tests.core.samples import a_request, a_settings
from tests.fuzz.browser_url import leads_to_own_page, parsed, stays_at
from tests.fuzz.login_cookie import CALLBACK_COOKIE, CONTEXT, STATE

__all__ = ["check_accept", "check_callback", "check_origin", "check_return_target"]

SETTINGS = a_settings()
ORIGIN = "https://app.example"
MOUNTS = ("", "/sub", "/\u00e4", "//evil.test")
SINGLE = ("state", "code", "error", "error_description", "iss")


def check_return_target(data: bytes) -> None:
    """Whatever is asked for, a login leads to a path on this origin, as browsers read it, and to no page of our own."""
    text = data.decode("utf-8", "surrogateescape")
    for mount in MOUNTS:
        check_target(mount, safe_next_path(SETTINGS, mount, text))
        assert safe_next_path(SETTINGS, mount, safe_next_path(SETTINGS, mount, text)) == safe_next_path(
            SETTINGS, mount, text
        )
    query = data.decode("latin-1")
    check_target("", next_parameter(SETTINGS, a_request("/oauth2/login", query=query)))
    path, _, asked = query.partition("?")
    check_target("", requested_path(SETTINGS, a_request(path, raw_path=path, query=asked)))
    check_target("", requested_path(SETTINGS, a_request(text, raw_path=None, query=asked)))


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
    if not isinstance(found, str):
        seen = ada_url.URLSearchParams(query)
        assert all(len(seen.get_all(name)) <= 1 for name in SINGLE)
        assert (found.state, found.code, found.error) == tuple(only(seen, name) for name in ("state", "code", "error"))
        assert bool(found.code) != bool(found.error)
        assert len(found.state) <= 128
        assert len(found.error_description) <= 500
    assert not is_ours(query, "")
    assert is_ours(query, CALLBACK_COOKIE) is (not isinstance(found, str) and found.state == STATE)


def only(seen: ada_url.URLSearchParams, name: str) -> str:
    """Return a parameter's value, "" where there is none."""
    return str(seen.get(name) or "")


def is_ours(query: str, cookie: str) -> bool:
    """Return whether a callback is tied to a login that this browser began."""
    request = a_request("/oauth2/callback", query=query, cookie=cookie)
    return isinstance(
        validate(CONTEXT, request, read_cookies(cookie, cookie_names(request, SETTINGS))), ValidatedCallback
    )


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
        address = callback_url(request, SETTINGS)
        read = parsed(f"{scheme}://{host}/") if address else None
        if address is not None and read is not None and is_plain_host(host):
            assert stays_at(str(read.origin), address)
            assert read.username == read.password == ""
        if not cookie_names(request, SETTINGS).secure:
            assert scheme == "http"
            assert read is None or is_this_machine(str(read.hostname)), f"{host!r} is not this machine"
        check_elsewhere(request, headers, str(read.host) if read is not None else None)
    assert is_loopback_host_header(host) in {True, False}


def check_elsewhere(request: Any, headers: dict[str, str], own: str | None) -> None:
    """Another origin's request is never taken for our own."""
    if "sec_fetch_site" in headers:
        assert is_cross_origin(request, SETTINGS) is (headers["sec_fetch_site"] not in {"same-origin", "none"})
    elif "origin" not in headers:
        assert not is_cross_origin(request, SETTINGS)
    elif not is_cross_origin(request, SETTINGS):
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
    assert choose_language(data.decode("latin-1")) in LANGUAGES
    if is_navigation(get):
        assert "prefetch" not in f"{headers.get('sec_purpose')} {headers.get('purpose')}".lower()
        if "sec_fetch_mode" in headers or "sec_fetch_dest" in headers:
            assert (headers["sec_fetch_mode"], headers["sec_fetch_dest"]) == ("navigate", "document")
            assert is_document_navigation(get)
        else:
            assert "x_requested_with" not in headers
            accept = headers.get("accept", "*/*").lower()
            assert any(kind in accept for kind in ("text/html", "application/xhtml+xml", "*/*", "text/*"))

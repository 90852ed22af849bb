"""Checks the deployed app as a browser would: where its login leads, and whether its callback can be reached."""

from __future__ import annotations

import ssl
from urllib.parse import SplitResult, parse_qs, urlsplit

import httpx

from fotoweb_middleware.cli.checks.finding import Finding, bad, ok, warn
from fotoweb_middleware.cli.checks.network import DEPLOYED_APP, Reply, ask, split_address
from fotoweb_middleware.fotoweb.authorize import AUTHORIZE_PATH
from fotoweb_middleware.settings import Settings

NAVIGATION = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""What a browser says when somebody types an address. Over plain http it says so to this machine alone."""
PROXY_PAGE = "docs/how-to/behind-a-proxy.md"
CALLBACK_CODE = b"state_missing"
"""The code of the page that answers a callback without parameters."""


def check_deployed(settings: Settings, url: str) -> list[Finding]:
    """Ask the app at its public address to begin a login, and compare what it sends to FotoWeb with that address."""
    base = url.rstrip("/")
    try:
        parts = urlsplit(base)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        is_address = is_address and not (parts.query or parts.fragment or "@" in parts.netloc)  # It would be printed.
        httpx.URL(base)
    except (ValueError, httpx.InvalidURL):  # "https://[::1", a port that is none, a control character.
        is_address = False
    if not is_address:
        return [bad("--url is not the address of an app.", "Write it as people type it: https://app.example/.")]
    login = f"{base}{settings.path_prefix}/login"
    with httpx.Client(timeout=settings.http_timeout, verify=ssl.create_default_context()) as client:
        reply = navigate(client, login)
        if isinstance(reply, Finding):
            return [reply]
        target = split_address(reply.headers.get("location", ""), login)
        if not 300 <= reply.status < 400 or target is None or target.path != AUTHORIZE_PATH:
            return [no_login(reply, login, target)]
        found = compare(settings, base, target)
        if found:
            return found
        callback = navigate(client, f"{base}{settings.path_prefix}/callback")
    if isinstance(callback, Finding):
        return [callback]
    return [judge_callback(callback, base, settings)]


def navigate(client: httpx.Client, url: str) -> Reply | Finding:
    """Go to a page as a browser does."""
    headers = NAVIGATION if url.startswith("https:") else {}
    return ask(client, "GET", url, accept="text/html", headers=headers, asked=DEPLOYED_APP)


def no_login(reply: Reply, login: str, target: SplitResult | None) -> Finding:
    """Say why the app began no login."""
    if 300 <= reply.status < 400:
        origin = f"{target.scheme}://{target.netloc}" if target is not None else "an address that can't be read"
        hint = "Give --url the address that browsers end up at."
        return bad(f"{login} leads to {origin}, not to FotoWeb.", hint)
    if reply.status >= 500:
        return bad(f"The app answers HTTP {reply.status} at {login}.", "Look into its log, and that of its proxy.")
    return bad(
        f"No login begins at {login} (HTTP {reply.status}): the app is not wrapped, or is not what answers there.",
        "Is the middleware around the app? Is FOTOWEB_PATH_PREFIX the same there? Does the proxy hand this path on?",
    )


def compare(settings: Settings, base: str, target: SplitResult) -> list[Finding]:
    """Compare where the app sends people with these settings, and the redirect URI with the app's public address."""
    query = parse_qs(target.query)
    origin = f"{target.scheme}://{target.netloc}"
    found = []
    if origin != settings.url or query.get("client_id") != [settings.client_id]:
        found.append(
            warn(
                f"The deployed app has other settings than this check: it sends people to {origin}, with "
                f"{'the same' if query.get('client_id') == [settings.client_id] else 'another'} client ID.",
                "Run this check with the app's own variables, or with --app.",
            )
        )
    sent = query.get("redirect_uri", [""])[0]
    if sent and sent != f"{base}{settings.path_prefix}/callback":
        found.insert(0, judge_redirect_uri(settings, base, sent))
    return found


def judge_redirect_uri(settings: Settings, base: str, sent: str) -> Finding:
    """Say why the redirect URI is not below the app's public address."""
    public, own = urlsplit(base), split_address(sent) or urlsplit("")
    shown = ascii(sent)[1:-1][:200]
    if sent == settings.redirect_uri:
        return bad(
            f"FOTOWEB_REDIRECT_URI does not fit the app's public address: {shown} is not below {base}/.",
            f"Set it to {base}{settings.path_prefix}/callback, and register that with FotoWeb.",
        )
    fix = f"set FOTOWEB_REDIRECT_URI={base}{settings.path_prefix}/callback"
    if (public.scheme, own.scheme) == ("https", "http"):
        return bad(
            f"The app believes that it is served over http: its redirect URI is {shown}, and TLS ends at a proxy in "
            "front of it.",
            f"Let the proxy send X-Forwarded-Proto and start uvicorn with --proxy-headers, or {fix}: {PROXY_PAGE}.",
        )
    if public.path and not own.path.startswith(f"{public.path}/"):
        return bad(
            f"The app does not know its sub-path {public.path}: its redirect URI is {shown}.",
            f"Start it with that mount: uvicorn --root-path {public.path}, or SCRIPT_NAME={public.path} gunicorn: "
            f"{PROXY_PAGE}.",
        )
    return bad(
        f"The app believes that its address is another one: its redirect URI is {shown}.",
        f"Let the proxy hand the Host header on, or {fix}: {PROXY_PAGE}.",
    )


def judge_callback(reply: Reply, base: str, settings: Settings) -> Finding:
    """Say whether the middleware answers at the callback."""
    callback = f"{base}{settings.path_prefix}/callback"
    if reply.status == httpx.codes.BAD_REQUEST and CALLBACK_CODE in reply.body:
        return ok(f"The app at {base}/ begins logins, and its callback {callback} can be reached.")
    return bad(
        f"The middleware does not answer at the callback {callback} (HTTP {reply.status}): a proxy changes the path, "
        "and the app doesn't know.",
        f"Tell the app where it is mounted (uvicorn --root-path, SCRIPT_NAME in WSGI): {PROXY_PAGE}.",
    )

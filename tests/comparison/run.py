"""What docs/explanation/why-not.md tells of others, tried: ``python -m tests.comparison.run ours authlib``.

Requests at once with an expired token and a refresh token that works once. The authorization server is the rig (npm's
oidc-provider, which answers a token request after 0.1 s): each refresh brings a new refresh token, and a used one that
comes again ends the whole grant (RFC 9700, 4.14.2). Twenty people sign in, wait until their tokens have expired, send
four requests at once with the same cookies, and come back once more after the next expiry.

``authlib`` needs ``AUTHLIB_PYTHON``, a Python with authlib, starlette, httpx, itsdangerous and uvicorn. ``apache``
needs ``APACHE_ROOT``, below which Debian's apache2-bin and libapache2-mod-auth-openidc are unpacked ("/" where they
are installed). ``ours-twice`` and ``apache-twice`` are two servers that share a Redis; ``apache-at-fotoweb`` signs in
at the simulator of FotoWeb, which is no OpenID provider.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from fotoweb_middleware.testing import FakeFotoWeb, Switches
from tests.demo.person import Person
from tests.providers.child import Child
from tests.providers.oidc_provider import OidcRig, RigOptions
from tests.providers.ports import free_port
from tests.providers.redis_server import RedisServer

PEOPLE, AT_ONCE, TOKEN_SECONDS = 20, 4, 3
TOKEN_DELAY_MS = "100"
ROOT = Path(__file__).parents[2]
APACHE = """
ServerRoot {root}/usr/lib/apache2
ServerName localhost
Listen 127.0.0.1:{port}
PidFile {folder}/pid
DefaultRuntimeDir {folder}
ErrorLog /dev/stderr
User nobody
Group nogroup
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
LoadModule auth_openidc_module modules/mod_auth_openidc.so
StartServers 2
{provider}
OIDCProviderTokenEndpointAuth client_secret_post
OIDCScope openid
OIDCPKCEMethod S256
OIDCRedirectURI http://localhost:{port}/oauth2/callback
OIDCCryptoPassphrase {passphrase}
OIDCPassAccessToken On
OIDCUserInfoRefreshInterval 0
OIDCRefreshAccessTokenBeforeExpiry 1 logout_on_error
OIDCCacheType {cache}
<Location />
    AuthType openid-connect
    Require valid-user
    ProxyPass http://127.0.0.1:{backend}/
</Location>
"""


@contextmanager
def served(python: str, app: str, port: int, variables: dict[str, str], *options: str) -> Iterator[None]:
    """Run an app under uvicorn."""
    command = [python, "-m", "uvicorn", app, "--port", str(port), "--log-level", "info", *options]
    child = Child(command, environment=variables, folder=ROOT)
    try:
        child.wait_for_line("Application startup complete")
        yield
    finally:
        child.stop()


@contextmanager
def ours(site: str, port: int, folder: Path, redis: str | None) -> Iterator[None]:
    """Run this middleware with two workers."""
    variables = {
        "SITE": site,
        "FOTOWEB_URL": site,
        "FOTOWEB_CLIENT_ID": "demo",
        "FOTOWEB_CLIENT_SECRET": "demo-secret",
        "FOTOWEB_SECRET_KEY": "kQ3vX9rT6bL1mZ8cW4nP7sD2fH5jY0gA",
        "FOTOWEB_REFRESH_LEEWAY": "0",
        "XDG_RUNTIME_DIR": str(folder),
        "FOTOWEB_REDIRECT_URI": f"http://localhost:{port}/oauth2/callback",
        "FOTOWEB_CACHE": f"redis://{redis}" if redis else "local://",
    }
    with served(sys.executable, "tests.comparison.token_app:our_app", port, variables, "--workers", "2"):
        yield


@contextmanager
def authlib(site: str, port: int, _folder: Path, _redis: str | None) -> Iterator[None]:
    """Run Authlib, one worker."""
    with served(os.environ["AUTHLIB_PYTHON"], "tests.comparison.authlib_app:app", port, {"SITE": site}):
        yield


RIG = """
OIDCProviderMetadataURL {site}/.well-known/openid-configuration
OIDCProviderUserInfoEndpoint {site}/rig/userinfo
OIDCClientID demo
OIDCClientSecret demo-secret
"""
FOTOWEB = """
OIDCProviderIssuer {site}
OIDCProviderAuthorizationEndpoint {site}/fotoweb/oauth2/authorize
OIDCProviderTokenEndpoint {site}/fotoweb/oauth2/token
OIDCClientID {client.client_id}
OIDCClientSecret {client.client_secret}
"""


@contextmanager
def apache(site: str, port: int, folder: Path, redis: str | None) -> Iterator[None]:
    """Run mod_auth_openidc in Apache, two processes, in front of an app."""
    backend = free_port()
    with (
        served(sys.executable, "tests.comparison.token_app:app", backend, {"SITE": site}),
        apache_alone(RIG.format(site=site), port, folder, redis, backend),
    ):
        yield


@contextmanager
def apache_alone(provider: str, port: int, folder: Path, redis: str | None, backend: int) -> Iterator[Child]:
    """Run Apache."""
    root = os.environ["APACHE_ROOT"].rstrip("/")
    cache = f"redis\nOIDCRedisCacheServer {redis}" if redis else "shm"
    names = {"root": root, "port": port, "folder": folder, "backend": backend, "passphrase": "p" * 32, "cache": cache}
    (folder / "apache.conf").write_text(APACHE.format(provider=provider, **names), encoding="utf-8")
    command = [f"{root}/usr/sbin/apache2", "-D", "FOREGROUND", "-f", str(folder / "apache.conf")]
    child = Child(command, environment={"LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu"}, folder=folder)
    try:
        child.wait_for_line("resuming normal operations")
        yield child
    finally:
        child.stop()


def apache_at_fotoweb() -> str:
    """Sign in at the simulator of FotoWeb, and return what Apache says of it."""
    fotoweb, port = FakeFotoWeb(switches=Switches(any_redirect_uri=True)), free_port()
    with fotoweb.serve() as site, tempfile.TemporaryDirectory() as folder:
        provider = FOTOWEB.format(site=site, client=fotoweb.client)
        with apache_alone(provider, port, Path(folder), None, free_port()) as server:
            with Person(f"http://localhost:{port}") as person:
                status = person.sign_in().status_code
            return f"HTTP {status}: {server.wait_for_line('auth_openidc:error')}"


async def person(addresses: list[str], together: asyncio.Barrier) -> tuple[list[int], int]:
    """Return the statuses of the requests at once, and that of the visit after the next expiry."""
    async with httpx.AsyncClient(trust_env=False, timeout=60, follow_redirects=True, max_redirects=12) as browser:
        first = await browser.get(addresses[0])
        assert first.status_code == 200, (first.status_code, first.text)
        await together.wait()
        await asyncio.sleep(TOKEN_SECONDS + 0.5)
        turns = itertools.islice(itertools.cycle(addresses), AT_ONCE)
        get = [browser.get(address, follow_redirects=False) for address in turns]
        at_once = [answer.status_code for answer in await asyncio.gather(*get)]
        await asyncio.sleep(TOKEN_SECONDS + 0.5)
        return at_once, (await browser.get(addresses[0], follow_redirects=False)).status_code


async def everybody(addresses: list[str]) -> list[tuple[list[int], int]]:
    """Let all come at the same time."""
    together = asyncio.Barrier(PEOPLE)
    return await asyncio.gather(*(person(addresses, together) for _ in range(PEOPLE)))


def at_once(name: str) -> str:
    """Let all come, and return what they saw."""
    kind, _, twice = name.partition("-")
    ports = [free_port() for _ in range(2 if twice else 1)]
    redirect_uris = tuple(f"http://localhost:{port}/oauth2/callback" for port in ports)
    options = RigOptions(auto_login=True, redirect_uris=redirect_uris, access_token_ttl_seconds=TOKEN_SECONDS)
    with ExitStack() as stack:
        rig, redis = stack.enter_context(OidcRig(options)), None
        if twice:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            redis = f"127.0.0.1:{stack.enter_context(RedisServer(data)).port}"
        for port in ports:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            run = {"ours": ours, "authlib": authlib, "apache": apache}[kind]
            stack.enter_context(run(rig.base_url, port, folder, redis))
        seen = asyncio.run(everybody([f"http://localhost:{port}/" for port in ports]))
        refreshes = rig.log.count("grant.success: refresh_token")
    first = Counter(status for statuses, _ in seen for status in statuses)
    later = Counter(status for _, status in seen)
    return f"at once {dict(first)}, later {dict(later)}, {refreshes} refreshes"


def main(*names: str) -> None:
    """Try these."""
    os.environ["TOKEN_DELAY_MS"] = TOKEN_DELAY_MS  # The rig reads it.
    for name in names or ("ours", "ours-twice"):
        seen = apache_at_fotoweb() if name == "apache-at-fotoweb" else at_once(name)
        sys.stdout.write(f"{name}: {seen}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

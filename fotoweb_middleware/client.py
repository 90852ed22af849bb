"""Calls to FotoWeb's API with the signed-in user's token: an auth for httpx and for httpx2, and clients of httpx."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from fotoweb_middleware.fotoweb.http import empty_jar, tls_context
from fotoweb_middleware.live_session import live_session_of
from fotoweb_middleware.session import Session
from fotoweb_middleware.settings import Settings

__all__ = ["FotoWebAuth", "async_fotoweb_client", "fotoweb_client"]

if TYPE_CHECKING:
    import httpx2

    class AnyAuth(httpx.Auth, httpx2.Auth):  # type: ignore[misc]  # Their requests are of different classes.
        """What both libraries take as ``auth=``."""
else:
    bases = [httpx.Auth]
    if importlib.util.find_spec("httpx2"):
        import httpx2

        bases.append(httpx2.Auth)
    AnyAuth = type("AnyAuth", tuple(bases), {})


class FotoWebAuth(AnyAuth):
    """Adds the session's token to requests to FotoWeb, and to no other requests.

        with httpx.Client(auth=FotoWebAuth(session), base_url=session.fotoweb_url) as client:
            archives = client.get("/fotoweb/me/archives/", headers={"Accept": "application/json"}).json()

    For ``httpx.Client``, ``httpx.AsyncClient`` and those of httpx2. Each request gets a token that is valid now.

    If FotoWeb's API answers 401, for example because somebody revoked the token there, the token is refreshed once and
    the request sent again. The caller gets the 401 if there is no other token, if the body can't be sent a second time
    (a generator), and for a minute after a new token was refused too. A response hook that raises on a 401
    (``raise_for_status``) would prevent this: raise after the call instead.

    A ``Cookie`` header goes out of the request: a client that serves several users may have kept it for another one.
    ``fotoweb_client`` and ``async_fotoweb_client`` keep none, also where they follow redirects.

    A redirect away from FotoWeb's origin carries no token (httpx removes it), unless it leads from http to https on the
    same host.

    Args:
        session: The user's session, from ``get_session`` or ``require_session``.

    Raises:
        SessionEnded: From a request: the session is over.
        FotoWebUnreachable: From a request: the token has expired, and there is no new one for now.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def __repr__(self) -> str:
        return "FotoWebAuth()"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Sign and send a request; called by the client."""
        if not self._is_for_fotoweb(request):
            yield request
            return
        sign(request, self._session.fresh_token())
        response = yield request
        live = live_session_of(self._session)
        if live is None or not is_refusal(response, request):
            return
        token = live.replace_token(partial(is_token_of, request))
        if token is None or not can_be_sent_again(request, length_of(request)):
            return
        sign(request, token)
        del token  # Error reporters send a frame's variables along.
        response = yield request
        if is_refusal(response, request):
            live.note_refused_again()

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """As ``sync_auth_flow``, for async clients."""
        if not self._is_for_fotoweb(request):
            yield request
            return
        sign(request, await self._session.afresh_token())
        response = yield request
        live = live_session_of(self._session)
        if live is None or not is_refusal(response, request):
            return
        token = await live.areplace_token(partial(is_token_of, request))
        if token is None or not can_be_sent_again(request, await alength_of(request)):
            return
        sign(request, token)
        del token  # As above.
        response = yield request
        if is_refusal(response, request):
            live.note_refused_again()

    def _is_for_fotoweb(self, request: Any) -> bool:
        url = request.url
        return f"{url.scheme}://{url.netloc.decode('ascii')}".lower() == self._session.fotoweb_url


def fotoweb_client(settings: Settings, **options: Any) -> httpx.Client:
    """Return an httpx client for calls to FotoWeb's API, one for all users of an app.

        fotoweb = fotoweb_client(settings)
        fotoweb.get("/fotoweb/me/archives/", auth=FotoWebAuth(session))

    It keeps connections, and no cookies.

    Args:
        settings: For FotoWeb's address, the certificate authorities to trust, and the time-out.
        options: More for ``httpx.Client``, such as ``headers`` and ``follow_redirects``.
    """
    return httpx.Client(**{**api_options(settings), **options})


def async_fotoweb_client(settings: Settings, **options: Any) -> httpx.AsyncClient:
    """Return the same as ``fotoweb_client`` for async code."""
    return httpx.AsyncClient(**{**api_options(settings), **options})


def api_options(settings: Settings) -> dict[str, Any]:
    """Return what both clients are made with."""
    return {
        "base_url": settings.url,
        "verify": tls_context(settings),
        "timeout": settings.http_timeout,
        "cookies": empty_jar(),
    }


def sign(request: Any, token: str) -> None:
    """Put a token into a request, and take cookies out: they may be another user's."""
    request.headers["Authorization"] = f"Bearer {token}"
    request.headers.pop("Cookie", None)


def is_token_of(request: Any, token: str) -> bool:
    """Return whether ``sign`` put this token into a request."""
    return bool(request.headers.get("Authorization") == f"Bearer {token}")


def is_refusal(response: Any, request: Any) -> bool:
    """Return whether an answer refuses the token. After a redirect it may be the answer to a request without one."""
    sent = response.request.headers.get("Authorization")
    return bool(response.status_code == 401 and sent and sent == request.headers.get("Authorization"))


def length_of(request: Any) -> int | None:
    """Return the length of a request's body as it is read once more; None for one that can be read only once."""
    try:
        return sum(len(part) for part in request.stream)
    except Exception:  # noqa: BLE001 (each library has its own error for this, and so has a file that was closed)
        return None


async def alength_of(request: Any) -> int | None:
    """Do what ``length_of`` does for a request of an async client."""
    try:
        return sum([len(part) async for part in request.stream])
    except Exception:  # noqa: BLE001 (as above)
        return None


def can_be_sent_again(request: Any, length: int | None) -> bool:
    """Return whether a body that was read again is what was sent: a file that was read to its end gives nothing."""
    if length is None or "Transfer-Encoding" in request.headers:
        return False
    return length == int(request.headers.get("Content-Length", 0))

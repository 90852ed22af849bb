"""A login with a test client: the same steps as in a browser, but with the simulator's pages in process."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Protocol, overload
from urllib.parse import urlsplit

from fotoweb_middleware.testing.simulated_fotoweb import SimulatedFotoWeb

__all__ = ["LOGIN_URL", "SignIn", "sign_in_with"]

LOGIN_URL = "/oauth2/login"
NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
"""A person goes to a page, whatever headers the client sends by default."""


class AsyncClient(Protocol):
    """A test client whose methods are awaited."""

    @property
    def get(self) -> Callable[..., Awaitable[Any]]:
        """Send a GET request."""


class SignIn(Protocol):
    """The fixture ``sign_in``: a function that signs a user in with a test client, awaited for async clients.

    Args:
        client: A test client of Starlette, FastAPI, Flask, Quart, Django or Litestar, or an httpx client with a
            transport to the app. Anyone who was signed in with it is signed out first.
        user: Name of one of ``fotoweb.users``.
        login_url: Where the middleware's login page is, if the app is mounted or has another ``FOTOWEB_PATH_PREFIX``.

    Raises:
        ValueError: There is no such user.
        AssertionError: The login failed; the message says why.
    """

    @overload
    def __call__(self, client: AsyncClient, user: str = ..., *, login_url: str = ...) -> Awaitable[None]: ...
    @overload
    def __call__(self, client: Any, user: str = ..., *, login_url: str = ...) -> None: ...


Steps = Generator[tuple[str, str], Any, None]
"""Gives a client's method ("get" or "post") and a path for each request, and takes the answer to it."""


def login_steps(fotoweb: SimulatedFotoWeb, user: str, login_url: str) -> Steps:
    """Sign out, begin a login, sign in at FotoWeb, come back.

    Raises:
        ValueError: There is no such user.
        AssertionError: The login failed; the message says why.
    """
    if user not in fotoweb.users:
        raise ValueError(f"FotoWeb knows no user {user!r}; it knows {', '.join(fotoweb.users)}")
    yield "post", login_url.removesuffix("/login") + "/logout"
    begun = yield "get", login_url
    location = begun.headers.get("location") or ""
    if not location.startswith(f"{fotoweb.url}/"):
        raise AssertionError(why_not_begun(login_url, begun.status_code, location, fotoweb.url))
    back = urlsplit(fotoweb.approve(location, user))
    ended = yield "get", f"{back.path}?{back.query}"
    if ended.status_code >= 400:
        raise AssertionError(
            f"FotoWeb sent {user} back to {back.path}, and the answer there was {ended.status_code}. "
            "The log of fotoweb_middleware says why."
        )


def why_not_begun(login_url: str, status: int, location: str, fotoweb_url: str) -> str:
    """Return the message for a login page that does not lead to the simulator."""
    if "/oauth2/authorize" in location:
        other = location.partition("/fotoweb/")[0]
        return f"the app signs people in at {other}, not at {fotoweb_url}: let it read FOTOWEB_URL"
    return (
        f"GET {login_url} was answered with {status}, not with a redirect to FotoWeb. Is the middleware around the app "
        "that this client calls? If the app is mounted, or has another FOTOWEB_PATH_PREFIX, pass login_url=."
    )


def sign_in_with(client: Any, fotoweb: SimulatedFotoWeb, user: str, login_url: str, patch: Any) -> Any:
    """Sign a user in with any of the test clients that the fixture ``sign_in`` knows.

    Args:
        client: The test client.
        fotoweb: The simulator.
        user: Who signs in.
        login_url: The path of the middleware's login page.
        patch: pytest's ``MonkeyPatch``, for as long as the client may be used.

    Returns:
        An awaitable for async clients, else None.
    """
    steps = login_steps(fotoweb, user, login_url)
    options: dict[str, Any] = {"follow_redirects": False}
    if "django.test.client" in sys.modules:
        from fotoweb_middleware.testing import django_clients  # noqa: PLC0415 (it imports Django)

        if django_clients.is_django(client):
            django_clients.put_application_in_front(client, patch)
            options = {}  # They follow no redirects unless told to.
    if inspect.iscoroutinefunction(client.get):
        return take_steps_async(client, steps, options)
    return take_steps(client, steps, options)


def take_steps(client: Any, steps: Steps, options: dict[str, Any]) -> None:
    """Send each request of a login."""
    answer = None
    while (step := next_step(steps, answer)) is not None:
        method, path = step
        answer = getattr(client, method)(url_of(client, path), headers=NAVIGATION, **options)


async def take_steps_async(client: Any, steps: Steps, options: dict[str, Any]) -> None:
    """Send each request of a login with an async client."""
    answer = None
    while (step := next_step(steps, answer)) is not None:
        method, path = step
        answer = await getattr(client, method)(url_of(client, path), headers=NAVIGATION, **options)


def next_step(steps: Steps, answer: Any) -> tuple[str, str] | None:
    """Return the next request; None after the last answer."""
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def url_of(client: Any, path: str) -> str:
    """Return what a client is given for a path: httpx would put the path of its ``base_url`` before it."""
    base_url = getattr(client, "base_url", None)
    return str(base_url.join(path)) if base_url else path

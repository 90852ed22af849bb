"""The front of the API: who asks, what they accept, and the descriptors at the two entry points.

Source: FotoWeb "API entry points", "Using application access tokens for OAuth 2.0 authorization", "Introduction to
Representations and Media Types"; the official OpenAPI description (error body, statuses 401 and 406).
"""

from __future__ import annotations

import re
from typing import Final

from fotoweb_middleware.testing.fake_fotoweb.descriptor import full_api_descriptor, guest_api_descriptor
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, json_response
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["VENDOR", "api_error", "bearer_token", "choose_type", "guest", "me", "requesting_user", "user_management"]

VENDOR: Final = "application/vnd.fotoware."
BEARER: Final = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)


def bearer_token(site: Site, request: FakeRequest) -> str:
    """Read the access token of a request; empty: it has none. Upper and lower case of `Bearer` don't matter."""
    match = BEARER.fullmatch((request.header("authorization") or "").strip())
    if match:
        return match[1]
    return dict(request.query_pairs()).get("access_token", "") if site.switches.query_token else ""


def requesting_user(site: Site, request: FakeRequest) -> User | None:
    """Tell who asks; None: the token is missing, expired, revoked or garbage."""
    return site.user_of(bearer_token(site, request))


def choose_type(request: FakeRequest, *offered: str) -> str | None:
    """Pick the media type of the answer; None: the client accepts none of those offered (406)."""
    wanted = [part.split(";") for part in (request.header("accept") or "*/*").lower().split(",")]
    names = [name.strip() for name, *rest in wanted if not any(re.fullmatch(r"\s*q=0(\.0*)?\s*", x) for x in rest)]
    for name in names:
        if name in offered:
            return name
    return offered[0] if {"*/*", "application/*"} & set(names) else None


def api_error(request: FakeRequest, status: int) -> FakeResponse:
    """Build the API's error document."""
    messages = {
        400: "BadRequest: The request is not valid",
        401: "Unauthorized: You are not authorized to access this resource",
        403: "Forbidden: You are not permitted to access this resource",
        404: "NotFound: The requested resource was not found",
        406: "NotAcceptable: The requested representation is not available",
        409: "Conflict: This was received before",
        410: "Gone: The resource is no longer available",
        415: "UnsupportedMediaType: The type of the request's body is not supported",
    }
    return json_response({"message": messages[status], "href": request.path}, status)


def me(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer the private entry point: GET /fotoweb/me."""
    user = requesting_user(site, request)
    if user is None:
        return api_error(request, 401)
    chosen = choose_type(request, f"{VENDOR}full-api-descriptor+json", "application/json")
    if chosen is None:
        return api_error(request, 406)
    headers = (("Cache-Control", "private, max-age=5"),)
    return json_response(full_api_descriptor(user), 200, f"{chosen}; charset=utf-8", headers)


def guest(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer the public entry point: GET /fotoweb/."""
    if not site.switches.guest_access:
        return api_error(request, 401)
    chosen = choose_type(request, f"{VENDOR}api-descriptor+json", "application/json")
    if chosen is None:
        return api_error(request, 406)
    return json_response(guest_api_descriptor(), 200, f"{chosen}; charset=utf-8")


def user_management(site: Site, request: FakeRequest) -> FakeResponse:
    """Refuse the User Management API to tokens of users; for others it is not modelled.

    Source: FotoWeb "User Management API": impersonated users have not even read access. The status is a guess.
    """
    if requesting_user(site, request) is None:
        return api_error(request, 401)
    return api_error(request, 404 if site.is_script(bearer_token(site, request)) else 403)

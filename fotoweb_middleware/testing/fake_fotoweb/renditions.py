"""Renditions: ask for one, look until it is ready, download it.

Source: FotoWeb "Downloading asset renditions using the RESTful API"; the official OpenAPI description (401, 403).
Seen by public integrations: 202 with an absolute Location, 202 until it is ready, 410 once it is gone; at the service
403 without a token, 404 for GET, 415 for another content type. That nobody else finds a rendition is a guess.
"""

from __future__ import annotations

import json
import uuid
from typing import Final
from urllib.parse import quote

from fotoweb_middleware.testing.fake_fotoweb.api import VENDOR, api_error, bearer_token, choose_type, requesting_user
from fotoweb_middleware.testing.fake_fotoweb.archives import visible_archives
from fotoweb_middleware.testing.fake_fotoweb.catalogue import Asset
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, json_response
from fotoweb_middleware.testing.fake_fotoweb.pictures import draw
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.representations import asset_href
from fotoweb_middleware.testing.fake_fotoweb.state import Rendition, Site

__all__ = ["download", "request_rendition"]

TASKS: Final = "/fotoweb/me/background-tasks/"


def request_rendition(site: Site, request: FakeRequest) -> FakeResponse:
    """Begin to make a rendition: POST /fotoweb/services/renditions."""
    if request.method == "OPTIONS":
        return FakeResponse(200, b"", (("Allow", "POST, OPTIONS"),))
    if request.method != "POST":
        return api_error(request, 404)
    user = requesting_user(site, request)
    if user is None:
        return api_error(request, 401 if bearer_token(site, request) else 403)
    content_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if content_type != f"{VENDOR}rendition-request+json":
        return api_error(request, 415)
    chosen = choose_type(request, f"{VENDOR}rendition-response+json", "application/json")
    if chosen is None:
        return api_error(request, 406)
    asset = find_asset(site, user, rendition_href(request.body))
    if asset is None:
        return api_error(request, 404)
    task_id = str(uuid.UUID(bytes=site.entropy(16), version=4))
    expires_at = site.now() + site.switches.rendition_lifetime_seconds
    site.renditions[task_id] = Rendition(user=user, asset=asset, expires_at=expires_at)
    href = f"{TASKS}{task_id}/0/{quote(asset.filename)}"
    headers = (("Location", request.origin + href),)
    return json_response({"href": href}, 202, f"{chosen}; charset=utf-8", headers)


def rendition_href(body: bytes) -> str:
    """Read which rendition a request asks for; empty: none."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    return str(content.get("href", "")) if isinstance(content, dict) else ""


def find_asset(site: Site, user: User, href: str) -> Asset | None:
    """Find the asset of a rendition among those that the user sees. Each has one rendition, the original file."""
    for archive in visible_archives(user):
        for asset in site.assets_of(archive.archive_id):
            if href == f"{asset_href(archive, asset)}/__renditions/ORIGINAL":
                return asset
    return None


def download(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer 202 until the rendition is ready, then with the file, then 410. Files of made-up assets are SVG."""
    user = requesting_user(site, request)
    if user is None:
        return api_error(request, 401)
    rendition = site.renditions.get(request.path.removeprefix(TASKS).partition("/")[0])
    if rendition is None or rendition.user != user:
        return api_error(request, 404)
    if rendition.expires_at <= site.now():
        return api_error(request, 410)
    if rendition.polls < site.switches.polls_until_ready:
        rendition.polls += 1
        return FakeResponse(202)
    name = quote(rendition.asset.filename)
    headers = (
        ("Content-Type", "application/octet-stream"),
        ("Content-Disposition", f"attachment; filename*=UTF-8''{name}"),
    )
    return FakeResponse(200, original_file(site, rendition.asset), headers)


def original_file(site: Site, asset: Asset) -> bytes:
    """Give the bytes that were uploaded, or draw what was made up."""
    uploaded = site.uploaded.get(asset)
    if uploaded is not None:
        return uploaded
    seed = asset.archive_id * 1000 + asset.number
    return draw(asset.scene, asset.mood, seed, asset.shape, asset.shape).encode()

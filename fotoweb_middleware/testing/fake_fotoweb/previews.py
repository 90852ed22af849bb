"""Preview pictures behind signed URLs, which need no token and soon stop working.

Source: FotoWeb "Getting previews": no authentication, the URL is signed, ephemeral, not to be stored or embedded.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, Final
from urllib.parse import quote

from fotoweb_middleware.testing.fake_fotoweb.access_tokens import encode_base64url
from fotoweb_middleware.testing.fake_fotoweb.api import api_error
from fotoweb_middleware.testing.fake_fotoweb.catalogue import ARCHIVES, Asset
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.pictures import draw
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["describe_previews", "preview"]

SIZES: Final = (800, 1200, 1600, 2400, 200, 300, 400, 600)
SQUARE_SIZES: Final = (100, 200, 200, 400)
PATH: Final = re.compile(
    r"(?P<signed>/fotoweb/cache/v2/(?P<expires_at>\d+)/(?P<archive>\d+)/(?P<number>\d+)/(?P<width>\d+)x(?P<height>\d+)/"
    r"[^/]+)\.(?P<signature>[A-Za-z0-9_-]{43})\.svg"
)


def describe_previews(site: Site, asset: Asset) -> list[dict[str, Any]]:
    """Build the list of previews of an asset, in the order that FotoWeb was seen to use."""
    previews = [_describe(site, asset, size, square=False) for size in SIZES]
    return previews + [_describe(site, asset, size, square=True) for size in SQUARE_SIZES]


def _describe(site: Site, asset: Asset, size: int, *, square: bool) -> dict[str, Any]:
    scale = size / max(asset.shape)
    width, height = (size, size) if square else (round(asset.shape[0] * scale), round(asset.shape[1] * scale))
    expires_at = int(site.now() + site.switches.preview_lifetime_seconds)
    name = quote(asset.filename)
    path = f"/fotoweb/cache/v2/{expires_at}/{asset.archive_id}/{asset.number}/{width}x{height}/{name}"
    href = f"{path}.{_sign(site, path)}.svg"
    return {"size": size, "width": width, "height": height, "href": href, "square": square}


def _sign(site: Site, path: str) -> str:
    return encode_base64url(hmac.digest(site.signing_key, path.encode(), hashlib.sha256))


def preview(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer a preview URL: 403 where the signature doesn't fit, 404 once it has expired."""
    match = PATH.fullmatch(request.path)
    if match is None:
        return api_error(request, 404)
    if not hmac.compare_digest(_sign(site, match["signed"]), match["signature"]):
        return api_error(request, 403)
    archive_id, number = int(match["archive"]), int(match["number"])
    if int(match["expires_at"]) <= site.now() or archive_id not in ARCHIVES:
        return api_error(request, 404)
    asset = site.assets_of(archive_id)[number]
    seed = archive_id * 1000 + number
    picture = draw(asset.scene, asset.mood, seed, asset.shape, (int(match["width"]), int(match["height"])))
    return FakeResponse(
        200,
        picture.encode(),
        (
            ("Content-Type", "image/svg+xml"),
            ("Cache-Control", f"private, max-age={int(site.switches.preview_lifetime_seconds)}"),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("X-Content-Type-Options", "nosniff"),
        ),
    )

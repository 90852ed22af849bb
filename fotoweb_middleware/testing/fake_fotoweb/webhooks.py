"""What FotoWeb sends to an application's webhook when an asset changes.

Source: FotoWeb "Notifications when assets change in Fotoware" (the fields); captures of a public integration (numbers
as strings, `operation-name`). There is no signature: none is documented.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from fotoweb_middleware.testing.fake_fotoweb.catalogue import ARCHIVES
from fotoweb_middleware.testing.fake_fotoweb.registration import ADMINISTRATOR
from fotoweb_middleware.testing.fake_fotoweb.representations import asset_href, describe_asset
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["webhook_body"]


def webhook_body(site: Site, href: str, origin: str) -> dict[str, Any]:
    """Build the JSON that tells of a change of an asset's metadata.

    Args:
        site: where the asset is.
        href: the asset's path.
        origin: FotoWeb's own; stands before all paths.

    Raises:
        KeyError: there is no such asset.
    """
    known = [(archive, asset) for number, archive in ARCHIVES.items() for asset in site.assets_of(number)]
    archive, asset = {asset_href(*pair): pair for pair in known}[href]
    described = describe_asset(site, archive, asset, ADMINISTRATOR)
    previews = {preview["size"]: origin + preview["href"] for preview in described["previews"]}
    return {
        "id": str(uuid.UUID(bytes=site.entropy(16), version=4)),
        "type": "asset",
        "created": datetime.fromtimestamp(site.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "href": origin + href,
        "title": asset.title,
        "description": asset.description,
        "tags": ", ".join(asset.tags),
        "byline": asset.author,
        "file-size": str(asset.filesize),
        "pixel-width": str(asset.shape[0]),
        "pixel-height": str(asset.shape[1]),
        "preview-href": previews[800],
        "thumbnail-href": previews[200],
        "operation-name": "updateMetadata",
        "data": {"asset": described, "assetBefore": described, "metadataDiff": {}},
    }

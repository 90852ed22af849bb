"""Archives and assets as JSON, in the shapes captured from a real site.

Source: FotoWeb "Collection List representation", "Asset representation", "Asset list representation"; captures of
public integrations (FotoWeb 8.2). All hrefs are percent-encoded paths without an origin.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote

from fotoweb_middleware.testing.fake_fotoweb.access_tokens import encode_base64url, sign_jwt
from fotoweb_middleware.testing.fake_fotoweb.catalogue import Archive, Asset
from fotoweb_middleware.testing.fake_fotoweb.previews import describe_previews
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["archive_href", "asset_href", "data_href", "describe_asset", "describe_collection"]

ORIGINAL_PROFILE: Final = "00000000-0000-0000-0000-000000000000"
METADATA_EDITOR: Final = {"href": "/fotoweb/editors/default", "name": "Default Metadata Editor"}
RIGHTS: Final = ["View", "Preview", "Comping", "Download"]
NOT_ALLOWED: Final = (
    "isLinkCollection",
    "isFolderNavigationEnabled",
    "isSmartFolderNavigationEnabled",
    "hasChildren",
    "canBeArchived",
    "canBeDeleted",
    "canCopyTo",
    "canCreateFolders",
    "canHaveChildren",
    "canIngestToChildren",
    "canMoveTo",
)


def archive_href(archive: Archive) -> str:
    """Give an archive's path. The slash at its end matters: without it there is a redirect."""
    return f"/fotoweb/archives/{archive.archive_id}-{quote(archive.name.replace(' ', '-'))}/"


def data_href(site: Site, archive: Archive, user: User) -> str:
    """Give the path of an archive's content, which is different for each user."""
    text = f"data {archive.archive_id} {user.user_id}"
    key = encode_base64url(hmac.digest(site.signing_key, text.encode(), hashlib.sha256))
    return f"/fotoweb/data/a/{archive.archive_id}.{key}/"


def asset_href(archive: Archive, asset: Asset) -> str:
    """Give an asset's path."""
    return f"{archive_href(archive)}{quote(asset.filename)}.info"


def describe_collection(site: Site, archive: Archive, assets: tuple[Asset, ...], user: User) -> dict[str, Any]:
    """Build an archive's representation.

    Args:
        site: gives time and keys.
        archive: which one.
        assets: what is in it, or what a search found in it.
        user: who looks.
    """
    href, data = archive_href(archive), data_href(site, archive, user)
    uploads = archive.archive_id in user.uploads_to
    return {
        "id": str(archive.archive_id),
        "name": archive.name,
        "description": archive.description,
        "type": "archive",
        **_collection_links(href, data),
        "uploadHref": href if uploads else "",
        "canUploadTo": uploads,
        "assetCount": len(assets),
        "isSearchable": True,
        "isSelectable": True,
        "canSelect": True,
        **dict.fromkeys(NOT_ALLOWED, False),
        "created": "",
        "modified": "2025-12-31T12:00:00Z",
        **dict.fromkeys(("archived", "deleted", "pin", "edit", "reorder"), None),
        "color": "#595959",
        "iconCharacter": "",
        "permissions": [*RIGHTS, "UploadFile"] if uploads else RIGHTS,
        "posterAsset": asset_href(archive, assets[0]) if assets else None,
        "posterImages": describe_previews(site, assets[0]) if assets else [],
        "metadataEditor": METADATA_EDITOR,
        "props": _no_props(),
        **{name: [] for name in ("create", "alt_orders", "propertyValidations", "taxonomies", "urlComponents")},
    }


def _collection_links(href: str, data: str) -> dict[str, Any]:
    return {
        "href": href,
        "data": data,
        "originalURL": href,
        "searchURL": f"{href}{{?q}}",
        "dataTemplate": f"{data}{{;o,p}}",
        "matchingHref": href,
        "orderRootHref": href,
        "alertHref": "",
        "clearSearch": {"data": data, "href": href},
    }


def describe_asset(site: Site, archive: Archive, asset: Asset, user: User) -> dict[str, Any]:
    """Build an asset's representation."""
    href = asset_href(archive, asset)
    return {
        "href": href,
        "linkstance": href,
        "archiveHREF": archive_href(archive),
        "archiveId": archive.archive_id,
        "filename": asset.filename,
        "filesize": asset.filesize,
        "doctype": "image",
        "uniqueid": "",
        "physicalFileId": f"{archive.archive_id}/{asset.number}",
        "created": asset.created,
        "modified": asset.created,
        "createdBy": asset.author,
        "modifiedBy": asset.author,
        "dropHREF": href,
        "permissions": RIGHTS,
        **dict.fromkeys(("pincount", "previewcount", "downloadcount", "workflowcount"), 0),
        **dict.fromkeys(("metadataeditcount", "revisioncount"), 0),
        "attributes": {"imageattributes": _image_attributes(asset)},
        "capabilities": {"crop": True, "print": True, "printWithAnnotations": True},
        **_describe_texts(asset),
        "metadataEditor": METADATA_EDITOR,
        "previews": describe_previews(site, asset),
        "quickRenditions": [],
        "renditions": [_original(href, asset)],
        "previewToken": _preview_token(site, href, user),
        "props": _no_props(),
    }


def _describe_texts(asset: Asset) -> dict[str, Any]:
    """Build title, description and tags, once as FotoWeb's own fields and once by their IPTC numbers."""
    tags = list(asset.tags)
    return {
        "builtinFields": [
            {"field": "title", "required": False, "value": asset.title},
            {"field": "description", "required": False, "value": asset.description},
            {"field": "tags", "required": False, "value": tags},
            {"field": "status", "required": False, "value": ""},
            {"field": "rating", "required": False, "value": ""},
            {"field": "notes", "required": False, "value": ""},
        ],
        "metadata": {
            "5": {"value": asset.title},
            "25": {"value": tags},
            "80": {"value": [asset.author]},
            "116": {"value": f"© {asset.author}"},
            "120": {"value": asset.description},
        },
        "thumbnailFields": {
            "label": {"value": asset.filename},
            "firstLine": {"value": asset.title},
            "secondLine": {"value": tags},
            "additionalFields": [],
        },
    }


def _image_attributes(asset: Asset) -> dict[str, Any]:
    width, height = asset.shape
    size = {"pixelwidth": width, "pixelheight": height, "resolution": 300}
    return {**size, "flipmirror": 0, "rotation": 0, "colorspace": "rgb"}


def _original(href: str, asset: Asset) -> dict[str, Any]:
    return {
        "display_name": "Original File",
        "description": "Original File",
        "width": asset.shape[0],
        "height": asset.shape[1],
        "href": f"{href}/__renditions/ORIGINAL",
        "default": True,
        "original": True,
        "sizeFixed": False,
        "profile": ORIGINAL_PROFILE,
    }


def _no_props() -> dict[str, Any]:
    return {**{name: {"enabled": False} for name in ("annotations", "comments", "shares")}, "owner": None, "tags": []}


def _preview_token(site: Site, href: str, user: User) -> str:
    now = int(site.now())
    claims = {
        "iss": "/fotoweb/",
        "sub": str(user.user_id),
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "aud": "preview_token",
        "scope": ["arbitrary_renditions"],
        "ass": href,
        "rev": 0,
    }
    return sign_jwt(site.signing_key, claims)

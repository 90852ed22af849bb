"""Archives and what is in them: lists, pages of assets, searches, single assets.

Source: FotoWeb "Archives", "Paging", "Collection List representation", "Asset list representation".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from fotoweb_middleware.testing.fake_fotoweb.api import VENDOR, api_error, choose_type, requesting_user
from fotoweb_middleware.testing.fake_fotoweb.catalogue import ARCHIVES, Archive, Asset
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse, json_response
from fotoweb_middleware.testing.fake_fotoweb.registration import User
from fotoweb_middleware.testing.fake_fotoweb.representations import (
    archive_href,
    asset_href,
    data_href,
    describe_asset,
    describe_collection,
)
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["archives", "visible_archives"]

UPLOAD_LIST: Final = "/fotoweb/me/upload-to/"
LISTS: Final = {"/fotoweb/me/archives/", "/fotoweb/archives/", UPLOAD_LIST}
Item = TypeVar("Item")
PAGE: Final = re.compile(r"(.*/)(?:;p=(\d{1,6}))?")


def archives(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer everything about archives."""
    if is_missing_slash(request.path):
        query = f"?{request.query}" if request.query else ""
        return FakeResponse(301, b"", (("Location", f"{request.path}/{query}"),))
    user = requesting_user(site, request)
    if user is None:
        return guest_archives(site, request)
    match = PAGE.fullmatch(request.path)
    if match and match[1] in LISTS:
        return list_archives(site, request, user, match[1], int(match[2] or 0))
    for archive in visible_archives(user):
        # By its number alone: public integrations do so.
        paths = (archive_href(archive), data_href(site, archive, user), f"/fotoweb/archives/{archive.archive_id}/")
        if match and match[1] in paths:
            return show_archive(site, request, archive, user, int(match[2] or 0))
        for asset in site.assets_of(archive.archive_id):
            if request.path == asset_href(archive, asset):
                return show_asset(site, request, archive, asset, user)
    return api_error(request, 404)


def is_missing_slash(path: str) -> bool:
    """Tell whether a path is that of a list or an archive but for its last slash. FotoWeb redirects, token or not."""
    return f"{path}/" in LISTS or bool(re.fullmatch(r"/fotoweb/(archives/\d+(-[^/]+)?|data/a/[^/]+)", path))


def visible_archives(user: User) -> list[Archive]:
    """Give the archives that a user may see."""
    return [ARCHIVES[archive_id] for archive_id in user.archives if archive_id in ARCHIVES]


def guest_archives(site: Site, request: FakeRequest) -> FakeResponse:
    """Answer without a token: guests, where allowed, find the public list empty."""
    if site.switches.guest_access and request.path == "/fotoweb/archives/":
        return json_response(empty_list(), 200, f"{VENDOR}collectionlist+json; charset=utf-8")
    return api_error(request, 401)


def empty_list() -> dict[str, Any]:
    """Build a list without collections."""
    return {"data": [], "paging": None, "searchURL": "/fotoweb/archives/{?q}", "add": None, "reorder": None}


def list_archives(site: Site, request: FakeRequest, user: User, path: str, page: int) -> FakeResponse:
    """Answer a list of archives, by pages; with a search, `assetCount` counts what it finds in each."""
    chosen = choose_type(request, f"{VENDOR}collectionlist+json", "application/json")
    if chosen is None:
        return api_error(request, 406)
    listed = [one for one in visible_archives(user) if path != UPLOAD_LIST or one.archive_id in user.uploads_to]
    shown, paging = one_page(request, listed, page, site.switches.archives_per_page)
    data = [describe_collection(site, one, found(site, request, one), user) for one in shown]
    headers = (("Cache-Control", "private, max-age=5"),)
    content = {**empty_list(), "data": data, "paging": paging}
    return json_response(content, 200, f"{chosen}; charset=utf-8", headers)


def found(site: Site, request: FakeRequest, archive: Archive) -> tuple[Asset, ...]:
    """Give the assets of an archive that fit the request's search, or all."""
    words = dict(request.query_pairs()).get("q", "").casefold().split()
    return tuple(
        asset
        for asset in site.assets_of(archive.archive_id)
        if all(word in f"{asset.filename} {asset.title} {' '.join(asset.tags)}".casefold() for word in words)
    )


def show_archive(site: Site, request: FakeRequest, archive: Archive, user: User, page: int) -> FakeResponse:
    """Answer an archive in the representation that the client asks for."""
    kinds = ("collection", "collectioninfo", "assetlist", "collectionlist")
    chosen = choose_type(request, *(f"{VENDOR}{kind}+json" for kind in kinds), "application/json")
    if chosen is None:
        return api_error(request, 406)
    assets = found(site, request, archive)
    kind = chosen.removeprefix(VENDOR).removesuffix("+json")
    content: dict[str, Any]
    if kind == "assetlist":
        content = asset_list(site, request, archive, user, page)
    elif kind == "collectionlist":
        content = empty_list()
    else:
        content = describe_collection(site, archive, assets, user)
        if kind != "collectioninfo":
            content |= {"assets": asset_list(site, request, archive, user, page), "children": None, "ancestors": []}
    headers = (("Cache-Control", "private, max-age=30"),)
    return json_response(content, 200, f"{chosen}; charset=utf-8", headers)


def asset_list(site: Site, request: FakeRequest, archive: Archive, user: User, page: int) -> dict[str, Any]:
    """Build one page of assets."""
    shown, paging = one_page(request, found(site, request, archive), page, site.switches.assets_per_page)
    return {"data": [describe_asset(site, archive, asset, user) for asset in shown], "paging": paging}


def one_page(
    request: FakeRequest, found: Sequence[Item], page: int, size: int
) -> tuple[Sequence[Item], dict[str, str] | None]:
    """Cut out one page. A list that fits on one page has no paging; `next` is empty on the last page."""
    paging = page_links(request, page, (len(found) - 1) // size) if len(found) > size else None
    return found[page * size : (page + 1) * size], paging


def page_links(request: FakeRequest, page: int, last: int) -> dict[str, str]:
    """Build the links to other pages, all under the path that was asked for."""
    base = request.path.partition("/;")[0].rstrip("/")
    query = f"?{request.query}" if request.query else ""

    def link(number: int) -> str:
        return f"{base}/;p={number}{query}" if 0 <= number <= last else ""

    return {"first": link(0), "prev": link(page - 1), "next": link(page + 1), "last": link(last)}


def show_asset(site: Site, request: FakeRequest, archive: Archive, asset: Asset, user: User) -> FakeResponse:
    """Answer a single asset."""
    chosen = choose_type(request, f"{VENDOR}asset+json", "application/json")
    if chosen is None:
        return api_error(request, 406)
    ancestors = [{"name": archive.name, "href": archive_href(archive), "data": data_href(site, archive, user)}]
    content = {**describe_asset(site, archive, asset, user), "ancestors": ancestors}
    return json_response(content, 200, f"{chosen}; charset=utf-8")

"""What FotoWeb's API tells of archives and pictures, asked with the bearer token that the middleware injected.

Every address is followed as FotoWeb gave it, none is computed, and none leads to another host.
Source: FotoWeb "API entry points", "Archives", "Paging", "Asset list representation", "Getting previews".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

__all__ = ["ApiTrouble", "Archive", "FotoWebApi", "Picture", "Preview"]

VENDOR: Final = "application/vnd.fotoware."
ENTRY_POINT: Final = "/fotoweb/me"
MOST_PAGES: Final = 4
"""Pages of pictures asked for at most; a real FotoWeb gives 25 pictures a page."""

GRID_PIXELS: Final = 400
POSTER_PIXELS: Final = 200
MEASURES: Final = ("size", "width", "height")


class ApiTrouble(Exception):
    """FotoWeb gave no pictures; the message says why in plain words and holds no secret."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A picture that the browser loads from FotoWeb by itself: the address is signed, and good for minutes."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """One asset.

    Attributes:
        title: Never empty.
        description: Never empty: it is what a screen reader says.
        author: May be empty.
        preview: About 400 pixels; None where FotoWeb offers none.
        sharp_preview: About twice that, for dense screens; None where there is none.
    """

    title: str
    description: str
    author: str
    preview: Preview | None
    sharp_preview: Preview | None


@dataclass(frozen=True, slots=True)
class Archive:
    """One archive.

    Attributes:
        archive_id: FotoWeb's own name for it.
        name: As people see it.
        description: May be empty.
        count: How many pictures; None where FotoWeb doesn't tell.
        poster: A small square picture; None where there is none.
        content_url: Where its pictures are listed.
    """

    archive_id: str
    name: str
    description: str
    count: int | None
    poster: Preview | None
    content_url: str


class FotoWebApi:
    """The part of FotoWeb's API that a gallery needs.

    Args:
        url: The FotoWeb site.
        client: Where calls go.
    """

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._url = url
        self._client = client

    def archives(self, authorization: str) -> list[Archive]:
        """Return the archives that the user sees.

        Args:
            authorization: The header's value, ``Bearer …``.

        Raises:
            ApiTrouble: FotoWeb didn't answer, refused, or answered something else.
        """
        entry = self._ask(self._follow(ENTRY_POINT), "full-api-descriptor", authorization)
        listed = self._ask(self._follow(entry.get("archives")), "collectionlist", authorization)
        return [self._archive(each) for each in items(listed)]

    def pictures(self, archive: Archive, authorization: str) -> list[Picture]:
        """Return the pictures of an archive, the first hundred or so.

        Args:
            archive: Whose.
            authorization: The header's value, ``Bearer …``.

        Raises:
            ApiTrouble: As for ``archives``.
        """
        return [self._picture(each) for page in self._pages(archive, authorization) for each in items(page)]

    def _pages(self, archive: Archive, authorization: str) -> Iterator[Mapping[str, Any]]:
        url = archive.content_url
        for _ in range(MOST_PAGES):
            page = self._ask(url, "assetlist", authorization)
            yield page
            next_href = mapping(page.get("paging")).get("next")  # null or "" on the last page
            if not next_href:
                return
            url = self._follow(next_href)

    def _ask(self, url: str, representation: str, authorization: str) -> Mapping[str, Any]:
        headers = {"Accept": f"{VENDOR}{representation}+json", "Authorization": authorization}
        try:
            response = self._client.get(url, headers=headers)
        except httpx.HTTPError:
            raise ApiTrouble(f"FotoWeb at {self._url} does not answer.") from None
        if response.status_code == 401:
            raise ApiTrouble("FotoWeb did not accept the access token (401).")
        if response.status_code != 200:
            raise ApiTrouble(f"FotoWeb answered with status {response.status_code} instead of the list asked for.")
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ApiTrouble("FotoWeb answered something that is no JSON document.")
        return content

    def _follow(self, href: object) -> str:
        """Return the absolute address of an href; the token goes to FotoWeb and to nobody else."""
        site = httpx.URL(self._url)
        try:  # Read by the very client that will send the token there.
            url = site.join(href) if isinstance(href, str) and href else None
        except httpx.InvalidURL:
            url = None
        if url is None or origin(url) != origin(site):
            raise ApiTrouble("FotoWeb's answer leads nowhere, or to another host.")
        return str(url)

    def _archive(self, item: Mapping[str, Any]) -> Archive:
        count = item.get("assetCount")
        return Archive(
            archive_id=text(item.get("id")),
            name=text(item.get("name")) or "Unnamed archive",
            description=text(item.get("description")),
            count=count if isinstance(count, int) and count >= 0 else None,
            poster=self._preview(item.get("posterImages"), POSTER_PIXELS, square=True),
            content_url=self._follow(item.get("data") or item.get("href")),
        )

    def _picture(self, item: Mapping[str, Any]) -> Picture:
        fields = {text(each.get("field")): each.get("value") for each in mappings(item.get("builtinFields"))}
        title = text(fields.get("title")) or text(item.get("filename")) or "Untitled"
        previews = item.get("previews")
        return Picture(
            title=title,
            description=text(fields.get("description")) or title,
            author=text(mapping(mapping(item.get("metadata")).get("80")).get("value")),
            preview=self._preview(previews, GRID_PIXELS),
            sharp_preview=self._preview(previews, 2 * GRID_PIXELS),
        )

    def _preview(self, offered: object, pixels: int, *, square: bool = False) -> Preview | None:
        """Return the smallest preview of at least so many pixels, else the largest that is offered."""
        fitting = [
            each
            for each in mappings(offered)
            if bool(each.get("square")) is square and all(positive(each.get(key)) for key in MEASURES)
        ]
        if not fitting:
            return None
        chosen = min(fitting, key=lambda each: (each["size"] < pixels, abs(each["size"] - pixels)))
        return Preview(self._follow(chosen.get("href")), chosen["width"], chosen["height"])


def items(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a list holds."""
    return mappings(content.get("data"))


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a JSON list; anything else counts as none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """Return a JSON object; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """Return a metadata value as text; FotoWeb writes some as lists."""
    if isinstance(value, str):
        return value.strip()
    return ", ".join(strings(value)) if isinstance(value, list) else ""


def strings(values: Iterable[object]) -> list[str]:
    """Return those values that are texts."""
    return [value for value in values if isinstance(value, str)]


def positive(value: object) -> bool:
    """Return whether a value is a number of pixels."""
    return isinstance(value, int) and value > 0


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port of an address."""
    return url.scheme, url.host, url.port

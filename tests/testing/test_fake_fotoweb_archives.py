"""The simulator's archives, assets and preview pictures."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from fotoweb_middleware.testing import FakeClock, FakeFotoWeb, User
from tests.testing.fake_fotoweb_app import App

VENDOR = "application/vnd.fotoware."
ARCHIVES = "/fotoweb/me/archives/"


def first_archive(app: App, token: str) -> dict[str, Any]:
    """Give the first archive in the list."""
    archive: dict[str, Any] = app.get(ARCHIVES, token).json()["data"][0]
    return archive


def all_assets(app: App, token: str, path: str) -> list[dict[str, Any]]:
    """Follow `next` to the end."""
    found: list[dict[str, Any]] = []
    while path:
        page = app.get(path, token, f"{VENDOR}assetlist+json").json()
        found += page["data"]
        path = page["paging"]["next"] if page["paging"] else ""
    return found


def test_archives_are_listed(app: App, token: str) -> None:
    """As a collection list, with what clients follow."""
    answer = app.get(ARCHIVES, token, f"{VENDOR}collectionlist+json")
    content = answer.json()
    assert answer.headers["content-type"] == f"{VENDOR}collectionlist+json; charset=utf-8"
    assert set(content) == {"data", "paging", "searchURL", "add", "reorder"}
    archive = content["data"][0]
    assert (archive["id"], archive["name"], archive["type"]) == ("5001", "Nordic coast", "archive")
    assert (archive["href"], archive["assetCount"]) == ("/fotoweb/archives/5001-Nordic-coast/", 30)
    assert len(archive["data"].removeprefix("/fotoweb/data/a/5001.").removesuffix("/")) == 43


def test_users_see_different_archives(app: App, token: str) -> None:
    """And one's archive is not there for the other, by either path."""
    other = str(app.log_in("bob")["access_token"])
    mine, theirs = app.get(ARCHIVES, token).json()["data"], app.get(ARCHIVES, other).json()["data"]
    assert not {archive["id"] for archive in mine} & {archive["id"] for archive in theirs}
    for path in (mine[0]["href"], mine[0]["data"]):
        assert app.get(path, other).status_code == 404


def test_the_path_of_the_content_is_different_for_each_user() -> None:
    """Also where two see the same archive: one's path is not there for the other."""
    users = [User(user_name=name, user_id=number, archives=(5001,)) for number, name in enumerate(("alice", "bob"))]
    app = App(FakeFotoWeb(users=users))
    token, other = (str(app.log_in(user.user_name)["access_token"]) for user in users)
    path = first_archive(app, token)["data"]
    assert app.get(path, token).status_code == 200
    assert app.get(path, other).status_code == 404
    assert app.get(first_archive(app, other)["data"], other).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/fotoweb/me/archives", "/fotoweb/archives", "/fotoweb/archives/5001-Nordic-coast", "/fotoweb/data/a/5001.x"],
)
def test_a_missing_slash_redirects(app: App, path: str) -> None:
    """301, before the token is looked at; the query stays."""
    answer = app.http.get(f"{path}?q=x")
    assert (answer.status_code, answer.headers["location"]) == (301, f"{path}/?q=x")


def test_a_wrong_accept_for_archives_is_a_406(app: App, token: str) -> None:
    """Lists and archives alike."""
    archive = first_archive(app, token)
    for path in (ARCHIVES, archive["href"]):
        assert app.get(path, token, f"{VENDOR}full-api-descriptor+json").status_code == 406


def test_an_archive_has_four_representations(app: App, token: str) -> None:
    """Each media type gives its own part."""
    path = first_archive(app, token)["data"]

    def keys(kind: str) -> set[str]:
        return set(app.get(path, token, f"{VENDOR}{kind}+json").json())

    assert {"name", "assets", "children", "ancestors"} <= keys("collection")
    assert "assets" not in keys("collectioninfo")
    assert keys("assetlist") == {"data", "paging"}
    assert "searchURL" in keys("collectionlist")
    assert "assets" in app.get(path, token).json()


def test_assets_come_in_pages_of_25(app: App, token: str) -> None:
    """`next` is empty on the last page, `prev` on the first."""
    path = first_archive(app, token)["data"]
    first = app.get(path, token, f"{VENDOR}assetlist+json").json()
    assert (len(first["data"]), first["paging"]["prev"], first["paging"]["next"]) == (25, "", f"{path};p=1")
    last = app.get(first["paging"]["next"], token, f"{VENDOR}assetlist+json").json()
    assert (len(last["data"]), last["paging"]["next"], last["paging"]["prev"]) == (5, "", f"{path};p=0")


def test_a_short_list_has_no_paging(app: App, token: str) -> None:
    """What fits on one page."""
    archive = app.get(ARCHIVES, token).json()["data"][1]
    assert app.get(archive["data"], token, f"{VENDOR}assetlist+json").json()["paging"] is None


def test_the_page_size_is_a_switch(app: App, token: str) -> None:
    """Every asset is found once, whatever the size."""
    app.fake.switch(assets_per_page=7)
    found = all_assets(app, token, first_archive(app, token)["href"])
    assert (len(found), len({asset["href"] for asset in found})) == (30, 30)


def test_archives_come_in_pages(app: App, token: str) -> None:
    """As assets do: `next` is empty on the last page."""
    app.fake.switch(archives_per_page=1)
    first = app.get(ARCHIVES, token).json()
    assert first["paging"]["next"] == f"{ARCHIVES};p=1"
    last = app.get(first["paging"]["next"], token).json()
    assert [archive["name"] for archive in first["data"] + last["data"]] == ["Nordic coast", "Garden and greenhouse"]
    assert (last["paging"]["next"], last["paging"]["prev"]) == ("", f"{ARCHIVES};p=0")


def test_an_archive_can_be_asked_for_by_its_number(app: App, token: str) -> None:
    """As public integrations do; without the slash it redirects."""
    assert app.get("/fotoweb/archives/5001/", token).json()["name"] == "Nordic coast"
    assert app.get("/fotoweb/archives/5001", token).headers["location"] == "/fotoweb/archives/5001/"


def test_a_search_finds_some(app: App, token: str) -> None:
    """By words of title, file name and tags; in the list too, as a count."""
    archive = first_archive(app, token)
    found = all_assets(app, token, f"{archive['href']}?q=senja")
    assert [asset["builtinFields"][0]["value"].split(",")[0] for asset in found] == ["Senja"] * 3
    assert app.get("/fotoweb/archives/?q=senja", token).json()["data"][0]["assetCount"] == 3


def test_a_search_keeps_its_words_on_the_next_page(app: App, token: str) -> None:
    """Paging links carry the query."""
    app.fake.switch(assets_per_page=2)
    assert len(all_assets(app, token, f"{first_archive(app, token)['href']}?q=senja")) == 3


def test_an_asset_says_what_it_is(app: App, token: str) -> None:
    """File, size, texts, previews and renditions; its href is percent-encoded."""
    assets = all_assets(app, token, first_archive(app, token)["data"])
    asset = next(one for one in assets if one["filename"].startswith("Ålesund"))
    assert asset["href"].startswith("/fotoweb/archives/5001-Nordic-coast/%C3%85lesund_")
    assert asset["filename"].endswith(".jpg")
    assert (asset["doctype"], asset["archiveId"]) == ("image", 5001)
    fields = {field["field"]: field["value"] for field in asset["builtinFields"]}
    assert fields["title"].startswith("Ålesund, ")
    assert "coast" in fields["tags"]
    assert asset["metadata"]["5"]["value"] == fields["title"]
    assert asset["renditions"][0]["original"] is True
    assert asset["previewToken"].count(".") == 2


def test_an_asset_can_be_asked_for_alone(app: App, token: str) -> None:
    """Under its href, with the way to it."""
    asset = all_assets(app, token, first_archive(app, token)["data"])[0]
    alone = app.get(asset["href"], token, f"{VENDOR}asset+json").json()
    assert (alone["filename"], alone["ancestors"][0]["name"]) == (asset["filename"], "Nordic coast")
    assert app.get(asset["href"], token, f"{VENDOR}assetlist+json").status_code == 406


def test_every_user_has_pictures_enough(app: App, token: str) -> None:
    """At least 25 for each, in two archives, all with different names."""
    for user_name in ("alice", "bob"):
        mine = str(app.log_in(user_name)["access_token"])
        archives = app.get(ARCHIVES, mine).json()["data"]
        names = [asset["filename"] for archive in archives for asset in all_assets(app, mine, archive["data"])]
        assert (len(archives), len(names) >= 25, len(set(names))) == (2, True, len(names))


# ------------------------------------------------------------------------------------------------- previews


def previews(app: App, token: str, number: int = 0) -> list[dict[str, Any]]:
    """Give an asset's previews."""
    found: list[dict[str, Any]] = all_assets(app, token, first_archive(app, token)["data"])[number]["previews"]
    return found


def test_previews_come_in_the_sizes_of_a_real_site(app: App, token: str) -> None:
    """In the captured order."""
    sizes = [(preview["size"], preview["square"]) for preview in previews(app, token)]
    whole = [(size, False) for size in (800, 1200, 1600, 2400, 200, 300, 400, 600)]
    assert sizes == [*whole, (100, True), (200, True), (200, True), (400, True)]


def test_a_preview_needs_no_token(app: App, token: str) -> None:
    """It is a well-formed picture of the size it says."""
    preview = previews(app, token)[6]
    answer = app.http.get(preview["href"])
    picture = ET.fromstring(answer.text)  # noqa: S314 - our own picture
    assert answer.headers["content-type"] == "image/svg+xml"
    size = (picture.get("width"), picture.get("height"))
    assert size == (str(preview["width"]), str(preview["height"]))
    assert max(preview["width"], preview["height"]) == 400


def test_pictures_differ_and_stay_the_same(app: App, token: str) -> None:
    """Each asset has its own, the same each time."""
    hrefs = [previews(app, token, number)[6]["href"] for number in (0, 1, 0)]
    first, second, again = (app.http.get(href).text for href in hrefs)
    assert first != second
    assert first == again


def test_all_pictures_can_be_drawn(app: App) -> None:
    """Also those of the other user, in every scene and mood."""
    for user_name in ("alice", "bob"):
        mine = str(app.log_in(user_name)["access_token"])
        for archive in app.get(ARCHIVES, mine).json()["data"]:
            for asset in all_assets(app, mine, archive["data"]):
                ET.fromstring(app.http.get(asset["previews"][0]["href"]).text)  # noqa: S314 - our own


@pytest.mark.parametrize(("old", "new"), [("/400x", "/500x"), ("v2/", "v2/9"), ("/5001/", "/5002/"), (".jpg", "s.jpg")])
def test_a_changed_preview_url_is_refused(app: App, token: str, old: str, new: str) -> None:
    """The signature covers all of it."""
    href = next(one["href"] for one in previews(app, token) if one["width"] == 400)
    assert app.http.get(href.replace(old, new, 1)).status_code == 403


def test_a_garbled_preview_url_is_a_404(app: App) -> None:
    """What is no preview URL at all."""
    assert app.http.get("/fotoweb/cache/v2/nothing").status_code == 404


def test_a_preview_url_expires(app: App, token: str, clock: FakeClock) -> None:
    """After minutes, as the manual warns."""
    href = previews(app, token)[6]["href"]
    clock.advance(299)
    assert app.http.get(href).status_code == 200
    clock.advance(1)
    assert app.http.get(href).status_code == 404

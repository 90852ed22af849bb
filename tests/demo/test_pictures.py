"""What the gallery asks of FotoWeb's API, and what it makes of odd answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fotoweb_middleware.demo.pictures import ApiTrouble, Archive, FotoWebApi
from fotoweb_middleware.testing import Client, FakeFotoWeb
from tests.demo.samples import CALLBACK, URL, token_of

Answer = Callable[[httpx.Request], httpx.Response]
SHELF = Archive("1", "Shelf", "", None, None, f"{URL}/fotoweb/data/a/1/")


def api_with(answer: Answer) -> FotoWebApi:
    """Return the API with a FotoWeb that answers so."""
    return FotoWebApi(URL, httpx.Client(transport=httpx.MockTransport(answer)))


def pictures_from(*assets: dict[str, Any]) -> list[Any]:
    """Return what the gallery makes of an asset list."""
    return api_with(lambda _: httpx.Response(200, json={"data": list(assets)})).pictures(SHELF, "Bearer t")


def preview(size: int, *, square: bool = False, href: str = "") -> dict[str, Any]:
    """Return a preview as FotoWeb describes it."""
    return {"size": size, "width": size, "height": size // 2, "square": square, "href": href or f"/fotoweb/{size}.jpg"}


@pytest.fixture
def fake() -> FakeFotoWeb:
    """Return a simulator."""
    return FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))])


def test_a_user_sees_their_own_archives(fake: FakeFotoWeb) -> None:
    """Names, counts and posters come from FotoWeb, for the user of the token."""
    api = FotoWebApi(URL, httpx.Client(transport=fake.transport()))

    archives = api.archives(f"Bearer {token_of(fake, 'bob')}")

    assert [(each.name, each.count) for each in archives] == [("Cities after dark", 14), ("High country", 12)]
    assert all(each.poster is not None and each.poster.url.startswith(URL) for each in archives)


def test_pages_are_followed(fake: FakeFotoWeb) -> None:
    """A list of several pages is read to its end."""
    fake.switch(assets_per_page=8)
    api = FotoWebApi(URL, httpx.Client(transport=fake.transport()))
    authorization = f"Bearer {token_of(fake)}"

    assert len(api.pictures(api.archives(authorization)[0], authorization)) == 30


def test_pages_end_somewhere() -> None:
    """A list without end is cut."""
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"data": [{"filename": "a"}], "paging": {"next": "/fotoweb/more"}})

    assert len(api_with(answer).pictures(SHELF, "Bearer t")) == len(asked) == 4


def test_the_preview_of_about_400_pixels_is_chosen() -> None:
    """The smallest of at least 400 that isn't square, and one of 800 for dense screens."""
    [picture] = pictures_from({"previews": [preview(800), preview(200), preview(400), preview(400, square=True)]})

    assert (picture.preview.url, picture.sharp_preview.url) == (f"{URL}/fotoweb/400.jpg", f"{URL}/fotoweb/800.jpg")
    assert (picture.preview.width, picture.preview.height) == (400, 200)


def test_the_largest_preview_serves_where_all_are_small() -> None:
    """A small preview is better than none."""
    [picture] = pictures_from({"previews": [preview(100), preview(300), preview(200)]})

    assert picture.preview.url == f"{URL}/fotoweb/300.jpg"


@pytest.mark.parametrize("previews", [None, [], "x", [{"size": 400}], [{"size": "a", "width": 1, "height": 0}], [7]])
def test_a_picture_may_have_no_preview(previews: object) -> None:
    """A film or a document without one is told as such, and odd entries are left out."""
    [picture] = pictures_from({"filename": "a.mov", "previews": previews})

    assert (picture.title, picture.preview) == ("a.mov", None)


def test_texts_fall_back() -> None:
    """Title, else file name; description, else title; several authors in one line."""
    fields = [{"field": "title", "value": "  "}, {"field": "description", "value": None}]
    [picture] = pictures_from(
        {"filename": "a.jpg", "builtinFields": fields, "metadata": {"80": {"value": ["Ann", "Ben"]}}}
    )

    assert (picture.title, picture.description, picture.author) == ("a.jpg", "a.jpg", "Ann, Ben")


@pytest.mark.parametrize(
    "href",
    [
        "https://elsewhere.example/x",
        "//elsewhere.example/x",
        "http://127.0.0.1:1/x",
        "http://a:b:c",
        "",
        None,
        7,
        "http://[x",
    ],
)
def test_the_token_goes_to_no_other_host(href: object) -> None:
    """An href that leads elsewhere or nowhere is not followed."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"archives": href})

    with pytest.raises(ApiTrouble, match="another host"):
        api_with(answer).archives("Bearer t")
    assert asked == [f"{URL}/fotoweb/me"]


def refuse(request: httpx.Request) -> httpx.Response:
    """Break the connection."""
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuse, "does not answer"),
        (lambda _: httpx.Response(401, json={}), "did not accept the access token"),
        (lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), "status 302"),
        (lambda _: httpx.Response(500, text="<h1>Oops"), "status 500"),
        (lambda _: httpx.Response(200, text="<h1>Welcome"), "no JSON"),
        (lambda _: httpx.Response(200, json=[1]), "no JSON document"),
    ],
)
def test_trouble_is_told_in_words(answer: Answer, words: str) -> None:
    """Whatever FotoWeb does becomes one sentence, without the token."""
    with pytest.raises(ApiTrouble, match=words) as caught:
        api_with(answer).archives("Bearer planted-token")
    assert "planted" not in str(caught.value)


def test_an_archive_may_be_bare() -> None:
    """Only a place to look is needed."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/fotoweb/me":
            return httpx.Response(200, json={"archives": "/fotoweb/list/"})
        return httpx.Response(200, json={"data": [{"href": "/fotoweb/archives/9-x/", "assetCount": -1}]})

    [archive] = api_with(answer).archives("Bearer t")

    assert (archive.name, archive.count, archive.poster) == ("Unnamed archive", None, None)
    assert archive.content_url == f"{URL}/fotoweb/archives/9-x/"

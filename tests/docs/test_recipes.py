"""The Python of fotoweb-api.md, each recipe against the simulator. tests/browser has those in JavaScript."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from fotoweb_middleware import FotoWebASGIMiddleware, Session
from fotoweb_middleware.testing import FakeFotoWeb, Fault
from tests.docs.conftest import RunPage
from tests.examples.browser import ORIGIN, browse

Recipes = dict[str, Any]
HOOK_SECRET = "a-long-random-part"


@pytest.fixture
def recipes(run_page: RunPage, monkeypatch: pytest.MonkeyPatch) -> Recipes:
    """Return the names of the page."""
    monkeypatch.setenv("HOOK_SECRET", HOOK_SECRET)
    return run_page("fotoweb-api.md")


@pytest.fixture
def client(recipes: Recipes, session: Session) -> Iterator[httpx.Client]:
    """Return Alice's client, as the page makes it."""
    with recipes["client_of"](session) as client:
        yield client


def archive_named(recipes: Recipes, client: httpx.Client, name: str) -> dict[str, Any]:
    """Return one of Alice's archives."""
    found: dict[str, Any] = next(one for one in recipes["archives"](client) if one["name"] == name)
    return found


@pytest.mark.parametrize("size", [1, 25])
def test_archives_are_listed(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb, size: int) -> None:
    """All archives, on one page or on several."""
    fotoweb.switch(archives_per_page=size)

    names = [archive["name"] for archive in recipes["archives"](client)]

    assert names == ["Nordic coast", "Garden and greenhouse"]


@pytest.mark.parametrize("size", [7, 10, 25, 100])
def test_assets_are_listed(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb, size: int) -> None:
    """All 30 assets, once each, whatever the size of the pages."""
    fotoweb.switch(assets_per_page=size)

    found = [asset["href"] for asset in recipes["assets"](client, archive_named(recipes, client, "Nordic coast"))]

    assert (len(found), len(set(found))) == (30, 30)


def test_a_token_that_was_ended_is_replaced_in_the_middle(
    recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb
) -> None:
    """A list goes on after FotoWeb has ended the token between two pages, with one refresh."""
    fotoweb.switch(assets_per_page=10)
    found = recipes["assets"](client, archive_named(recipes, client, "Nordic coast"))
    first = next(found)
    fotoweb.expire_access_tokens()

    assert len([first, *found]) == 30
    assert fotoweb.refresh_count == 1


@pytest.mark.parametrize(("pixels", "shown"), [(350, "400"), (400, "400"), (9999, "2400")])
def test_a_preview_is_shown(recipes: Recipes, client: httpx.Client, pixels: int, shown: str) -> None:
    """The smallest that is large enough, or the largest; its address needs no token."""
    asset = next(recipes["assets"](client, archive_named(recipes, client, "Nordic coast")))

    url = recipes["preview_url"](client, asset, pixels)

    assert f'="{shown}"' in httpx.get(url, trust_env=False).raise_for_status().text


def test_an_asset_without_previews(recipes: Recipes, client: httpx.Client) -> None:
    """There is no address then."""
    assert recipes["preview_url"](client, {"previews": []}, 400) is None


def download(recipes: Recipes, client: httpx.Client, asset: dict[str, Any], **options: Any) -> bytes:
    """Download an asset without pauses."""
    target = io.BytesIO()
    recipes["download"](client, asset, target, pause_seconds=0, **options)
    return target.getvalue()


@pytest.mark.parametrize("polls", [0, 3])
def test_a_file_is_downloaded(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb, polls: int) -> None:
    """At once, or after FotoWeb has said several times that it is not ready."""
    fotoweb.switch(polls_until_ready=polls)
    asset = next(recipes["assets"](client, archive_named(recipes, client, "Nordic coast")))

    assert download(recipes, client, asset).startswith(b"<svg")


def test_a_download_that_takes_too_long(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb) -> None:
    """After so many attempts it gives up."""
    fotoweb.switch(polls_until_ready=4)
    asset = next(recipes["assets"](client, archive_named(recipes, client, "Nordic coast")))

    with pytest.raises(TimeoutError):
        download(recipes, client, asset, attempts=3)


def test_a_file_that_may_not_be_downloaded(recipes: Recipes, client: httpx.Client) -> None:
    """An asset without an original says so before anything is asked."""
    with pytest.raises(LookupError, match=r"^/x\.info$"):
        download(recipes, client, {"href": "/x.info", "renditions": [{"original": False}]})


def upload(recipes: Recipes, client: httpx.Client, content: bytes, **options: Any) -> str:
    """Upload a file without pauses."""
    archive = archive_named(recipes, client, "Garden and greenhouse")
    path: str = recipes["upload"](
        client, archive, io.BytesIO(content), "rose.jpg", "A rose", pause_seconds=0, **options
    )
    return path


@pytest.mark.parametrize("size", [1, 10, 25])
def test_a_file_is_uploaded(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb, size: int) -> None:
    """It becomes an asset with its title, and comes back byte for byte."""
    fotoweb.switch(upload_chunk_bytes=10)
    content = bytes(range(256))[-size:]

    path = upload(recipes, client, content)

    asset = client.get(path, headers={"Accept": "application/vnd.fotoware.asset+json"}).json()
    assert asset["metadata"]["5"]["value"] == "A rose"
    assert download(recipes, client, asset) == content


def test_an_upload_outlives_its_token(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb) -> None:
    """A chunk that meets an ended token is sent again with a new one."""
    fotoweb.switch(upload_chunk_bytes=10)
    sent = count()

    class File(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if next(sent) == 1:
                fotoweb.expire_access_tokens()
            return super().read(size)

    archive = archive_named(recipes, client, "Garden and greenhouse")
    path = recipes["upload"](client, archive, File(b"x" * 25), "rose.jpg", "A rose", pause_seconds=0)

    assert path.endswith("/rose.jpg.info")
    assert fotoweb.refresh_count == 1


def test_an_upload_that_takes_too_long(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb) -> None:
    """After so many attempts it gives up."""
    fotoweb.switch(polls_until_ready=4)

    with pytest.raises(TimeoutError):
        upload(recipes, client, b"x", attempts=3)


def test_an_upload_that_fails(recipes: Recipes, client: httpx.Client, fotoweb: FakeFotoWeb) -> None:
    """FotoWeb's own words are in the error."""
    archive = archive_named(recipes, client, "Garden and greenhouse")
    body = b'{"status": "failed", "result": null, "error": {"value": "virus", "message": "There is a virus in it."}}'
    failed = Fault(name="failed", status=200, content_type="application/json", body=body)

    class File(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            # The chunk is still to go; the answer after that one is about the status.
            fotoweb.fault("api", Fault.slow(0), times=1)
            fotoweb.fault("api", failed, times=1)
            return super().read(size)

    with pytest.raises(RuntimeError, match=r"There is a virus in it\."):
        recipes["upload"](client, archive, File(b"x"), "rose.jpg", "A rose", pause_seconds=0)


def test_the_widget_gets_a_token(recipes: Recipes, fotoweb: FakeFotoWeb) -> None:
    """The page's own POST gets a token that works; one from elsewhere gets 403; no cache keeps it."""
    app = FotoWebASGIMiddleware(Starlette(routes=[Route("/widget-token", recipes["widget_token"], methods=["POST"])]))

    with browse("asgi", app) as browser:
        browser.go(fotoweb.approve(browser.go("/").headers["location"]))
        answer = browser.submit("/widget-token")
        elsewhere = browser.submit("/widget-token", site="cross-site")

    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    headers = {"Authorization": f"Bearer {told['access_token']}"}
    assert httpx.get(f"{told['fotoweb_url']}/fotoweb/me", headers=headers, trust_env=False).status_code == 200
    assert elsewhere.status_code == 403


def test_a_webhook_comes_in(recipes: Recipes, fotoweb: FakeFotoWeb) -> None:
    """FotoWeb's message reaches the app without a session; whoever does not know the address finds nothing."""
    href = "/fotoweb/archives/5003-Garden-and-greenhouse/Male_fern_004.jpg.info"
    message = fotoweb.webhook_body(href, "https://tenant.example")

    async def post(secret: str) -> int:
        transport = httpx.ASGITransport(recipes["app"])
        headers = {"User-Agent": "FotoWeb/8.1"}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as client:
            return (await client.post(f"/hooks/{secret}", json=message)).status_code

    assert [asyncio.run(post(secret)) for secret in (HOOK_SECRET, "wrong", "falsch-ä")] == [204, 404, 404]
    assert recipes["changed"] == [f"https://tenant.example{href}"]

"""The simulator's webhooks: what FotoWeb would send."""

from __future__ import annotations

import pytest

from tests.testing.fake_fotoweb_app import ORIGIN, web


def test_a_change_is_told() -> None:
    """With absolute addresses, numbers as strings, and the asset itself."""
    fake = web().fake
    href = "/fotoweb/archives/5003-Garden-and-greenhouse/Male_fern_004.jpg.info"
    body = fake.webhook_body(href, ORIGIN)
    assert (body["type"], body["title"], body["href"]) == ("asset", "Male fern", ORIGIN + href)
    assert body["file-size"] == str(body["data"]["asset"]["filesize"])
    assert body["preview-href"].startswith(f"{ORIGIN}/fotoweb/cache/")
    assert body["data"]["asset"]["href"] == href


def test_there_is_no_such_asset() -> None:
    """A path that is no asset's tells of a mistake in the test."""
    with pytest.raises(KeyError):
        web().fake.webhook_body("/fotoweb/archives/5003-Garden-and-greenhouse/no.jpg.info", ORIGIN)

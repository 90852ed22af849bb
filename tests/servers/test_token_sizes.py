"""Tokens of any length work or end in a page that says why: never in a login that begins again and again."""

from __future__ import annotations

import pytest

from tests.servers.serving import (
    GUNICORN_SYNC,
    GUNICORN_THREADS,
    HYPERCORN,
    UVICORN_H11,
    UVICORN_HTTPTOOLS,
    WAITRESS,
    Kind,
)
from tests.servers.sites import TOKEN_SECONDS, FakeSite, fake_site
from tests.servers.visitor import Page, Visitor

LENGTHS = (600, 3_000, 12_000)
KINDS = (UVICORN_H11, UVICORN_HTTPTOOLS, HYPERCORN, GUNICORN_SYNC, GUNICORN_THREADS, WAITRESS)
MOST_COOKIE_CHARACTERS = 8190 - len("Cookie: ")  # gunicorn's limit for one header field


def check_login(site: FakeSite, visitor: Visitor, length: int) -> Page:
    """One login; then the app has the whole token, and the browser's cookies fit."""
    before = site.logins
    page = visitor.visit(f"{site.url}/pictures")
    assert site.logins == before + 1
    assert len(page.json()["token"]) == length
    assert visitor.cookies.refused == []
    assert len(visitor.cookie_header(site.url)) <= MOST_COOKIE_CHARACTERS
    return page


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_token_of_any_length_works(kind: Kind) -> None:
    """600, 3,000 and 12,000 characters for both tokens: one login each, then plain requests."""
    with fake_site(kind) as site:
        for length in LENGTHS:
            site.fake.switch(access_token_length=length, refresh_token_length=length)
            with Visitor() as visitor:
                check_login(site, visitor, length)
                again = visitor.go(f"{site.url}/again")
                assert (again.hops, len(again.json()["token"])) == (((200, f"{site.url}/again"),), length)


@pytest.mark.parametrize("kind", [UVICORN_HTTPTOOLS, GUNICORN_THREADS], ids=str)
def test_tokens_may_grow_and_shrink_at_a_refresh(kind: Kind, visitor: Visitor) -> None:
    """Each refresh brings tokens of another length: no login in between, no cookie left over or refused."""
    with fake_site(kind) as site:
        site.fake.switch(access_token_length=600, refresh_token_length=600)
        check_login(site, visitor, 600)
        for length in (12_000, 600):
            site.fake.switch(access_token_length=length, refresh_token_length=length)
            site.clock.advance(TOKEN_SECONDS + 1)
            assert len(visitor.fetch(f"{site.url}/grown").json()["token"]) == length
        assert (site.logins, visitor.cookies.refused) == (1, [])

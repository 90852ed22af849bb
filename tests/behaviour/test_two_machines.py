"""Two machines whose shared store is down: what one says of a session does not undo what the other did."""

from __future__ import annotations

from dataclasses import replace

import anyio.from_thread

from tests.behaviour.kit import FETCH, Opening


def test_late_refusal_leaves_the_newer_cookie(adapter: str, portal: anyio.from_thread.BlockingPortal) -> None:
    """One machine refreshed; the other, asked with the older cookie, is refused and takes nothing from the browser."""
    here = Opening(adapter, portal, "sealed", shared=True).open()
    here.fake.switch(access_token_lifetime_seconds=300)
    there = Opening(adapter, portal, "sealed", store=here.store, fake=here.fake, clock=here.clock).open()
    visitor = here.visitor()
    visitor.log_in()
    older = visitor.jar.header("/")
    here.store.is_down = True
    here.clock.advance(301)
    assert visitor.get("/").status == 200

    late = there.adapter.request("GET", "/", [*FETCH.items(), *older])
    visitor.jar.take(late)

    assert (late.status, late.all("Set-Cookie")) == (401, [])
    assert visitor.get("/").seen["user"] == "alice"


def test_token_of_the_other_machine_that_has_expired(adapter: str, portal: anyio.from_thread.BlockingPortal) -> None:
    """What the other machine got a while ago serves no request once it has expired, though nobody here knew of it."""
    opening = Opening(adapter, portal, "reference", {"cache_recheck": 60}, shared=True)
    here = opening.open()
    here.fake.switch(access_token_lifetime_seconds=4)  # Less than the time in which the store need not be asked.
    there = replace(opening, store=here.store, fake=here.fake, clock=here.clock).open()
    visitor = here.visitor()
    visitor.log_in()
    handle = [*FETCH.items(), *visitor.jar.header("/")]
    here.clock.advance(1)
    assert there.adapter.request("GET", "/", handle).status == 200
    here.clock.advance(4)
    assert here.adapter.request("GET", "/", handle).status == 200
    here.clock.advance(5)

    seen = there.adapter.request("GET", "/", handle).seen
    assert (seen["expires_at"] > here.clock(), here.refreshes) == (True, 2)

"""The whole tour: in, about, through every kind of trouble, and out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from fotoweb_middleware.errors import StoreUnavailable
from fotoweb_middleware.testing import Fault
from tests.behaviour.adapters import Reply
from tests.behaviour.visitors import FETCH, NAVIGATION, Visitor
from tests.canary.scene import Scene
from tests.servers.sites import wait_for

__all__ = ["CanaryVisitor", "go_everywhere", "leave"]

CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}
STALE_SECONDS, EXPIRED_SECONDS, LIFETIME_SECONDS = 3590, 4000, 43_300
TROUBLES = (
    Fault.bad_gateway(),
    Fault.too_many_requests(),
    Fault.dropped(),
    Fault.invalid_client(),
    Fault.oauth_error("invalid_request", 400, "client_secret=%s"),
    Fault.replaced(body="<html>", status=200),
    Fault.replaced(body='{"access_token": "', status=200),
)


class CanaryVisitor(Visitor):
    """A person whose every answer is kept, and whose secrets are noted as they come."""

    site: Scene

    def send(self, method: str, target: str, headers: Any = FETCH, body: bytes = b"") -> Reply:
        """Send one request; note what it brought, and an error where it brought that."""
        self.site.note_callback(target)
        try:
            reply = super().send(method, target, headers, body)
        except Exception as error:
            self.site.note_error(error)
            raise
        finally:
            self.site.gather(self)
        self.site.note_reply(reply)
        return reply

    def try_everything(self) -> list[int]:
        """Navigate, fetch, post and ask for the session."""
        return [
            self.visit("/a?b=c").status,
            self.get("/b").status,
            self.send("POST", "/c", {**FETCH, "Accept": "application/json"}).status,
            self.get("/oauth2/session").status,
        ]


def go_everywhere(scene: Scene, break_store: Callable[[], contextlib.AbstractContextManager[None]]) -> CanaryVisitor:
    """Make the whole tour but for its end, and return who made it: logged in still."""
    scene.fake.switch(access_token_lifetime_seconds=3600)
    visitor = CanaryVisitor(scene)
    fail_to_log_in(scene, visitor)
    visitor.log_in("/deep?x=y")
    assert visitor.try_everything() == [200, 200, 200, 200]
    refresh(scene, visitor)
    come_as_known(scene, visitor)
    trouble(scene, visitor)
    with break_store():
        visitor.try_everything()
        scene.clock.advance(EXPIRED_SECONDS)
        visitor.try_everything()
        scene.clock.advance(LIFETIME_SECONDS)
        visitor.visit(visitor.approve(visitor.visit("/again").location), **CROSS_SITE)
    come_back(scene, visitor)
    refused(scene, visitor)
    come_back(scene, visitor)
    stumble(scene, visitor)
    return visitor


def leave(visitor: CanaryVisitor) -> None:
    """Log out."""
    reply = visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
    assert reply.status in {200, 302}


def come_back(scene: Scene, visitor: CanaryVisitor) -> None:
    """Log in as soon as the store is there again: within ten seconds, some of them by the store's own clock."""
    for _ in range(150):
        scene.clock.advance(LIFETIME_SECONDS)
        callback = visitor.approve(visitor.visit("/").location)
        has_session = visitor.visit(callback, **CROSS_SITE).status == 302
        if has_session and is_there(scene):
            return
        time.sleep(0.1)
    raise AssertionError("the store did not come back")


def is_there(scene: Scene) -> bool:
    """Return whether the store answers."""
    try:
        scene.store.load("nothing lies here")
    except StoreUnavailable:
        return False
    return True


def fail_to_log_in(scene: Scene, visitor: CanaryVisitor) -> None:
    """Come back with everything that can be wrong with a callback."""
    denied = scene.fake.approve(visitor.visit("/").location, visitor.user_name, deny=True)
    reply = visitor.visit(denied.removeprefix(scene.origin), **CROSS_SITE)
    assert reply.status == 403, (reply.status, reply.text)  # The first time: later FotoWeb remembers the consent.
    callback = visitor.approve(visitor.visit("/").location)
    visitor.visit(callback.replace("state=", "state=x"), **CROSS_SITE)
    visitor.visit(f"{callback}&state=again", **CROSS_SITE)
    for fault in TROUBLES:
        scene.fake.fault("token", fault, times=1)
        callback = visitor.approve(visitor.visit("/").location)
        assert visitor.visit(callback, **CROSS_SITE).status in {502, 503}
        assert visitor.visit(callback, **CROSS_SITE).status == 400


def refresh(scene: Scene, visitor: CanaryVisitor) -> None:
    """Let the token grow stale, then expire: each time it is refreshed."""
    for count, seconds in enumerate((STALE_SECONDS, EXPIRED_SECONDS), start=1):
        scene.clock.advance(seconds)
        assert visitor.try_everything() == [200, 200, 200, 200]
        until_refreshed(scene, count)


def come_as_known(scene: Scene, visitor: CanaryVisitor) -> None:
    """Send the session's cookie alone, as two minutes after a login. The app fails too."""
    visitor.jar.forget_logins()
    assert [visitor.get("/b").status, visitor.get("/b").status] == [200, 200]
    scene.app.fails = True
    with contextlib.suppress(LookupError):
        visitor.get("/b")
    scene.app.fails = False


def until_refreshed(scene: Scene, count: int) -> None:
    """Wait for a refresh that runs once the answer has been sent: the clock may not leap in the middle of it."""
    wait_for(lambda: scene.refreshes >= count, f"{count} refreshes")


def trouble(scene: Scene, visitor: CanaryVisitor) -> None:
    """Refresh while FotoWeb is in trouble; the session outlives it."""
    for fault in TROUBLES:
        scene.clock.advance(EXPIRED_SECONDS)
        scene.fake.fault("token", fault)
        assert set(visitor.try_everything()) <= {200, 502, 503}
        scene.fake.clear_faults()
        scene.clock.advance(120)


def refused(scene: Scene, visitor: CanaryVisitor) -> None:
    """Have the refresh token refused: the session ends."""
    scene.clock.advance(EXPIRED_SECONDS)
    scene.fake.fault("token", Fault.invalid_grant(), times=1)
    assert visitor.visit("/a").status == 302


def stumble(scene: Scene, visitor: CanaryVisitor) -> None:
    """Let the app fail, and the store fail in a way that nobody foresaw."""
    scene.app.fails = True
    with contextlib.suppress(LookupError):
        visitor.visit("/")
    scene.app.fails = False
    for seconds in (STALE_SECONDS, EXPIRED_SECONDS):
        scene.clock.advance(seconds)
        with unforeseen(scene), contextlib.suppress(ZeroDivisionError):
            visitor.visit("/")
        come_back(scene, visitor)


@contextlib.contextmanager
def unforeseen(scene: Scene) -> Iterator[None]:
    """Have every write to the store end in an error that is none of ours."""
    scene.store.unforeseen = ZeroDivisionError("nobody foresaw this")
    yield
    scene.store.unforeseen = None

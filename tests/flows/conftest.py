"""A gate with scripted effects."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from fotoweb_middleware import Settings
from fotoweb_middleware.caches.memory import MemoryCache
from fotoweb_middleware.gate import Gate
from fotoweb_middleware.model import Admit, Answer, Decision, RequestView
from fotoweb_middleware.site import open_site
from fotoweb_middleware.testing import Client, FakeClock, FakeFotoWeb
from tests.behaviour.kit import CALLBACK, FOTOWEB, SECRET_KEY, Jar, Reply, target_of
from tests.behaviour.visitors import NAVIGATION
from tests.flows.scripted import ScriptedDriver


@dataclass
class World:
    """A gate, a scripted driver, a FotoWeb, a clock and a browser's jar."""

    gate: Gate
    driver: ScriptedDriver
    fake: FakeFotoWeb
    clock: FakeClock
    jar: Jar = field(default_factory=lambda: Jar("https://app.test"))

    def view(self, target: str, method: str = "GET", **headers: str) -> RequestView:
        """Return a request with the jar's cookies."""
        path, _, query = target.partition("?")
        told = {name.lower(): value for name, value in {**NAVIGATION, "Host": "app.test", **headers}.items()}
        told |= {name.lower(): value for name, value in self.jar.header(target)}
        return RequestView(method, path, "", path, query, "https", told)

    def slowly(self, target: str, method: str = "GET", **headers: str) -> Decision:
        """Decide with effects; keep what the browser is told."""
        decision = self.driver.run(self.gate.decide(self.view(target, method, **headers)))
        self.keep(decision)
        return decision

    def keep(self, decision: Decision) -> None:
        """Keep the cookies of a decision."""
        if isinstance(decision, Answer):
            self.jar.take(Reply(decision.status, decision.headers, b""))
            return
        for cookie in decision.set_cookies:
            self.jar.keep(cookie)

    def log_in(self) -> None:
        """Go through a login."""
        location = dict(self.status(self.slowly("/"), 302).headers)["Location"]
        self.status(self.slowly(self.callback(location)), 302)

    def log_in_afresh(self) -> None:
        """Forget the browser's cookies, and log in."""
        self.jar.cookies.clear()
        self.log_in()

    def callback(self, location: str) -> str:
        """Approve at FotoWeb; return the callback's path and query."""
        return target_of(self.fake.approve(location))

    @staticmethod
    def status(decision: Decision, status: int) -> Answer:
        """Check that the middleware answered itself."""
        assert isinstance(decision, Answer), decision
        assert decision.status == status
        return decision

    def token(self, decision: Decision) -> str:
        """Check that a decision admits, and return its token."""
        assert isinstance(decision, Admit), decision
        return decision.session.access_token

    def forget_near(self) -> None:
        """Let the process forget everything, as after a restart."""
        site = self.gate.site
        self.gate = Gate(
            open_site(
                site.settings,
                clock=site.clock,
                monotonic=site.monotonic,
                entropy=site.entropy,
                shared_cache=site.shared_cache,
            )
        )


@pytest.fixture(params=["sealed", "reference"])
def world(request: pytest.FixtureRequest) -> World:
    """Return a world whose tokens last 300 s."""
    clock = FakeClock()
    fake = FakeFotoWeb(clients=[Client(redirect_uris=(CALLBACK,))], clock=clock)
    fake.switch(access_token_lifetime_seconds=300, refresh_reuse_revokes=True)
    settings = Settings(
        url=FOTOWEB,
        client_id=fake.client.client_id,
        client_secret=fake.client.client_secret,
        secret_key=SECRET_KEY,
        redirect_uri=CALLBACK,
        cache="memory://",
        cookie_mode=request.param,
    )
    numbers = iter(range(10**9))

    def entropy(count: int) -> bytes:
        return next(numbers).to_bytes(4, "big").rjust(count, b"\x07")

    site = open_site(settings, clock=clock, monotonic=clock, entropy=entropy, shared_cache=True)
    return World(Gate(site), ScriptedDriver(MemoryCache(100, clock), fake), fake, clock)

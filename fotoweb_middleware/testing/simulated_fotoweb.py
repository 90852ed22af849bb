"""The simulator of the pytest plugin."""

from __future__ import annotations

from fotoweb_middleware.testing.clock import ForwardClock
from fotoweb_middleware.testing.fake_fotoweb import FakeFotoWeb, Switches

__all__ = ["SimulatedFotoWeb"]


class SimulatedFotoWeb(FakeFotoWeb):
    """The simulator that ``FOTOWEB_*`` point to while tests run.

    Attributes:
        clock: Its clock, also used by every middleware that was not given one.
        url: Where it listens; the same as ``FOTOWEB_URL``.
    """

    def __init__(self) -> None:
        self.clock = ForwardClock()
        # Test clients have all sorts of addresses, and an app is tested under the one that its client has.
        super().__init__(clock=self.clock, switches=Switches(any_redirect_uri=True))
        self.url = ""

"""What an app does not need in order to start. It is imported once a request asks for it, or a driver is prepared.

The gate and what stands behind it take about 20 ms, httpcore and TLS most of a tenth of a second, httpx as much again
(``drivers.calling`` knows who needs that).
"""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

from fotoweb_middleware.caches.forks import keep_over_forks
from fotoweb_middleware.site import Site

if TYPE_CHECKING:
    from fotoweb_middleware.gate import Gate

__all__ = ["LaterGate", "import_later_modules"]

LATER_MODULES = (
    "fotoweb_middleware.gate",  # With it the stages, the journeys and the pages.
    "httpcore",  # It looks for sniffio in each call; anyio has imported that.
    "encodings.idna",  # By sockets, in the first call.
)


def import_later_modules() -> None:
    """Import what a login needs at both doors. Whoever calls this holds a lock that no fork interrupts.

    A fork in the middle of an import leaves a child that can never have that module.
    """
    for name in LATER_MODULES:
        importlib.import_module(name)


class LaterGate:
    """The gate of one wrapped app, imported when it is first asked for.

    Args:
        site: The wrapped app's.

    Attributes:
        site: As given.
        lock: See ``caches.forks``. It is held while modules are imported.
    """

    lock: threading.Lock

    def __init__(self, site: Site) -> None:
        self.site = site
        self._gate: Gate | None = None
        self.start_anew(whole=False)
        keep_over_forks(self)

    def start_anew(self, *, whole: bool) -> None:  # noqa: ARG002 (the gate is made in one step)
        """See ``caches.forks``."""
        self.lock = threading.Lock()

    def load(self) -> Gate:
        """Return the gate; the first time this takes about 20 ms, unless a driver was prepared."""
        if self._gate is None:
            with self.lock:
                from fotoweb_middleware.gate import Gate  # noqa: PLC0415 (see above)

                if self._gate is None:  # Another thread may have made it meanwhile.
                    self._gate = Gate(self.site)
        return self._gate

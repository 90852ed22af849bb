"""A session that a site knows by its cookie, for tests of the shortcut."""

from __future__ import annotations

from typing import Any

from fotoweb_middleware.cookies.header import identity_of
from fotoweb_middleware.site import Site
from fotoweb_middleware.site.held import Held
from fotoweb_middleware.stages.lookup import present
from fotoweb_middleware.stages.shortcut import Shortcut
from fotoweb_middleware.stages.supply import session_cookies
from tests.site.samples import a_record, a_request
from tests.stages.turned import Clocks, a_turned_site

__all__ = ["Known"]


class Known:
    """A site that knows one session by its cookie, and a shortcut that is asked for it."""

    def __init__(self, **changes: Any) -> None:
        self.clocks = Clocks()
        self.site: Site = a_turned_site(self.clocks, shared_cache=True, **changes)
        self.held: Held = self.site.near.adopt(a_record())
        self.site.near.note_checked(self.held)
        bare = present(self.site, a_request())
        (written,) = session_cookies(self.site, bare, self.held)
        self.cookie = written.partition(";")[0]
        shown = present(self.site, a_request(cookie=self.cookie))
        version = None if self.held.by_handle else 1
        self.site.near.remember(identity_of(shown.names, shown.raw or ""), self.held, version)
        self.shortcut = Shortcut(self.site)

    def finds(self, **parts: Any) -> bool:
        """Return whether the shortcut answers a request that is plain but for these parts."""
        asked = {
            "method": "GET",
            "mount": "",
            "path": "/x",
            "raw_path": "/x",
            "cookie": self.cookie,
            "names": self.shortcut.names_for("https", "app.example"),
            **parts,
        }
        return self.shortcut.find(**asked) is not None

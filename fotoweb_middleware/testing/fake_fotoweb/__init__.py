"""A simulated FotoWeb site.

Behaviour modelled on public documentation; not affiliated with or endorsed by Fotoware.

    simulator.py       FakeFotoWeb: everything a test calls
    routes.py          which path is answered by whom
    authorize.py       the authorization endpoint and consent        login.py      FotoWeb's own log-in and log-out
    token_endpoint.py  the token endpoint                            pages.py      what people see
    api.py             who asks, entry points                        archives.py   archives and assets
    previews.py        signed preview URLs                           pictures/     what they show
    renditions.py      downloads that take a while                   uploads.py    files that come in chunks
    widgets.py         pages that other sites show in a frame        webhooks.py   what is sent when an asset changes
    switches.py        choices                                       faults.py     what goes wrong
    state.py           what the site remembers                       records.py    what tests look at
    transports.py      in process, for httpx                         serving.py    an ASGI app, and a port
"""

from __future__ import annotations

from fotoweb_middleware.testing.fake_fotoweb.faults import Endpoint, Fault
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.records import RequestRecord, TokenRequest, fingerprint
from fotoweb_middleware.testing.fake_fotoweb.registration import Client, User
from fotoweb_middleware.testing.fake_fotoweb.serving import Serving
from fotoweb_middleware.testing.fake_fotoweb.simulator import FakeFotoWeb
from fotoweb_middleware.testing.fake_fotoweb.switches import ROTATE_ALWAYS, ROTATE_NEVER, Switches

__all__ = [
    "ROTATE_ALWAYS",
    "ROTATE_NEVER",
    "Client",
    "Endpoint",
    "FakeFotoWeb",
    "FakeRequest",
    "FakeResponse",
    "Fault",
    "RequestRecord",
    "Serving",
    "Switches",
    "TokenRequest",
    "User",
    "fingerprint",
]

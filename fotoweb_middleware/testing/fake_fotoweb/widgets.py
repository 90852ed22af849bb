"""The selection and the export widget: pages that an application shows in a frame, with a token in their address.

Source: FotoWeb "Using the widgets" (the events `assetSelected` and `selectionWidgetCancel`), "CSP, CORS, and User
Interface integrations". Public integrations hand the token to the selection widget in the fragment or in the query, and
read the fields of `assetExported` that are sent here. A guess: that only the origins of registered redirect URIs may
frame the widgets. The export's address is a preview's and stops working with it; several assets at once (`ms=true`) are
not modelled.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fotoweb_middleware.testing.fake_fotoweb import pages
from fotoweb_middleware.testing.fake_fotoweb.messages import FakeRequest, FakeResponse
from fotoweb_middleware.testing.fake_fotoweb.state import Site

__all__ = ["export", "selection"]


def selection(site: Site, _: FakeRequest) -> FakeResponse:
    """Show assets to choose from: GET /fotoweb/widgets/selection, token in the fragment or the query."""
    return pages.widget_page("selection", frame_origins(site))


def export(site: Site, _: FakeRequest) -> FakeResponse:
    """Show one asset to export: GET /fotoweb/widgets/publish, the asset's href as `i`."""
    return pages.widget_page("export", frame_origins(site))


def frame_origins(site: Site) -> list[str]:
    """Give the origins of all applications, which may show the widgets in a frame."""
    parts = [urlsplit(uri) for client in site.clients.values() for uri in client.redirect_uris]
    return sorted({f"{part.scheme}://{part.netloc}" for part in parts if part.scheme in {"http", "https"}})

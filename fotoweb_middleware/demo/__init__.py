"""The demo: a small picture gallery behind the middleware. It needs the extra ``demo``.

    running.py        serve(): starts everything, waits for Ctrl+C
    simulator.py      serve_simulator(): the simulator alone
    fotoweb_site.py   which FotoWeb it uses: the simulator, or yours
    ports.py          where it listens
    servers.py        the two servers: uvicorn, and a WSGI server from the standard library
    shells.py         the gallery as an ASGI app and as a WSGI app
    gallery.py        the gallery itself: which path gets which page
    pictures.py       what FotoWeb's API tells of archives and pictures
    sightings.py      which tokens the gallery has seen: that is how a refresh becomes visible
    pages.py          from there to HTML; templates/ holds the page, its style and its script
    terminal.py       what is written where the demo was started

Only ``running.py`` and ``shells.py`` would be different in an app of your own.
"""

from __future__ import annotations

from fotoweb_middleware.demo.running import serve

__all__ = ["serve"]

"""A trial for ``test_imports``, in a fresh process: what the first redirect to FotoWeb imports before it is sent."""

from __future__ import annotations

import json
import sys

from tests.start_up.building import built

__all__ = ["tell_imports_of_first_redirect"]

ENVIRON = {
    "REQUEST_METHOD": "GET",
    "wsgi.url_scheme": "http",
    "SCRIPT_NAME": "",
    "PATH_INFO": "/",
    "QUERY_STRING": "",
    "HTTP_HOST": "localhost:8000",
    "HTTP_ACCEPT": "text/html",
}


def tell_imports_of_first_redirect(kind: str, cache: str) -> None:
    """Print which modules a WSGI app's first answer imports; what its ``close`` loads comes after it."""
    app = built(kind, cache)
    before, statuses = set(sys.modules), list[str]()
    app(ENVIRON, lambda status, _headers: statuses.append(status))
    if statuses != ["302 Found"]:
        raise AssertionError(statuses)
    print(json.dumps(sorted(set(sys.modules) - before)))  # noqa: T201 (the test reads it)

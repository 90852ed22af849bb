"""The WSGI server of the demo: what it says of browsers that hang up, and of faults of its own."""

from __future__ import annotations

import contextlib

import pytest

from fotoweb_middleware.demo.ports import listen
from fotoweb_middleware.demo.servers import _ThreadingWSGIServer


@pytest.mark.parametrize(
    ("error", "is_told"), [(ConnectionResetError(), False), (TimeoutError(), False), (KeyError(), True)]
)
def test_a_browser_that_hangs_up_is_no_news(
    capsys: pytest.CaptureFixture[str], error: Exception, is_told: bool
) -> None:
    """A lost connection is nobody's fault; anything else would be."""
    server = _ThreadingWSGIServer(listen("127.0.0.1", 0))

    def fail() -> None:
        with contextlib.ExitStack() as stack:
            stack.push(lambda *_: server.handle_error(None, ("127.0.0.1", 1)))
            raise error

    with contextlib.closing(server.socket), pytest.raises(type(error)):
        fail()

    assert ("Traceback" in capsys.readouterr().err) is is_told

"""One deadline for a blocking call, at the moments that a server can't bring about (R-TE3)."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import httpx
import pytest

from fotoweb_middleware.drivers.timed_call import TimedCall, shut
from fotoweb_middleware.effects import PostForm

POST = PostForm("https://tenant.example", ())


def test_connected_too_late() -> None:
    """A connection that stands only after the deadline is cut at once."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        call = TimedCall(httpx.Client(), POST)
        call._cut()
        stream = SimpleNamespace(get_extra_info={"socket": ours}.get)
        call._note_socket("connection.connect_tcp.complete", {"return_value": stream})
        theirs.settimeout(5)
        assert theirs.recv(1) == b""


def test_cut_that_has_ended() -> None:
    """Cutting a connection that has ended by itself does nothing."""
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    shut(ours)
    shut(None)


def test_too_late_before_connecting() -> None:
    """A call that hangs before there is a connection, as in a name look-up, ends at the deadline as well."""
    go_on = threading.Event()

    def hang(_: httpx.Request) -> httpx.Response:
        go_on.wait(10)
        raise httpx.ConnectError("too late for anybody")

    call = TimedCall(httpx.Client(transport=httpx.MockTransport(hang)), POST)
    with pytest.raises(httpx.ReadTimeout, match="the whole answer took too long"):
        call.result(0.05)
    go_on.set()

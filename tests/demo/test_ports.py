"""Where the demo listens, and what it does where somebody else is already there."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator

import pytest

from fotoweb_middleware.demo.ports import listen, listen_nearby, public_host


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port of 127.0.0.1 that somebody listens on."""
    with listen("127.0.0.1", 0) as somebody:
        yield somebody.getsockname()[1]


def test_a_free_port_is_taken() -> None:
    """Port 0 means any."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_taken_port_is_refused_with_advice(taken: int) -> None:
    """The error says what to do."""
    with pytest.raises(OSError, match="choose another port with --port") as caught:
        listen("127.0.0.1", taken)
    assert caught.value.errno == errno.EADDRINUSE


def test_the_next_free_port_is_taken(taken: int) -> None:
    """Somebody else keeps theirs."""
    with listen_nearby("127.0.0.1", taken) as listener:
        assert taken < listener.getsockname()[1] < taken + 100


def test_half_a_port_is_not_enough() -> None:
    """Where somebody has it on ::1, a browser that is sent to localhost could land there."""
    other = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    with contextlib.closing(other):
        try:
            other.bind(("::1", 0))
        except OSError:
            pytest.xfail("no IPv6 loopback on this machine")
        other.listen()
        with pytest.raises(OSError, match="taken"):
            listen("127.0.0.1", other.getsockname()[1])


def test_an_address_of_another_machine_is_an_error() -> None:
    """No port of it is free for us, so none is tried for long."""
    with pytest.raises(OSError, match="assign") as caught:
        listen_nearby("203.0.113.7", 8000)
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_the_search_ends() -> None:
    """At the highest port there is no next one."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(listen("127.0.0.1", 65_535))
        with pytest.raises(OSError, match="taken"):
            listen_nearby("127.0.0.1", 65_535)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "localhost"),
        ("::1", "localhost"),
        ("0.0.0.0", "localhost"),
        ("gallery.example", "gallery.example"),
        ("2001:db8::1", "[2001:db8::1]"),
    ],
)
def test_what_to_type_into_a_browser(host: str, expected: str) -> None:
    """Localhost wherever that leads here."""
    assert public_host(host) == expected

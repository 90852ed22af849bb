"""What events are made of: harmless texts, ids of requests, and callbacks of either kind."""

from __future__ import annotations

import pytest

from fotoweb_middleware.events import (
    Event,
    EventEmitter,
    EventName,
    RequestId,
    current_request_id,
    in_request,
    is_async,
)

HOSTILE = "a\r\nERROR forged\x1b[31m\u202e\u2028\ud800 b"


@pytest.mark.parametrize("text", [HOSTILE, HOSTILE * 100, "x" * 100_000])
def test_fields_are_harmless(text: str) -> None:
    """No text of a field has line breaks, escapes or bidi controls, or more than 256 characters (R-LG2)."""
    heard: list[Event] = []
    EventEmitter(heard.append).emit(EventName.LOGIN_REFUSED, cause=text, description=text)

    for value in heard[0].fields.values():
        assert str(value).isprintable()
        assert len(str(value)) <= 256


def test_other_letters_stay() -> None:
    """A text in another script is told as it is."""
    heard: list[Event] = []
    EventEmitter(heard.append).emit(EventName.LOGIN_REFUSED, cause="x", description="Zugang für Ærø verweigert")

    assert heard[0].fields["description"] == "Zugang für Ærø verweigert"


def test_request_ends() -> None:
    """Once a request is over, events name the one around it, or none."""
    outer, inner = RequestId("outer"), RequestId("inner")
    with in_request(outer):
        with in_request(inner):
            assert current_request_id() is inner
        assert current_request_id() is outer
    assert current_request_id() is None


def test_an_id_stays() -> None:
    """A random id is made once for a request, and differs from the next one's."""
    first, second = RequestId(None), RequestId(None)

    assert len({str(each) for each in (first, first, second)}) == 2


def test_events_are_values() -> None:
    """Events with the same parts are equal, and can be in a set."""
    one, other = (Event(EventName.LOGGED_IN, "s", "r", {"user": 7}) for _ in range(2))

    assert one == other
    assert len({one, other}) == 1


async def listen(event: Event) -> None:
    """Take an event, as a task."""


class Listener:
    """An object that is called."""

    async def __call__(self, event: Event) -> None:
        """Take an event, as a task."""


@pytest.mark.parametrize(("on_event", "expected"), [(listen, True), (Listener(), True), (print, False), (Event, False)])
def test_async_callables(on_event: object, expected: bool) -> None:
    """Coroutine functions, and objects whose call is one, are awaited; all others are called."""
    assert callable(on_event)
    assert is_async(on_event) is expected

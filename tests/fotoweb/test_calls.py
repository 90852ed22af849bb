"""What goes wrong in a call to FotoWeb: the network's failures, and bugs."""

from __future__ import annotations

import time
import traceback

import httpx
import pytest

from fotoweb_middleware.errors import FotoWebUnreachable
from fotoweb_middleware.fotoweb.http import FotoWebClient
from fotoweb_middleware.fotoweb.tokens import build_refresh_form
from tests.settings.samples import settings

FORM = build_refresh_form(client_id="an-id", client_secret="planted-secret", refresh_token="planted-token")


def _client(error: Exception) -> FotoWebClient:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    transport = httpx.MockTransport(fail)
    return FotoWebClient(settings(), clock=time.time, monotonic=time.monotonic, transport=transport)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), OSError(24, "Too many open files")]
)
def test_the_network_failed(error: Exception) -> None:
    """What httpx and the system raise means that FotoWeb could not be reached."""
    with pytest.raises(FotoWebUnreachable, match=rf"could not be reached \({type(error).__name__}"):
        _client(error).ask_for_tokens(FORM, timeout_seconds=5)


def test_a_bug_is_not_told_as_an_outage() -> None:
    """Anything else is a bug: type and place are told, no word of it, which may hold a token, and FotoWeb isn't blamed.

    The frames below the call, whose variables hold the form, are not part of its traceback.
    """
    client = _client(AttributeError("planted-token"))

    with pytest.raises(RuntimeError) as caught:
        client.ask_for_tokens(FORM, timeout_seconds=5)

    assert f"a bug: AttributeError at {__file__}, line " in str(caught.value)
    assert "planted" not in "".join(traceback.format_exception(caught.value))
    assert "_send" not in [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]

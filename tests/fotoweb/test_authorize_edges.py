"""The authorization request where what we make ourselves is not as plain as it always is."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from fotoweb_middleware.fotoweb.authorize import CallbackQuery, build_authorize_url, read_callback


@pytest.mark.parametrize("text", ["a b", "a&client_id=evil", "a#b", "a=b%26", "\u00e9", "a+b"])
def test_state_and_challenge_are_encoded(text: str) -> None:
    """Whatever state and challenge hold, they stay one parameter each."""
    url = build_authorize_url(
        "https://tenant.example", client_id="id", redirect_uri=None, state=text, code_challenge=text
    )

    pairs = parse_qsl(urlsplit(url).query, strict_parsing=True)
    assert [value for name, value in pairs if name in {"state", "code_challenge"}] == [text, text]
    assert len(pairs) == 5


@pytest.mark.parametrize("text", ["AZaz09-._~", "S"])
def test_plain_state_is_left_as_it_is(text: str) -> None:
    """What needs no encoding stands in the URL letter by letter."""
    url = build_authorize_url(
        "https://tenant.example", client_id="id", redirect_uri=None, state=text, code_challenge=None
    )

    assert url.endswith(f"&state={text}")


def test_fifty_parameters() -> None:
    """Fifty parameters are the most that are read."""
    assert isinstance(read_callback("code=C&state=S" + "&x=y" * 48), CallbackQuery)

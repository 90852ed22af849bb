"""What hostile input costs: no parser takes more than in proportion to what it is sent (T-RL-03, CVE-2024-7592)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest

from fotoweb_middleware.cookies import join_chunks, read_cookies
from fotoweb_middleware.errors import FotoWebError
from fotoweb_middleware.fotoweb.messages import HttpReply
from fotoweb_middleware.fotoweb.tokens import read_retry_after, read_token_reply
from fotoweb_middleware.fotoweb.user import read_user
from fotoweb_middleware.request import callback_url, cookie_names, is_cross_origin, is_navigation, is_public
from fotoweb_middleware.sealing import Purpose
from fotoweb_middleware.views.next_path import next_parameter, requested_path, safe_next_path
from tests.core.samples import a_request, a_settings
from tests.fuzz.cookie_checks import NAMES, SEALER, SESSION
from tests.fuzz.request_checks import is_ours

SETTINGS = a_settings(public_paths=("/a/*",))
SMALL_CHARACTERS, TIMES = 16_000, 8
MOST_MORE = 3 * TIMES  # Quadratic cost would be 64 times as much, and what is too short to measure is let go.
MEASURABLE_SECONDS = 0.004


def read_tokens(text: str) -> object:
    """Read a token reply with this body."""
    try:
        return read_token_reply(HttpReply(200, None, text.encode()), now=0.0)
    except FotoWebError as error:
        return error


READERS: dict[str, Callable[[str], object]] = {
    "cookies": lambda text: read_cookies(f"{SESSION}={text}", NAMES[0]),
    "chunks": lambda text: join_chunks(SESSION, {SESSION: f"3~{text}", f"{SESSION}.1": text, f"{SESSION}.2": text}),
    "sealed": lambda text: SEALER.open(text, Purpose.SESSION, name="n"),
    "safe_next_path": lambda text: safe_next_path(SETTINGS, "", f"/{text}"),
    "next_parameter": lambda text: next_parameter(SETTINGS, a_request("/oauth2/login", query=f"next={text}")),
    "requested_path": lambda text: requested_path(SETTINGS, a_request(f"/{text}", raw_path=f"/{text}", query=text)),
    "callback": lambda text: is_ours(f"code=a&state={text}&{text}", ""),
    "callback_cookie": lambda text: is_ours("code=a&state=b", f"{SESSION}-login-a={text}"),
    "token_reply": read_tokens,
    "token": lambda text: read_tokens(f'{{"token_type":"bearer","access_token":"a","expires_in":{text}}}'),
    "identity": lambda text: read_user(HttpReply(200, None, f'{{"user":{text}}}'.encode())),
    "retry_after": read_retry_after,
    "host": lambda text: (callback_url(a_request(host=text), SETTINGS), cookie_names(a_request(host=text), SETTINGS)),
    "origin": lambda text: is_cross_origin(a_request(origin=f"https://{text}"), SETTINGS),
    "accept": lambda text: is_navigation(a_request(accept=text, sec_purpose=text)),
    "public": lambda text: is_public(a_request(f"/a/{text}", raw_path=f"/a/{text}"), SETTINGS),
}
SHAPES = (
    "a",
    "/",
    "a/",
    "/..",
    "\\",
    '\\"',
    "=",
    ";",
    "; ",
    ",",
    "a=b; ",
    f"{SESSION}=v; ",
    f"{SESSION}-login-a=v; ",
    f",{SESSION}=v",
    "%",
    "%2e%2e/",
    "%ff",
    "&",
    "a=b&",
    "state=a&",
    "1",
    "0.",
    " ",
    "\t",
    "[",
    '{"a":',
    '"',
    "*/*,",
    "text/html;q=0,",
    ".",
    ":",
    "@",
    "A.",
    "2~",
    "~",
)


@pytest.fixture(autouse=True, scope="module")
def silent() -> Iterator[None]:
    """Write no log: each refused callback would be a line."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def seconds_for(read: Callable[[str], object], text: str) -> float:
    """Return the processor's time for reading a text, the least of three tries."""
    times = []
    for _ in range(3):
        started = time.thread_time()
        read(text)
        times.append(time.thread_time() - started)
    return min(times)


def repeated(shape: str, characters: int) -> str:
    """Return a text of this length, made of one piece over and over."""
    return (shape * (characters // len(shape) + 1))[:characters]


def grows_too_fast(read: Callable[[str], object], shape: str) -> bool:
    """Return whether eight times as much input costs far more than eight times as much."""
    large = seconds_for(read, repeated(shape, SMALL_CHARACTERS * TIMES))
    return large > MEASURABLE_SECONDS and large > MOST_MORE * seconds_for(read, repeated(shape, SMALL_CHARACTERS))


@pytest.mark.parametrize("name", READERS)
def test_cost_grows_with_size(name: str) -> None:
    """No shape of input makes a parser work more than in proportion to its size."""
    READERS[name]("warm")
    assert [shape for shape in SHAPES if grows_too_fast(READERS[name], shape)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cookies", '"' + '\\"' * 30_000 + '"'),
        ("cookies", "; ".join(f"c{number}=v" for number in range(8_000))),
        ("public", "a/" * 32_000),
        ("accept", "," * 100_000),
        ("callback", "s" * 1_000_000),
        ("callback", "&".join(f"p{number}=v" for number in range(20_000))),
        ("next_parameter", "a" * 100_000),
        ("token_reply", "[" * 200_000),
        ("token_reply", '{"a":' * 50_000),
        ("token", "1" * 250_000),
        ("retry_after", "9" * 1_000_000),
    ],
    ids=lambda value: value[:20],
)
def test_large_input(name: str, text: str) -> None:
    """The largest inputs of known attacks cost no more of the processor than a moment (T-RL-03, T-TE-04)."""
    assert seconds_for(READERS[name], text) < 0.5


def test_quadratic_cost_is_seen() -> None:
    """A reader of quadratic cost would not pass."""

    def read(text: str) -> object:
        return [text[:end].count("a") for end in range(0, len(text), 16)]

    assert grows_too_fast(read, "a")

"""One value over several cookies (R-CS2, R-CS4; T-CS-07)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.cookies import (
    MAX_COOKIE_CHARACTERS,
    MAX_TOTAL_CHARACTERS,
    all_session_values,
    join_chunks,
    split_into_chunks,
    total_characters,
)

N = "__Host-fotoweb"
ONE = MAX_COOKIE_CHARACTERS - len(N) - 2
"""The longest value that fits into one cookie."""
PIECE = ONE - 2
"""The length of a piece where there are several."""


def a_value(length: int) -> str:
    """Return a value of this length in which no two places look alike."""
    return "".join(f"{number:05d}" for number in range(length // 5 + 1))[:length]


NEAR_EDGES = {edge + step for edge in (0, ONE, PIECE, 2 * PIECE, 3 * PIECE) for step in (-2, -1, 0, 1, 2)}
EDGES = sorted(NEAR_EDGES & set(range(3 * PIECE + 1)))


@pytest.mark.parametrize("length", EDGES)
def test_round_trip_at_edges(length: int) -> None:
    """A value whose length is at, or next to, an exact multiple of the piece comes back whole."""
    value = a_value(length)
    assert join_chunks(N, split_into_chunks(N, value)) == value


@given(st.integers(0, 3 * PIECE))
def test_round_trip(length: int) -> None:
    """A value of any length up to three chunks comes back whole."""
    value = a_value(length)
    assert join_chunks(N, split_into_chunks(N, value)) == value


@pytest.mark.parametrize(
    ("length", "count"),
    [(1, 1), (ONE, 1), (ONE + 1, 2), (2 * PIECE, 2), (2 * PIECE + 1, 3), (3 * PIECE, 3)],
)
def test_number_of_chunks(length: int, count: int) -> None:
    """There are as many chunks as it takes, and no more."""
    assert len(split_into_chunks(N, a_value(length))) == count


@given(st.integers(0, 3 * PIECE), st.text("abcXYZ_-", min_size=1, max_size=200))
def test_chunks_fit_browsers(length: int, name: str) -> None:
    """Name and value of each chunk together have at most 4096 characters (RFC 6265bis, 5.6; R-CS2)."""
    chunks = split_into_chunks(name, a_value(length))
    assert max(len(chunk_name) + len(chunk) for chunk_name, chunk in chunks.items()) <= MAX_COOKIE_CHARACTERS


def test_single_cookie_unmarked() -> None:
    """A value that fits is written as it is."""
    assert split_into_chunks(N, "v") == {N: "v"}


def test_absent() -> None:
    """Without the first chunk there is nothing, whatever else came."""
    assert join_chunks(N, {f"{N}.1": "x", f"{N}.2": "y"}) is None


@pytest.mark.parametrize("missing", [1, 2])
def test_missing_chunk(missing: int) -> None:
    """A missing chunk means no value."""
    chunks = split_into_chunks(N, a_value(3 * PIECE))
    del chunks[f"{N}.{missing}"]
    assert join_chunks(N, chunks) is None


def test_leftover_ignored() -> None:
    """A leftover of a larger session is not looked at."""
    chunks = split_into_chunks(N, a_value(2 * PIECE))
    assert join_chunks(N, {**chunks, f"{N}.2": "stale", f"{N}.9": "stale"}) == a_value(2 * PIECE)


def test_leftover_beside_single() -> None:
    """A single cookie stands for itself, leftovers or not."""
    assert join_chunks(N, {N: "v", f"{N}.1": "stale"}) == "v"


def test_swapped_chunks_differ() -> None:
    """Swapped chunks give another value, which then does not open."""
    chunks = split_into_chunks(N, a_value(3 * PIECE))
    chunks[f"{N}.1"], chunks[f"{N}.2"] = chunks[f"{N}.2"], chunks[f"{N}.1"]
    assert join_chunks(N, chunks) != a_value(3 * PIECE)


@pytest.mark.parametrize("first", ["0~x", "1~x", "4~x", "9~x", "~~x", "x~x", "\u00b2~x", "\u0663~x", "-~x"])
def test_count_out_of_bounds(first: str) -> None:
    """A count other than 2 or 3 means no value, before any work is done (R-CS4)."""
    values = {N: first, **{f"{N}.{number}": "y" for number in range(1, 10)}}
    assert join_chunks(N, values) is None


@pytest.mark.parametrize("first", ["999999999~x", "22~x", "~2~x", "", "~", "2"])
def test_no_mark(first: str) -> None:
    """What has no mark in the second place is a single value, however long its number."""
    assert join_chunks(N, {N: first}) == first


@given(st.dictionaries(st.sampled_from([N, f"{N}.1", f"{N}.2", f"{N}.3"]), st.text("0123~xy", max_size=6)))
def test_never_raises(values: dict[str, str]) -> None:
    """Whatever chunks come, joining them raises nothing."""
    joined = join_chunks(N, values)
    assert joined is None or isinstance(joined, str)


def test_total_characters() -> None:
    """The room counts names, values and what stands between them in the header."""
    assert total_characters({"a": "bc", "de": "f"}) == len("a=bc; de=f; ")


def test_total_limit() -> None:
    """All our cookies together may take 6 KiB (R-CS2)."""
    assert MAX_TOTAL_CHARACTERS == 6 * 1024


def test_every_value_that_a_header_may_mean() -> None:
    """Where cookies of one name came several times, every way to put them together is tried, and no other cookie."""
    header = "a=1; n=x; n=2~p; n.1=q; n.1=r; m=other; n=3~s; n.2=t; n=x; n=4~u; nn=v; n.1=q"

    assert list(all_session_values("n", header)) == ["x", "pq", "pr", "sqt", "srt"]


def test_fewer_chunks_first() -> None:
    """Whole ones come first, then those of two chunks: a few planted ones make hundreds of three."""
    header = "n=3~s; n.2=t; n=2~p; n.1=q; n=x"

    assert list(all_session_values("n", header)) == ["x", "pq", "sqt"]

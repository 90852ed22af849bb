"""Every parser that anonymous users reach, played with in each run of the tests; ``make fuzz`` plays for longer."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.harnesses import HARNESSES, Harness

SEEDS = [(name, seed) for name, harness in HARNESSES.items() for seed in harness.seeds]


@pytest.fixture(autouse=True, scope="module")
def silent() -> Iterator[None]:
    """Write no log: each refused callback would be a line."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@st.composite
def inputs(draw: st.DrawFn, harness: Harness) -> bytes:
    """Make an input: a seed cut into pieces, with words of the language and any bytes put between them."""
    seed = draw(st.sampled_from(harness.seeds))
    cuts = sorted(draw(st.lists(st.integers(0, len(seed)), max_size=4)))
    pieces = [seed[start:end] for start, end in zip([0, *cuts], [*cuts, len(seed)], strict=True)]
    pieces = draw(st.permutations(pieces)) if draw(st.booleans()) else pieces
    between = st.lists(st.sampled_from(harness.words) | st.binary(max_size=4), max_size=3).map(b"".join)
    return b"".join(piece + draw(between) for piece in pieces)


@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=[f"{name}-{number}" for number, (name, _) in enumerate(SEEDS)])
def test_known_inputs(name: str, seed: bytes) -> None:
    """What good clients send, and what other systems fell for, is read as it must be."""
    HARNESSES[name].check(seed)


@pytest.mark.parametrize("name", HARNESSES)
@given(data=st.data())
@settings(max_examples=50)
def test_any_input(name: str, data: st.DataObject) -> None:
    """Whatever comes, nothing is raised, and what must hold holds."""
    HARNESSES[name].check(data.draw(inputs(HARNESSES[name])))


@pytest.mark.parametrize("name", HARNESSES)
@given(data=st.binary(max_size=300))
@settings(max_examples=50)
def test_any_bytes(name: str, data: bytes) -> None:
    """The same for bytes that mean nothing."""
    HARNESSES[name].check(data)

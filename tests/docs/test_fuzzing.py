"""docs/reference/fuzzing.md: every parser has a row, with a million inputs, none of which raised or was slow."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.run import LONGEST_INPUT_BYTES, SLOW_SECONDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "fuzzing.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| ([\d,]+) \| ([\d.]+) \| (\d+) \|", PAGE, re.MULTILINE)
LEAST_INPUTS = 1_000_000


def test_every_parser_has_a_row() -> None:
    """No parser is left out, and none is there that is fuzzed no more."""
    assert [row[0] for row in ROWS] == list(HARNESSES)


def test_every_parser_holds_the_promise() -> None:
    """A million inputs at least, none over 50 ms, none that raised."""
    for name, inputs, slowest_ms, raised in ROWS:
        assert int(inputs.replace(",", "")) >= LEAST_INPUTS, name
        assert float(slowest_ms) <= SLOW_SECONDS * 1000, name
        assert raised == "0", name


def test_the_limits_are_those_of_the_run() -> None:
    """What the page says of the longest input is what the fuzzer is told."""
    assert f"{LONGEST_INPUT_BYTES:,} bytes" in PAGE

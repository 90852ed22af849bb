"""What ``make fuzz`` says of a parser in the end, and with which code it ends. It needs no fuzzer: inputs are given."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.run import Watched

HOUR = 3600


class Ended(Exception):
    """The process would have ended with this code."""


@pytest.fixture(autouse=True)
def no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing end this process."""

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)


def code_of(watched: Watched) -> int:
    """Try one input again and again to the end; return the code."""
    for _ in range(1000):
        try:
            watched(b"input")
        except Ended as ended:
            return int(ended.args[0])
    pytest.fail("it does not end")


def accept(_data: bytes) -> None:
    """Find nothing wrong with any input."""


def refuse(_data: bytes) -> None:
    """Find everything wrong."""
    raise ValueError("wrong")


def test_enough_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As many inputs as asked for, none of which raises: it ends well, and the figures are printed."""
    assert code_of(Watched("any", accept, tmp_path, runs=5, seconds=HOUR, least=5)) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert (json.loads(line)["inputs"], json.loads(line)["crashes"]) == (5, {})


def test_too_few_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The time is over before the least number of inputs was tried: it says so and ends with an error."""
    assert code_of(Watched("any", accept, tmp_path, runs=1000, seconds=0, least=5)) == 1
    assert "any: too few inputs: 1, where at least 5 were asked for." in capsys.readouterr().out


@pytest.mark.parametrize(("check", "code"), [(accept, 0), (refuse, 1)])
def test_an_input_that_raises(check: Callable[[bytes], None], code: int, tmp_path: Path) -> None:
    """An input that raises is kept as a file, once, and the run goes on and ends with an error."""
    assert code_of(Watched("any", check, tmp_path, runs=5, seconds=HOUR)) == code
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"input"] * code

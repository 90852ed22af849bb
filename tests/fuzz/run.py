"""The coverage-guided run: ``make fuzz``, or ``python -m tests.fuzz.run NAME --runs 10000``.

Atheris (libFuzzer) makes inputs from the seeds, looks which branches each one takes, and goes on from those that take
new ones. An input that fails is kept as a file and the run goes on, so that one run finds everything there is to find.
It ends with 1 where an input raised or took too long, or where fewer inputs were tried than asked for.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SLOW_SECONDS = 0.05
LONGEST_INPUT_BYTES = 4096


class Watched:
    """A check that counts its inputs, times them, and keeps those that fail.

    Args:
        name: The harness.
        check: What must hold.
        folder: Where failing and slow inputs are written to.
        runs: How many inputs to try at most.
        seconds: How long to try at most.
        least: How many inputs it must come to in that time.
    """

    def __init__(
        self, name: str, check: Callable[[bytes], None], folder: Path, *, runs: int, seconds: float, least: int = 0
    ) -> None:
        self.name, self.check, self.folder = name, check, folder
        self.runs, self.seconds, self.least = runs, seconds, least
        self.began = time.monotonic()
        self.inputs = 0
        self.slowest_seconds = 0.0
        self.slowest = b""
        self.crashes: dict[str, str] = {}

    def __call__(self, data: bytes) -> None:
        """Try one input; end the process when it was the last."""
        started = time.thread_time()
        try:
            self.check(data)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a find)
            self.keep(error, data)
        took = time.thread_time() - started
        self.inputs += 1
        if took > self.slowest_seconds:
            self.slowest_seconds, self.slowest = took, data
        if self.inputs >= self.runs or time.monotonic() - self.began >= self.seconds:
            self.end()

    def keep(self, error: Exception, data: bytes) -> None:
        """Write down a failing input; one of a kind is enough."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"
        if kind in self.crashes:
            return
        self.crashes[kind] = f"{self.name}-{len(self.crashes) + 1}.input"
        (self.folder / self.crashes[kind]).write_bytes(data)
        say(f"{self.name}: {kind}: {str(error)[:300]}\n  input: {data[:300]!r}")

    def end(self) -> None:
        """Say what was found; libFuzzer has no other end than the process's."""
        if self.slowest_seconds > SLOW_SECONDS:
            (self.folder / f"{self.name}-slow.input").write_bytes(self.slowest)
        report = {
            "parser": self.name,
            "inputs": self.inputs,
            "seconds": round(time.monotonic() - self.began, 1),
            "slowest_ms": round(self.slowest_seconds * 1000, 2),
            "slowest_bytes": len(self.slowest),
            "crashes": self.crashes,
        }
        say(json.dumps(report))
        if too_few := self.inputs < self.least:
            say(f"{self.name}: too few inputs: {self.inputs}, where at least {self.least} were asked for.")
        os._exit(1 if self.crashes or self.slowest_seconds > SLOW_SECONDS or too_few else 0)


def say(text: str) -> None:
    """Print a line, now: the process ends without emptying its buffers."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Fuzz one parser, until it has had as many inputs or as much time as asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--names", action="store_true", help="print every parser's name and end")
    parser.add_argument("--seconds", type=float, default=3600, help="how long to try at most")
    parser.add_argument("--runs", type=int, default=1_000_000, help="how many inputs to try at most")
    parser.add_argument("--least", type=int, default=0, help="end with 1 if fewer inputs were tried")
    parser.add_argument("--folder", type=Path, default=Path(".make/fuzz-findings"))
    chosen = parser.parse_args()
    if chosen.names:
        from tests.fuzz.harnesses import HARNESSES  # noqa: PLC0415 (the fuzzer must see it imported for the first time)

        say(" ".join(HARNESSES))
        return
    import atheris  # noqa: PLC0415 (comes with `make fuzz` alone)

    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["fotoweb_middleware"]):
        from tests.fuzz.harnesses import HARNESSES  # noqa: PLC0415 (what is imported here is watched)
    harness = HARNESSES[chosen.name]
    corpus = chosen.folder / f"{chosen.name}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(harness.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = chosen.folder / f"{chosen.name}.words"
    words.write_text("".join(f'"{quoted(word)}"\n' for word in harness.words if 0 < len(word) <= 64), encoding="ascii")
    limits = {"runs": chosen.runs, "seconds": chosen.seconds, "least": chosen.least}
    watched: Any = Watched(chosen.name, harness.check, chosen.folder, **limits)
    options = [
        f"-dict={words}",
        f"-max_len={LONGEST_INPUT_BYTES}",
        "-verbosity=0",
        "-print_final_stats=0",
        "-rss_limit_mb=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], watched)
    atheris.Fuzz()


def quoted(word: bytes) -> str:
    """Return a word as libFuzzer's dictionaries spell it."""
    return "".join(f"\\x{byte:02X}" for byte in word)


if __name__ == "__main__":
    main()

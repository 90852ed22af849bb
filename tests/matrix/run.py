"""Try every framework on every server: ``python -m tests.matrix.run [NAME...]``.

Names of frameworks and servers choose some of the pairs; without any, the page is written too.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from tests.matrix.journey import travel
from tests.matrix.known import Verdict, judge
from tests.matrix.page import PAGE, render
from tests.matrix.pairs import PLACES, Pair, all_pairs, missing
from tests.providers.nginx import find_nginx

__all__ = ["main"]

AT_ONCE = 2


def main(names: tuple[str, ...]) -> int:
    """Run the pairs; return the exit status."""
    try:
        pairs = all_pairs(names)
    except ValueError as error:
        say(str(error))
        return 2
    absent = missing(pairs) + ([] if find_nginx() else ["nginx (Debian's package)"])
    if absent:
        say(f"not installed: {', '.join(absent)}")
        return 2
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        running = {threads.submit(try_pair, pair): pair for pair in pairs}
        verdicts = {running[each]: each.result() for each in as_completed(running)}
    wrong = [verdict for verdict in verdicts.values() if verdict.unexplained]
    say(f"{len(pairs)} pairs in {time.monotonic() - begun:.0f} s, {len(wrong)} with results that are not explained")
    if not names:
        PAGE.write_text(render([verdicts[pair] for pair in pairs]), encoding="utf-8")
    return 1 if wrong else 0


def try_pair(pair: Pair) -> Verdict:
    """Take a pair through the journey in every place, and say what became of it."""
    begun = time.monotonic()
    failures = {place: travel(pair, place) for place in PLACES}
    verdict = judge(pair, failures)
    lines = [f"{time.monotonic() - begun:5.1f} s  {pair}: {', '.join(each.step for each in verdict.known) or 'passes'}"]
    if verdict.unexplained:
        lines += [f"    NOT EXPLAINED: {', '.join(verdict.unexplained)}"]
        lines += [f"    {place}, {step}: {why}" for place in PLACES for step, why in failures[place].items()]
    say("\n".join(lines))
    return verdict


def say(text: str) -> None:
    """Print at once, in one piece."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:])))

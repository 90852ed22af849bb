"""One framework and one server per middleware take the matrix's journey in each run; ``make matrix`` takes them all."""

from __future__ import annotations

import pytest

from tests.matrix.journey import travel
from tests.matrix.known import KNOWN, judge
from tests.matrix.page import PAGE, cell
from tests.matrix.pairs import FRAMEWORKS, PLACES, SERVERS, Framework, Pair, Place, all_pairs, missing
from tests.providers.nginx import find_nginx

[FASTAPI_ON_UVICORN] = all_pairs(("fastapi", "uvicorn"))
[FLASK_ON_GUNICORN] = all_pairs(("flask", "gunicorn-gthread"))
[QUART_ON_DAPHNE] = all_pairs(("quart", "daphne"))


@pytest.mark.timeout(180)  # A dozen steps, on a machine that may be busy.
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("pair", [FASTAPI_ON_UVICORN, FLASK_ON_GUNICORN], ids=str)
def test_the_journey(pair: Pair, place: Place) -> None:
    """Every step passes: at the root, mounted in another app, and below a path behind nginx with TLS."""
    if place == "nginx" and find_nginx() is None:
        pytest.skip("no nginx here: install Debian's nginx")

    assert travel(pair, place) == {}


def test_an_unknown_failure_is_not_explained() -> None:
    """A step that fails in one place without a known reason makes the run fail, and stands in the table."""
    verdict = judge(FLASK_ON_GUNICORN, {"root": {}, "mounted": {"logout": "why"}, "nginx": {}})

    assert verdict.unexplained == ("mounted: logout",)
    assert cell(verdict) == "not explained yet"


def test_a_known_failure_is_explained() -> None:
    """A step that is known to fail leads to its reason."""
    failed = {"streaming up": "why", "WebSocket": "why"}
    verdict = judge(QUART_ON_DAPHNE, dict.fromkeys(PLACES, failed))

    assert verdict.unexplained == ()
    assert cell(verdict) == "all but WebSocket (3), streaming up (4)"


def test_a_pair_without_a_login_has_nothing() -> None:
    """Where no request reaches the app, the cell says so."""
    [quart_on_trio] = all_pairs(("quart", "hypercorn-trio"))

    assert cell(judge(quart_on_trio, {place: {"login": "why"} for place in PLACES})) == "none works (1)"


def test_a_known_failure_that_passes_is_told() -> None:
    """A reason that holds no longer makes the run fail, so that the page stays true."""
    verdict = judge(QUART_ON_DAPHNE, {place: {"streaming up": "why"} for place in PLACES})

    assert verdict.unexplained == tuple(f"{place}: WebSocket passes, but is listed as known" for place in PLACES)


def test_every_reason_is_about_some_pair() -> None:
    """No name in the list of reasons is misspelt."""
    frameworks, servers = {each.name for each in FRAMEWORKS}, {each.name for each in SERVERS}

    assert {name for known in KNOWN for name in known.frameworks} <= frameworks
    assert {name for known in KNOWN for name in known.servers} <= servers


def test_what_is_not_installed_is_told() -> None:
    """A framework that is not there is named, and not skipped."""
    absent = Framework("none", "None", "asgi", "no_such_framework")

    assert missing([Pair(absent, FASTAPI_ON_UVICORN.server), FASTAPI_ON_UVICORN]) == ["no_such_framework"]


def test_a_wrong_name_is_told() -> None:
    """The runner takes the names of frameworks and servers, and no others."""
    with pytest.raises(ValueError, match="gunicorn-thread"):
        all_pairs(("gunicorn-thread",))


def test_the_page_has_every_pair() -> None:
    """The page was written since the last framework or server came in, and every reason is on it."""
    page = PAGE.read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    columns = {title for row in rows if row[1:2] and row[0] in {"uvicorn", "gunicorn (sync)"} for title in row}

    assert {each.title for each in SERVERS} <= columns
    assert {each.title for each in FRAMEWORKS} <= {row[0] for row in rows}
    assert [known.because for known in KNOWN if known.because not in page] == []
    assert "not explained yet" not in page

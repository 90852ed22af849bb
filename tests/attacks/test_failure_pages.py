"""What a failure of the token endpoint or of the store shows of itself: nothing (security case T-OP-05)."""

from __future__ import annotations

import json
import sysconfig
from collections.abc import Callable, Iterator

import pytest

from tests.attacks.answers import good, reply
from tests.attacks.attacked import SOME_SERVERS, AttackedServer
from tests.attacks.broken_store import STORE_PASSWORD, STORE_WORDS, server_with_broken_store
from tests.attacks.browser import Browser
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.pages_read import check_page
from tests.attacks.raw_client import RawReply
from tests.attacks.scripted_fotoweb import CLIENT_SECRET, ScriptedFotoWeb
from tests.servers.serving import ROOT, SECRET_KEY, Kind

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

ERROR, DESCRIPTION = "<script>x</script>", f"client_secret=S3CR3T {CLIENT_SECRET}"
REFUSAL = reply(400, json.dumps({"error": ERROR, "error_description": DESCRIPTION}))
NEVER_SHOWN = (
    *("<script", "&lt;script", "S3CR3T", CLIENT_SECRET, SECRET_KEY, STORE_PASSWORD),
    *("Traceback", 'File "', ".py", str(ROOT), sysconfig.get_path("stdlib")),
)

SHOWN = {"FOTOWEB_COOKIE_MODE"}  # "sealed" and "reference" are words of our own.
SHORT = 5  # "false" and numbers may stand in any text.


def check_says_nothing(shown: RawReply, server: AttackedServer) -> None:
    """Check that an answer holds no word of the failure, no path, and nothing of the server's environment."""
    environment = [value for name, value in server.variables.items() if name not in SHOWN and len(value) > SHORT]
    assert [word for word in (*NEVER_SHOWN, *environment) if word in shown.text] == []


def test_refusal_at_login(browser: Browser, case: Case) -> None:
    """A refusal's own words are not on the page of a failed login, nor its description in the log (T-OP-05)."""
    browser.fotoweb.script(browser.user, REFUSAL)

    page = browser.try_to_log_in()

    assert page.status == 502
    check_page(page, browser)
    check_says_nothing(page, case.server)
    assert "S3CR3T" not in case.log


def test_refusal_at_refresh(browser: Browser, case: Case) -> None:
    """Nor are they shown where a refresh fails, to people or to programs (T-OP-05)."""
    browser.fotoweb.script(browser.user, good(expires_in=0))
    browser.log_in()
    browser.xhr("/")
    browser.fotoweb.script(browser.user, REFUSAL)

    for answer in (browser.xhr("/"), browser.nav("/")):
        check_says_nothing(answer, case.server)
    assert "S3CR3T" not in case.log


@pytest.fixture(scope="module")
def serve_with_broken_store(
    fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], AttackedServer]]:
    """Return a function that starts a server in reference mode whose store raises, once."""
    with server_with_broken_store("reference", fotoweb, tmp_path_factory) as serve:
        yield serve


@pytest.fixture
def storeless(
    kind: Kind, serve_with_broken_store: Callable[[Kind], AttackedServer], fotoweb: ScriptedFotoWeb
) -> Iterator[Case]:
    """Return a case on such a server; the oracles are held against it at the end."""
    opened = Case(serve_with_broken_store(kind), fotoweb)
    yield opened
    check_oracles(opened)


def test_store_that_raises(storeless: Case) -> None:
    """The store's own words, and its address, are not on the page (T-OP-05)."""
    browser = storeless.browser()

    page = browser.try_to_log_in()

    assert (page.status, page.header("Retry-After")) == (503, "5")
    check_page(page, browser)
    check_says_nothing(page, storeless.server)
    assert STORE_PASSWORD not in storeless.log
    assert STORE_WORDS not in page.text

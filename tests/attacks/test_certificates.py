"""What a FotoWeb shows as its certificate, on real servers (T-TE-21)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attacks.attacked import SOME_SERVERS, AttackedServer
from tests.attacks.oracles import Case, check_oracles
from tests.attacks.scripted_fotoweb import ScriptedFotoWeb
from tests.attacks.tls_front import HANDSHAKE, tls_front
from tests.cli.checks.tls_server import Certificate, make_certificate
from tests.servers.serving import Kind

pytestmark = pytest.mark.parametrize("kind", SOME_SERVERS, ids=str)

WHY_REFUSED = {
    "self-signed": "self-signed certificate",
    "expired": "certificate has expired",
    "wrong host": "Hostname mismatch",
}
"""What OpenSSL says of each, so that none is refused for another's reason."""


@dataclass
class Front:
    """A FotoWeb behind TLS, which shows the certificate that a test chooses, and the servers that belong to it.

    Attributes:
        certificates: All that it may show; apps trust every one but the self-signed.
        shown: Which of them it shows.
        host: Its host and port.
        first_bytes: The first byte of each connection so far.
        serve: Starts a server, once.
    """

    certificates: dict[str, Certificate]
    serve: Callable[[Kind], AttackedServer]
    shown: str = "good"
    host: str = ""
    first_bytes: list[bytes] | None = None


def make_certificates(folder: Path) -> dict[str, Certificate]:
    """Make one of each kind, each in a folder of its own."""
    for name in ("good", *WHY_REFUSED):
        (folder / name).mkdir()
    return {
        "good": make_certificate(folder / "good"),
        "self-signed": make_certificate(folder / "self-signed"),
        "expired": make_certificate(folder / "expired", days_from_now=(-3, -1), subject="expired"),
        "wrong host": make_certificate(folder / "wrong host", host="elsewhere.test"),
    }


@pytest.fixture(scope="module")
def front(fotoweb: ScriptedFotoWeb, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Return a FotoWeb behind TLS."""
    folder = tmp_path_factory.mktemp("certificates")
    certificates = make_certificates(folder)
    bundle = folder / "trusted.pem"
    trusted = [made.certificate.read_text() for name, made in certificates.items() if name != "self-signed"]
    bundle.write_text("".join(trusted))
    running: dict[Kind, AttackedServer] = {}

    with contextlib.ExitStack() as stack:

        def serve(kind: Kind) -> AttackedServer:
            if kind not in running:
                server = AttackedServer(kind, url, tmp_path_factory.mktemp("secured"))
                stack.enter_context(server).begin({"FOTOWEB_CA_BUNDLE": str(bundle)})
                running[kind] = server
            return running[kind]

        opened = Front(certificates, serve)
        url, opened.first_bytes = stack.enter_context(tls_front(lambda: certificates[opened.shown], fotoweb.url))
        opened.host = url.removeprefix("https://")
        yield opened


@pytest.fixture
def case(kind: Kind, front: Front, fotoweb: ScriptedFotoWeb) -> Iterator[Case]:
    """Return a case on a server at that FotoWeb; the oracles are held against it at the end."""
    opened = Case(front.serve(kind), fotoweb)
    opened.fotoweb_host = front.host
    yield opened
    check_oracles(opened)


@pytest.mark.parametrize("choice", ["good", *WHY_REFUSED])
def test_certificates(case: Case, front: Front, choice: str) -> None:
    """A certificate that does not hold fails the login before a secret is sent; nothing is tried in plain (T-TE-21)."""
    assert front.first_bytes is not None
    front.shown, before = choice, len(front.first_bytes)
    browser = case.browser()

    arrived = browser.try_to_log_in()

    assert front.first_bytes[before:] == [HANDSHAKE]
    if choice == "good":
        assert (arrived.status, browser.posts, browser.xhr("/").is_from_app) == (302, 1, True)
    else:
        assert (arrived.status, arrived.all("Location"), browser.posts) == (503, [], 0)
        assert (browser.session_cookies, browser.xhr("/").status) == ({}, 401)
        assert WHY_REFUSED[choice] in case.log

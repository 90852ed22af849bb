"""Set-ups that are broken in one way each: what ``check`` says of them first, what the log, and what a person sees.

``test_broken_setups.py`` makes each of them, runs the command, and lets somebody sign in to an app. Most stand in
``broken_fotoweb.py`` and ``broken_stores.py``.

    python -m tests.cli.broken_setups docs/reference/troubleshooting.md

writes the table into that page; a test says when this is due.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cli import broken_fotoweb, broken_stores
from tests.cli.bench import Bench, deploy
from tests.cli.checks.tls_server import make_certificate
from tests.cli.declared_setups import (
    FOTOWEBS_PAGE,
    NOT_COMPLETED,
    SAMPLES,
    SETUPS,
    BrokenSetup,
    broken,
)
from tests.cli.visits import Site, sign_in

__all__ = ["SETUPS", "BrokenSetup", "broken_fotoweb", "broken_stores", "with_table"]

HEAD = "| what is broken | what `check` says first | what the log says first | what people see |\n"

# ----------------------------------------------------------------------------------------------------- the deployed app


@broken(
    "the app doesn't know its sub-path (`check --url {origin}/sub/`)",
    "bad   The app does not know its sub-path /sub: its redirect URI is {origin}/oauth2/callback.",
    logs=NOT_COMPLETED,
    sees=FOTOWEBS_PAGE,
)
def _(bench: Bench) -> None:
    bench.shown["origin"] = origin = deploy(bench, path="/sub")
    bench.arguments = ("check", "--url", f"{origin}/sub/")
    bench.go = lambda: sign_in(Site("https://app.example", mount="/sub"), bench.fotoweb.approve)


@broken(
    "the app doesn't know that TLS ends at its proxy (`check --url {origin}/`)",
    "bad   The app believes that it is served over http: its redirect URI is {own_origin}/oauth2/callback, and TLS "
    "ends at a proxy in front of it.",
    logs=(
        "WARNING set-up warning: TLS ends at a proxy and the app doesn't know: browsers use https, but the app sees "
        "http and sends FotoWeb an http redirect URI; make the proxy send X-Forwarded-Proto and the server trust it, "
        "or set FOTOWEB_REDIRECT_URI"
    ),
    sees=FOTOWEBS_PAGE,
)
def _(bench: Bench) -> None:
    certificate = make_certificate(bench.folder)
    origin = deploy(bench, certificate=certificate)
    bench.shown |= {"origin": origin, "own_origin": origin.replace("https:", "http:")}
    bench.set(SSL_CERT_FILE=certificate.certificate)
    bench.arguments = ("check", "--url", f"{origin}/")
    bench.go = lambda: sign_in(Site("https://app.example", scheme="http"), bench.fotoweb.approve)


# ------------------------------------------------------------------------------------------------------------- the page


def with_table(page: str) -> str:
    """Return the page with the table of all set-ups at its end."""
    rows = (
        f"| {setup.name} | `{setup.says}` | `{setup.logs}` | {in_words(setup.sees)} |\n".replace("{{", "{")
        for setup in SETUPS
    )
    table = HEAD + "| --- | --- | --- | --- |\n" + "".join(rows)
    for name, sample in SAMPLES.items():
        table = table.replace(f"{{{name}}}", sample)
    return page.partition(HEAD)[0] + table


def in_words(sees: str) -> str:
    """Return what a person sees as a cell of the table; a code leads to what is said of it."""
    return sees[1:-1] if sees.startswith("(") else f"[`{sees}`](#{sees})"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")

"""What the commands print: whatever it holds, it stays in its line and its column, and moves no cursor (T-LG-05)."""

from __future__ import annotations

import json

import pytest

from fotoweb_middleware.cli import app
from fotoweb_middleware.cli.checks.finding import bad
from fotoweb_middleware.cli.output import in_column, write
from tests.cli.samples import run

HOSTILE = "https://evil\x1bc\x9b2J\u202e\u2028\t\x7f\ud800.example"
ESCAPED = r"https://evil\x1bc\x9b2J\u202e\u2028\t\x7f\ud800.example"


def test_printed_text_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """What a terminal would obey or not show is written as an escape; letters of any language stay."""
    write(f"{HOSTILE} Åse 写真")

    assert capsys.readouterr().out == f"{ESCAPED} Åse 写真\n"


def test_findings_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """``check`` prints what a server sent escaped; as JSON it is a valid document of ASCII that holds it as it was."""
    monkeypatch.setattr(app, "check_everything", lambda **_: [bad(HOSTILE, HOSTILE)])

    lines, document = run("check").stdout, run("check", "--json").stdout

    assert lines.splitlines()[:2] == [f"bad   {ESCAPED}", f"      To do: {ESCAPED}"]
    assert document.isascii()
    assert json.loads(document)["findings"] == [{"level": "bad", "what": HOSTILE, "to_do": HOSTILE}]


@pytest.mark.parametrize("name", ["alice", "Åse Ødegård", "o'neil@example.com", "[red]", ""])
def test_plain_name_in_a_column(name: str) -> None:
    """A name that can't be mistaken for columns is shown as it is."""
    assert in_column(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("alice  Root", "'alice  Root'"),
        (" alice", "' alice'"),
        ("alice\tRoot", r"'alice\tRoot'"),
        ("alice\n3f2a9c01d4e5  2026", r"'alice\n3f2a9c01d4e5  2026'"),
        ("alice\u202egro", r"'alice\u202egro'"),
        ("alice\u3164\u3164Root", r"'alice\u3164\u3164Root'"),
        ("'alice'", "\"'alice'\""),
    ],
)
def test_name_that_imitates_columns(name: str, shown: str) -> None:
    """A name with wide gaps, line breaks, writing directions or quotation marks around it is quoted."""
    assert in_column(name) == shown

"""``fotoweb-middleware secret``."""

from __future__ import annotations

import re

from tests.cli.samples import run, settings


def test_prints_the_key_alone() -> None:
    """Standard output holds the key and a line break, nothing else; standard error is empty."""
    done = run("secret")

    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}\n", done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")


def test_settings_take_it() -> None:
    """What is printed is a good FOTOWEB_SECRET_KEY."""
    key = run("secret").stdout.strip()

    assert settings(secret_key=key).secret_keys == (key,)


def test_fresh_each_time() -> None:
    """No key comes twice."""
    assert len({run("secret").stdout for _ in range(20)}) == 20

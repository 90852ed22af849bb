"""Writes docs/reference/settings.md from the code.

    python -m fotoweb_middleware.settings.table > docs/reference/settings.md

A test compares the file with what this would write.
"""

from __future__ import annotations

import sys

from fotoweb_middleware.settings.about import variable_of
from fotoweb_middleware.settings.describe import written
from fotoweb_middleware.settings.fields import FIELDS
from fotoweb_middleware.settings.texts import ABOUT

__all__ = ["page"]

_HEAD = """\
# Settings

<!-- Made by: python -m fotoweb_middleware.settings.table > docs/reference/settings.md; change the code. -->

Each setting is a `FOTOWEB_*` environment variable, and an argument of `Settings(...)` with the same name in lower \
case without the prefix: `FOTOWEB_HTTP_TIMEOUT` is `Settings(http_timeout=...)`. An argument wins over the variable.

- Everything is read and checked once, when the middleware is constructed. Whatever is wrong is told in one message \
that names each variable, what it holds (secrets masked), what it takes and what to do.
- White space around a value is ignored. An empty variable counts as not set.
- Switches take `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off` in any case, and nothing else.
- Numbers are written with the digits 0 to 9 and at most one point.
- Where the table says "or `_FILE`", the variable with `_FILE` behind its name takes the path of a file that holds \
the value, such as a container secret. Setting both is an error.
- A variable that starts with `FOTOWEB_` and is not in this table is warned about in the log.

`fotoweb-middleware config` shows the values in force, `fotoweb-middleware check` tries them out. \
Which `FOTOWEB_CACHE` to take for what, and what each costs: [which server cache](caches.md).

| variable | default | takes | what it does |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the whole page."""
    return _HEAD + "".join(_row(name) for name in ABOUT)


def _row(name: str) -> str:
    about = ABOUT[name]
    variable = f"`{variable_of(name)}`" + (" or `_FILE`" if about.from_file else "")
    cells = (variable, _default(name), about.accepts, about.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _default(name: str) -> str:
    field = FIELDS[name]
    if field.is_required:
        return "required"
    text = written(field.default)
    return f"`{text}`" if text else (ABOUT[name].unset or "not set")


if __name__ == "__main__":
    sys.stdout.write(page())

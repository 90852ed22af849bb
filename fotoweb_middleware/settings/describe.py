"""Every setting in a list: for ``fotoweb-middleware config``, and as the reference page.

    python -m fotoweb_middleware.settings.describe > docs/reference/settings.md

A test compares that file with what this would write.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
from typing import Any, NamedTuple

from fotoweb_middleware.settings import DECLARED, Settings
from fotoweb_middleware.settings.environment import Origin, variable_of
from fotoweb_middleware.settings.rules import Secret, mask_cache_address

__all__ = ["Described", "describe", "meanings", "reference_page"]

_HEAD = """\
# Settings

<!-- Made by: python -m fotoweb_middleware.settings.describe > docs/reference/settings.md; change the code. -->

Each setting is a `FOTOWEB_*` environment variable, and an argument of `Settings(...)` with the same name in lower \
case without the prefix: `FOTOWEB_HTTP_TIMEOUT` is `Settings(http_timeout=...)`. An argument wins over the variable.

- Everything is read and checked once, when the middleware is constructed. Whatever is wrong is told in one message \
that names each variable, what it holds (secrets masked), what it takes and what to do.
- White space around a value is ignored, except around `FOTOWEB_CLIENT_ID`, where it is an error. An empty variable \
counts as not set.
- Switches take `true`/`false`, `1`/`0`, `yes`/`no`, `on`/`off` in any case, and nothing else.
- Numbers are written with the digits 0 to 9 and at most one point.
- Where the table says "or `_FILE`", the variable with `_FILE` behind its name takes the path of a file that holds \
the value, such as a container secret. Setting both is an error.
- A variable that starts with `FOTOWEB_` and is not in this table is warned about in the log.

`fotoweb-middleware config` shows the values in force, `fotoweb-middleware check` tries them out. \
Which `FOTOWEB_CACHE` to take for what, and what each costs: [stores](stores.md).

| variable | default | takes | what it does |
| --- | --- | --- | --- |
"""


class Described(NamedTuple):
    """One setting as it may be shown: ``FOTOWEB_PKCE``, ``false`` (secrets masked), and where that came from."""

    variable: str
    value: str
    origin: Origin


def describe(settings: Settings) -> tuple[Described, ...]:
    """Describe every setting, in the order of the reference page. No secret is in the result."""
    return tuple(
        Described(variable_of(name), _shown(name, getattr(settings, name)), settings.origins[name]) for name in DECLARED
    )


def _shown(name: str, value: Any) -> str:
    if isinstance(value, Secret):
        return "***"
    if name == "cache":
        return mask_cache_address(value)
    return _written(value) or f"({DECLARED[name].unset or 'not set'})"


def _written(value: Any) -> str:
    """Return a value as one would write it into a variable; "" for None and an empty list."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def reference_page() -> str:
    """Return docs/reference/settings.md."""
    texts = meanings()
    return _HEAD + "".join(_row(name, texts[name]) for name in DECLARED)


def _row(name: str, meaning: str) -> str:
    declared = DECLARED[name]
    variable = f"`{variable_of(name)}`" + (" or `_FILE`" if declared.secret else "")
    default = _written(declared.default)
    shown = "required" if declared.required else f"`{default}`" if default else declared.unset or "not set"
    cells = (variable, shown, declared.expects, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def meanings() -> dict[str, str]:
    """Return what each setting does: the text below its field in ``Settings``, where editors look for it too.

    Python keeps no such text, so the source is read: here alone, for a page that is made where the source is.
    """
    (cls,) = ast.parse(inspect.getsource(Settings)).body
    found = {}
    for declaration, below in itertools.pairwise(ast.iter_child_nodes(cls)):
        match declaration, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split())
    return found


if __name__ == "__main__":
    sys.stdout.write(reference_page())

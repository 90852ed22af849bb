"""The project's rules that a script can check: each is one small function, seen red on a planted fault."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "fotoweb_middleware"

MOST_LINES_OF_A_FUNCTION = 40
"""Its docstring included."""

MOST_LINES_OF_A_FILE = 400
FORBIDDEN_NAMES = ("utils", "util", "helpers", "helper", "manager", "managers")
NOT_OURS = {".git", ".venv", ".make", "node_modules", "__pycache__", "dist", "build"}

LONG_FILES: dict[str, str] = {
    f"{PACKAGE}/settings/rules.py": "one rule after another, each on its own",
}
"""Files that may be longer, each with its reason."""

OLD_WORDS = re.compile(
    "admit|anew|bounce|burial|buried|bury|cautions?|crowd|doors?|errand|farewell|gates?|glance|journal|journeys?|leases?|"
    "mend|near|orphans?|presented|renew|renewal|standby|strangers?|sweeper|tombstones?|trail|unadmitted|whoever"
)
"""Words of an earlier design that a reader would have to learn. Those with a plain meaning too, such as "claim" (in a
JWT) or "site", are left to the eye."""

PICTURES = f"{PACKAGE}/testing/fake_fotoweb/pictures/"
"""Land that is near is drawn there."""

# Written in pieces, so that this file does not name what it looks for.
HOSTS = tuple(
    "".join(parts)
    for parts in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("yarn", "pkg.com"),
        ("deb.", "debian.org"),
        ("crates", ".io"),
    )
)
MACHINE_PATHS = tuple("".join(parts) for parts in (("/", "work/"), ("/", "root/"), ("../", "shared"), ("/home", "/")))
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf\u2b50-\u2b55\ufe0f]")


def our_files() -> list[Path]:
    """Return every file of the project: what git tracks or would track, or all files where this is no clone."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if NOT_OURS.isdisjoint(path.relative_to(ROOT).parts)]
    return sorted(path for path in paths if path.is_file())


def python_files(*folders: str) -> dict[str, str]:
    """Return the source of each Python file in these folders, under its path."""
    files = [path.relative_to(ROOT) for path in our_files() if path.suffix == ".py"]
    return {str(path): (ROOT / path).read_text(encoding="utf-8") for path in files if path.parts[0] in folders}


def text_files() -> dict[str, str]:
    """Return the text of each file that is text, under its path."""
    texts = {}
    for path in our_files():
        content = path.read_bytes()
        if b"\0" not in content:
            texts[str(path.relative_to(ROOT))] = content.decode("utf-8", errors="replace")
    return texts


# ---------------------------------------------------------------------------------------------------------- the rules
# Each takes one file's path and text, and returns what is wrong with it.


def parsed(path: str, text: str) -> ast.Module:
    """Return the syntax tree of a file; an error names the file."""
    return ast.parse(text, filename=path)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a module, methods and inner ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def long_functions(path: str, text: str) -> list[str]:
    """A function fits a screen."""
    found = []
    for node in functions(parsed(path, text)):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if lines > MOST_LINES_OF_A_FUNCTION:
            found.append(f"{path}:{node.lineno} {node.name} has {lines} lines, {MOST_LINES_OF_A_FUNCTION} are allowed")
    return found


def long_file(path: str, text: str) -> list[str]:
    """A file can be read in one sitting."""
    lines = text.count("\n")
    if lines <= MOST_LINES_OF_A_FILE or path in LONG_FILES:
        return []
    return [f"{path} has {lines} lines, {MOST_LINES_OF_A_FILE} are allowed"]


def empty_name(path: str, text: str) -> list[str]:
    """A module's name answers a question; these names say nothing."""
    words = re.split(r"[/_.]", path)
    return [f"{path} is called {word}" for word in words if word in FORBIDDEN_NAMES]


def old_words(path: str, text: str) -> list[str]:
    """Names are the field's (``PEP 3333``, ASGI, RFC 6749), not those of an earlier design."""
    names = {Path(path).stem}
    for node in ast.walk(parsed(path, text)):
        names |= {name for kind in ("arg", "attr", "id", "name") if isinstance(name := getattr(node, kind, None), str)}
    words = {name: re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name) for name in names}
    return [
        f"{path} uses {word} in {name}"
        for name, found in sorted(words.items())
        for word in found
        if OLD_WORDS.fullmatch(word.lower()) and not path.startswith(PICTURES)
    ]


def missing_module_docstring(path: str, text: str) -> list[str]:
    """Every module says what it is for."""
    return [] if ast.get_docstring(parsed(path, text)) else [f"{path} has no docstring"]


def missing_test_docstrings(path: str, text: str) -> list[str]:
    """Every test states the behaviour that it checks."""
    return [
        f"{path}:{node.lineno} {node.name} has no docstring"
        for node in functions(parsed(path, text))
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]


def named_hosts(path: str, text: str) -> list[str]:
    """No package registry is named: each builder chooses theirs."""
    return [f"{path} names {host}" for host in HOSTS if host in text.lower()]


def named_machine_paths(path: str, text: str) -> list[str]:
    """No path of one machine is named."""
    return [f"{path} names {prefix}" for prefix in MACHINE_PATHS if re.search(rf"(?<![\w.]){re.escape(prefix)}", text)]


def emoji(path: str, text: str) -> list[str]:
    """Words say it."""
    return [f"{path} holds the picture U+{ord(found):04X}" for found in EMOJI.findall(text)]


# ---------------------------------------------------------------------------------------------- the project keeps them

type_of_rule = Callable[[str, str], list[str]]


@pytest.mark.parametrize("rule", [long_functions, long_file, empty_name, missing_module_docstring])
def test_the_package_keeps_the_rule(rule: type_of_rule) -> None:
    """No file of the package, the tests, the examples or the tools breaks it."""
    sources = python_files(PACKAGE, "tests", "examples", "tools", "docs")

    assert [fault for path, text in sources.items() for fault in rule(path, text)] == []


def test_the_package_uses_the_words_of_the_field() -> None:
    """No name in the package is one of the earlier design."""
    assert [fault for path, text in python_files(PACKAGE).items() for fault in old_words(path, text)] == []


def test_the_tests_state_what_they_check() -> None:
    """No test is without a docstring."""
    assert [
        fault for path, text in python_files("tests").items() for fault in missing_test_docstrings(path, text)
    ] == []


@pytest.mark.parametrize("rule", [named_hosts, named_machine_paths, emoji])
def test_every_file_keeps_the_rule(rule: type_of_rule) -> None:
    """No file of the project breaks it, lock files included."""
    assert [fault for path, text in text_files().items() for fault in rule(path, text)] == []


def test_every_exception_from_the_rules_is_still_needed() -> None:
    """An exception whose file has gone or become short is taken off the list."""
    sources = python_files(PACKAGE, "tests", "examples", "tools", "docs")
    long_ones = {path for path, text in sources.items() if text.count("\n") > MOST_LINES_OF_A_FILE}

    assert set(LONG_FILES) <= long_ones


def test_the_files_are_found() -> None:
    """The rules look at something: the package and this very file are in the list."""
    assert {f"{PACKAGE}/errors.py", "tests/test_project_rules.py"} <= set(python_files(PACKAGE, "tests"))


# ------------------------------------------------------------------------------------------------- each rule, seen red

HOST = HOSTS[0]
FAULTS: list[tuple[type_of_rule, str, str]] = [
    (long_functions, "a.py", "def long():\n" + "    pass\n" * MOST_LINES_OF_A_FUNCTION),
    (long_functions, "a.py", "async def long():\n" + "    pass\n" * MOST_LINES_OF_A_FUNCTION),
    (long_file, "a.py", "\n" * (MOST_LINES_OF_A_FILE + 1)),
    (old_words, "fotoweb_middleware/views/journey.py", ""),
    (old_words, "a.py", "class StoreDoor:\n    pass\n"),
    (old_words, "a.py", "def take(*, LEASE_SECONDS=3):\n    pass\n"),
    (old_words, "a.py", "x.is_near = 1\n"),
    (empty_name, "fotoweb_middleware/cookie_utils.py", ""),
    (empty_name, "fotoweb_middleware/helpers/header.py", ""),
    (missing_module_docstring, "a.py", "import os\n"),
    (missing_test_docstrings, "a.py", "def test_it() -> None:\n    pass\n"),
    (missing_test_docstrings, "a.py", "class TestIt:\n    async def test_it(self) -> None:\n        pass\n"),
    (named_hosts, "requirements/a.lock", f"--index-url https://{HOST.upper()}/simple\n"),
    (named_machine_paths, "a.md", f"see {MACHINE_PATHS[0]}main\n"),
    (named_machine_paths, "a.md", f"see `{MACHINE_PATHS[2]}/design.md`\n"),
    (emoji, "README.md", "It works! \N{ROCKET}\n"),
    (emoji, "README.md", "\N{WHITE HEAVY CHECK MARK} done\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), FAULTS, ids=[fault[0].__name__ for fault in FAULTS])
def test_a_planted_fault_is_found(rule: type_of_rule, path: str, text: str) -> None:
    """The rule finds exactly the one fault."""
    assert len(rule(path, text)) == 1


FINE: list[tuple[type_of_rule, str, str]] = [
    (long_functions, "a.py", "def short():\n" + "    pass\n" * (MOST_LINES_OF_A_FUNCTION - 1)),
    (long_file, "a.py", "\n" * MOST_LINES_OF_A_FILE),
    (empty_name, "fotoweb_middleware/management.py", ""),
    (old_words, "a.py", "outdoors, nearest, claims, release = 1, 2, 3, 4\n"),
    (missing_module_docstring, "a.py", '"""What it is for."""\n'),
    (missing_test_docstrings, "a.py", 'def test_it() -> None:\n    """It works."""\n'),
    (named_machine_paths, "a.md", "https://tenant.example/fotoweb/work/flow\n"),
    (emoji, "README.md", "stale → refresh — 60 s … ├── └──\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), FINE, ids=[fine[0].__name__ for fine in FINE])
def test_what_is_fine_is_left_alone(rule: type_of_rule, path: str, text: str) -> None:
    """The rule has nothing against what is within the rule."""
    assert rule(path, text) == []

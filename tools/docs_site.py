"""Builds the documentation site with Zensical, and checks it.

    .make/docs/bin/python tools/docs_site.py

The pages of docs/, and those beside it that belong to them, are put into build/pages with their links changed to fit,
and the site is built from there into build/site. It ends with 1 where Zensical warns of anything, where a link or its
anchor leads nowhere within the site, or where a page would fetch something from another host.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
OUTSIDE_DOCS = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "internals/contributing.md",
    "SECURITY.md": "security-policy.md",
    "examples/README.md": "examples/index.md",
}
"""Pages outside docs/ that the site has too, and their places there; examples/*.py become pages as well."""

NOT_SEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"
"""What maintainers read would often come first in the search."""

SAME_PAGE = {"README.md": "docs/README.md"}
"""What the site has as another page; links lead to that."""

LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FENCE = re.compile(r"^(```\w+) .*$", re.MULTILINE)
FETCHING = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "srcset"), ("use", "href")}
FETCHING_LINKS = {"icon", "modulepreload", "preconnect", "dns-prefetch", "prefetch", "preload", "stylesheet"}
CSS_FETCH = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)")


def main() -> None:
    """Build the site, check it, and end the process."""
    site = ROOT / "build" / "site"
    stage(ROOT, ROOT / "build" / "pages")
    shutil.rmtree(site, ignore_errors=True)
    config = shutil.copyfile(ROOT / "docs" / "zensical.toml", ROOT / "build" / "zensical.toml")
    zensical = Path(sys.executable).with_name("zensical")
    command = [str(zensical), "build", "--strict", "--clean", "--config-file", str(config)]
    built = subprocess.run(  # noqa: S603 (our own command)
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if built.returncode or "griffe: " in built.stdout:  # What is wrong with a docstring is no warning to Zensical.
        sys.exit(COLOUR.sub("", built.stdout))
    faults = check(site)
    print("\n".join(faults) or f"{site.relative_to(ROOT)}: no broken link, nothing from other hosts")
    sys.exit(1 if faults else 0)


def stage(root: Path, folder: Path) -> None:
    """Put all pages, and what they show, into a folder as the site has them."""
    shutil.rmtree(folder, ignore_errors=True)
    places = places_in_site(root)
    for source, place in places.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.endswith(".md"):
            text = (root / source).read_text(encoding="utf-8")
            hidden = NOT_SEARCHED if place.startswith("internals/") or place == "changelog.md" else ""
            target.write_text(hidden + for_site(text, source, places), encoding="utf-8")
        elif source.endswith(".py"):
            code = (root / source).read_text(encoding="utf-8")
            target.write_text(f"# {Path(source).name}\n\n```python\n{code}```\n", encoding="utf-8")
        else:
            shutil.copyfile(root / source, target)


def places_in_site(root: Path) -> dict[str, str]:
    """Return each file of the project that the site has, and its place there."""
    places = dict(OUTSIDE_DOCS)
    for path in sorted((root / "docs").rglob("*")):
        if path.is_file() and path.suffix != ".toml":
            place = path.relative_to(root / "docs")
            places[path.relative_to(root).as_posix()] = (
                place.with_name("index.md") if path.name == "README.md" else place
            ).as_posix()
    for path in sorted((root / "examples").glob("*.py")):
        places[f"examples/{path.name}"] = f"examples/{path.stem}.md"
    return places


def for_site(text: str, source: str, places: dict[str, str]) -> str:
    """Return a page's text as the site has it.

    Links lead to where the site has their targets; of one to a file that it does not have, such as the code, only the
    words are left. The words behind a fence's language are left out: they are for ``tools/code_blocks.py``.
    """

    def link(found: re.Match[str]) -> str:
        words, url, anchor = found.groups(default="")
        target = os.path.normpath(Path(source).parent / url)
        target = SAME_PAGE.get(target, target)
        if target in places:
            return f"[{words}]({os.path.relpath(places[target], Path(places[source]).parent)}{anchor})"
        return words if (ROOT / target).exists() else found[0]

    return FENCE.sub(r"\1", LINK.sub(link, text))


class PageReader(HTMLParser):
    """Reads a page of the site.

    Attributes:
        anchors: Everything that a ``#fragment`` may name.
        links: Where the page leads.
        fetched: What a browser fetches to show it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag says."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        self.fetched += [value for name, value in values.items() if (tag, name) in FETCHING]
        if tag == "link" and FETCHING_LINKS & set(values.get("rel", "").split()):
            self.fetched.append(values.get("href", ""))
        if "mermaid" in values.get("class", "").split():
            self.fetched.append("https://unpkg.com/mermaid")


def check(site: Path) -> list[str]:
    """Return what is wrong with a site that was built."""
    pages = {path: read_page(path) for path in sorted(site.rglob("*.html"))}
    faults = []
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        faults += [f"{name}: fetches {url}" for url in page.fetched if urlsplit(url).netloc]
        for url in [*page.links, *page.fetched]:
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                continue
            folder = site if parts.path.startswith("/") else path.parent  # 404.html names whole paths.
            target = (folder / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                faults.append(f"{name}: {url} leads nowhere")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                faults.append(f"{name}: {url} has no such anchor")
    for path in sorted(site.rglob("*.css")):
        found = CSS_FETCH.findall(path.read_text(encoding="utf-8"))
        faults += [f"{path.relative_to(site)}: fetches {url}" for url in found]
    return faults


def read_page(path: Path) -> PageReader:
    """Return what a page says."""
    reader = PageReader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


if __name__ == "__main__":
    main()

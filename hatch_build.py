"""The project's page on a package index: README.md, whose links lead to files that are not there.

Hatchling calls this for each build. A link to a file of the repository becomes absolute, at the version's tag. While
``[project.urls]`` names no ``Repository``, such a link is left as plain words, and a picture is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?![a-z]+:|#)(?P<path>[^)\s]+)\)")
"""A link or picture of Markdown whose target is a path; not a link inside this page."""


class CustomMetadataHook(MetadataHookInterface):
    """Gives the package its long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set ``readme``."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        repository = metadata.get("urls", {}).get("Repository", "")
        readme = with_absolute_links(text, repository, f"v{metadata['version']}")
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}


def with_absolute_links(text: str, repository: str, tag: str) -> str:
    """Return Markdown whose links work anywhere.

    Args:
        text: A page at the top of the repository.
        repository: Its address, such as ``https://github.com/owner/name``; empty: links become plain words.
        tag: The version's tag.
    """

    def absolute(link: re.Match[str]) -> str:
        picture, words, path = link["picture"], link["words"], link["path"]
        if not repository:
            return "" if picture else words
        return f"{picture}[{words}]({repository.rstrip('/')}/{'raw' if picture else 'blob'}/{tag}/{path})"

    return LINK.sub(absolute, text)

"""What a page of ours consists of, and how it becomes HTML.

Two rules. Every string passes `html.escape` here and nowhere else. Pages hold no logic: which page, with which
targets, is decided by whoever calls the functions beside this file.

In our own texts `backticks` mark code; in words that come from outside (`Quotation`) they mark nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias, assert_never

from fotoweb_middleware.pages.style import STYLE
from fotoweb_middleware.pages.targets import check_target

__all__ = ["Action", "Items", "Link", "Note", "Page", "PostButton", "Quotation", "render"]

_LONGEST_QUOTATION_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Link:
    """A link drawn as a button.

    Raises:
        ValueError: `target` is neither a path on this origin nor an http(s) address (see `check_target`).
    """

    label: str
    target: str
    new_tab: bool = False

    def __post_init__(self) -> None:
        """Refuse a target that must not become a link."""
        check_target(self.target)


@dataclass(frozen=True, slots=True)
class PostButton:
    """A form of one button, sent with POST.

    Raises:
        ValueError: As for `Link`.
    """

    label: str
    target: str

    def __post_init__(self) -> None:
        """Refuse a target that must not become a form's action."""
        check_target(self.target)


Action: TypeAlias = Link | PostButton


@dataclass(frozen=True, slots=True)
class Items:
    """A list between two paragraphs; numbered where the order matters."""

    texts: tuple[str, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Quotation:
    """Words that are not ours, marked with whose they are. They are cut at 500 characters."""

    introduction: str
    words: str


@dataclass(frozen=True, slots=True)
class Note:
    """One thing the operator should know: what it is about, and the mend."""

    term: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page: first the reader's part, in plain words; below it the operator's.

    Args:
        code: The stable name of the case. It stands at the foot of the page; search the documentation for it.
        status: The HTTP status this page belongs to.
        title: The heading, and the window's title.
        body: Paragraphs, lists and quotations, in reading order.
        actions: Buttons; the first is the one we recommend.
        notes: What the operator should know.
    """

    code: str
    status: int
    title: str
    body: tuple[str | Items | Quotation, ...]
    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()


FIRST_ERROR: Final = 400

# A picture frame with a keyhole. Drawn in the page, so nothing is loaded.
_MARK: Final = (
    '<svg viewBox="0 0 28 28" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">'
    '<rect x="2" y="4" width="24" height="20" rx="3"/>'
    '<path d="M14 8a3.5 3.5 0 0 0-1.7 6.55L11.2 20h5.6l-1.1-5.45A3.5 3.5 0 0 0 14 8Z" fill="currentColor"'
    ' stroke="none"/></svg>'
)


def render(page: Page) -> bytes:
    """Write a page as an HTML5 document in UTF-8; send it with `security_headers()`."""
    message = "\n".join((*map(_block, page.body), *_actions(page.actions)))
    # Only where something went wrong would anybody ask for help.
    code = f"<code>fotoweb-middleware: {escape(page.code)}</code>"
    footer = f"<footer><p>If you ask for help, mention {code}</p></footer>" if page.status >= FIRST_ERROR else ""
    document = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{_typeset(page.title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>{_MARK}<p>FotoWeb sign-in</p></header>
<main>
<div class="message">
<h1>{_typeset(page.title)}</h1>
{message}
</div>
{_notes(page.notes)}</main>
{footer}
</body>
</html>
"""
    return document.encode("utf-8", errors="replace")


def _block(block: str | Items | Quotation) -> str:
    match block:
        case str():
            return f"<p>{_typeset(block)}</p>"
        case Items(texts, numbered):
            tag = "ol" if numbered else "ul"
            lines = "".join(f"<li>{_typeset(text)}</li>\n" for text in texts)
            return f"<{tag}>\n{lines}</{tag}>"
        case Quotation(introduction, words):
            quoted = f'<blockquote dir="auto">{escape(_harmless(words))}</blockquote>'
            return f"<figure><figcaption>{_typeset(introduction)}</figcaption>\n{quoted}</figure>"
    assert_never(block)


def _actions(actions: tuple[Action, ...]) -> tuple[str, ...]:
    if not actions:
        return ()
    drawn = "\n".join(_action(action, "action" if place else "action first") for place, action in enumerate(actions))
    return (f'<div class="actions">\n{drawn}\n</div>',)


def _action(action: Action, classes: str) -> str:
    target = escape(action.target)
    label = _typeset(action.label)
    match action:
        case PostButton():
            button = f'<button class="{classes}" type="submit">{label}</button>'
            return f'<form method="post" action="{target}">{button}</form>'
        case Link():
            beside = ' target="_blank" rel="noopener noreferrer"' if action.new_tab else ""
            return f'<a class="{classes}" href="{target}"{beside}>{label}</a>'
    assert_never(action)


def _notes(notes: tuple[Note, ...]) -> str:
    if not notes:
        return ""
    rows = "".join(f"<div><dt>{_typeset(note.term)}</dt><dd>{_typeset(note.text)}</dd></div>\n" for note in notes)
    heading = '<h2 id="operator">What the operator should know</h2>'
    return f'<section class="operator" aria-labelledby="operator">\n{heading}\n<dl>\n{rows}</dl>\n</section>\n'


def _typeset(text: str) -> str:
    """Escape a text of our own, set its apostrophes, and turn `backticks` into code elements."""
    pieces = text.split("`")
    for place, piece in enumerate(pieces):
        is_code = place % 2 == 1
        pieces[place] = f"<code>{escape(piece)}</code>" if is_code else escape(piece.replace("'", "\u2019"))
    return "".join(pieces)


def _harmless(words: str) -> str:
    """Put a space for every character that isn't meant to be seen (control, bidi, surrogate), and cut the rest."""
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in words)
    line = " ".join(seen.split())
    too_long = len(line) > _LONGEST_QUOTATION_CHARACTERS
    return line[: _LONGEST_QUOTATION_CHARACTERS - 1] + "\u2026" if too_long else line

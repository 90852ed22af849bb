"""Pages of ours as a browser reads them: which elements there are, where they lead, which headers came before them."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.attacks.browser import Browser
from tests.attacks.raw_client import RawReply

__all__ = ["check_page", "is_own_page"]

HTML = "text/html; charset=utf-8"
PLAIN_ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "div", "section", "details"),
    *(
        "summary",
        "h1",
        "h2",
        "h3",
        "p",
        "a",
        "code",
        "dl",
        "dt",
        "dd",
        "ul",
        "ol",
        "li",
        "form",
        "button",
        "blockquote",
    ),
    *("svg", "rect", "path", "figure", "figcaption"),
}
"""What a page of ours may consist of: nothing that runs, and nothing that is fetched."""

ADDRESSES = {"href", "action", "src", "srcset", "formaction", "poster", "data", "xlink:href", "ping", "background"}


class Reading(HTMLParser):
    """Everything in a page that could do something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value or "" for name, value in attrs if name in ADDRESSES]


def is_own_page(reply: RawReply) -> bool:
    """Return whether an answer is a page of the middleware, and not the server's own refusal."""
    return "FotoWeb sign-in" in reply.text


def check_page(reply: RawReply, browser: Browser) -> None:
    """Check a page of ours: its headers (R-OP2), that nothing in it runs or is fetched, and where it leads."""
    has_form = "<form" in reply.text
    policy = dict(
        part.strip().partition(" ")[::2] for part in (reply.header("Content-Security-Policy") or "").split(";")
    )
    assert policy.pop("style-src").startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
    }
    assert [
        reply.header(name) for name in ("Content-Type", "X-Content-Type-Options", "Cross-Origin-Opener-Policy")
    ] == [
        HTML,
        "nosniff",
        "same-origin",
    ]
    # Under "no-referrer" a form's own Origin would be "null": see pages/headers.py.
    assert reply.header("Referrer-Policy") == ("same-origin" if has_form else "no-referrer")
    assert reply.header("Cache-Control") == "no-store"
    check_content(reply.body.decode("utf-8"), browser)


def check_content(text: str, browser: Browser) -> None:
    """Check that a page holds nothing that runs or is fetched, and leads to this origin or to FotoWeb alone."""
    page = Reading(text)
    assert page.elements <= PLAIN_ELEMENTS, page.elements - PLAIN_ELEMENTS
    assert {name for name in page.attributes if name.startswith("on") or name in {"style", "srcdoc"}} == set()
    assert ("url(" in text, "@import" in text) == (False, False)
    own = [address for address in page.addresses if address.startswith("/") and address[1:2] not in {"/", "\\"}]
    assert set(page.addresses) - set(own) <= {browser.fotoweb.url}

"""Every page and problem document that the middleware shows, in one look.

    render.py      which pages there are, and how one is rendered; problem documents for programs (RFC 9457)
    appearance.py  style sheet, accent colour, logo
    languages.py   which language a reader gets
    headers.py     what goes before every one of them
    targets.py     where a page may lead
    templates/     one template for each page, layout.html around it, style.css
    locales/       the texts in other languages (`make messages`)

Pages know nothing of requests: which page is shown, with which links, is the caller's decision.
"""

from __future__ import annotations

from fotoweb_middleware.pages.headers import PROBLEM_HEADERS, security_headers
from fotoweb_middleware.pages.languages import choose_language
from fotoweb_middleware.pages.render import PAGE_CODES, Page, Pages, page, problem_json
from fotoweb_middleware.pages.targets import check_target

__all__ = [
    "PAGE_CODES",
    "PROBLEM_HEADERS",
    "Page",
    "Pages",
    "check_target",
    "choose_language",
    "page",
    "problem_json",
    "security_headers",
]

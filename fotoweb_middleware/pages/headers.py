"""The headers of every answer that is ours and not the app's.

Source: OWASP ASVS 5.0, 3.4.3 to 3.4.8; CSP Level 3.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from fotoweb_middleware.pages.appearance import STYLE

_COMMON: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)

_FORM_COMMON: Final = tuple((name, "same-origin" if name == "Referrer-Policy" else value) for name, value in _COMMON)


def security_headers(
    form_action_origin: str | None = None, *, has_form: bool = False, style: str = STYLE, has_images: bool = False
) -> tuple[tuple[str, str], ...]:
    """Return the headers of an HTML page, Content-Type included.

    Args:
        form_action_origin: Where the page's form may end after a redirect, besides this origin. Chromium holds
            `form-action` against every redirect of a form too: without it the sign-out would seem to do nothing.
        has_form: Whether the page has a form. Under `no-referrer` browsers send "Origin: null" with it (Fetch, "append
            a request Origin header"). Where no Sec-Fetch-Site comes either, it could then be any site's form. Under
            `same-origin` they send the true origin, and other sites still get no Referer.
        style: The text between <style> and </style>, byte for byte: its hash admits it (CSP Level 3, 6.7.3.3).
        has_images: Whether the page may show images that are part of it (`data:`). No image is ever loaded.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        *(("img-src data:",) if has_images else ()),
        "frame-ancestors 'none'",
        "base-uri 'none'",
        f"form-action 'self' {form_action_origin or ''}".rstrip(),
    )
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "; ".join(policy)),
        *(_FORM_COMMON if has_form else _COMMON),
    )


PROBLEM_HEADERS: Final[tuple[tuple[str, str], ...]] = (
    ("Content-Type", "application/problem+json"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    *_COMMON,
)

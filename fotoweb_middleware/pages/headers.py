"""The headers of every answer that is ours and not the app's, and the style sheet whose hash stands in them.

Source: OWASP ASVS 5.0, 3.4.3 to 3.4.8; CSP Level 3.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

from fotoweb_middleware.pages.targets import origin_of

TEMPLATES: Final = Path(__file__).parent / "templates"

# Read once: layout.html writes this very text into each page, so it always matches the hash.
STYLE: Final = (TEMPLATES / "style.css").read_text(encoding="utf-8")

# The hash covers the text between <style> and </style>, byte for byte (CSP Level 3, section 6.7.3.3).
_STYLE_SOURCE: Final = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"

_COMMON: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)

_FORM_COMMON: Final = tuple((name, "same-origin" if name == "Referrer-Policy" else value) for name, value in _COMMON)


def security_headers(form_action_origin: str | None = None, *, has_form: bool = False) -> tuple[tuple[str, str], ...]:
    """List the headers of an HTML page, Content-Type included; the caller adds Retry-After, Allow and cookies.

    Args:
        form_action_origin: The origin the page's form may end at after a redirect. Chromium holds `form-action`
            against every redirect of a form too, so the logout page needs the origin of FOTOWEB_POST_LOGOUT_URL
            here (`origin_of` finds it), or the sign-out would seem to do nothing. None: this origin alone.
        has_form: Whether the page has a form. Under `no-referrer` browsers send "Origin: null" with it (Fetch, "append
            a request Origin header"). Where no Sec-Fetch-Site comes either, it could then be any site's form. Under
            `same-origin` they send the true origin, and other sites still get no Referer.

    Raises:
        ValueError: It is not a bare http or https origin.
    """
    if form_action_origin is None:
        form_action = "form-action 'self'"
    elif origin_of(form_action_origin) == form_action_origin:
        form_action = f"form-action 'self' {form_action_origin}"
    else:
        raise ValueError("form_action_origin must be an origin alone, such as https://www.example")
    policy = ("default-src 'none'", f"style-src {_STYLE_SOURCE}", "frame-ancestors 'none'", "base-uri 'none'")
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "; ".join((*policy, form_action))),
        *(_FORM_COMMON if has_form else _COMMON),
    )


SECURITY_HEADERS: Final = security_headers()

PROBLEM_HEADERS: Final[tuple[tuple[str, str], ...]] = (
    ("Content-Type", "application/problem+json"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    *_COMMON,
)

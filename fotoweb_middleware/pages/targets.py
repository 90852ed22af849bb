"""Where a page of ours may lead: a path on this origin, or an http(s) address the settings gave.

`javascript:`, `data:`, `//elsewhere.example` and their disguises never become a link: they raise ValueError.
The message never repeats the target, since a target may hold what somebody else typed.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

# Browsers read a backslash as a slash, and drop white space. Quotes and angle brackets do no harm: templates
# escape them, and a path that somebody typed may hold them.
_NEVER_IN_TARGETS: Final = frozenset(" \\")
# A name, an IPv4 or an IPv6 address, and a port.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def check_target(target: str) -> str:
    """Give back a target that is safe as a link, a form action or a JSON `login_url`.

    That is a path on this origin (`/oauth2/login?next=%2F`), or an absolute http or https address.

    Raises:
        ValueError: It is neither; or holds white space, control characters or a backslash.

    Source: WHATWG URL, section 4.4; OWASP ASVS 5.0, 1.2.2.
    """
    if not target.isprintable() or _NEVER_IN_TARGETS.intersection(target):
        raise ValueError("a link target holds a character that no link may hold")
    if target.startswith("/") and not target.startswith("//"):
        return target
    try:
        parts = urlsplit(target)
    except ValueError:  # urlsplit would repeat the target.
        raise ValueError("a link target's host cannot be read") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc):
        raise ValueError(
            "a link target must be a path on this origin, or an http or https address with a plain ASCII host"
        )
    return target

"""Answers for programs: problem details in JSON instead of a page.

Source: RFC 9457, section 3.
"""

from __future__ import annotations

import json
from typing import Final

from fotoweb_middleware.pages.targets import check_target

__all__ = ["problem_json"]

_TARGETS: Final = frozenset({"login_url", "logout_url"})


def problem_json(
    status: int,
    title: str,
    detail: str,
    *,
    type_code: str | None = None,
    **extra: str | float | bool | None,
) -> bytes:
    """Write a problem details object; send it with `PROBLEM_HEADERS`.

    Args:
        status: The HTTP status of the answer, repeated in the object.
        title: What kind of problem this is, the same words every time.
        detail: What happened this time and what to do.
        type_code: The stable name of the case, as at the foot of our pages: `not_signed_in` gives the type
            `urn:fotoweb-middleware:not-signed-in`. None gives `about:blank`.
        extra: Further members, such as `login_url`. One that is None is left out.

    Raises:
        ValueError: `login_url` or `logout_url` is no target a page may lead to, or `extra` names `type`.
    """
    if "type" in extra:
        raise ValueError("the problem's type is made from type_code")
    kind = "about:blank" if type_code is None else f"urn:fotoweb-middleware:{type_code.replace('_', '-')}"
    members: dict[str, str | float | bool | None] = {"type": kind, "title": title, "status": status, "detail": detail}
    for name, value in extra.items():
        if value is None:
            continue
        members[name] = check_target(str(value)) if name in _TARGETS else value
    # ASCII alone, and no NaN: every reader of JSON then reads the same.
    return json.dumps(members, ensure_ascii=True, allow_nan=False).encode("ascii")

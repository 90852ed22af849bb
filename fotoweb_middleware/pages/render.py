"""The pages by their codes, and how one becomes HTML, or the words of a problem document.

Each page is a template of `templates/`, named after its code; `layout.html` puts them all into one frame. Its blocks:

    title      the heading, and the window's title
    detail     the first paragraph
    body       what follows it, for the reader
    actions    links and forms, drawn as buttons; the first is the one we recommend
    operator   what the operator should know: rows of a <dl>, folded away

Jinja2 escapes everything that comes from outside. Texts go through gettext: `{% trans %}` in templates.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import jinja2
from markupsafe import Markup

from fotoweb_middleware.pages.headers import STYLE, TEMPLATES
from fotoweb_middleware.pages.targets import check_target

_LONGEST_QUOTATION_CHARACTERS: Final = 500
_LONGEST_WAIT_SECONDS: Final = 86_400

_TARGETS: Final = frozenset({"app_url", "back_url", "fotoweb_url", "login_url", "logout_url", "retry_url", "target"})


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    template: str = ""


_STATE: Final = _Kind(400, ("login_url", "app_url"))
_LOOP: Final = _Kind(400, ("login_url", "characters"), template="login_loop.html")

_KINDS: Final[dict[str, _Kind]] = {
    # The callback: its state cannot be believed; nothing was changed.
    "state_expired": _STATE,
    "state_garbled": _STATE,
    "state_missing": _STATE,
    "state_no_cookies": _STATE,
    "state_other_key": _STATE,
    "state_plain_http": _STATE,
    "state_reused": _STATE,
    "state_unknown": _STATE,
    # Several logins came to their end in a row: what keeps the session away.
    "loop_cache": _LOOP,
    "loop_clock": _LOOP,
    "loop_cookie_lost": _LOOP,
    "loop_cookie_torn": _LOOP,
    "loop_other_key": _LOOP,
    "loop_token": _LOOP,
    # FotoWeb said no (RFC 6749, 4.1.2.1 and 5.2), answered what nobody can read, or did not answer.
    "access_denied": _Kind(403, ("login_url",), ("description",)),
    "fotoweb_error": _Kind(502, ("step", "error", "retry_url")),
    "fotoweb_nonsense": _Kind(502, ("retry_url",)),
    "fotoweb_unavailable": _Kind(503, (), ("retry_after_seconds", "retry_url")),
    "temporarily_unavailable": _Kind(503, ("login_url",), ("retry_after_seconds",)),
    "store_unavailable": _Kind(503, (), ("retry_after_seconds", "retry_url")),
    # Requests that are refused as they stand.
    "bad_request_target": _Kind(400, (), ("app_url",)),
    "cross_origin_refused": _Kind(403, (), ("app_url",)),
    "method_not_allowed": _Kind(405, ("allowed",), ("app_url",)),
    "no_such_page": _Kind(404, (), ("app_url",)),
    "not_signed_in": _Kind(401, ("login_url",)),
    # On the way in, where cookies are Strict, and on the way out.
    "one_moment": _Kind(200, ("target",)),
    "confirm_logout": _Kind(200, ("logout_url", "back_url")),
    "signed_out": _Kind(200, ("login_url",), ("fotoweb_url",)),
}

# RFC 6749, 4.1.2.1 and 5.2. access_denied and temporarily_unavailable have pages of their own.
_OAUTH_ERRORS: Final = (
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
)
_STEPS: Final = ("authorize", "code", "refresh")

PAGE_CODES: Final = (
    *(code for code in _KINDS if code != "fotoweb_error"),
    "fotoweb_refused",
    *(f"fotoweb_{error}" for error in _OAUTH_ERRORS),
)
"""Every code that can stand at the foot of a page, and in a problem document's type."""


def _make_environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,  # An upgrade under a running process must not mix two releases.
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["style"] = Markup(STYLE)  # noqa: S704 (a file of this package)
    # English alone for now: gettext gives each text back. Catalogues are installed here.
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # The extension adds it.
    return environment


_ENVIRONMENT: Final = _make_environment()


@dataclass(frozen=True, slots=True)
class Page:
    """One page: first the reader's part in plain words; below it, folded away, the operator's.

    Args:
        code: The stable name of the case. It stands at the foot of the page; search the documentation for it.
        status: The HTTP status this page belongs to.
        template: The file that holds its texts.
        context: What the template needs, checked by `page`.
    """

    code: str
    status: int
    template: str = field(repr=False)
    context: Mapping[str, object] = field(repr=False)

    def html(self) -> bytes:
        """Render the whole page as an HTML5 document in UTF-8; send it with `security_headers()`."""
        template = _ENVIRONMENT.get_template(self.template)
        text = template.render(self.context, code=self.code, status=self.status)
        return text.encode("utf-8", errors="replace")  # A path may hold a lone surrogate.

    def title(self) -> str:
        """Say in a few words what kind of problem this is, as plain text for a problem document."""
        return self._plain_text("title")

    def detail(self) -> str:
        """Say what happened: the first paragraph, as plain text for a problem document."""
        return self._plain_text("detail")

    def _plain_text(self, block: str) -> str:
        """Render one block and nothing else; a block `problem_…` goes before it, where programs need other words."""
        template = _ENVIRONMENT.get_template(self.template)
        render_block = template.blocks.get(f"problem_{block}") or template.blocks[block]
        html = "".join(render_block(template.new_context(dict(self.context))))
        return Markup(html).striptags().replace("\u2019", "'")  # noqa: S704 (the tags go)


def page(code: str, **context: object) -> Page:
    """Choose a page by its code.

    Args:
        code: One of the codes above.
        context: What this page needs, by name. Optional values may be None or left out.
            app_url: The app's start page. None: no button.
            login_url: The path that starts a login.
            logout_url: The logout path, which the confirmation's form posts to.
            back_url: Where "Stay signed in" leads.
            retry_url: Where to try again: the path asked for, or the login path. None: no button.
            target: The path asked for, opened by "Continue".
            fotoweb_url: The FotoWeb site, offered to sign out there too. None: no link.
            retry_after_seconds: The value of the Retry-After header. None: "in a moment".
            error: FotoWeb's OAuth error code, or "" where none could be read. It is looked up, never shown as it came.
            step: What FotoWeb was asked when it refused: `authorize`, `code` or `refresh`.
            description: FotoWeb's own `error_description`; it is cut, and marked as FotoWeb's words. Show it only for a
                callback whose state was right, or anybody could put words into FotoWeb's mouth.
            characters: The length of the session's cookies.
            allowed: The methods the path has, as in the Allow header.

    Raises:
        KeyError: There is no such page.
        TypeError: A value is missing, or one is given that this page has no use for.
        ValueError: A target is not safe as a link or form action, or the step is unknown.
    """
    kind = _KINDS[code]
    missing, unknown = set(kind.required) - context.keys(), context.keys() - {*kind.required, *kind.optional}
    if missing or unknown:
        raise TypeError(f"page {code!r}: missing {sorted(missing)}, unknown {sorted(unknown)}")
    context = dict.fromkeys(kind.optional) | context
    for name in _TARGETS & context.keys():
        if context[name] is not None or name in kind.required:
            check_target(str(context[name]))
    if "description" in context:
        context["description"] = _harmless(str(context["description"] or ""))
    if "retry_after_seconds" in context:
        context["retry_after_seconds"] = _whole_seconds(context["retry_after_seconds"])
    template = kind.template or f"{code}.html"
    if code == "fotoweb_error":
        code = _fotoweb_error(context)
    return Page(code, kind.status, template, context)


def _fotoweb_error(context: dict[str, object]) -> str:
    """Return the code of a refusal; an error that OAuth does not know is forgotten."""
    if context["step"] not in _STEPS:
        raise ValueError(f"step must be one of {', '.join(_STEPS)}")
    if context["error"] not in _OAUTH_ERRORS:
        context["error"] = ""
    return f"fotoweb_{context['error'] or 'refused'}"


def _harmless(words: str) -> str:
    """Put a space for every character that isn't meant to be seen (control, bidi, surrogate), and cut the rest."""
    seen = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in words)
    line = " ".join(seen.split())
    too_long = len(line) > _LONGEST_QUOTATION_CHARACTERS
    return line[: _LONGEST_QUOTATION_CHARACTERS - 1] + "\u2026" if too_long else line


def _whole_seconds(seconds: object) -> int:
    """Round up, so that a page never promises more than Retry-After; 0 where nothing is known."""
    if not isinstance(seconds, int | float) or not seconds > 0:  # Not a number is not over 0 either.
        return 0
    return math.ceil(min(seconds, _LONGEST_WAIT_SECONDS))


def problem_json(
    status: int,
    title: str,
    detail: str,
    *,
    type_code: str | None = None,
    **extra: str | float | bool | None,
) -> bytes:
    """Write a problem details object for a program; send it with `PROBLEM_HEADERS`.

    Args:
        status: The HTTP status of the answer, repeated in the object.
        title: What kind of problem this is, the same words every time.
        detail: What happened this time and what to do.
        type_code: The stable name of the case, as at the foot of our pages: `not_signed_in` gives the type
            `urn:fotoweb-middleware:not-signed-in`. None gives `about:blank`.
        extra: Further members, such as `login_url`. One that is None is left out.

    Raises:
        ValueError: `login_url` or `logout_url` is no target a page may lead to, or `extra` names `type`.

    Source: RFC 9457, section 3.
    """
    if "type" in extra:
        raise ValueError("the problem's type is made from type_code")
    kind = "about:blank" if type_code is None else f"urn:fotoweb-middleware:{type_code.replace('_', '-')}"
    members: dict[str, str | float | bool | None] = {"type": kind, "title": title, "status": status, "detail": detail}
    for name, value in extra.items():
        if value is not None:
            members[name] = check_target(str(value)) if name in _TARGETS else value
    # ASCII alone, and no NaN: every reader of JSON then reads the same.
    return json.dumps(members, ensure_ascii=True, allow_nan=False).encode("ascii")

"""The pages by their codes, and how one becomes HTML, or the words of a problem document.

Each page is a template of `templates/`, named after its code; `layout.html` puts them all into one frame. Its blocks:

    title      the heading, and the window's title
    detail     the first paragraph
    body       what follows it, for the reader
    actions    links and forms, drawn as buttons; the first is the one we recommend
    operator   what the operator should know: rows of a <dl>, folded away; English in every language
    header     what stands above the page: logo and name
    footer     what stands below it: the code, where something went wrong

Jinja2 escapes everything that comes from outside. Texts for the reader go through gettext: `{% trans %}` in templates.
"""

from __future__ import annotations

import json
import logging
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import jinja2
import jinja2.ext
from markupsafe import Markup

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.pages.appearance import STYLE, TEMPLATES, accent_style, data_url, read_own_style
from fotoweb_middleware.pages.headers import security_headers
from fotoweb_middleware.pages.languages import catalogue
from fotoweb_middleware.pages.targets import check_target

_logger = logging.getLogger("fotoweb_middleware.pages")

_LONGEST_QUOTATION_CHARACTERS: Final = 500
_LONGEST_WAIT_SECONDS: Final = 86_400

_TARGETS: Final = frozenset({"app_url", "back_url", "fotoweb_url", "login_url", "logout_url", "retry_url", "target"})

_STATUSES: Final = {
    # The callback: its state cannot be believed; nothing was changed.
    "state_expired": 400,
    "state_garbled": 400,
    "state_missing": 400,
    "state_no_cookies": 400,
    "state_other_key": 400,
    "state_plain_http": 400,
    "state_reused": 400,
    "state_unknown": 400,
    # Several logins came to their end in a row: what keeps the session away.
    "loop_cache": 400,
    "loop_clock": 400,
    "loop_cookie_lost": 400,
    "loop_cookie_torn": 400,
    "loop_other_key": 400,
    "loop_token": 400,
    # FotoWeb said no (RFC 6749, 4.1.2.1 and 5.2), answered what nobody can read, or did not answer.
    "access_denied": 403,
    "not_allowed": 403,  # By this app, not by FotoWeb.
    "fotoweb_error": 502,
    "fotoweb_nonsense": 502,
    "fotoweb_unavailable": 503,
    "temporarily_unavailable": 503,
    "store_unavailable": 503,
    # Requests that are refused as they stand.
    "bad_request_target": 400,
    "cross_origin_refused": 403,
    "method_not_allowed": 405,
    "no_such_page": 404,
    "not_signed_in": 401,
    "wrapped_twice": 500,
    # On the way in, where cookies are Strict, and on the way out.
    "one_moment": 200,
    "confirm_logout": 200,
    "signed_out": 200,
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

PAGE_CODES: Final = (
    *(code for code in _STATUSES if code != "fotoweb_error"),
    "fotoweb_refused",
    *(f"fotoweb_{error}" for error in _OAUTH_ERRORS),
)
"""Every code that can stand at the foot of a page, and in a problem document's type."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: first the reader's part in plain words; below it, folded away, the operator's.

    Attributes:
        code: The stable name of the case. It stands at the foot of the page; search the documentation for it.
    """

    code: str
    status: int
    template: str = field(repr=False)
    context: Mapping[str, Any] = field(repr=False)


class Pages:
    """Renders the pages of one wrapped app, as its settings want them.

    Args:
        app_name: Stands at the head of each page and in the window's title; None: only that this is a sign-in.
        accent_color: ``#rrggbb``, for buttons, links and marks; None: our own.
        logo: The path of a PNG or SVG file that stands at the head; None: our mark.
        folder: Where templates lie that go before ours, and a ``style.css`` that is added to ours; None: nowhere.
        documentation_url: Where the documentation is, to which the operator's part links; None: not known.

    Raises:
        SettingsError: A file of ``folder`` can't be used.
    """

    def __init__(
        self,
        *,
        app_name: str | None = None,
        accent_color: str | None = None,
        logo: str | None = None,
        folder: str | None = None,
        documentation_url: str | None = None,
    ) -> None:
        self._folder = folder
        self.style = STYLE + (accent_style(accent_color) if accent_color else "")
        self.has_images = logo is not None or folder is not None
        if folder is not None:
            self.style += read_own_style(Path(folder))
        self._globals = {
            "app_name": app_name,
            "documentation_url": documentation_url,
            "logo_url": data_url(Path(logo).read_bytes()) if logo else None,
            "style": Markup(self.style),  # noqa: S704 (files of this package and of the operator)
        }
        self._environments: dict[tuple[str, str | None], jinja2.Environment] = {}
        self._failed: set[str] = set()
        self._check_own_templates()

    def html(self, page: Page, language: str) -> bytes:
        """Render the whole page as an HTML5 document in UTF-8; send it with ``headers``.

        Where a template of the operator's fails, our own page takes its place: a sign-in must not break on it.
        """
        if self._folder is not None:
            try:
                return self._render(page, language, self._folder)
            except Exception:  # Whatever a template of somebody else's may raise.
                if page.code not in self._failed:  # Once: anybody can ask for a page, as often as they like.
                    self._failed.add(page.code)
                    _logger.exception(
                        "A template of FOTOWEB_PAGES failed for %s; the built-in page was sent", page.code
                    )
        return self._render(page, language, None)

    def words(self, page: Page, language: str) -> tuple[str, str]:
        """Return title and detail of a problem document: the built-in heading and first paragraph, as plain text.

        A block ``problem_title`` or ``problem_detail`` goes before them, where programs need other words.
        """
        template = self._environment(language, None).get_template(page.template)

        def plain_text(block: str) -> str:
            render_block = template.blocks.get(f"problem_{block}") or template.blocks[block]
            html = "".join(render_block(template.new_context(dict(page.context))))
            return Markup(html).striptags().replace("\u2019", "'")  # noqa: S704 (the tags go)

        return plain_text("title"), plain_text("detail")

    def headers(self, form_action_origin: str | None = None, *, has_form: bool = False) -> tuple[tuple[str, str], ...]:
        """Return what ``security_headers`` does, for the style and the images of these pages."""
        return security_headers(form_action_origin, has_form=has_form, style=self.style, has_images=self.has_images)

    def _render(self, page: Page, language: str, folder: str | None) -> bytes:
        template = self._environment(language, folder).get_template(page.template)
        text = template.render(page.context, code=page.code, status=page.status)
        return text.encode("utf-8", errors="replace")  # A path may hold a lone surrogate.

    def _environment(self, language: str, folder: str | None) -> jinja2.Environment:
        """Return what renders in a language, with the templates of a folder before ours; made when first needed."""
        key = (language, folder)
        if key not in self._environments:
            environment = make_environment(language, folder)
            environment.globals |= self._globals
            self._environments[key] = environment
        return self._environments[key]

    def _check_own_templates(self) -> None:
        if self._folder is None:
            return
        environment = self._environment("en", self._folder)
        for path in sorted(Path(self._folder).rglob("*.html")):
            name = path.relative_to(self._folder).as_posix()
            try:
                environment.get_template(name)
            except (jinja2.TemplateError, OSError, UnicodeError) as error:
                line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
                raise SettingsError(f"FOTOWEB_PAGES: the template {name}{line} can't be used: {error}") from error


def make_environment(language: str, folder: str | None) -> jinja2.Environment:
    """Return what renders our templates in one language; those of a folder go before ours.

    Ours have a second name, such as ``builtin/layout.html``, by which a template can extend the one that it replaces.
    """
    ours = jinja2.FileSystemLoader(TEMPLATES)
    theirs = [] if folder is None else [jinja2.FileSystemLoader(folder)]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*theirs, ours, jinja2.PrefixLoader({"builtin": ours})]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        extensions=[jinja2.ext.i18n],  # Not by name: a first import in a thread may be under way while others fork.
        cache_size=-1,  # A plain dictionary: no lock that a fork could leave locked.
        auto_reload=False,  # An upgrade under a running process must not mix two releases.
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals["language"] = language
    # The extension adds this method.
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    return environment


# Jinja2 and the codecs import some modules when they are first used. In a thread, that may be under way while the
# process forks, and the child would then wait for it for ever. So they are used once here, at import.
make_environment("en", None).from_string('{% trans %}a{% endtrans %}{{ "b" }}').render()


def page(code: str, **context: object) -> Page:
    """Choose a page by its code.

    Args:
        code: One of the codes above.
        context: The values that the page's template shows. One that is missing is an error when the page is rendered.
            ``retry_url`` and ``retry_after_seconds`` may be None. ``error`` is FotoWeb's OAuth error code, or "" where
            none could be read: it is looked up, never shown as it came; ``step`` is authorize, code or refresh.
            ``description`` is quoted as FotoWeb's words, so give it only for a callback whose state was right.

    Raises:
        KeyError: There is no such page.
        ValueError: A target is not safe as a link or form action.
    """
    status = _STATUSES[code]
    for name in _TARGETS & context.keys():
        if context[name] is not None:
            check_target(str(context[name]))
    if "description" in context:
        context["description"] = _harmless(str(context["description"] or ""))
    if "retry_after_seconds" in context:
        context["retry_after_seconds"] = _whole_seconds(context["retry_after_seconds"])
    template = "login_loop.html" if code.startswith("loop_") else f"{code}.html"
    if code == "fotoweb_error":
        code = _fotoweb_error(context)
    return Page(code, status, template, context)


def _fotoweb_error(context: dict[str, object]) -> str:
    """Return the code of a refusal; an error that OAuth does not know is forgotten."""
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


def problem_json(status: int, title: str, detail: str, *, type_code: str, login_url: str | None = None) -> bytes:
    """Write a problem details object for a program; send it with `PROBLEM_HEADERS`.

    `type_code` is the stable name of the case, as at the foot of our pages: `not_signed_in` gives the type
    `urn:fotoweb-middleware:not-signed-in`.

    Raises:
        ValueError: `login_url` is no target a page may lead to.

    Source: RFC 9457, section 3.
    """
    kind = f"urn:fotoweb-middleware:{type_code.replace('_', '-')}"
    members: dict[str, str | int] = {"type": kind, "title": title, "status": status, "detail": detail}
    if login_url is not None:
        members["login_url"] = check_target(login_url)
    return json.dumps(members).encode("ascii")  # It escapes all other letters.

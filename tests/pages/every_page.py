"""Every page of the package by name, and a reader that sees a page as a browser's parser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from fotoweb_middleware import pages
from fotoweb_middleware.pages import FotoWebStep, LoopCause, Page, StateProblem, render

LOGIN_URL = "/mount/oauth2/login?next=%2Falbums%3Fa%3D1&b=2"
LOGOUT_URL = "/mount/oauth2/logout"
APP_URL = "/mount/"
RETRY_URL = "/mount/albums?a=1&b=2"
FOTOWEB_URL = "https://tenant.example"
TARGETS = frozenset({LOGIN_URL, LOGOUT_URL, APP_URL, RETRY_URL, FOTOWEB_URL})

OAUTH_ERRORS = (
    "",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_response_type",
)

EVERY_PAGE: dict[str, Page] = {
    **{f"sign_in_again/{r.name}": pages.sign_in_again(r, LOGIN_URL, app_url=APP_URL) for r in StateProblem},
    **{
        f"fotoweb_error/{step.value}/{error}": pages.fotoweb_error(step, error, LOGIN_URL)
        for step in FotoWebStep
        for error in OAUTH_ERRORS
    },
    **{f"login_loop/{cause.name}": pages.login_loop(cause, 1700, LOGIN_URL) for cause in LoopCause},
    "access_denied": pages.access_denied("Your account is not licensed", LOGIN_URL),
    "access_denied/silent": pages.access_denied(None, LOGIN_URL),
    "bad_request_target": pages.bad_request_target(APP_URL),
    "one_moment": pages.one_moment(RETRY_URL),
    "cache_unavailable": pages.cache_unavailable(5, RETRY_URL),
    "confirm_logout": pages.confirm_logout(LOGOUT_URL, APP_URL),
    "cross_origin_refused": pages.cross_origin_refused(APP_URL),
    "fotoweb_nonsense": pages.fotoweb_nonsense(LOGIN_URL),
    "fotoweb_unavailable": pages.fotoweb_unavailable(30, RETRY_URL),
    "method_not_allowed": pages.method_not_allowed(("GET", "POST"), APP_URL),
    "no_such_page": pages.no_such_page(APP_URL),
    "not_signed_in": pages.not_signed_in(LOGIN_URL),
    "signed_out": pages.signed_out(LOGIN_URL, FOTOWEB_URL),
    "temporarily_unavailable": pages.temporarily_unavailable(LOGIN_URL, 60),
}

_VOID = frozenset({"meta", "path", "rect"})


@dataclass
class Seen(HTMLParser):
    """What a parser finds in a page."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)
    misnested: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Let character references become the characters that a reader sees."""
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and keep it open until its end tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that ends itself."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be this one."""
        if not self.open_tags or self.open_tags.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text and the element it stands in."""
        self.texts.append((self.open_tags[-1] if self.open_tags else "", data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Give the attributes of every element of that name."""
        return [attributes for name, attributes in self.tags if name == tag]

    def words(self) -> str:
        """Give all text that a reader sees, in one line."""
        shown = "".join(text for tag, text in self.texts if tag not in {"style", "title"})
        return " ".join(shown.split())


def read(page: Page) -> Seen:
    """Render a page and parse what came out."""
    seen = Seen()
    seen.feed(render(page).decode("utf-8"))
    seen.close()
    return seen

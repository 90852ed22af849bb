"""Every page of the package by name, and a reader that sees a page as a browser's parser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from fotoweb_middleware.pages import PAGE_CODES, Page, Pages, page

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

STEPS = ("authorize", "code", "refresh")
STATE_CODES = tuple(code for code in PAGE_CODES if code.startswith("state_"))
LOOP_CODES = tuple(code for code in PAGE_CODES if code.startswith("loop_"))


def not_allowed(**changes: str) -> Page:
    """Return the page for somebody whom the app does not admit."""
    who = {"full_name": "Alice Berg", "user_name": "alice", "email_domain": "@example.test"}
    refused = {"cause": "FOTOWEB_ALLOWED_USERS", "login_url": LOGIN_URL, "fotoweb_url": FOTOWEB_URL}
    return page("not_allowed", **{**who, **refused, **changes})


EVERY_PAGE: dict[str, Page] = {
    **{code: page(code, login_url=LOGIN_URL, app_url=APP_URL) for code in STATE_CODES},
    **{code: page(code, login_url=LOGIN_URL, characters=1700) for code in LOOP_CODES},
    **{
        f"fotoweb_error/{step}/{error}": page("fotoweb_error", step=step, error=error, retry_url=LOGIN_URL)
        for step in STEPS
        for error in OAUTH_ERRORS
    },
    "access_denied": page("access_denied", description="Your account is not licensed", login_url=LOGIN_URL),
    "access_denied/silent": page("access_denied", description=None, login_url=LOGIN_URL),
    "bad_request_target": page("bad_request_target"),
    "confirm_logout": page("confirm_logout", logout_url=LOGOUT_URL, back_url=APP_URL),
    "cross_origin_refused": page("cross_origin_refused", app_url=APP_URL),
    "fotoweb_nonsense": page("fotoweb_nonsense", retry_url=LOGIN_URL),
    "fotoweb_unavailable": page("fotoweb_unavailable", retry_after_seconds=30, retry_url=RETRY_URL),
    "method_not_allowed": page("method_not_allowed", allowed=("GET", "POST"), app_url=APP_URL),
    "wrapped_twice": page("wrapped_twice"),
    "no_such_page": page("no_such_page", app_url=APP_URL),
    "not_allowed": not_allowed(),
    "not_allowed/authorize": not_allowed(full_name="", email_domain="", cause="authorize"),
    "not_allowed/unknown": not_allowed(full_name="", user_name="", email_domain=""),
    "not_signed_in": page("not_signed_in", login_url=LOGIN_URL),
    "one_moment": page("one_moment", target=RETRY_URL),
    "signed_out": page("signed_out", login_url=LOGIN_URL, fotoweb_url=FOTOWEB_URL, app_url=None),
    "signed_out/optional": page("signed_out", login_url=LOGIN_URL, fotoweb_url=FOTOWEB_URL, app_url=APP_URL),
    "store_unavailable": page("store_unavailable", retry_after_seconds=5, retry_url=RETRY_URL),
    "temporarily_unavailable": page("temporarily_unavailable", login_url=LOGIN_URL, retry_after_seconds=60),
}

PAGES = Pages()
"""As they are where nothing is set."""

_VOID = frozenset({"img", "meta", "path", "rect"})


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

    def inside(self, tag: str) -> list[str]:
        """Give the text directly inside each element of that name."""
        return [text for holder, text in self.texts if holder == tag and text.strip()]

    def actions(self) -> list[tuple[str, str | None]]:
        """Give each button with where it leads, in their order."""
        targets = [held.get("href") or held.get("action") for tag, held in self.tags if tag in {"a", "form"}]
        labels = [text for tag, text in self.texts if tag in {"a", "button"} and text.strip()]
        return list(zip(labels, targets, strict=True))


def read(shown: Page, pages: Pages = PAGES, language: str = "en") -> Seen:
    """Render a page and parse what came out."""
    seen = Seen()
    seen.feed(pages.html(shown, language).decode("utf-8"))
    seen.close()
    return seen


def title(shown: Page) -> str:
    """Give the title that a problem document has."""
    return PAGES.words(shown, "en")[0]


def detail(shown: Page) -> str:
    """Give the detail that a problem document has."""
    return PAGES.words(shown, "en")[1]


def upper_part(shown: Page) -> str:
    """Give the text of a page that stands above the operator's part."""
    words = read(shown).words()
    return words.partition("What the operator should know")[0].partition("If you ask for help")[0]

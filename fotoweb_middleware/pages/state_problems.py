"""The pages of a callback that can't be believed: each problem has its words, and its mend for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fotoweb_middleware.pages.layout import Action, Items, Link, Note, Page

__all__ = ["StateProblem", "sign_in_again"]


class StateProblem(Enum):
    """Why a callback can't be believed; the value is the page's code."""

    MISSING_STATE = "state_missing"
    UNKNOWN_STATE = "state_unknown"
    NO_COOKIES = "state_no_cookies"
    PLAIN_HTTP = "state_plain_http"
    OTHER_KEY = "state_other_key"
    EXPIRED = "state_expired"
    REUSED = "state_reused"
    GARBLED = "state_garbled"


@dataclass(frozen=True, slots=True)
class _Wording:
    title: str
    body: tuple[str | Items, ...]
    notes: tuple[Note, ...]


_TWO_HOSTS: Final = Note(
    "Two hosts",
    "The cookie stays with the host where the sign-in began. Where people open the app at one host and "
    "`FOTOWEB_REDIRECT_URI` names another (`localhost` and `127.0.0.1`, with and without `www.`), it never "
    "arrives. Let the app be reached at the host of the redirect URI only.",
)
_SECURE_OVER_HTTP: Final = Note(
    "Plain http",
    "Browsers drop a `Secure` cookie that comes over plain http, some of them on `localhost` too. Use https, or see "
    "`FOTOWEB_COOKIE_SECURE`.",
)
_SEVERAL_PROCESSES: Final = Note(
    "Several processes",
    "All of them need the same `FOTOWEB_SECRET_KEY`. To change it, put the new key before the old one, with a "
    "comma between.",
)

_MISSING: Final = _Wording(
    "This sign-in cannot be checked",
    (
        "You have reached the last step of a sign-in, but the address that led here does not say which sign-in.",
        "That happens when the address was bookmarked, typed or cut short. Nothing was done with it.",
        "Start again here. For the next time, bookmark the app itself instead of this address.",
    ),
    (
        Note("What was missing", "The callback was called without `state`, so it could not be told from a forged one."),
        Note(
            "If all end here",
            "Something between the browser and the app drops the query string. Look at the rewrite rules of the proxy "
            "for the callback path.",
        ),
    ),
)

_UNKNOWN: Final = _Wording(
    "This browser does not know this sign-in",
    (
        (
            "FotoWeb sent you back here, but your browser did not bring along the cookie that was set when the sign-in "
            "began. Usually it is one of these:"
        ),
        Items(
            (
                "You reloaded a page of this sign-in, or went back to one. Each sign-in works once.",
                "The browser blocks cookies for this site.",
                "The sign-in began in another browser, or in a private window.",
                "It took longer than ten minutes.",
                "The sign-in began under another address of this app.",
            )
        ),
        "Start again here, in this window. If you come back to this page, allow cookies for this site.",
    ),
    (
        _TWO_HOSTS,
        _SECURE_OVER_HTTP,
        _SEVERAL_PROCESSES,
    ),
)

_NO_COOKIES: Final = _Wording(
    "Your browser kept no cookie",
    (
        (
            "FotoWeb sent you back here, but your browser brought no cookie along at all, although one was set when "
            "the sign-in began. Without it nobody can tell whose sign-in this is."
        ),
        "If you reloaded a page of this sign-in, just start again here: each sign-in works once.",
        "Otherwise allow cookies for this site and leave the private window, if you are in one, before you do.",
    ),
    (
        _TWO_HOSTS,
        _SECURE_OVER_HTTP,
        Note(
            "If all end here",
            "Look at the answer that begins a sign-in: it must carry `Set-Cookie`. A proxy may drop it, or the browser "
            "may refuse it: its developer tools say why.",
        ),
    ),
)

_PLAIN_HTTP: Final = _Wording(
    "Your browser dropped the cookie of this sign-in",
    (
        (
            "FotoWeb sent you back here, but the cookie that was set when the sign-in began is missing. This app is "
            "open at an address that is not encrypted, and there browsers drop such a cookie."
        ),
        "Open the app at its address that begins with https. If it has none, show this page to whoever runs it.",
    ),
    (
        Note(
            "What happened",
            "The cookie is `Secure`, and as far as this app can see the browser came over plain http.",
        ),
        Note(
            "The mend",
            "Serve the app over https. Where a proxy does so already, let it say `X-Forwarded-Proto` and the server "
            "believe it, or set `FOTOWEB_REDIRECT_URI` to the https address. For a trial without https, "
            "`FOTOWEB_COOKIE_SECURE=false`.",
        ),
    ),
)

_OTHER_KEY: Final = _Wording(
    "This sign-in cannot be read",
    (
        (
            "Your browser did bring back the cookie of this sign-in, but this app can't read it. Another part of the "
            "app wrote it, or it was damaged."
        ),
        "Start again here. If you come back to this page, show it to whoever runs this app.",
    ),
    (
        Note(
            "What happened",
            "The login cookie of this `state` came, and none of the keys of this process opens it.",
        ),
        Note(
            "If it came once",
            "A sign-in that was under way when the key was changed ends here. There is nothing to do.",
        ),
        _SEVERAL_PROCESSES,
    ),
)

_EXPIRED: Final = _Wording(
    "This sign-in took too long",
    (
        "A sign-in has to be finished within ten minutes, so that nobody else can pick up one that was left lying.",
        "Those ten minutes have passed. Nothing is lost: start again here.",
    ),
    (
        Note(
            "If it comes at once",
            "The clocks of the machines that run this app differ. Compare them, and let them follow a time server.",
        ),
    ),
)

_REUSED: Final = _Wording(
    "This sign-in was already used",
    (
        "Every sign-in works once. You see this page after going back, reloading, or reopening a closed tab.",
        "You may well be signed in already: continue to the app.",
    ),
    (
        Note(
            "If nobody went back",
            "Something sends the callback twice: a proxy that repeats requests, a virus scanner, a link preview.",
        ),
    ),
)

_GARBLED: Final = _Wording(
    "This sign-in address is damaged",
    (
        (
            "The address that led here says something twice, or two things that contradict each other. FotoWeb does "
            "not send such an address: it was changed on the way, or put together by hand."
        ),
        "Nothing was done with it. Start again here.",
    ),
    (
        Note(
            "What was wrong",
            "The callback held a parameter more than once, or both `code` and `error`, or a value that cannot be "
            "read. Look for a proxy that adds to the query string or encodes it anew.",
        ),
    ),
)

_WORDINGS: Final = {
    StateProblem.MISSING_STATE: _MISSING,
    StateProblem.UNKNOWN_STATE: _UNKNOWN,
    StateProblem.NO_COOKIES: _NO_COOKIES,
    StateProblem.PLAIN_HTTP: _PLAIN_HTTP,
    StateProblem.OTHER_KEY: _OTHER_KEY,
    StateProblem.EXPIRED: _EXPIRED,
    StateProblem.REUSED: _REUSED,
    StateProblem.GARBLED: _GARBLED,
}


def sign_in_again(reason: StateProblem, login_url: str, *, app_url: str = "/") -> Page:
    """400: the callback's state is missing, foreign, expired, used or garbled; nothing was changed.

    Args:
        reason: Which of these it is.
        login_url: The path that starts a login.
        app_url: The app's start page (its mount), offered where the visitor may be signed in already.

    Raises:
        ValueError: A target is not safe as a link.
    """
    wording = _WORDINGS[reason]
    actions: tuple[Action, ...] = (Link("Sign in again", login_url),)
    if reason is StateProblem.REUSED:
        actions = (Link("Continue to the app", app_url), *actions)
    return Page(reason.value, 400, wording.title, wording.body, actions, wording.notes)

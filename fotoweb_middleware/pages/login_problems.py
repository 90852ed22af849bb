"""Pages of a sign-in that did not come to its end, and of a form sent without one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fotoweb_middleware.pages.layout import Action, Items, Link, Note, Page, Quotation

__all__ = ["StateProblem", "access_denied", "not_signed_in", "sign_in_again"]


class StateProblem(Enum):
    """Why a callback can't be believed; the value is the page's code."""

    MISSING_STATE = "state_missing"
    UNKNOWN_STATE = "state_unknown"
    EXPIRED = "state_expired"
    REUSED = "state_reused"
    GARBLED = "state_garbled"


@dataclass(frozen=True, slots=True)
class _Wording:
    title: str
    body: tuple[str | Items, ...]
    notes: tuple[Note, ...]


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
                "The browser blocks cookies for this site.",
                "The sign-in began in another browser, or in a private window.",
                "It took longer than ten minutes.",
                "The sign-in began under another address of this app.",
            )
        ),
        "Allow cookies for this site, then start again here, in this window.",
    ),
    (
        Note(
            "Two hosts",
            "The cookie stays with the host where the sign-in began. Where people open the app at one host and "
            "`FOTOWEB_REDIRECT_URI` names another (`localhost` and `127.0.0.1`, with and without `www.`), it never "
            "arrives. Let the app be reached at the host of the redirect URI only.",
        ),
        Note(
            "Plain http",
            "Browsers drop a `Secure` cookie that comes over plain http. Use https, or see `FOTOWEB_COOKIE_SECURE`.",
        ),
        Note(
            "Several processes",
            "All of them need the same `FOTOWEB_SECRET_KEY`. To change it, put the new key before the old one, with a "
            "comma between.",
        ),
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


def access_denied(description: str | None, login_url: str) -> Page:
    """403: FotoWeb sent `error=access_denied`: the visitor or FotoWeb said no.

    Show it only for a callback whose state was right: else a stranger could put words into FotoWeb's mouth.

    Args:
        description: FotoWeb's own `error_description`; it is escaped, cut and marked as FotoWeb's words.
        login_url: The path that starts a login.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 6749, 4.1.2.1; FotoWeb, "OAuth 2.0 Error Reference".
    """
    said = (Quotation("FotoWeb gave this reason:", description),) if description and description.strip() else ()
    body = (
        (
            "FotoWeb did not give this app access to your account. Either the request was declined, or your account is "
            "not allowed to use this app."
        ),
        *said,
        (
            "If you declined by mistake, sign in again. Otherwise ask whoever looks after FotoWeb in your "
            "organisation, and show them this page."
        ),
    )
    notes = (
        Note(
            "Licence",
            "The FotoWeb site needs a licence for third-party applications (on premises), or API access in its "
            "subscription (cloud). The user's account must be licensed too.",
        ),
        Note("Rights", "In FotoWeb, see under Site Configuration, Integrations, Applications what this app may use."),
    )
    return Page("access_denied", 403, "FotoWeb did not grant access", body, (Link("Sign in again", login_url),), notes)


def not_signed_in(login_url: str) -> Page:
    """401: a browser sent a form (or anything but a GET) without a session; its body was not read.

    Args:
        login_url: The path that starts a login; it opens beside this page, so that the form is not lost.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        "You were not signed in when you sent this. Nothing that you entered was read or saved.",
        "You need not type it again:",
        Items(
            (
                "Sign in with the button below, in the new tab.",
                "Come back to this tab and go back one page. Most browsers still show what you entered.",
                "Send it again.",
            ),
            numbered=True,
        ),
    )
    notes = (
        Note(
            "How long it lasts",
            "A session ends after `FOTOWEB_SESSION_LIFETIME` seconds, or after `FOTOWEB_SESSION_IDLE` seconds without "
            "a request, or when FotoWeb no longer renews it.",
        ),
    )
    action = Link("Sign in (opens a new tab)", login_url, new_tab=True)
    return Page("not_signed_in", 401, "Sign in, then send it again", body, (action,), notes)

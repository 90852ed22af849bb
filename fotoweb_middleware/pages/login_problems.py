"""Pages of a sign-in that was declined, and of a form sent without one."""

from __future__ import annotations

from fotoweb_middleware.pages.layout import Items, Link, Note, Page, Quotation

__all__ = ["access_denied", "not_signed_in"]


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

"""Pages of what is our own fault, or our operator's: 500."""

from __future__ import annotations

from fotoweb_middleware.pages.layout import Action, Link, Note, Page

__all__ = ["session_too_large", "unexpected"]


def session_too_large(app_url: str | None = None) -> Page:
    """500: the session doesn't fit into cookies, and the server cache could not take it.

    It ends here instead of in a login loop: a session that can't be kept would send the browser to FotoWeb for ever.

    Args:
        app_url: A page that needs no login, where there is one. None: no button, since another login would end the
            same way.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        (
            "FotoWeb let you in, but what it handed over is too large for your browser's cookies, and this app had no "
            "other place to keep it. So you are not signed in."
        ),
        "Signing in again ends the same way until whoever runs this app has changed a setting. Show them this page.",
    )
    notes = (
        Note(
            "What happened",
            "The tokens would need cookies of more than browsers and servers take. Such a session goes into the "
            "server cache, and that failed.",
        ),
        Note(
            "Server cache",
            "`FOTOWEB_CACHE` must name a cache that can be reached and that all processes share: `local://` or "
            "`sqlite:///…` on one machine, `redis://…` on several.",
        ),
        Note(
            "Cookies",
            "`FOTOWEB_COOKIE_MODE=reference` keeps every session in the server cache, and only a short handle in the "
            "cookie.",
        ),
        Note("To find the cause", "Run `fotoweb-middleware check` with the app's settings."),
    )
    return Page("session_too_large", 500, "Your sign-in is too large to keep", body, _button(app_url), notes)


def unexpected(retry_url: str | None = None) -> Page:
    """500: something happened that this package did not foresee.

    Args:
        retry_url: Where to try again. None: no button.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        "Something happened that the sign-in of this app was not prepared for. You did nothing wrong.",
        "Please try again. If it happens again, tell whoever runs this app, with the time and what you did.",
    )
    notes = (Note("What happened", "It is in the app's log, under `fotoweb_middleware`, at the time of this page."),)
    return Page("unexpected", 500, "Something went wrong here", body, _button(retry_url, "Try again"), notes)


def _button(target: str | None, label: str = "Open the app") -> tuple[Action, ...]:
    return () if target is None else (Link(label, target),)

"""Pages of requests that are refused as they stand."""

from __future__ import annotations

from fotoweb_middleware.pages.layout import Action, Link, Note, Page

__all__ = ["bad_request_target", "cross_origin_refused", "method_not_allowed", "no_such_page"]


def cross_origin_refused(app_url: str | None = "/") -> Page:
    """403: a session was sent along with an unsafe request from another origin; the app was not called.

    Args:
        app_url: The app's start page. None: no button.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        "It looks as if another website tried to do something here in your name. It was stopped; nothing was changed.",
        "If you meant to do it, open the app and do it there.",
    )
    notes = (
        Note(
            "If the sender is yours",
            "Add its origin, such as `https://forms.example`, to `FOTOWEB_TRUSTED_ORIGINS`.",
        ),
        Note(
            "If it is this app",
            "Then it knows itself under another address than the browser does. Let the proxy pass on host and scheme, "
            "or set `FOTOWEB_REDIRECT_URI` to the public address.",
        ),
    )
    return Page("cross_origin_refused", 403, "This came from another website", body, _open_app(app_url), notes)


def bad_request_target(app_url: str | None = "/") -> Page:
    """400: the request's target is not a path (an absolute URL, `@host`, `*`).

    Args:
        app_url: The app's start page. None: no button.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 9112, 3.2.1.
    """
    body = (
        "The address was sent in a form that this app does not take, so it was not looked at.",
        "Open the app and go on from there.",
    )
    notes = (
        Note(
            "What was wrong",
            "The target of a request must be a path that begins with one slash. A forward proxy sends whole URLs: put "
            "a reverse proxy before this app instead, or use none.",
        ),
    )
    return Page("bad_request_target", 400, "This address cannot be used", body, _open_app(app_url), notes)


def method_not_allowed(allowed: tuple[str, ...], app_url: str | None = "/") -> Page:
    """405, with Allow: one of our own paths was asked with a method it does not have.

    Args:
        allowed: The methods the path does have, as in the Allow header.
        app_url: The app's start page. None: no button.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 9110, 15.5.6.
    """
    body = (
        "This address is a part of the sign-in, and not meant to be used like this. Nothing was changed.",
        "Open the app and go on from there.",
    )
    notes = (Note("Methods", f"This path answers {' and '.join(f'`{method}`' for method in allowed)}."),)
    return Page("method_not_allowed", 405, "This does not work here", body, _open_app(app_url), notes)


def no_such_page(app_url: str | None = "/") -> Page:
    """404: the path lies below the sign-in's prefix (`FOTOWEB_PATH_PREFIX`), and nothing is there.

    Args:
        app_url: The app's start page. None: no button.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = ("There is no page at this address. Open the app and go on from there.",)
    notes = (
        Note(
            "Paths",
            "Everything below `FOTOWEB_PATH_PREFIX` belongs to the sign-in: login, callback, logout, session. The app "
            "is not asked for these paths; if it needs one of them, change the prefix.",
        ),
    )
    return Page("no_such_page", 404, "Nothing is here", body, _open_app(app_url), notes)


def _open_app(app_url: str | None) -> tuple[Action, ...]:
    return () if app_url is None else (Link("Open the app", app_url),)

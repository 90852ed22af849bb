"""The page between a link from another site and the app, where the session's cookie is `SameSite=Strict`."""

from __future__ import annotations

from fotoweb_middleware.pages.layout import Link, Note, Page

__all__ = ["one_moment"]


def one_moment(target: str) -> Page:
    """200: the browser came from another site, so it kept a Strict cookie back; from this page it sends it.

    Send it with a Refresh header that leads to the same target.

    Args:
        target: The path asked for.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 6265bis, 5.6.7.1: a navigation that another site began carries no Strict cookie, redirects included.
    """
    body = ("The app opens in a moment. If it does not, use the button.",)
    notes = (
        Note(
            "Why this page",
            "`FOTOWEB_COOKIE_SAMESITE` is `strict`, so browsers do not send the session's cookie along with a link "
            "from another site, the way back from FotoWeb included. From this page they do. With `lax` it never comes.",
        ),
    )
    return Page("one_moment", 200, "One moment", body, (Link("Continue", target),), notes)

"""Pages before and after a logout."""

from __future__ import annotations

from fotoweb_middleware.pages.layout import Action, Link, Page, PostButton

__all__ = ["confirm_logout", "signed_out"]


def confirm_logout(logout_url: str, back_url: str) -> Page:
    """200: ask before a logout that came by a link from elsewhere; only a POST logs out.

    Send it with `security_headers(origin_of(FOTOWEB_POST_LOGOUT_URL))` where that is set.

    Args:
        logout_url: The logout path of this origin, which the form posts to.
        back_url: Where "Stay signed in" leads.

    Raises:
        ValueError: A target is not safe as a link or form action.

    Source: OWASP ASVS 5.0, 3.5.3.
    """
    body = ("You will be signed out of this app in this browser. Anything not yet saved in the app may be lost.",)
    actions: tuple[Action, ...] = (PostButton("Sign out", logout_url), Link("Stay signed in", back_url))
    return Page("confirm_logout", 200, "Sign out?", body, actions)


def signed_out(login_url: str, fotoweb_url: str | None = None) -> Page:
    """200: the session is gone from the browser and the cache.

    Args:
        login_url: The path that starts a login.
        fotoweb_url: The FotoWeb site, offered to sign out there too. None: no link.

    Raises:
        ValueError: A target is not safe as a link.

    Source: FotoWeb, "FotoWeb session handling": its own browser session is apart from ours, and OAuth has no way to
    end it.
    """
    body = (
        "This app has forgotten your sign-in.",
        (
            "FotoWeb itself may still know you in this browser. Signing in again then needs no password. On a computer "
            "that others use too, sign out of FotoWeb as well, and close the browser."
        ),
    )
    there: tuple[Action, ...] = () if fotoweb_url is None else (Link("Open FotoWeb", fotoweb_url),)
    return Page("signed_out", 200, "You are signed out", body, (Link("Sign in again", login_url), *there))

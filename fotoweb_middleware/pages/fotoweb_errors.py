"""Pages of an orderly refusal by FotoWeb, or of an answer nobody can read: 502, as we stand before it.

No word of FotoWeb's answer is shown here, its error code included: the code only chooses among our own texts.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from fotoweb_middleware.pages.layout import Link, Note, Page

__all__ = ["FotoWebStep", "fotoweb_error", "fotoweb_nonsense"]


class FotoWebStep(Enum):
    """What FotoWeb was asked when it refused."""

    AUTHORIZE = "authorize"
    CODE = "code"
    REFRESH = "refresh"


_CHECK: Final = Note(
    "To find the cause", "Run `fotoweb-middleware check` with the app's settings. The app's log has this event too."
)

_CREDENTIALS: Final = Note(
    "Client ID and secret",
    "`FOTOWEB_CLIENT_ID` and `FOTOWEB_CLIENT_SECRET` must be those of this app's registration, on the site that "
    "`FOTOWEB_URL` names. FotoWeb shows a secret only once: if in doubt, generate a new one, set it, and restart the "
    "app.",
)
_REGISTRATION: Final = Note(
    "Registration",
    "In FotoWeb, under Site Configuration, Integrations, Applications, this app must be of the type Web App / API.",
)
_REDIRECT_URI: Final = Note(
    "Redirect URI",
    "The address registered in FotoWeb and `FOTOWEB_REDIRECT_URI` must agree in every character: https or http, host, "
    "port, path, slash at the end. Where it is derived from the request, the proxy must pass on host and scheme. With "
    "`FOTOWEB_SEND_REDIRECT_URI=false`, exactly one address may be registered.",
)
_PKCE: Final = Note("PKCE", "`FOTOWEB_PKCE` must be on, unless this FotoWeb is too old to know PKCE.")
_LATE: Final = Note(
    "One code, one use",
    "FotoWeb takes a login code once and for a short time. If it comes too late: is the way to FotoWeb slow, or does "
    "a proxy repeat requests?",
)
_THEIRS: Final = Note("FotoWeb itself", "FotoWeb reported a fault of its own. Its log, or its vendor, knows more.")
_UNNAMED: Final = Note("What FotoWeb said", "No error code that OAuth 2.0 knows.")

# RFC 6749, 4.1.2.1 and 5.2. access_denied and temporarily_unavailable have pages of their own.
_NOTES: Final[dict[str, tuple[Note, ...]]] = {
    "invalid_client": (_CREDENTIALS,),
    "unauthorized_client": (_REGISTRATION, _CREDENTIALS),
    "unsupported_response_type": (_REGISTRATION,),
    "unsupported_grant_type": (_REGISTRATION,),
    "invalid_request": (_REDIRECT_URI, _PKCE),
    "invalid_grant": (_LATE, _REDIRECT_URI),
    "invalid_scope": (_REGISTRATION,),
    "server_error": (_THEIRS,),
}
# With these another try by the same person may well succeed.
_PASSING: Final = frozenset({"invalid_grant", "server_error"})

_FAILED: Final = {
    FotoWebStep.AUTHORIZE: "FotoWeb did not sign you in to this app.",
    FotoWebStep.CODE: "You signed in at FotoWeb, but FotoWeb then refused to confirm it to this app.",
    FotoWebStep.REFRESH: "FotoWeb refused to renew your sign-in to this app. You have not been signed out.",
}


def fotoweb_error(step: FotoWebStep, error: str, retry_url: str) -> Page:
    """502: FotoWeb refused with an error code, at the authorize or the token endpoint.

    Args:
        step: What it was asked.
        error: The OAuth error code it gave, or "" where none could be read. It is looked up, never shown as it came.
        retry_url: The login path; where a refresh failed, the path asked for.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 6749, 4.1.2.1 and 5.2; FotoWeb, "Handling OAuth 2.0 errors".
    """
    known = error in _NOTES
    if error in _PASSING:
        code, title = f"fotoweb_{error}", "FotoWeb did not complete the sign-in"
        advice = "Please try again. If it happens again, tell whoever runs this app, and show them this page."
    else:
        code = f"fotoweb_{error}" if known else "fotoweb_refused"
        title = "This app is not set up correctly" if known else "FotoWeb refused this app"
        advice = (
            "You did nothing wrong. Most likely a setting is not right, and whoever runs this app can mend it: show "
            "them this page. Trying again helps only after that."
        )
    said = Note("What FotoWeb said", f"`{error}`, in answer to {_QUESTION[step]}.") if known else _UNNAMED
    notes = (said, *_NOTES.get(error, (_CREDENTIALS, _REDIRECT_URI)), _CHECK)
    return Page(code, 502, title, (_FAILED[step], advice), (Link("Try again", retry_url),), notes)


_QUESTION: Final = {
    FotoWebStep.AUTHORIZE: "the request to sign someone in",
    FotoWebStep.CODE: "the login code",
    FotoWebStep.REFRESH: "the request for a new token",
}


def fotoweb_nonsense(retry_url: str) -> Page:
    """502: the token endpoint answered, but not with what RFC 6749 promises.

    Args:
        retry_url: The login path.

    Raises:
        ValueError: The target is not safe as a link.

    Source: RFC 6749, 5.1 and 5.2.
    """
    body = (
        "FotoWeb answered this app, but in a way that the app cannot read. You did nothing wrong.",
        "Please try again. If it happens again, tell whoever runs this app, and show them this page.",
    )
    notes = (
        Note(
            "What happened",
            "FotoWeb's token endpoint sent something other than the JSON of RFC 6749: often the error page of a proxy "
            "or firewall between this machine and FotoWeb.",
        ),
        Note("Address", "`FOTOWEB_URL` must be the FotoWeb site itself, such as `https://tenant.example`."),
        _CHECK,
    )
    title = "FotoWeb's answer cannot be read"
    return Page("fotoweb_nonsense", 502, title, body, (Link("Try again", retry_url),), notes)

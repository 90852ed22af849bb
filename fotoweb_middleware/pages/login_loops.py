"""The page that ends a loop of logins: each cause has its words and its mend."""

from __future__ import annotations

from enum import Enum
from typing import Final

from fotoweb_middleware.pages.layout import Link, Note, Page

__all__ = ["LoopCause", "login_loop"]


class LoopCause(Enum):
    """What keeps the session away; the value is the page's code."""

    COOKIE_LOST = "loop_cookie_lost"
    COOKIE_TORN = "loop_cookie_torn"
    OTHER_KEY = "loop_other_key"
    CLOCK = "loop_clock"
    CACHE = "loop_cache"
    TOKEN = "loop_token"  # noqa: S105 (a code, no secret)


_NOTES: Final[dict[LoopCause, tuple[Note, ...]]] = {
    LoopCause.COOKIE_LOST: (
        Note(
            "What happened",
            "FotoWeb signed this person in and the session cookie of {characters} characters was set, but the browser "
            "did not bring it back. A smaller cookie that was set beside it did come back.",
        ),
        Note(
            "Too large",
            "A proxy or a firewall may drop large cookies. Set `FOTOWEB_COOKIE_MODE=reference`: the cookie is then "
            "some 160 characters long, and the tokens stay in the server cache.",
        ),
        Note(
            "Taken away",
            "The app, or another one on this host, may remove or replace cookies, or send `Clear-Site-Data`. Where "
            "two apps share a host, give each its own `FOTOWEB_COOKIE_NAME`.",
        ),
        Note(
            "Kept back",
            "With `FOTOWEB_COOKIE_SAMESITE=strict` browsers keep the cookie back when another site leads here. Use "
            "`lax`, the default.",
        ),
    ),
    LoopCause.COOKIE_TORN: (
        Note(
            "What happened",
            "The session's cookies, {characters} characters in all, came back without one of their parts, or one name "
            "came with two values.",
        ),
        Note(
            "Too large",
            "A proxy or a firewall may cut the Cookie header. Set `FOTOWEB_COOKIE_MODE=reference`: one small cookie "
            "is then enough.",
        ),
        Note(
            "Two apps",
            "Another app on this host or its parent domain may use the same name. Give each its own "
            "`FOTOWEB_COOKIE_NAME`.",
        ),
    ),
    LoopCause.OTHER_KEY: (
        Note(
            "What happened",
            "The session cookie came back, but this process can't open it: another process sealed it with another key.",
        ),
        Note(
            "The mend",
            "Give `FOTOWEB_SECRET_KEY` the same value in every process and on every machine, and the same "
            "`FOTOWEB_URL`, `FOTOWEB_CLIENT_ID` and `FOTOWEB_COOKIE_NAME`. To change the key, put the new one before "
            "the old one, with a comma between.",
        ),
    ),
    LoopCause.CLOCK: (
        Note(
            "What happened",
            "The session cookie came back, but by this machine's clock it has ended already, or begins in a far "
            "future.",
        ),
        Note(
            "The mend",
            "Compare the clocks of the machines that run this app, and let them follow a time server. A "
            "`FOTOWEB_SESSION_LIFETIME` of a few seconds does the same.",
        ),
    ),
    LoopCause.CACHE: (
        Note(
            "What happened",
            "The cookie came back, but the server cache does not hold its session, which was saved a moment ago.",
        ),
        Note(
            "The mend",
            "All processes must share one cache: with `memory://` each has its own. Leave `FOTOWEB_CACHE` out on one "
            "machine, and name a Redis where there are several. A Redis that is full and evicts does the same: see "
            "its `maxmemory-policy`.",
        ),
    ),
    LoopCause.TOKEN: (
        Note(
            "What happened",
            "The session came about. Either it works, and the app itself sends people to sign in, such as after a 401 "
            "of FotoWeb's API; or it ended at once, because FotoWeb refused to renew its token or it was logged out.",
        ),
        Note(
            "The mend",
            "Where the app itself sends people to sign in, let it do so once and then show an error. Else run "
            "`fotoweb-middleware check`, and see in FotoWeb how long tokens of this app live and whether they may be "
            "refreshed. If the clock of this machine is ahead of FotoWeb's, tokens seem to expire too soon.",
        ),
    ),
}


def login_loop(cause: LoopCause, characters: int, login_url: str) -> Page:
    """400: several logins came to their end in a row.

    Args:
        cause: What kept it away.
        characters: The length of the session's cookies.
        login_url: The path that starts a login.

    Raises:
        ValueError: The target is not safe as a link.
    """
    body = (
        (
            "FotoWeb has signed you in several times in a row, and each time you were sent to sign in again. To spare "
            "you from being sent to and fro, this app stops here."
        ),
        (
            "Try once more. If you come back to this page, it is not your fault: show it to whoever runs this app. "
            "What has to be mended stands below."
        ),
    )
    notes = tuple(Note(note.term, note.text.format(characters=characters)) for note in _NOTES[cause])
    title = "The sign-in goes round in circles"
    return Page(cause.value, 400, title, body, (Link("Sign in again", login_url),), notes)

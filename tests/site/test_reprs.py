"""No value that travels along the road shows a secret (R-LG1, T-LG-03)."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from fotoweb_middleware.caches.protocol import Lease
from fotoweb_middleware.effects import Detach, Effect, GetDocument, HttpReply, PostForm, SaveRecord
from fotoweb_middleware.model import Admit, Answer, PassThrough, Reason, RequestView, Session, TokenSet
from fotoweb_middleware.site.held import Limits, Version
from tests.site.samples import a_record

S = "S3CR3T"


def a_flow(secret: str) -> Generator[Effect[Any], Any, None]:
    """Hold a secret in a frame."""
    yield PostForm("https://tenant.example", (("code", secret),))


def a_version() -> Version:
    """Return one whose bearer header has been written."""
    version = Version(a_record(S, access_token=S, refresh_token=S), Limits(60, 600, 0))
    version.bearer, version.bearer_pair = f"Bearer {S}", (b"authorization", S.encode())
    return version


VALUES = [
    a_version(),
    RequestView("GET", "/oauth2/callback", "", "/oauth2/callback", f"code={S}&state={S}", "https", {"cookie": S}),
    Session(S, "bearer", None, None),
    TokenSet(S, S, 0, None),
    a_record(S, access_token=S, refresh_token=S),
    PassThrough(Reason.PUBLIC, S, (S,)),
    Admit(Reason.FRESH, Session(S, "bearer", None, None), S, (S,), S),
    Answer(Reason.NO_SESSION, 200, (("Set-Cookie", S),), S.encode()),
    HttpReply(200, None, S.encode()),
    SaveRecord("key", S.encode(), 1, 1, create=True, lease=Lease("key", S, 1)),
    PostForm("https://tenant.example", (("code", S),)),
    GetDocument("https://tenant.example", "*/*", S),
    Detach(a_flow(S), Lease("key", S, 1)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_no_secret_in_repr(value: object) -> None:
    """Neither tokens, codes, cookies, ids nor bodies stand in a repr."""
    assert S not in repr(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_nothing_is_added(value: Any) -> None:
    """What travels along the road is given nothing more."""
    with pytest.raises((AttributeError, TypeError)):
        value.anything = 1

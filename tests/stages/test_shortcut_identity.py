"""What a cookie is known by: nothing else passes for it."""

from __future__ import annotations

import pytest

from fotoweb_middleware.cookies.header import LONGEST_WHOLE, identity_of
from fotoweb_middleware.stages.lookup import present
from tests.site.samples import a_request
from tests.stages.known import Known


@pytest.mark.parametrize("shape", ["{planted}", "{own}; {planted}"])
def test_a_planted_cookie_that_ends_in_a_known_signature(known: Known, shape: str) -> None:
    """A cookie by another name is not taken for a session's, though the header is as long as one that was known."""
    beginning = known.shortcut.names_for("https", "app.example").session_equals
    value = known.cookie.removeprefix(beginning)
    header = shape.format(own=f"{beginning}somebody-else", planted=f"theme={'x' * 20}{value}")
    as_long = f"{beginning}{'x' * (len(header) - len(known.cookie))}{value}"

    before = known.finds(cookie=as_long), known.finds(cookie=as_long)
    known_by_signature = len(known.cookie) > LONGEST_WHOLE

    assert (len(as_long), before) == (len(header), (known_by_signature, known_by_signature))
    assert not known.finds(cookie=header)


@pytest.mark.parametrize("header", ["{signature}", "={signature}", "x={signature}", "{own}={signature}"])
def test_a_signature_alone(known: Known, header: str) -> None:
    """A bare signature is nobody's, by no name and as a short Secure cookie.

    A long one, or one that is not Secure, that ends in it is taken for the cookie while that is known (docs/adr/0014).
    """
    own = known.shortcut.https_names.session

    assert not known.finds(cookie=header.format(signature=known.cookie[-43:], own=own))


@pytest.mark.parametrize("characters", [44, 256, 257])
def test_how_long_a_cookie_is(known: Known, characters: int) -> None:
    """A known cookie is found whatever its length: whole, name included, or by its signature."""
    https = known.shortcut.https_names
    value = "v" * (characters - len(https.session_equals))
    known.site.near.remember(identity_of(https, value), known.held, None)

    assert known.finds(cookie=f"{https.session_equals}{value}")


@pytest.mark.parametrize("of_https", [False, True])
def test_a_cookie_by_the_name_of_another_origin(known: Known, of_https: bool) -> None:
    """What is known by its name on one origin is nobody's on another: anyone may plant one without a prefix."""
    https, http = known.shortcut.https_names, known.shortcut.names_for("http", "localhost")
    here, there = (https, http) if of_https else (http, https)
    shown = present(known.site, a_request(cookie=known.cookie))
    value = shown.raw or ""
    known.site.near.remember(identity_of(there, value), known.held, None if known.held.by_handle else 1)

    assert known.finds(cookie=f"{there.session_equals}{value}", names=there)
    assert not known.finds(cookie=f"{there.session_equals}{value}", names=here)


@pytest.mark.parametrize("shape", ["{name}=2~{value}", "{name}=x~{value}", "a=1; {name}=2~{value}"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_part_without_the_others(known: Known, scheme: str, shape: str) -> None:
    """The first of several parts is no session without the others, whatever it ends in: the stages say the same."""
    names = known.shortcut.names_for(scheme, "localhost")
    value = known.cookie.partition("=")[2]
    known.site.near.remember(identity_of(names, value), known.held, None if known.held.by_handle else 1)

    header = shape.format(name=names.session, value=value)

    assert known.finds(cookie=f"{names.session_equals}{value}", names=names)
    assert present(known.site, a_request(cookie=header, scheme=scheme, host="localhost")).raw is None
    assert not known.finds(cookie=header, names=names)

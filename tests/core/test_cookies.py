"""Reading the Cookie header and writing Set-Cookie (R-CS1, R-CS5 to R-CS8; T-CS-05)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fotoweb_middleware.cookies import (
    MAX_HEADER_CHARACTERS,
    CookieNames,
    is_own,
    read_cookies,
)
from tests.core.samples import PLAIN, SECURE

N = "__Host-fotoweb"

latin1 = st.text(alphabet=st.characters(max_codepoint=255), max_size=30)
foreign_pieces = ["a=b", 'x={"json":1}', "=", "", f"{N}.0=f"]
pieces = st.sampled_from([*foreign_pieces, N, f"{N}=", f"{N}=v", f"{N}.1=w", f"{N}-login-S=l"])
headers = st.lists(pieces | latin1, max_size=8).map("; ".join) | st.lists(pieces | latin1, max_size=8).map(";".join)


def test_no_header() -> None:
    """Without a Cookie header there is nothing."""
    own = read_cookies(None, SECURE)
    assert (own.values, own.conflicting, own.rest) == ({}, False, "")


def test_empty_header() -> None:
    """An empty Cookie header leaves none."""
    assert read_cookies("", SECURE).rest == ""


def test_ours_alone() -> None:
    """Where every cookie is ours nothing is left for the app."""
    own = read_cookies(f"{N}=v", SECURE)
    assert (own.values, own.rest) == ({N: "v"}, "")


def test_all_kinds_of_ours() -> None:
    """Session cookie, its parts, leftover parts and login cookies are ours."""
    own = read_cookies(f"{N}=a; {N}.1=b; {N}.9=c; {N}-login-Az_-09=d", SECURE)
    assert own.values == {N: "a", f"{N}.1": "b", f"{N}.9": "c", f"{N}-login-Az_-09": "d"}


@pytest.mark.parametrize(
    ("header", "rest"),
    [
        (f"a=b; {N}=v", "a=b"),
        (f"{N}=v; a=b", "a=b"),
        (f"a=b; {N}=v; c=d", "a=b; c=d"),
        (f'x={{"json":1}}; {N}=v; y="q;r"', 'x={"json":1}; y="q;r"'),
        (f"a=b;{N}=v;c=d", "a=b;c=d"),
        (f"$Version=1; {N}=v", "$Version=1"),
        (f"caf\u00e9=\xff; {N}=v; junk", "caf\u00e9=\xff; junk"),
        (f"a=b=c; {N}=v", "a=b=c"),
    ],
)
def test_rest_byte_for_byte(header: str, rest: str) -> None:
    """The app gets all other cookies as they came (R-CS7)."""
    assert read_cookies(header, SECURE).rest == rest


@pytest.mark.parametrize("header", ["a=b", "a=b;;c", " =; ", "fotoweb=v", 'x={"json":1}', "__host-fotoweb=v"])
def test_header_without_ours(header: str) -> None:
    """A header without a cookie of ours stays as it is, to the byte."""
    own = read_cookies(header, SECURE)
    assert (own.values, own.rest) == ({}, header)


@pytest.mark.parametrize(
    "name",
    [
        "fotoweb",
        "__host-fotoweb",
        "__HOST-fotoweb",
        "__Host-FotoWeb",
        "__%48ost-fotoweb",
        "\xe2\x80\x80__Host-fotoweb",
        "\xa0__Host-fotoweb",
        "\x85__Host-fotoweb",
        "\x0b__Host-fotoweb",
        "__Host-fotoweb ",
        "__Host-fotoweb\t",
        "__Host-fotoweb\x00",
        "=__Host-fotoweb",
        '"__Host-fotoweb"',
        "x__Host-fotoweb",
        "__Host-fotoweb2",
        "__Host-fotoweb.0",
        "__Host-fotoweb.10",
        "__Host-fotoweb.1\n",
        "__Host-fotoweb.",
        "__Host-fotoweb.\u00b9",
        "__Host-fotoweb-login-",
        "__Host-fotoweb-login-a.b",
        "__Host-fotoweb-login-\u00e4",
        f"__Host-fotoweb-login-{'a' * 65}",
        "__Host-fotoweb-logout",
    ],
)
def test_foreign_names(name: str) -> None:
    """A name that is not ours byte for byte is not ours (R-CS6, T-CS-05)."""
    own = read_cookies(f"{name}=v; {N}=ours", SECURE)
    assert own.values == {N: "ours"}


def test_secure_names_not_read_without_secure() -> None:
    """Where cookies are not Secure, the ``__Host-`` names are somebody else's."""
    assert read_cookies(f"{N}=v; fotoweb=w", PLAIN).values == {"fotoweb": "w"}


def test_same_value_twice() -> None:
    """One cookie sent twice with one value is one cookie."""
    own = read_cookies(f"{N}=v; {N}=v", SECURE)
    assert (own.values, own.conflicting) == ({N: "v"}, False)


@pytest.mark.parametrize("second", ["w", "", "V"])
def test_two_values(second: str) -> None:
    """One name with two values is a conflict: one of them was planted (R-CS5)."""
    assert read_cookies(f"{N}=v; {N}={second}; a=b", SECURE).conflicting


def test_two_values_apart() -> None:
    """A conflict is seen also where the value that came first comes again."""
    assert read_cookies(f"{N}=v; {N}=w; {N}=w", SECURE).conflicting


def test_two_values_of_a_part() -> None:
    """A conflict in any part is a conflict."""
    assert read_cookies(f"{N}=v; {N}.1=a; {N}.1=b", SECURE).conflicting


def test_foreign_twice() -> None:
    """Foreign cookies may come as often as they like."""
    assert not read_cookies(f"a=1; a=2; {N}=v", SECURE).conflicting


def test_value_with_equals() -> None:
    """A value may hold equals signs."""
    assert read_cookies(f"{N}=a=b==", SECURE).values == {N: "a=b=="}


def test_no_secret_in_repr() -> None:
    """No cookie value stands in the repr."""
    assert "S3CR3T" not in repr(read_cookies(f"{N}=S3CR3T; a=S3CR3T", SECURE))


@given(headers)
def test_never_raises(header: str) -> None:
    """Whatever junk comes, reading raises nothing and yields only names of ours (R-CS7)."""
    assert all(is_own(name, SECURE) for name in read_cookies(header, SECURE).values)


@given(headers)
def test_foreign_pairs_kept(header: str) -> None:
    """Every foreign pair reaches the app byte for byte, and none of ours does (R-CS7, R-CS15).

    They keep their order, but that those which hold a name of ours come last.
    """
    rest = read_cookies(header, SECURE).rest
    pairs = [pair.strip(" \t") for pair in header.split(";")]
    foreign = [pair for pair in pairs if pair and not is_own(pair.partition("=")[0], SECURE)]
    foreign.sort(key=lambda pair: N in pair)
    assert [pair.strip(" \t") for pair in rest.split(";") if pair.strip(" \t")] == foreign


@pytest.mark.parametrize("length", [MAX_HEADER_CHARACTERS, MAX_HEADER_CHARACTERS + 1])
def test_longest_header(length: int) -> None:
    """Above 64 KB our cookies count as none, before anything is split (R-RL3)."""
    own = read_cookies(f"{N}=v; a=".ljust(length, "x"), SECURE)

    assert own.values == ({N: "v"} if length == MAX_HEADER_CHARACTERS else {})


def test_names_secure() -> None:
    """Secure cookies carry the ``__Host-`` prefix."""
    assert (SECURE.session, SECURE.login_prefix) == ("__Host-fotoweb", "__Host-fotoweb-login-")


def test_names_plain() -> None:
    """Cookies that are not Secure don't: browsers would refuse them."""
    assert (PLAIN.session, PLAIN.login_prefix) == ("fotoweb", "fotoweb-login-")


@pytest.mark.parametrize(
    ("setting", "session", "login"), [("lax", "Lax", "Lax"), ("strict", "Strict", "Lax"), ("none", "None", "None")]
)
def test_same_site(setting: str, session: str, login: str) -> None:
    """The login cookie is Lax where the session cookie is Strict: it must survive the way back from FotoWeb."""
    names = CookieNames.build("fotoweb", secure=True, same_site=setting)
    written = [names.write(name, "v", max_age_seconds=1) for name in (N, names.login_attempts, f"{N}-login-x")]
    assert [each.rpartition("SameSite=")[2] for each in written] == [session, login, login]


def test_write_secure() -> None:
    """A Secure cookie carries every attribute of R-CS1, and no Domain."""
    written = SECURE.write(N, "v", max_age_seconds=43_200.9)
    assert written == f"{N}=v; Max-Age=43200; Path=/; HttpOnly; Secure; SameSite=Lax"


def test_write_plain() -> None:
    """Without Secure the attribute is left out."""
    written = PLAIN.write("fotoweb", "v", max_age_seconds=600, path="/sub/callback")
    assert written == "fotoweb=v; Max-Age=600; Path=/sub/callback; HttpOnly; SameSite=Lax"


def test_write_past() -> None:
    """A lifetime that is over is written as 0, never as a negative number."""
    assert "Max-Age=0;" in SECURE.write(N, "v", max_age_seconds=-5)


def test_expire() -> None:
    """A cookie is removed with its own name, path, Secure and SameSite (R-CS8)."""
    names = CookieNames.build("fotoweb", secure=True, same_site="none")

    assert names.expire(N, path="/x") == f"{N}=; Max-Age=0; Path=/x; HttpOnly; Secure; SameSite=None"


def test_glued_cookie_is_hidden_and_not_read() -> None:
    """Behind a comma, where WSGI servers join two headers, ours is neither believed nor shown to the app."""
    own = read_cookies(f"a=b,{N}=planted; c=d", SECURE)
    assert (own.values, own.rest) == ({}, "c=d; a=b")

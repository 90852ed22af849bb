"""The one cookie that the app sees in place of ours, by which its caches tell people apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import FETCH, AsgiAdapter, Reply, Visited, Visitor
from tests.behaviour.pairs import twin_of

TAG = "fotoweb-tag"
SPELLINGS = (
    f"{TAG}=planted",
    f" {TAG} =planted",
    f"{TAG}",
    f'"{TAG}"=planted',
    f"x=1,{TAG}=planted",
    f'x="a; {TAG}=b"',
)


def with_cookies(visitor: Visitor, target: str, *others: str) -> Reply:
    """Send a visitor's cookies among others."""
    own = [value for _, value in visitor.jar.header(target)]
    return visitor.site.adapter.request("GET", target, [*FETCH.items(), ("Cookie", "; ".join([*others, *own]))])


def test_it_tells_people_apart(site: Visited) -> None:
    """Each session has its own, the same on the first request and on later ones, whatever stands beside it."""
    alice, bob, again = site.visitor("alice"), site.visitor("bob"), site.visitor("alice")
    tags = {}
    for name, visitor in (("alice", alice), ("bob", bob), ("alice again", again)):
        visitor.log_in()
        tags[name] = {with_cookies(visitor, "/", "lang=de", other).seen["tag"] for other in ("a=1", "a=2", "a=2")}

    assert [len(values) for values in tags.values()] == [1, 1, 1]
    assert len(set.union(*tags.values())) == 3


def test_it_stays_through_refreshes_and_processes(site: Visited, member: Visitor) -> None:
    """A new token and another process change nothing, so that caches inside the app go on."""
    before = member.get("/").seen
    site.clock.advance(site.fake.switches.access_token_lifetime_seconds + 1)
    after = member.get("/").seen
    site.restart()

    assert (before["token"] == after["token"], before["tag"]) == (False, after["tag"])
    assert member.get("/").seen["tag"] == before["tag"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_from_the_client_is_taken_out(open_site: Callable[..., Visited], spelling: str) -> None:
    """With a session or without, on the first request and on later ones, the app never sees what a client made up."""
    site = open_site(public_paths=("/open",))
    member = site.visitor()
    member.log_in()
    genuine = member.get("/").seen["tag"]

    for target in ("/open", "/", "/"):
        seen = with_cookies(member, target, "lang=de", spelling).seen
        assert (seen["tag"], "planted" in str(seen["cookie"]), TAG in str(seen["cookie"])) == (genuine, False, False)
    seen = with_cookies(site.visitor(), "/open", "lang=de", spelling).seen
    assert (seen["tag"], seen["cookie"].startswith("lang=de")) == (None, True)


def test_it_opens_nothing(site: Visited, member: Visitor) -> None:
    """Sent as a session's cookie it is none, and it holds nothing of the session's."""
    tag = member.get("/").seen["tag"]
    values = [value for _, value in member.jar.header("/")]

    replies = [with_cookies(site.visitor(), "/", f"{name}={tag}") for name in (TAG, "__Host-fotoweb", "fotoweb")]

    assert [reply.status for reply in replies] == [401, 401, 401]
    assert tag not in "".join(values)


def test_cookies_of_another_name_are_the_apps(site: Visited, member: Visitor) -> None:
    """A foreign cookie whose name or value begins like ours reaches the app, also where the session is known."""
    foreign = ("__Host-fotoweb2=other", "x=__Host-fotoweb")

    for _ in range(3):
        assert (
            with_cookies(member, "/", "a=1", *foreign).seen["cookie"] == "a=1; __Host-fotoweb2=other; x=__Host-fotoweb"
        )


def test_changing_cookies_of_others(site: Visited, member: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session stays known however the app's own cookies change, and those reach the app as they came."""
    member.jar.forget_logins()
    assert member.get("/").status == member.get("/").status == 200
    monkeypatch.setattr(site.middleware._handler, "handle", None)
    monkeypatch.setattr(site.middleware, "_handle", None)

    for number in range(3):
        for others in ([f"_dd_s={number}"], [f"_ga={number}", "b={}", "c"], []):
            assert with_cookies(member, "/", *others).seen["cookie"] == ("; ".join(others) or None)


def test_split_cookie_headers(site: Visited, member: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers and proxies with HTTP/2 split the Cookie header: the session is known all the same."""
    if not isinstance(site.adapter, AsgiAdapter):
        return  # A WSGI server hands over one header.
    member.jar.forget_logins()
    assert member.get("/").status == member.get("/").status == 200
    ((_, own),) = member.jar.header("/")
    monkeypatch.setattr(site.middleware, "_handle", None)

    reply = site.adapter.request("GET", "/", [*FETCH.items(), ("Cookie", "a=1"), ("Cookie", own), ("Cookie", "b=2")])

    assert (reply.seen["cookie"], reply.seen["user"]) == ("a=1; b=2", "alice")


def test_conflicting_cookie_beside_a_known_one(site: Visited, member: Visitor) -> None:
    """A second value of ours beside the known one is no session, before it or behind it, joined or not."""
    member.jar.forget_logins()
    assert member.get("/").status == member.get("/").status == 200
    ((_, own),) = member.jar.header("/")
    planted = "__Host-fotoweb=planted"

    for header in (f"{planted}; {own}", f"{own}; {planted}", f"{own};{planted}", f"{own},{planted}"):
        twin = twin_of(member, site)
        twin.jar.cookies.clear()
        assert twin.get("/", Cookie=header).status == 401, header
    assert member.get("/").status == 200

"""The one cookie that the app sees in place of ours, by which its caches tell people apart (T-CS-12)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.behaviour.kit import Visited, Visitor

TAG = "fotoweb-tag"
SPELLINGS = (
    f"{TAG}=planted",
    f" {TAG} =planted",
    f"{TAG}",
    f'"{TAG}"=planted',
    f"x=1,{TAG}=planted",
    f'x="a; {TAG}=b"',
)


def test_it_tells_people_apart(site: Visited) -> None:
    """Each session has its own, the same on the first request and on later ones, whatever stands beside it."""
    alice, bob, again = site.visitor("alice"), site.visitor("bob"), site.visitor("alice")
    tags = {}
    for name, visitor in (("alice", alice), ("bob", bob), ("alice again", again)):
        visitor.log_in()
        tags[name] = {visitor.get_among(["lang=de", other]).seen["tag"] for other in ("a=1", "a=2", "a=2")}

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
        seen = member.get_among(["lang=de", spelling], target).seen
        assert (seen["tag"], "planted" in str(seen["cookie"]), TAG in str(seen["cookie"])) == (genuine, False, False)
    seen = site.visitor().get_among(["lang=de", spelling], "/open").seen
    assert (seen["tag"], seen["cookie"].startswith("lang=de")) == (None, True)


def test_it_opens_nothing(site: Visited, member: Visitor) -> None:
    """Sent as a session's cookie it is none, and it holds nothing of the session's."""
    tag = member.get("/").seen["tag"]
    values = [value for _, value in member.jar.header("/")]

    replies = [site.visitor().get_among([f"{name}={tag}"]) for name in (TAG, "__Host-fotoweb", "fotoweb")]

    assert [reply.status for reply in replies] == [401, 401, 401]
    assert tag not in "".join(values)


def test_cookies_of_another_name_are_the_apps(site: Visited, member: Visitor) -> None:
    """A foreign cookie whose name or value begins like ours reaches the app, also where the session is known."""
    foreign = ("__Host-fotoweb2=other", "x=__Host-fotoweb")

    for _ in range(3):
        assert member.get_among(["a=1", *foreign]).seen["cookie"] == "a=1; __Host-fotoweb2=other; x=__Host-fotoweb"

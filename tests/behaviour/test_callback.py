"""The callback: what a right one does, and that a wrong one changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from fotoweb_middleware.testing import Fault
from tests.behaviour.kit import NAVIGATION, Reply, Visited, Visitor, in_parallel, target_of


def assert_refused(reply: Reply, visitor: Visitor, jar_before: dict[tuple[str, str], str], posts_before: int) -> None:
    """Check that a callback was refused and nothing was changed: no cookie, no token request."""
    assert reply.status == 400
    assert reply.header("Content-Type") == "text/html; charset=utf-8"
    assert reply.all("Set-Cookie") == []
    assert visitor.jar.cookies == jar_before
    assert len(visitor.site.fake.token_requests) == posts_before


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=A",
        "state=",
        "code=A&state=unknown",
        "code=A&state=%00%ff",
        "code=A&state=" + "s" * 100_000,
        "code=A&code=B&state={state}",
        "code=A&state={state}&state={state}",
        "code=A&error=access_denied&state={state}",
        "iss=x&iss=y&code=A&state={state}",
        "state={state}",
        "error=access_denied&state=bad",
        "&".join(f"x{number}=1" for number in range(20_000)),
    ],
)
def test_wrong_callback_changes_nothing(site: Visited, member: Visitor, query: str) -> None:
    """A missing, foreign or garbled state is refused; the live session and the pending login stay (R-AC5)."""
    location = member.visit("/oauth2/login?next=/later").location
    state = location.partition("state=")[2].partition("&")[0]
    jar, posts = dict(member.jar.cookies), len(site.fake.token_requests)

    reply = member.visit("/oauth2/callback?" + query.replace("{state}", state))

    assert_refused(reply, member, jar, posts)
    assert member.get("/").seen["user"] == "alice"
    assert member.visit(member.approve(location)).location == "/later"


def test_foreign_state_is_refused(site: Visited, visitor: Visitor) -> None:
    """Another browser's code and state are refused, and the victim's own login still completes (login CSRF)."""
    own = visitor.visit("/mine").location
    mallory = site.visitor("bob")
    foreign = mallory.approve(mallory.visit("/").location)
    jar, posts = dict(visitor.jar.cookies), len(site.fake.token_requests)

    assert_refused(visitor.visit(foreign), visitor, jar, posts)
    assert visitor.visit(visitor.approve(own)).location == "/mine"
    assert visitor.get("/").seen["user"] == "alice"


def test_reused_state_is_refused(site: Visited, visitor: Visitor) -> None:
    """A callback called again, as by the back button, posts no code twice and leaves the session alone."""
    callback = visitor.approve(visitor.visit("/a").location)
    login_jar = dict(visitor.jar.cookies)
    visitor.visit(callback)
    jar, posts = dict(visitor.jar.cookies), len(site.fake.token_requests)

    assert_refused(visitor.visit(callback), visitor, jar, posts)

    replaying = site.visitor()
    replaying.jar.cookies = login_jar
    reply = replaying.visit(callback)
    assert_refused(reply, replaying, login_jar, posts)
    assert "/a" in reply.text
    assert visitor.get("/").seen["user"] == "alice"


def test_back_to_a_finished_login(site: Visited, visitor: Visitor) -> None:
    """Who is signed in and goes back to the callback is told so, and led on to the app."""
    callback = visitor.approve(visitor.visit("/").location)
    visitor.visit(callback)
    jar, posts = dict(visitor.jar.cookies), len(site.fake.token_requests)

    reply = visitor.visit(callback)

    assert_refused(reply, visitor, jar, posts)
    assert "This sign-in was already used" in reply.text
    assert ">Continue to the app</a>" in reply.text


def test_back_to_a_finished_login_after_a_logout(visitor: Visitor) -> None:
    """Who has logged out since is told to sign in, though the old cookie comes along."""
    callback = visitor.approve(visitor.visit("/").location)
    visitor.visit(callback)
    jar = dict(visitor.jar.cookies)
    visitor.send("POST", "/oauth2/logout", {**NAVIGATION, "Sec-Fetch-Site": "same-origin"})
    visitor.jar.cookies = jar

    assert "This sign-in did not start in this browser" in visitor.visit(callback).text


def test_reload_of_a_failed_login(site: Visited, visitor: Visitor) -> None:
    """Who reloads the page of a login that failed is told that this is why it does not work."""
    site.fake.fault("token", Fault.bad_gateway(), times=1)
    callback = visitor.approve(visitor.visit("/").location)
    visitor.visit(callback)

    assert "If you reloaded a page of this sign-in, just start again here" in visitor.visit(callback).text


def test_concurrent_twins_post_one_code(site: Visited, visitor: Visitor) -> None:
    """The same callback twice at once: one login, one refusal, one token request."""
    callback = visitor.approve(visitor.visit("/").location)
    headers = [("Cookie", visitor.jar.header(callback)[0][1]), ("Accept", "text/html")]

    replies = in_parallel(4, lambda _number: site.adapter.request("GET", callback, headers))

    assert sorted(reply.status for reply in replies) == [302, 400, 400, 400]
    assert len(site.fake.token_requests) == 1


def test_expired_login_is_refused(site: Visited, visitor: Visitor) -> None:
    """Ten minutes after it began, a login can't be finished, even if its cookie was kept (R-AC7; T-AC-16)."""
    callback = visitor.approve(visitor.visit("/").location)
    jar = dict(visitor.jar.cookies)
    site.clock.advance(600)

    assert_refused(visitor.visit(callback), visitor, jar, 0)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_spend_nothing(site: Visited, visitor: Visitor, method: str) -> None:
    """Only GET is answered; anything else gets 405, and a GET afterwards succeeds (R-AC10)."""
    callback = visitor.approve(visitor.visit("/").location)

    reply = visitor.send(method, callback)

    assert reply.status == 405
    assert reply.header("Allow") == "GET"
    assert not site.fake.token_requests
    assert visitor.visit(callback).status == 302


def test_denied_consent_is_told(visitor: Visitor) -> None:
    """``access_denied`` gives a 403 page with FotoWeb's own words escaped; the state is used up (R-AC11, R-OP1)."""
    site = visitor.site
    site.fake.switch(authorize_error_description='<script>alert("x")</script> Not licensed')
    authorize = visitor.visit("/").location
    callback = target_of(site.fake.approve(authorize, deny=True))

    reply = visitor.visit(callback)

    assert reply.status == 403
    assert "<script>" not in reply.text
    assert "Not licensed" in reply.text
    assert visitor.jar.names() == set()
    assert visitor.visit(callback).status == 400


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("temporarily_unavailable", 503),
        ("server_error", 502),
        ("invalid_scope", 502),
        ("unauthorized_client", 502),
        ("whatever", 502),
    ],
)
def test_errors_from_authorize(visitor: Visitor, error: str, status: int) -> None:
    """Every other error of FotoWeb's gives an error page and no new login by itself."""
    visitor.site.fake.switch(authorize_error=error)

    reply = visitor.visit(visitor.approve(visitor.visit("/").location))

    assert reply.status == status
    assert (reply.header("Retry-After") is not None) == (status == 503)
    assert visitor.jar.names() == set()
    assert "/oauth2/login?next=%2F" in reply.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.bad_gateway(), 503),
        (Fault.server_error(), 503),
        (Fault.too_many_requests(7), 503),
        (Fault.dropped(), 503),
        (Fault.dropped(after_processing=True), 503),
        (Fault.invalid_client(), 502),
        (Fault.invalid_grant(), 502),
        (Fault.replaced(body=b"<html>Sign in</html>", content_type="text/html"), 502),
        (Fault.replaced(body=b"[" * 200_000), 502),
        (Fault.replaced(body=b'{"access_token": "a b", "token_type": "bearer"}'), 502),
        (Fault.replaced(body=b'{"access_token": "a\\r\\nX-Admin: 1", "token_type": "bearer"}'), 502),
        (Fault.replaced(body=b'{"access_token": "abc", "token_type": "mac"}'), 502),
        (Fault.replaced(body=b'{"access_token": "abc", "token_type": "bearer", "expires_in": NaN}'), 502),
        (Fault.replaced(status=204, body=b""), 502),
        (replace(Fault.replaced(status=307, body=b""), headers=(("Location", "https://evil.test/"),)), 502),
    ],
    ids=lambda value: str(value)[:60],
)
def test_failing_token_endpoint(visitor: Visitor, fault: Fault, status: int) -> None:
    """A token endpoint that fails or talks nonsense gives a page; the code is never sent again (R-AC17, R-TE13)."""
    site = visitor.site
    site.fake.fault("token", fault)
    callback = visitor.approve(visitor.visit("/here").location)

    reply = visitor.visit(callback)

    assert reply.status == status
    assert (reply.header("Retry-After") is not None) == (status == 503)
    assert visitor.jar.names() == set()
    site.fake.clear_faults()
    posts = len(site.fake.token_requests)
    assert visitor.visit(callback).status == 400
    assert len(site.fake.token_requests) == posts
    assert visitor.log_in("/here").location == "/here"


@pytest.mark.parametrize("token_type", ["bearer", "Bearer", "BEARER", "bEaReR"])
def test_token_type_in_any_case(visitor: Visitor, token_type: str) -> None:
    """``token_type`` is compared without case (RFC 6749, 5.1)."""
    visitor.site.fake.switch(token_type=token_type)

    visitor.log_in()

    assert visitor.get("/").seen["token"]


def test_login_ends_the_session_the_browser_came_with(site: Visited, member: Visitor) -> None:
    """Each login opens a new session; the old one's cookie is dead from then on (session fixation) (R-AC16)."""
    planted = dict(member.jar.cookies)
    other = site.visitor("bob")
    other.jar.cookies = dict(planted)
    other.log_in("/oauth2/login")

    assert other.jar.cookies != planted
    assert other.get("/").seen["user"] == "bob"
    assert member.get("/").status == 401


def test_code_is_encoded(site: Visited, visitor: Visitor) -> None:
    """A code can't add parameters to the token request."""
    callback = visitor.approve(visitor.visit("/").location)
    state = callback.partition("state=")[2]
    hostile = "C%26grant_type%3Dclient_credentials%26client_id%3Devil%23"

    assert visitor.visit(f"/oauth2/callback?code={hostile}&state={state}").status == 502
    assert [request.grant_type for request in site.fake.token_requests] == ["authorization_code"]
    assert site.fake.token_requests[0].client_id == site.settings.client_id


def test_access_denied_with_html_page(open_site: Callable[..., Visited]) -> None:
    """Whatever a client says it accepts, the callback's errors are pages: only browsers come there."""
    visitor = open_site().visitor()

    reply = visitor.send("GET", "/oauth2/callback?state=x&code=y", {})

    assert reply.status == 400
    assert reply.header("Content-Type") == "text/html; charset=utf-8"

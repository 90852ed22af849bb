"""The rig itself: it speaks FotoWeb's paths, and does what its options say."""

from __future__ import annotations

import base64
import hashlib
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.providers.child import Child, ChildError
from tests.providers.oidc_provider import OidcRig, RigOptions, StartRig

pytestmark = pytest.mark.rig

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CALLBACK = "http://localhost:8000/oauth2/callback"


def authorize(rig: OidcRig) -> dict[str, str]:
    """Walk through the authorization endpoint's redirects; return the parameters that reach the callback."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": rig.options.client_id,
        "redirect_uri": CALLBACK,
        "state": "some-state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    url = f"{rig.base_url}/fotoweb/oauth2/authorize?{httpx.QueryParams(query)}"
    with httpx.Client() as browser:
        while not url.startswith(CALLBACK):
            response = browser.get(url)
            assert response.is_redirect, response.text
            url = str(httpx.URL(url).join(response.headers["location"]))
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def ask_tokens(rig: OidcRig, **form: str) -> httpx.Response:
    """Send a token request with the client's credentials."""
    credentials = {"client_id": rig.options.client_id, "client_secret": rig.options.client_secret}
    return httpx.post(f"{rig.base_url}/fotoweb/oauth2/token", data={**credentials, **form})


def log_in(rig: OidcRig) -> dict[str, Any]:
    """Return the token answer of a whole login."""
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    response = ask_tokens(rig, code=authorize(rig)["code"], **form)
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens


def who(rig: OidcRig, access_token: str) -> httpx.Response:
    """Ask the API descriptor who the token speaks for."""
    return httpx.get(f"{rig.base_url}/fotoweb/me", headers={"Authorization": f"Bearer {access_token}"})


def test_a_login_ends_in_a_token_that_the_api_accepts(oidc_rig: StartRig) -> None:
    """Authorize, code, token and /fotoweb/me, with a secret that must be form-encoded."""
    rig = oidc_rig(RigOptions(auto_login=True, client_secret="p@ss+w/=&:%"))

    answer = who(rig, log_in(rig)["access_token"])

    assert answer.json()["username"] == "demo"


def test_the_state_comes_back(oidc_rig: StartRig) -> None:
    """The callback receives the state that the client sent."""
    assert authorize(oidc_rig(RigOptions(auto_login=True)))["state"] == "some-state"


def test_a_rotated_refresh_token_works_once(oidc_rig: StartRig) -> None:
    """With rotation the second use of a refresh token is refused, and the log says why."""
    rig = oidc_rig(RigOptions(auto_login=True))
    refresh_token = log_in(rig)["refresh_token"]

    answers = [ask_tokens(rig, grant_type="refresh_token", refresh_token=refresh_token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 400]
    rig._running.wait_for_line("invalid_grant")  # It may come a moment after the answer.


def test_without_rotation_the_refresh_token_stays(oidc_rig: StartRig) -> None:
    """Without rotation the same refresh token works again and again."""
    rig = oidc_rig(RigOptions(auto_login=True, rotate=False))
    refresh_token = log_in(rig)["refresh_token"]

    answers = [ask_tokens(rig, grant_type="refresh_token", refresh_token=refresh_token) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_life_of_a_token_is_what_was_asked(oidc_rig: StartRig) -> None:
    """The option sets ``expires_in``, and no refresh token comes where none is wanted."""
    tokens = log_in(oidc_rig(RigOptions(auto_login=True, access_token_ttl_seconds=5, refresh=False)))

    assert (tokens["expires_in"], "refresh_token" in tokens) == (5, False)


def test_the_pages_are_there_without_auto_login(oidc_rig: StartRig) -> None:
    """A person sees the log-in page first."""
    rig = oidc_rig()
    query = httpx.QueryParams(
        response_type="code",
        client_id="demo",
        redirect_uri=CALLBACK,
        code_challenge="0" * 43,
        code_challenge_method="S256",
    )

    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(f"{rig.base_url}/fotoweb/oauth2/authorize?{query}")

    assert "<h1>Log in</h1>" in page.text


def test_unplugged_it_refuses_connections_and_forgets_nothing(oidc_rig: StartRig) -> None:
    """A FotoWeb that is down for a while knows its tokens afterwards."""
    rig = oidc_rig(RigOptions(auto_login=True))
    access_token = log_in(rig)["access_token"]

    rig.unplug()
    with pytest.raises(httpx.ConnectError):
        who(rig, access_token)
    rig.plug_in()

    assert who(rig, access_token).status_code == 200


def test_restarted_it_has_the_same_address_and_an_empty_memory(oidc_rig: StartRig) -> None:
    """A restart keeps the port and forgets every token."""
    rig = oidc_rig(RigOptions(auto_login=True))
    address, access_token = rig.base_url, log_in(rig)["access_token"]

    rig.restart()

    assert rig.base_url == address
    assert who(rig, access_token).status_code == 401


def test_a_child_that_ends_before_it_is_ready_is_told_with_its_output() -> None:
    """Whoever waits for a server that dies at once learns what it printed."""
    child = Child(["sh", "-c", "echo cannot listen; exit 3"])

    with pytest.raises(ChildError, match="cannot listen"):
        child.wait_for_line("ready ")
    child.stop()


def test_a_child_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test run leaves a server behind."""
    monkeypatch.setattr("tests.providers.child.STOP_SECONDS", 0.2)
    deaf = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready now', flush=True); signal.pause()"
    )
    child = Child([sys.executable, "-c", deaf])
    child.wait_for_line("ready now")

    child.stop()

    assert not child.running

"""``decide_now`` never disagrees with ``decide``."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fotoweb_middleware.model import Admit, Answer, Decision, PassThrough
from tests.flows.conftest import World

PATHS = ["/", "/x?y=1", "/public", "/public/x", "/public/../x", "/oauth2/login", "/oauth2/nothing", "/oauth2/session"]
METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "get", "FOO"]
HEADERS = {
    "Accept": ["text/html", "application/json", "*/*"],
    "Sec-Fetch-Mode": ["navigate", "cors", "no-cors"],
    "Sec-Fetch-Dest": ["document", "empty", "iframe"],
    "Sec-Fetch-Site": ["same-origin", "cross-site", "none"],
    "Sec-Purpose": ["prefetch"],
    "Origin": ["https://app.test", "https://evil.test", "null"],
    "Access-Control-Request-Method": ["PUT"],
    "Authorization": ["Bearer forged"],
}
requests = st.tuples(
    st.sampled_from(PATHS),
    st.sampled_from(METHODS),
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in HEADERS.items()}),
    st.sampled_from(["own", "none", "garbage", "twice"]),
    st.integers(min_value=0, max_value=700),
)


def essence(decision: Decision) -> tuple[object, ...]:
    """Return what two decisions must have in common, whatever randomness went into them."""
    match decision:
        case Admit():
            return (Admit, decision.session, decision.cookie_header, decision.reason, decision.renew_session_id)
        case PassThrough():
            return (PassThrough, decision.cookie_header, decision.reason)
        case Answer():
            headers = {name for name, _ in decision.headers}
            return (Answer, decision.status, decision.reason, headers, decision.body, decision.websocket_close_code)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=requests)
def test_the_hot_path_never_disagrees(world: World, asked: tuple[str, str, dict[str, str], str, int]) -> None:
    """Whatever memory answers, a process that remembers nothing answers the same with effects."""
    path, method, headers, cookie, age_seconds = asked
    world.log_in_afresh()
    own = world.jar.header("/")[0][1]
    world.slowly("/")  # Now the cookie was seen.
    world.clock.advance(age_seconds)
    cookies = {"own": own, "none": "a=1", "garbage": "__Host-fotoweb=x", "twice": f"{own}; __Host-fotoweb=x"}
    world.jar.cookies.clear()
    request = world.view(path, method, **headers, Cookie=cookies[cookie])

    hot = world.gate.decide_now(request)

    if hot is not None:
        world.forget_near()
        assert essence(hot) == essence(world.driver.run(world.gate.decide(request)))

"""The whole journey with real ASGI servers and the independent authorization server, over real HTTP."""

from __future__ import annotations

import pytest

from tests.providers.oidc_provider import StartRig
from tests.servers.journey import check_journey
from tests.servers.serving import ASGI_SERVERS, Kind
from tests.servers.visitor import Visitor

pytestmark = pytest.mark.rig


@pytest.mark.parametrize("kind", ASGI_SERVERS, ids=str)
def test_from_the_login_to_the_logout(kind: Kind, oidc_rig: StartRig, visitor: Visitor) -> None:
    """Intercept, login, consent, callback, accepted token, expiry, transparent refresh, logout, still logged out."""
    check_journey(kind, oidc_rig, visitor)

"""Causes are told apart on an authorization server that nobody here wrote."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fotoweb_middleware.cli.checks.fotoweb import check_site
from tests.cli.samples import settings
from tests.providers.oidc_provider import StartRig

REGISTERED = "http://localhost:8000/oauth2/callback"


@pytest.mark.rig
def test_causes_are_told_apart(oidc_rig: StartRig) -> None:
    """All well, a wrong secret, a wrong client ID, a redirect URI that is not registered: each in its own words."""
    rig = oidc_rig()
    right = {"url": rig.base_url, "client_id": "demo", "client_secret": "demo-secret", "redirect_uri": REGISTERED}
    changes: dict[str, dict[str, Any]] = {
        "The authorize endpoint of": {},
        "FOTOWEB_CLIENT_SECRET is wrong: ": {"client_secret": "planted-wrong"},
        "FOTOWEB_CLIENT_ID is wrong: ": {"client_id": "unknown"},
        "The redirect URI https://app.example/oauth2/callback is not registered with FotoWeb": {
            "redirect_uri": "https://app.example/oauth2/callback"
        },
        "FotoWeb requires PKCE, but FOTOWEB_PKCE=false": {"pkce": False},
    }

    said = {words: check_site(settings(**(right | change)), time.time) for words, change in changes.items()}

    worst = {words: min(findings, key=lambda finding: finding.level != "bad") for words, findings in said.items()}
    assert [(words, finding.what) for words, finding in worst.items() if not finding.what.startswith(words)] == []
    assert [sum(finding.level == "bad" for finding in findings) for findings in said.values()] == [0, 1, 1, 1, 1]

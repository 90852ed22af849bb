"""What may be given to ``Settings(...)``, as a type checker sees it. Read by mypy and by pyright; nobody runs it.

Each comment that ignores an error is itself an error where there is none to ignore, so wrong arguments stay wrong.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal, assert_type

from fotoweb_middleware import Settings


def right_arguments(settings: Settings) -> None:
    """An argument has the type of its setting; some settings take more."""
    Settings(http_timeout=5, session_lifetime=3600.5, cache_size=100, pkce=False)
    Settings(login="optional", cookie_mode="reference", cookie_samesite="strict")
    Settings(cookie_secure=True)
    Settings(cookie_secure="auto")
    Settings(ca_bundle=Path("ca.pem"), redirect_uri=None, post_logout_url="/bye")
    Settings(public_paths="/health,/static/*", trusted_origins=["https://admin.example"])
    Settings(client_secret=settings.client_secret, secret_key=[settings.secret_key, "a-second-key"])
    assert_type(replace(settings, http_timeout=5), Settings)


def what_they_become(settings: Settings) -> None:
    """What takes more than one type becomes one."""
    assert_type(settings.client_secret.get_secret_value(), str)
    assert_type(settings.public_paths, tuple[str, ...])
    assert_type(settings.cookie_secure, Literal["auto", "true", "false"])
    assert_type(settings.ca_bundle, str | None)


def wrong_arguments(settings: Settings) -> None:
    """A wrong word, a wrong type, a wrong name: each is seen before anything runs."""
    Settings(login="sometimes")  # type: ignore[arg-type]
    Settings(cookie_mode="plain")  # type: ignore[arg-type]
    Settings(cookie_samesite="Lax")  # type: ignore[arg-type]
    Settings(cookie_secure="yes")  # type: ignore[arg-type]
    Settings(http_timeout="soon")  # type: ignore[arg-type]
    Settings(pkce="false")  # type: ignore[arg-type]
    Settings(client_secret=5)  # type: ignore[arg-type]
    Settings(client_sceret="planted")  # type: ignore[call-arg]
    Settings("https://tenant.example")  # type: ignore[call-arg]
    settings.login = "optional"  # type: ignore[misc]

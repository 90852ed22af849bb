"""Names, keys and sealers for the tests of cookies."""

from __future__ import annotations

import secrets

from fotoweb_middleware.cookies.header import CookieNames, names_of
from fotoweb_middleware.cookies.seal import Sealer
from tests.settings.samples import KEY

SECURE: CookieNames = names_of("fotoweb", secure=True, same_site="lax")
PLAIN: CookieNames = names_of("fotoweb", secure=False, same_site="lax")


def a_sealer(*keys: str, binding: str = "https://tenant.example\nid\nfotoweb") -> Sealer:
    """Return a sealer with these keys, newest first."""
    return Sealer(keys or (KEY,), binding=binding, entropy=secrets.token_bytes)

"""The arguments of ``Settings(...)``, for type checkers and editors. A test keeps them in step with the fields."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TypedDict

from fotoweb_middleware.settings.secret import HoldsSecret

__all__ = ["SettingsArguments"]

Flag = bool | str
Number = float | str
SecretText = str | HoldsSecret


class SettingsArguments(TypedDict, total=False):
    """What may be given in code. Whatever is left out is read from the environment."""

    allow_http: Flag
    url: str
    client_id: str
    client_secret: SecretText
    secret_key: SecretText | Iterable[SecretText]
    path_prefix: str
    redirect_uri: str | None
    send_redirect_uri: Flag
    pkce: Flag
    public_paths: str | Iterable[str]
    login: str
    cookie_mode: str
    cache: str
    cache_recheck: Number
    cache_size: int | str
    cookie_name: str
    cookie_secure: Flag
    cookie_samesite: str
    session_lifetime: Number
    session_idle: Number
    refresh_leeway: Number
    http_timeout: Number
    ca_bundle: str | os.PathLike[str] | None
    inject_header: Flag
    fetch_user: Flag
    trusted_origins: str | Iterable[str]
    app: str | None
    post_logout_url: str | None

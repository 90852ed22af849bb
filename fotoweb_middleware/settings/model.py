"""``Settings``: every setting with its type. Its rule and default are in ``fields``, its words in ``texts``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NoReturn, Unpack

from fotoweb_middleware.settings.about import Origin
from fotoweb_middleware.settings.cache_address import mask_cache_address
from fotoweb_middleware.settings.cautions import log_cautions, log_unknown_variables
from fotoweb_middleware.settings.fields import FIELDS
from fotoweb_middleware.settings.filling import fill
from fotoweb_middleware.settings.keys import split_keys
from fotoweb_middleware.settings.messages import WrongSettings
from fotoweb_middleware.settings.secret import Secret

if TYPE_CHECKING:
    from fotoweb_middleware.settings.arguments import SettingsArguments

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Settings:
    """Everything that can be set: read once, checked once, unchangeable afterwards.

    What is not given as an argument is read from the ``FOTOWEB_*`` variable of the same name; what is not set
    there either takes its default. docs/reference/settings.md tells what each one does.
    ``dataclasses.replace(settings, http_timeout=5)`` returns others that differ in something; they are checked anew.

    Attributes:
        origins: Where each setting's value came from. Equal settings may differ in it.

    Raises:
        SettingsError: When anything is wrong. One message names every wrong setting, and shows no secret.
    """

    allow_http: bool
    url: str
    client_id: str
    client_secret: Secret
    secret_key: Secret
    path_prefix: str
    redirect_uri: str | None
    send_redirect_uri: bool
    pkce: bool
    public_paths: tuple[str, ...]
    login: Literal["required", "optional"]
    cookie_mode: Literal["sealed", "reference"]
    cache: str
    cache_recheck: float
    cache_size: int
    cookie_name: str
    cookie_secure: Literal["auto", "true", "false"]
    cookie_samesite: Literal["lax", "strict", "none"]
    session_lifetime: float
    session_idle: float
    refresh_leeway: float
    http_timeout: float
    ca_bundle: str | None
    inject_header: bool
    fetch_user: bool
    trusted_origins: tuple[str, ...]
    app: str | None
    post_logout_url: str | None

    origins: Mapping[str, Origin] = field(init=False, compare=False)

    def __init__(self, **arguments: Unpack[SettingsArguments]) -> None:
        """Read what the arguments leave out from the environment, and check everything."""
        log_unknown_variables()
        values, origins, problems = fill(arguments)
        if problems:
            del arguments, values  # Error reporters send local variables along, secrets and all.
            raise WrongSettings(problems)
        for name, value in {**values, "origins": origins}.items():
            object.__setattr__(self, name, value)
        log_cautions(self)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret keys, newest first: the first one seals, all of them open."""
        return split_keys(self.secret_key.get_secret_value())

    def __repr__(self) -> str:
        """Write the values with the cache's password masked (the secrets mask themselves).

        Error reporters write the local variables of ``__init__`` too, where an object has no values yet.
        """
        shown = {name: getattr(self, name) for name in FIELDS if hasattr(self, name)}
        if "cache" in shown:
            shown["cache"] = mask_cache_address(shown["cache"])
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def _refuse_change(_settings: Settings, name: str, _value: object = None) -> NoReturn:
    raise AttributeError(f"{name} can't be changed: settings are read once")


# A frozen dataclass refuses by itself, but in words that tell no newcomer why, and only what it knows.
Settings.__setattr__ = Settings.__delattr__ = _refuse_change  # type: ignore[method-assign, assignment]

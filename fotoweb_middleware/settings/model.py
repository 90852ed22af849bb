"""``Settings``: every setting once, with its type, its rule and its default. Its words are in ``texts``.

A field reads ``name: Annotated[type, rule] = default``. Rules that need another setting as well are the validators
below; pydantic fills the fields in the order they stand here, so what others need stands above them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Unpack

from pydantic import BeforeValidator, PrivateAttr, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from fotoweb_middleware.settings import addresses, keys, paths, values
from fotoweb_middleware.settings.about import Origin, WrongValue
from fotoweb_middleware.settings.arguments import SettingsArguments
from fotoweb_middleware.settings.cache_address import mask_cache_address, read_cache_address
from fotoweb_middleware.settings.cautions import log_cautions, log_unknown_variables
from fotoweb_middleware.settings.environment import EnvironmentSource, Misread, find_origin
from fotoweb_middleware.settings.files import read_ca_bundle
from fotoweb_middleware.settings.messages import Problem, WrongSettings, misread, missing, unknown_argument, wrong
from fotoweb_middleware.settings.texts import ABOUT, LONGEST_SESSION_SECONDS

__all__ = ["Settings"]

_Flag = Annotated[bool, BeforeValidator(values.read_flag)]


class Settings(BaseSettings):
    """Everything that can be set: read once, checked once, unchangeable afterwards.

    What is not given as an argument is read from the ``FOTOWEB_*`` variable of the same name; what is not set
    there either takes its default. docs/reference/settings.md tells what each one does.

    Raises:
        SettingsError: When anything is wrong. One message names every wrong setting, and shows no secret.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)

    allow_http: _Flag = False
    url: str
    client_id: Annotated[str, BeforeValidator(values.read_client_id)]
    client_secret: Annotated[SecretStr, BeforeValidator(values.read_client_secret)]
    secret_key: Annotated[SecretStr, BeforeValidator(keys.read_secret_keys)]
    path_prefix: Annotated[str, BeforeValidator(paths.read_path_prefix)] = "/oauth2"
    redirect_uri: str | None = None
    send_redirect_uri: _Flag = True
    pkce: _Flag = True
    public_paths: Annotated[tuple[str, ...], BeforeValidator(paths.read_public_paths)] = ()
    login: Annotated[Literal["required", "optional"], BeforeValidator(values.read_word("required", "optional"))] = (
        "required"
    )
    cookie_mode: Annotated[Literal["sealed", "reference"], BeforeValidator(values.read_word("sealed", "reference"))] = (
        "sealed"
    )
    cache: Annotated[str, BeforeValidator(read_cache_address)] = "local://"
    cache_recheck: Annotated[float, BeforeValidator(values.read_number(0, 3600))] = 5
    cache_size: Annotated[int, BeforeValidator(values.read_whole_number(1, 10_000_000))] = 10_000
    cookie_name: Annotated[str, BeforeValidator(values.read_cookie_name)] = "fotoweb"
    cookie_secure: Annotated[Literal["auto", "true", "false"], BeforeValidator(values.read_cookie_secure)] = "auto"
    cookie_samesite: Literal["lax", "strict", "none"] = "lax"
    session_lifetime: Annotated[float, BeforeValidator(values.read_number(1, LONGEST_SESSION_SECONDS))] = 43_200
    session_idle: Annotated[float, BeforeValidator(values.read_number(0, LONGEST_SESSION_SECONDS))] = 0
    refresh_leeway: Annotated[float, BeforeValidator(values.read_number(0, 86_400))] = 60
    http_timeout: Annotated[float, BeforeValidator(values.read_number(0.1, 300))] = 10
    ca_bundle: Annotated[str | None, BeforeValidator(values.optional(read_ca_bundle))] = None
    inject_header: _Flag = True
    fetch_user: _Flag = True
    trusted_origins: tuple[str, ...] = ()
    app: Annotated[str | None, BeforeValidator(values.optional(values.read_app))] = None
    post_logout_url: str | None = None

    _origins: Mapping[str, Origin] = PrivateAttr(default_factory=dict)

    def __init__(self, **arguments: Unpack[SettingsArguments]) -> None:
        """Read what the arguments leave out from the environment, and check everything."""
        given: dict[str, Any] = {name: value for name, value in arguments.items() if name in ABOUT}
        log_unknown_variables()
        problems = [unknown_argument(name, ABOUT) for name in arguments if name not in ABOUT]
        try:
            super().__init__(**given)
        except ValidationError as error:
            problems += _problems(error, given)
        # Raised out here: pydantic's own error, which knows the values, must not hang on to ours.
        if problems:
            raise WrongSettings(problems)
        self._origins = {name: _origin(name, given) for name in ABOUT}
        log_cautions(self)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (this and those below are the base's face)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then our variables; no ``.env`` file and nothing else."""
        return init_settings, EnvironmentSource(settings_cls, ABOUT)

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret keys, newest first: the first one seals, all of them open."""
        return keys.split_keys(self.secret_key.get_secret_value())

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Where each setting's value came from."""
        return self._origins

    def __eq__(self, other: object) -> bool:
        """Compare the values, wherever those came from."""
        return isinstance(other, Settings) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        """Hash the values."""
        return hash(tuple(self.__dict__.values()))

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to change a setting: pydantic would refuse too, but with the value in the message."""
        if name in ABOUT:
            raise AttributeError(f"{name} can't be changed: settings are read once")
        super().__setattr__(name, value)

    def __repr_args__(self) -> Any:
        """Give pydantic's repr the fields with the cache's password masked (the secrets mask themselves)."""
        for name, value in super().__repr_args__():
            yield name, mask_cache_address(value) if name == "cache" else value

    @field_validator("*", mode="before")
    @classmethod
    def _raise_misread(cls, value: Any) -> Any:
        if isinstance(value, Misread):
            raise value.wrong
        return value

    @field_validator("url", mode="before")
    @classmethod
    def _read_url(cls, value: Any, info: ValidationInfo) -> str:
        return addresses.read_site(value, allow_http=_allows_http(info))

    @field_validator("redirect_uri", mode="before")
    @classmethod
    def _read_redirect_uri(cls, value: Any, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        prefix = info.data.get("path_prefix")
        return addresses.read_redirect_uri(value, allow_http=_allows_http(info), path_prefix=prefix)

    @field_validator("cookie_samesite", mode="before")
    @classmethod
    def _read_samesite(cls, value: Any, info: ValidationInfo) -> str:
        samesite = values.read_word("lax", "strict", "none")(value)
        if samesite == "none" and not _may_be_secure(info.data):
            raise WrongValue(
                "'none' needs the Secure attribute, and these cookies won't have it.",
                mend="Set FOTOWEB_COOKIE_SECURE=true, or use lax.",
            )
        return samesite

    @field_validator("trusted_origins", mode="before")
    @classmethod
    def _read_trusted_origins(cls, value: Any, info: ValidationInfo) -> tuple[str, ...]:
        return addresses.read_trusted_origins(value, allow_http=_allows_http(info))

    @field_validator("post_logout_url", mode="before")
    @classmethod
    def _read_post_logout_url(cls, value: Any, info: ValidationInfo) -> str | None:
        return None if value is None else addresses.read_post_logout_url(value, allow_http=_allows_http(info))


def _allows_http(info: ValidationInfo) -> bool:
    """Whether plain http is fine anywhere; also where that switch is wrong itself, to report one cause once."""
    return bool(info.data.get("allow_http", True))


def _may_be_secure(known: Mapping[str, Any]) -> bool:
    """Whether the cookies can be Secure: not switched off, and ``auto`` not on a plain http (loopback) origin."""
    is_plain = (known.get("redirect_uri") or "").lower().startswith("http:")
    return known.get("cookie_secure") == "true" or (known.get("cookie_secure") != "false" and not is_plain)


def _origin(name: str, given: Mapping[str, Any]) -> Origin:
    return Origin("argument") if name in given else find_origin(name, ABOUT[name], os.environ)


def _problems(error: ValidationError, given: Mapping[str, Any]) -> list[Problem]:
    """Turn pydantic's errors into ours, in the order of the fields."""
    found = []
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0])
        if detail["type"] == "missing":
            found.append(missing(name, ABOUT[name], os.environ))
            continue
        cause = detail.get("ctx", {}).get("error")
        rule = cause if isinstance(cause, WrongValue) else None
        value = detail["input"]
        if isinstance(value, Misread):
            found.append(misread(value.variable, ABOUT[name], value.wrong))
        else:
            found.append(wrong(name, ABOUT[name], _origin(name, given), value, rule))
    return found

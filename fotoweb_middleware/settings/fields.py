"""Every setting once: its rule and its default. ``model`` has its type, ``texts`` its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fotoweb_middleware.settings import addresses, keys, paths, values
from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.cache_address import read_cache_address
from fotoweb_middleware.settings.files import read_ca_bundle
from fotoweb_middleware.settings.secret import Secret
from fotoweb_middleware.settings.texts import LONGEST_SESSION_SECONDS

__all__ = ["FIELDS", "Field"]

Above = Mapping[str, Any]
"""The clean values of the fields that stand above, without those that were wrong."""


@dataclass(frozen=True, slots=True)
class Field:
    """How one setting is read.

    Attributes:
        rule: Takes what was set and returns the clean value, or raises ``WrongValue``.
        default: What holds where nothing is set. It goes through the rule too.
        is_required: Whether there is no default.
        looks_above: Whether the rule also takes the values above.
    """

    rule: Callable[..., Any]
    default: Any = None
    is_required: bool = False
    looks_above: bool = False

    def read(self, value: Any, above: Above) -> Any:
        """Return the clean value of what was set.

        Raises:
            WrongValue: When the rule turns it down.
        """
        return self.rule(value, above) if self.looks_above else self.rule(value)


def _allows_http(above: Above) -> bool:
    """Whether plain http is fine anywhere; also where that switch is wrong itself, to report one cause once."""
    return bool(above.get("allow_http", True))


def _read_url(value: Any, above: Above) -> str:
    return addresses.read_site(value, allow_http=_allows_http(above))


def _read_redirect_uri(value: Any, above: Above) -> str | None:
    if value is None:
        return None
    prefix = above.get("path_prefix")
    return addresses.read_redirect_uri(value, allow_http=_allows_http(above), path_prefix=prefix)


def _read_samesite(value: Any, above: Above) -> str:
    samesite = values.read_word("lax", "strict", "none")(value)
    if samesite == "none" and not _may_be_secure(above):
        raise WrongValue(
            "'none' needs the Secure attribute, and these cookies won't have it.",
            mend="Set FOTOWEB_COOKIE_SECURE=true, or use lax.",
        )
    return samesite


def _may_be_secure(above: Above) -> bool:
    """Whether the cookies can be Secure: not switched off, and ``auto`` not on a plain http (loopback) origin."""
    is_plain = (above.get("redirect_uri") or "").lower().startswith("http:")
    return above.get("cookie_secure") == "true" or (above.get("cookie_secure") != "false" and not is_plain)


def _read_trusted_origins(value: Any, above: Above) -> tuple[str, ...]:
    return addresses.read_trusted_origins(value, allow_http=_allows_http(above))


def _read_post_logout_url(value: Any, above: Above) -> str | None:
    return None if value is None else addresses.read_post_logout_url(value, allow_http=_allows_http(above))


def _masked(rule: Callable[[Any], str]) -> Callable[[Any], Secret]:
    """Return a rule whose clean value does not show itself."""
    return lambda value: Secret(rule(value))


FIELDS: Mapping[str, Field] = MappingProxyType({
    "allow_http": Field(values.read_flag, default=False),
    "url": Field(_read_url, is_required=True, looks_above=True),
    "client_id": Field(values.read_client_id, is_required=True),
    "client_secret": Field(_masked(values.read_client_secret), is_required=True),
    "secret_key": Field(_masked(keys.read_secret_keys), is_required=True),
    "path_prefix": Field(paths.read_path_prefix, default="/oauth2"),
    "redirect_uri": Field(_read_redirect_uri, looks_above=True),
    "send_redirect_uri": Field(values.read_flag, default=True),
    "pkce": Field(values.read_flag, default=True),
    "public_paths": Field(paths.read_public_paths, default=()),
    "login": Field(values.read_word("required", "optional"), default="required"),
    "cookie_mode": Field(values.read_word("sealed", "reference"), default="sealed"),
    "cache": Field(read_cache_address, default="local://"),
    "cache_recheck": Field(values.read_number(0, 3600), default=5),
    "cache_size": Field(values.read_whole_number(1, 10_000_000), default=10_000),
    "cookie_name": Field(values.read_cookie_name, default="fotoweb"),
    "cookie_secure": Field(values.read_cookie_secure, default="auto"),
    "cookie_samesite": Field(_read_samesite, default="lax", looks_above=True),
    "session_lifetime": Field(values.read_number(1, LONGEST_SESSION_SECONDS), default=43_200),
    "session_idle": Field(values.read_number(0, LONGEST_SESSION_SECONDS), default=0),
    "refresh_leeway": Field(values.read_number(0, 86_400), default=60),
    "http_timeout": Field(values.read_number(0.1, 300), default=10),
    "ca_bundle": Field(values.optional(read_ca_bundle)),
    "inject_header": Field(values.read_flag, default=True),
    "fetch_user": Field(values.read_flag, default=True),
    "trusted_origins": Field(_read_trusted_origins, default=(), looks_above=True),
    "app": Field(values.optional(values.read_app)),
    "post_logout_url": Field(_read_post_logout_url, looks_above=True),
})  # fmt: skip
"""In the order in which they are read: a rule may look at what stands above its field."""

"""Settings from a framework's own configuration, in addition to the ``FOTOWEB_*`` variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fotoweb_middleware.errors import SettingsError
from fotoweb_middleware.settings import Settings
from fotoweb_middleware.settings.reading import is_in_environment

__all__ = ["read_settings"]


def read_settings(entries: Callable[[], Mapping[str, Any]], *, source: str, prefix: str = "") -> Settings:
    """Return the middleware's settings: from the variables first, then from a framework's configuration.

    Args:
        entries: Returns the configuration's entries by setting, as in ``Settings(...)``. It is a function so that no
            variable here holds a value: it may be secret, and error reporters send a frame's variables along.
        source: What the configuration is called, for messages: "app.config".
        prefix: What stands there before the name of a setting, for messages.

    Raises:
        SettingsError: A setting is missing or wrong; or a name is unknown.
    """
    used = [name for name in entries() if not is_in_environment(name)]
    try:
        return Settings(**{name: entries()[name] for name in used})
    except SettingsError as error:
        text = str(error)
    names = ", ".join(f"{prefix}{name.upper()}" for name in used)
    raise SettingsError(f"{text}\nIn this message Settings(...) stands for {source}, which gives {names or 'nothing'}.")

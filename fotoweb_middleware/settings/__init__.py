"""The settings: read from ``FOTOWEB_*`` variables or given to ``Settings(...)``, checked once, then frozen.

    model           Settings: the fields, their types, rules and defaults
    texts           their words, for messages and the reference page
    values, addresses, cache_address, paths, keys, files
                    the rules: each takes what was set and returns the clean value or raises WrongValue
    environment     reads the variables and X_FILE files
    messages        one message for everything that is wrong
    cautions        warnings for the log
    describe        every setting for ``fotoweb-middleware config``
    table           docs/reference/settings.md

Importing this reads no variable and no file.
"""

from fotoweb_middleware.settings.describe import Described, describe
from fotoweb_middleware.settings.model import Settings

__all__ = ["Described", "Settings", "describe"]

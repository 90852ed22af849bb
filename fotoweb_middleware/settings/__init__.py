"""The settings: read from ``FOTOWEB_*`` variables or given to ``Settings(...)``, checked once, then frozen.

    model           Settings: the fields and their types
    fields          their rules and defaults
    texts           their words, for messages and the reference page
    values, addresses, cache_address, paths, keys, files
                    the rules: each takes what was set and returns the clean value or raises WrongValue
    filling         fills the fields in turn, from arguments, variables and defaults
    environment     reads the variables and X_FILE files
    secret          what holds a secret and does not show it
    messages        one message for everything that is wrong
    cautions        warnings for the log
    describe        every setting for ``fotoweb-middleware config``
    table           docs/reference/settings.md

A new setting needs its type, its rule and default, its words, and an argument in ``arguments``; a test compares them.
Importing this reads no variable and no file.
"""

from fotoweb_middleware.settings.model import Settings

__all__ = ["Settings"]

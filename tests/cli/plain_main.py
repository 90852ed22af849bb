"""The command ``fotoweb-middleware``, to be run with ``-m`` where a test wraps it in another command."""

from __future__ import annotations

from fotoweb_middleware.cli import main

if __name__ == "__main__":
    main()

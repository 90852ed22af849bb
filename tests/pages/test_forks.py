"""Pages in a server that forks (``gunicorn --preload``)."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from fotoweb_middleware.pages import Pages, page

before = set(sys.modules)
for language in ("en", "nb"):
    Pages().html(page("no_such_page", app_url="/"), language)
    Pages().words(page("not_signed_in", login_url="/oauth2/login"), language)
print(sorted(set(sys.modules) - before))
"""


def test_no_page_imports_anything() -> None:
    """An import under way in a thread while the process forks would stop the child's pages for ever."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"

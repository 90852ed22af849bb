"""These tests mount file systems. Root may do that on a machine, but not in every container, and nobody can install it.

Where it is missing they are left out, also where nothing may be skipped.
"""

from __future__ import annotations

from tests.deploy.container import why_no_container

collect_ignore = ["test_container.py"] if why_no_container() else []

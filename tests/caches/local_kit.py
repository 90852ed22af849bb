"""What the tests of ``local://`` share."""

from __future__ import annotations

from pathlib import Path

from fotoweb_middleware.caches.local import find_local_path

__all__ = ["IDENTITY", "found"]

IDENTITY = "https://tenant.example client S3CR3T"


def found(identity: str = IDENTITY) -> Path:
    """Return the path, which must be there."""
    path = find_local_path(identity)
    assert path is not None
    return path

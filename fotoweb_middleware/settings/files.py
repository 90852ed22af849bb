"""Files that settings point to: a secret in a file (``X_FILE``) and the certificates of a private CA."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fotoweb_middleware.settings.about import WrongValue
from fotoweb_middleware.settings.values import read_text

__all__ = ["read_ca_bundle", "read_secret_file"]

_LARGEST_SECRET_BYTES = 64 * 1024
_LARGEST_BUNDLE_BYTES = 16 * 1024 * 1024
_PEM_BEGINNINGS = (b"-----BEGIN CERTIFICATE-----", b"-----BEGIN TRUSTED CERTIFICATE-----")


def read_secret_file(path: str) -> str:
    """Return what the file at ``path`` holds, without the white space around it (editors add a line break).

    Raises:
        WrongValue: When it can't be read, is empty, is no text, or is far too large for a secret.
    """
    content = _read(path, most_bytes=_LARGEST_SECRET_BYTES)
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        text = None
    # Raised out here so that no exception in the chain holds the file's bytes.
    if text is None:
        raise WrongValue(f"the file {path!a} is not UTF-8 text.")
    if not text:
        raise WrongValue(f"the file {path!a} is empty.")
    return text


def read_ca_bundle(value: Any) -> str:
    """Read the path of a PEM file and make sure that it can be read and holds a certificate."""
    path = read_text(os.fspath(value) if isinstance(value, os.PathLike) else value)
    content = _read(path, most_bytes=_LARGEST_BUNDLE_BYTES)
    if not any(beginning in content for beginning in _PEM_BEGINNINGS):
        raise WrongValue("that file holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).")
    return path


def _read(path: str, *, most_bytes: int) -> bytes:
    reason = ""
    content = b""
    try:
        with Path(path).open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "no proper path").lower()
    if reason:
        raise WrongValue(
            f"the file {path!a} can't be read: {reason}.",
            mend="Check the path, that it is mounted into this container, and that this user may read it.",
        )
    if len(content) > most_bytes:
        raise WrongValue(f"the file {path!a} is larger than {most_bytes} bytes; is it the right one?")
    return content

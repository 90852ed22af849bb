"""``fotoweb-middleware secret``: a fresh key for FOTOWEB_SECRET_KEY."""

from __future__ import annotations

import secrets

import typer

__all__ = ["fresh_key", "secret"]

_KEY_BYTES = 32


def fresh_key() -> str:
    """Return 32 random bytes as 43 characters of base64url."""
    return secrets.token_urlsafe(_KEY_BYTES)


def secret() -> None:
    """Print a fresh key for FOTOWEB_SECRET_KEY, and nothing else."""
    typer.echo(fresh_key())

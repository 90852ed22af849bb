"""The app for ``INSTALLED_APPS``, which registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register


class FotoWebConfig(AppConfig):  # type: ignore[misc]  # Django ships no types.
    """``fotoweb_middleware.integrations.django`` in ``INSTALLED_APPS``."""

    name = "fotoweb_middleware.integrations.django"
    label = "fotoweb"
    verbose_name = "FotoWeb"

    def ready(self) -> None:
        """Register the checks, now that models can be imported."""
        from fotoweb_middleware.integrations.django.checks import check_all  # noqa: PLC0415 (it imports models)

        register(check_all)

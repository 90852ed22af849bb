"""The app for ``INSTALLED_APPS``, which registers the system checks."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core.checks import register
from django.core.exceptions import ImproperlyConfigured


class FotoWebConfig(AppConfig):  # type: ignore[misc]  # Django ships no types.
    """``fotoweb_middleware.integrations.django`` in ``INSTALLED_APPS``."""

    name = "fotoweb_middleware.integrations.django"
    label = "fotoweb"
    verbose_name = "FotoWeb"

    def ready(self) -> None:
        """Register the checks, now that models can be imported.

        Raises:
            ImproperlyConfigured: See ``require_import_paths``.
        """
        require_import_paths()
        from fotoweb_middleware.integrations.django.checks import check_all  # noqa: PLC0415 (it imports models)

        register(check_all)


def require_import_paths() -> None:
    """Refuse entries that Python would take for relative imports, and what is no text.

    This is not a check: Django's own, which may run first, end with "the 'package' argument is required".

    Raises:
        ImproperlyConfigured: ``MIDDLEWARE`` or ``AUTHENTICATION_BACKENDS`` is no list of import paths.
    """
    for setting in ("MIDDLEWARE", "AUTHENTICATION_BACKENDS"):
        entries = getattr(django_settings, setting)
        wrong = [entry for entry in entries if not isinstance(entry, str) or entry.startswith(".")]
        if wrong:
            raise ImproperlyConfigured(
                f"{setting} is no list of import paths, it holds {wrong[0]!r}. Write texts such as "
                "'mysite.classes.MyClass'; in a site of a single file, f'{__name__}.MyClass'."
            )

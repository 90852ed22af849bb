"""Imported before any test: here too ``FOTOWEB_*`` name the simulator."""

from fotoweb_middleware import Settings

early_settings = Settings()

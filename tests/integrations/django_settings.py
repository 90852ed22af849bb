"""The settings of the Django project of these tests; PROJECT_SETTINGS holds others in JSON, which replace them."""

from __future__ import annotations

import json
import os
from typing import Any

INTEGRATION = "fotoweb_middleware.integrations.django"

ALLOWED_HOSTS = ["localhost"]
ASGI_APPLICATION = "tests.integrations.django_apps.asgi"
AUTHENTICATION_BACKENDS = [f"{INTEGRATION}.FotoWebBackend", "django.contrib.auth.backends.ModelBackend"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("PROJECT_DATABASE", ":memory:")}
}
FOTOWEB: dict[str, Any] = {"PUBLIC_PATHS": ["/public/*"]}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    INTEGRATION,
]
LOGIN_URL = "/oauth2/login"
LOGOUT_REDIRECT_URL = "/oauth2/logout"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    f"{INTEGRATION}.FotoWebUserMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.integrations.django_project"
SECRET_KEY = "of a project for tests alone"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                f"{INTEGRATION}.context_processors.fotoweb",
            ]
        },
    }
]
WSGI_APPLICATION = "tests.integrations.django_apps.wsgi"

globals().update(json.loads(os.environ.get("PROJECT_SETTINGS", "{}")))

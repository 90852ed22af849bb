"""What pytest-django does too."""

import os

import django
from django.test.utils import setup_test_environment

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
setup_test_environment()

"""Sets Django up when it is imported: first import of a program that is not a Django command."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdout.settings")
django.setup()

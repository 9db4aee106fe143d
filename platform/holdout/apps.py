from django.apps import AppConfig

from holdout.celery import app as celery_app

__all__ = ["celery_app"]  # imported for its effect: every process knows the queue's address


class HoldoutConfig(AppConfig):
    name = "holdout"

"""Composition root: loads Celery when Django is ready (not in __init__, which must stay empty)."""

from django.apps import AppConfig


class SalesopsConfig(AppConfig):
    """Django configuration of the composition root."""

    name = "salesops"
    label = "salesops"

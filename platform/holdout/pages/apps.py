from django.apps import AppConfig


class PagesConfig(AppConfig):
    """What every page shares: the template tags of the design system."""

    name = "holdout.pages"
    label = "pages"

"""Holdout's site: settings, entry points, accounts and the one-command supervisor."""

__version__ = "0.1.0"

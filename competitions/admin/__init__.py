"""The organiser's door. Labels, seeds and private scores are registered nowhere."""

from competitions.admin import competition, submission, team

__all__ = ["competition", "submission", "team"]

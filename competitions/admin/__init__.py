"""The organiser's door. Labels, seeds and private scores are registered nowhere."""

from competitions.admin import alarms, announcements, audit, competition, submission, team

__all__ = ["alarms", "announcements", "audit", "competition", "submission", "team"]

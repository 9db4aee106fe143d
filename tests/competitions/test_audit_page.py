"""Who reads what in the audit log."""

import pytest

from competitions import audit, organisers
from competitions.models import Kind, Role


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "sees"), [(Role.EDITOR, True), (Role.JUDGE, False), (Role.VIEWER, False)]
)
def test_what_came_of_an_alarm_is_for_editors(
    role, sees, competition, person, host, clients, team_of, alice
):
    """It tells that a team's private scores fall behind its public ones."""
    somebody = person("viv")
    organisers.add(competition, somebody, role, host)
    audit.record(competition, host, Kind.ALARM_SEEN, team_of(alice), reason="They copied.")
    page = clients(somebody).get("/admin/competitions/act/").content.decode()
    assert ("They copied." in page) is sees
    assert "Organiser added" in page or "organiser" in page.lower()

"""The settings of a challenge in the hands of several organisers: what the form and the log say."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.forms import SplitDateTimeField
from django.urls import reverse

from competitions import deadlines
from competitions.admin import details
from competitions.models import Act, Competition
from tests.competitions.test_admin import INLINE, admin, change_page
from tests.competitions.test_life import form_of, in_phase

__all__ = ["admin", "in_phase"]  # fixtures
pytestmark = pytest.mark.django_db


def sent_back(page, **changes):
    """What a browser sends from the page that it was given, with some fields filled in anew."""
    form = page.context["adminform"].form
    counts = ("TOTAL_FORMS", "INITIAL_FORMS")
    others = {f"{rows}-{name}": "0" for rows in ("organisers", "model_rules") for name in counts}
    sent = {**INLINE, **others}
    for name in form.fields:
        value = form[name].value()
        if isinstance(form.fields[name], SplitDateTimeField):
            parts = form.fields[name].widget.decompress(value)
            sent |= {f"{name}_{at}": str(part or "") for at, part in enumerate(parts)}
        elif value is not None and value is not False:
            sent[name] = str(value).replace("\n", "\r\n")
    return {**sent, **changes}


def test_two_organisers_with_one_form_undo_nothing_of_each_other(in_phase, admin):
    """One opens it, another saves something else, and the first saves."""
    competition = in_phase("open", freeze_minutes=10)
    address, end = change_page(competition), competition.closes_at
    Competition.objects.update(overview="One.\n\nTwo.\n")
    opened = admin.get(address)
    assert 'name="as_shown"' in opened.content.decode()
    later = end + timedelta(days=1)
    Competition.objects.update(prizes=3, closes_at=later, freeze_minutes=20, summary="Theirs.")

    assert admin.post(address, sent_back(opened, title="Mine")).status_code == 302
    fresh = deadlines.read(competition.pk)
    assert (fresh.title, fresh.prizes, fresh.summary) == ("Mine", 3, "Theirs.")
    assert (fresh.freeze_minutes, fresh.closes_at) == (20, later)
    assert Act.objects.get().details.keys() == {"title"}

    mine = sent_back(opened, title="Mine", prizes="5", daily_limit="9")
    refused = admin.post(address, mine)
    errors = refused.context["adminform"].form.errors
    assert errors.keys() == {"prizes"} and "“3” now" in str(errors)
    assert deadlines.read(competition.pk).daily_limit == 5  # nothing of it was saved
    again = {**mine, "as_shown": refused.context["adminform"].form["as_shown"].value()}
    assert admin.post(address, again).status_code == 302
    fresh = deadlines.read(competition.pk)
    assert (fresh.prizes, fresh.daily_limit, fresh.freeze_minutes) == (5, 9, 20)


def test_numbers_that_nobody_means_are_refused_at_their_field(in_phase, admin):
    competition = in_phase("open")
    numbers = dict.fromkeys(("freeze_minutes", "prizes", "daily_limit", "max_team_size"), "9" * 12)
    response = admin.post(change_page(competition), form_of(competition, **numbers))
    errors = response.context["adminform"].form.errors
    assert errors.keys() >= numbers.keys()
    assert "less than or equal to 10080" in str(errors["freeze_minutes"])
    with pytest.raises(ValidationError, match="prizes"):  # as load_competition asks
        Competition(prizes=10**12).clean_fields()


def test_the_page_of_a_challenge_leads_to_its_pages_on_the_site(in_phase, admin):
    page = admin.get(change_page(in_phase("open"))).content.decode()
    for name in ("detail", "leaderboard", "projector", "replay"):
        assert f'href="{reverse(f"competitions:{name}", args=["pets"])}"' in page
    assert "/ceremony/" not in page
    assert "/ceremony/" in admin.get(change_page(in_phase("revealed"))).content.decode()


def test_the_audit_log_says_in_words_how_files_were_scored():
    kept = {"metric": "f1", "metric_parameters": {"average": "macro"}, "layout": "", "decimals": 3}
    told = details.lines(
        {
            "new": {**kept, "changes": {"labels": 2, "ignored": 0}, "sample": {"path": "data/1"}},
            "solution": ["version 1", "version 2"],
            "feedback": {"old": "rounded", "new": "hidden"},
        }
    )
    assert list(told) == [
        "Scored now: Metric: F1; Parameters: average=macro; Layout: nothing; Decimals: 3; Against "
        "the old solution: labels that differ: 2; rows that count no more: 0",
        "Solution: version 1 → version 2",
        "What scores show: Rounded scores → No scores before the end",
    ]

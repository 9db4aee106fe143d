"""A challenge's life in the organiser's hands: who may do what in which phase, and what is kept."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from competitions import (
    deadlines,
    leaderboard,
    lifecycle,
    picks,
    standings,
    submissions,
    terms,
)
from competitions.deadlines import Phase
from competitions.models import Act, Announcement, Competition, Kind, State, Submission
from competitions.refusals import NotOpen, Refused
from tests.competitions.test_admin import (
    INLINE,
    SETTINGS,
    admin,
    change_page,
    confirm,
    create,
    rung,
)

__all__ = ["admin", "create", "rung"]  # fixtures
pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
PHASES = {
    "draft": {"state": "draft"},
    "upcoming": {"opens_at": HOUR, "closes_at": 2 * HOUR},
    "open": {"opens_at": -HOUR, "closes_at": HOUR},
    "paused": {"opens_at": -HOUR, "closes_at": HOUR, "paused_at": -HOUR},
    "over": {"opens_at": -2 * HOUR, "closes_at": -HOUR},
    "closed": {"state": "closed", "opens_at": -2 * HOUR, "closes_at": -HOUR},
    "revealed": {
        "state": "revealed", "opens_at": -2 * HOUR, "closes_at": -HOUR, "revealed_at": -HOUR,
    },
}  # fmt: skip
VERBS = {
    "open_now": lambda one, by: lifecycle.open_now(one, by, despite="nothing was tried"),
    "close_now": lifecycle.close_now,
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "extend": lambda one, by: lifecycle.extend(one, timezone.now() + 3 * HOUR, by),
}
MOVES = {
    ("draft", "open_now"): "open",
    ("upcoming", "close_now"): "closed",
    ("open", "close_now"): "closed",
    ("paused", "close_now"): "closed",
    ("over", "close_now"): "closed",
    ("open", "pause"): "paused",
    ("paused", "resume"): "open",
    ("open", "extend"): "open",
    ("paused", "extend"): "paused",
}


CLEAN = {"state": "open"} | dict.fromkeys(
    ("opens_at", "closes_at", "paused_at", "revealed_at", "freeze_minutes", "ladder_step")
)


def row(competition):
    """Everything the database knows of it, but the time."""
    found = Competition.objects.filter(pk=competition.pk).values().get()
    del found["clock"]
    return found


@pytest.fixture
def in_phase(competition):
    """``in_phase("paused")``: the competition there, with other fields as given."""

    def bring(name, **fields):
        now = timezone.now()
        wanted = {
            key: now + value if isinstance(value, timedelta) else value
            for key, value in {**CLEAN, **PHASES[name], **fields}.items()
        }
        Competition.objects.filter(pk=competition.pk).update(**wanted)
        return deadlines.read(competition.pk)

    return bring


@pytest.mark.parametrize("verb", VERBS)
def test_each_act_moves_only_what_it_may_and_is_written_down(in_phase, host, verb):
    for start in PHASES:
        competition = in_phase(start)
        before = row(competition)
        if (start, verb) in MOVES:
            VERBS[verb](competition, host)
            assert deadlines.phase(deadlines.read(competition.pk)) == MOVES[start, verb]
        else:
            with pytest.raises(Refused):
                VERBS[verb](competition, host)
            assert row(competition) == before, start
    assert [act.actor for act in Act.objects.all()] == [host] * sum(verb in to for to in MOVES)


def test_a_pause_takes_no_files_and_settles_no_picks(in_phase, competition, scored, alice, answers):
    sent = scored(alice, answers(1))
    in_phase("paused")
    with pytest.raises(NotOpen, match="paused"):
        submissions.submit(competition, alice, SimpleNamespace(name="a.csv"))
    assert picks.choose(sent) == 1
    lifecycle.resume(competition)
    assert scored(alice, answers(2)).status == "scored"


@pytest.mark.parametrize(
    ("until", "sentence"), [(-HOUR / 2, "later than the present"), (None, "no end")]
)
def test_an_extension_is_later_than_an_end_that_there_is(in_phase, until, sentence):
    now = timezone.now()
    end = None if until is None else now + HOUR
    competition = in_phase("open", closes_at=end)
    with pytest.raises(Refused, match=sentence):
        lifecycle.extend(competition, now + HOUR + (until or HOUR))


# --- what may be changed, and when ---------------------------------------------------------------

RELIED_ON = [
    ("open", "closes_at", None, "“Extend” moves it"),
    ("open", "closes_at", HOUR / 2, "only moves back"),
    ("paused", "closes_at", HOUR / 2, "only moves back"),
    ("open", "opens_at", HOUR / 2, "It has opened"),
    ("upcoming", "closes_at", -HOUR, "It must lie ahead"),
    ("closed", "closes_at", -HOUR / 2, "It must lie ahead"),
    ("revealed", "closes_at", HOUR, "was revealed"),
    ("revealed", "freeze_minutes", 5, "was revealed"),
    ("draft", "freeze_minutes", 5, "Set a closing date too"),
    ("open", "freeze_minutes", 121, "from the start"),
    ("open", "freeze_minutes", 90, "what everybody has seen"),
    ("draft", "ladder_step", 0.01, "Only the Ladder has a step"),
]


def test_what_others_rely_on_does_not_change(in_phase):
    for start, name, value, sentence in RELIED_ON:
        competition = in_phase(start)
        before, now = row(competition), timezone.now()
        setattr(competition, name, now + value if isinstance(value, timedelta) else value)
        (complaint,) = terms.complaints(deadlines.read(competition.pk), competition, [name])
        assert complaint[0] == name
        with pytest.raises(Refused, match=sentence):
            terms.change(competition, [name])
        assert row(competition) == before
    assert not Act.objects.exists()


def test_what_scores_show_is_settled_by_the_first_one(in_phase, scored, alice, answers):
    scored(alice, answers(1))
    for name, value in (("feedback", "hidden"), ("ladder_step", 0.1), ("decimals", 2)):
        competition = in_phase("open")
        setattr(competition, name, value)
        with pytest.raises(Refused, match="since the first score"):
            terms.change(competition, [name])


def test_limits_prizes_and_the_freeze_change_while_it_runs(in_phase, scored, alice, answers, host):
    scored(alice, answers(1))
    competition = in_phase("open")
    Submission.objects.update(received_at=timezone.now() - HOUR / 4)
    competition.lifetime_limit, competition.prizes = 9, 3
    assert terms.change(competition, ["lifetime_limit", "prizes"], host) is False
    competition.freeze_minutes = 30
    assert terms.change(competition, ["freeze_minutes"], host) is True
    assert leaderboard.board(deadlines.read(competition.pk)).teams == 1
    frozen, limits = Act.objects.all()
    assert (limits.kind, limits.actor) == (Kind.SETTINGS_CHANGED, host)
    assert limits.details == {
        "lifetime_limit": {"old": None, "new": 9},
        "prizes": {"old": 0, "new": 3},
    }
    assert frozen.details == {"freeze_minutes": {"old": None, "new": 30}}


def test_a_later_end_alone_opens_nothing_that_is_over_and_thaws_no_board(
    in_phase, scored, alice, answers
):
    scored(alice, answers(1))
    competition = in_phase("over", freeze_minutes=10)
    standings.rebuild(competition)
    competition.closes_at = timezone.now() + HOUR
    terms.change(competition, ["closes_at"])
    fresh = deadlines.read(competition.pk)
    assert (fresh.state, deadlines.phase(fresh)) == (State.CLOSED, Phase.CLOSED)
    assert leaderboard.board(fresh).teams == 0
    lifecycle.open_now(competition)
    fresh = deadlines.read(competition.pk)
    assert (deadlines.phase(fresh), leaderboard.board(fresh).teams) == (Phase.OPEN, 1)


# --- the same in the admin -----------------------------------------------------------------------


def action(competition, verb):
    return reverse(f"admin:competitions_competition_{verb}", args=[competition.pk])


def shown_buttons(admin, competition):
    page = admin.get(change_page(competition)).content.decode()
    verbs = ("launch", "open_now", "announce", "extend", "resume", "pause", "close_now", "reveal")
    return {verb for verb in verbs if f'href="{action(competition, verb)}"' in page}


BUTTONS = {
    "draft": {"launch"},
    "upcoming": {"announce", "close_now"},
    "open": {"announce", "extend", "pause", "close_now"},
    "paused": {"announce", "extend", "resume", "close_now"},
    "over": {"announce", "reveal"},
    "closed": {"open_now", "announce", "reveal"},
    "revealed": {"announce", "reveal"},
}


def test_the_page_offers_what_the_phase_allows_and_takes_nothing_else(in_phase, admin):
    for start, buttons in BUTTONS.items():
        competition = in_phase(start)
        assert shown_buttons(admin, competition) == buttons
        for verb in {"launch", "open_now", "pause", "resume", "extend", "reveal"} - buttons:
            before, acts = row(competition), Act.objects.count()
            answer = admin.post(action(competition, verb), {"_form_submitted": "on"})
            assert answer.status_code == 302, (start, verb)
            assert (row(competition), Act.objects.count()) == (before, acts), (start, verb)


def test_a_dialog_that_came_too_late_says_so_on_the_page(in_phase, admin, clients, person):
    competition, htmx = in_phase("closed"), {"HX-Request": "true"}
    for send in (admin.get, admin.post):  # opening it, and saying yes in it
        answer = send(action(competition, "pause"), headers=htmx)
        assert answer["HX-Redirect"] == change_page(competition)
        assert "somebody was faster" in admin.get(answer["HX-Redirect"]).content.decode()
    stranger = clients(person("assistant", is_staff=True))
    assert stranger.post(action(competition, "pause"), headers=htmx).status_code == 403


def test_pause_and_resume_are_told_to_open_pages(
    in_phase, admin, told, django_capture_on_commit_callbacks
):
    competition = in_phase("open")
    with django_capture_on_commit_callbacks(execute=True):
        assert "The challenge is paused." in confirm(admin, competition, "pause")
    with django_capture_on_commit_callbacks(execute=True):
        assert "The challenge goes on." in confirm(admin, competition, "resume")
    assert [event["event"] for event in told()] == ["clock", "clock"]
    assert '"phase":"paused"' in told()[0]["data"] and '"phase":"open"' in told()[1]["data"]


def extend(admin, competition, seen, **fields):
    data = {"_form_submitted": "on", "longer": "15", "seen": seen.isoformat(), **fields}
    return admin.post(action(competition, "extend"), data)


def test_a_challenge_is_extended_by_a_quarter_or_to_a_moment(
    in_phase, admin, told, django_capture_on_commit_callbacks
):
    end = datetime(2999, 5, 1, 12, tzinfo=UTC)
    competition = in_phase("open", closes_at=end, freeze_minutes=5)
    assert "15 minutes more: 01 May 2999, 12:15 UTC" in (
        admin.get(action(competition, "extend")).content.decode()
    )
    with django_capture_on_commit_callbacks(execute=True):
        extend(admin, competition, end)
    later = end + timedelta(minutes=15)
    assert deadlines.read(competition.pk).closes_at == later
    assert [event["event"] for event in told()] == ["clock", "reset"]  # the freeze moved along
    page = extend(admin, competition, end).content.decode()
    assert "moved meanwhile, to 01 May 2999, 12:15 UTC" in page
    extend(admin, competition, later, moment="2999-05-02T08:00")
    assert deadlines.read(competition.pk).closes_at == datetime(2999, 5, 2, 8, tzinfo=UTC)
    moved = Act.objects.filter(kind=Kind.EXTENDED).last()
    assert moved.details == {"from": end.isoformat(), "to": later.isoformat()}
    page = admin.get(reverse("admin:competitions_act_change", args=[moved.pk])).content.decode()
    assert "New end: 01 May 2999, 12:15 UTC" in page and "(&#x27;extended" not in page
    now = deadlines.read(competition.pk).closes_at
    page = extend(admin, competition, now, moment="9999-12-31T08:00").content.decode()
    assert "366 days at a time" in page
    with pytest.raises(Refused, match="366 days"):
        lifecycle.extend(competition, datetime(9999, 12, 31, tzinfo=UTC))
    assert deadlines.read(competition.pk).closes_at == now


def test_an_announcement_is_heard_and_kept(
    competition, admin, told, django_capture_on_commit_callbacks
):
    data = {"_form_submitted": "on", "text": "Pizza is <b>here</b>."}
    with django_capture_on_commit_callbacks(execute=True):
        admin.post(action(competition, "announce"), data)
    assert Announcement.objects.get().text == data["text"]
    assert [event["event"] for event in told()] == ["announcement"]
    page = admin.get(reverse("admin:competitions_announcement_changelist")).content.decode()
    assert "Pizza is &lt;b&gt;here" in page
    assert "is required" in (
        admin.post(action(competition, "announce"), {**data, "text": " "}).content.decode()
    )


def form_of(competition, **fields):
    """What the page would send back, with its present dates, but for the given fields."""
    dates = {}
    for name in ("opens_at", "closes_at"):
        at = getattr(competition, name)
        dates[f"{name}_0"] = f"{at:%Y-%m-%d}" if at else ""
        dates[f"{name}_1"] = f"{at:%H:%M:%S}" if at else ""
    return {**SETTINGS, **INLINE, "daily_limit": "5", "max_team_size": "5", **dates, **fields}


def test_an_end_moved_on_the_form_is_an_extension(in_phase, admin):
    competition = in_phase("open")  # its end has microseconds, which the form does not send
    earlier = {"closes_at_0": "2020-01-01", "closes_at_1": "00:00"}
    response = admin.post(change_page(competition), form_of(competition, **earlier))
    assert "only moves back" in str(response.context["adminform"].form.errors["closes_at"])
    for_ever = {"closes_at_0": "9999-12-31", "closes_at_1": "12:00"}
    response = admin.post(change_page(competition), form_of(competition, **for_ever))
    assert "366 days at a time" in str(response.context["adminform"].form.errors["closes_at"])
    day = timezone.now().date() + timedelta(days=9)
    later = {"closes_at_0": f"{day}", "closes_at_1": "12:00", "title": "Later"}
    assert admin.post(change_page(competition), form_of(competition, **later)).status_code == 302
    end = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    assert deadlines.read(competition.pk).closes_at == end
    settings, extended = Act.objects.all()
    assert (extended.kind, settings.kind) == (Kind.EXTENDED, Kind.SETTINGS_CHANGED)
    assert "closes_at" not in settings.details
    assert settings.details["title"] == {"old": "The pets challenge", "new": "Later"}


def test_the_form_says_why_something_is_settled(competition, scored, admin, alice, answers):
    page = admin.get(change_page(competition)).content.decode()
    assert 'name="feedback"' in page and "Here that is 20." in page
    scored(alice, answers(1))
    page = admin.get(change_page(competition)).content.decode()
    assert 'name="feedback"' not in page and 'name="prizes"' in page
    assert "What scores show is settled since the first one" in page
    admin.post(change_page(competition), form_of(competition, feedback="hidden"))
    assert Competition.objects.get().feedback == "rounded"


def test_the_freeze_needs_an_end_on_the_form_too(competition, admin):
    fields = form_of(competition, freeze_minutes="15")
    response = admin.post(change_page(competition), fields)
    assert "Set a closing date too" in str(response.context["adminform"].form.errors)


# --- the audit log -------------------------------------------------------------------------------


def test_the_audit_log_is_read_filtered_and_never_written(competition, admin, host):
    lifecycle.pause(competition, host)
    competition.prizes = 3
    terms.change(competition, ["prizes"], host)
    address = reverse("admin:competitions_act_changelist")
    for query, found in (({"kind__exact": Kind.PAUSED}, 1), ({"q": "host"}, 2), ({"q": "x"}, 0)):
        assert admin.get(address, query).context["cl"].result_count == found
    last = Act.objects.get(kind=Kind.SETTINGS_CHANGED)
    assert "Places that win: 0 → 3" in admin.get(f"{address}{last.pk}/change/").content.decode()
    page = admin.get(address).content.decode()  # in words, whatever colour a kind has
    assert "Paused" in page and "Changed settings" in page.split("result_list", 1)[1]
    for way in ("add/", f"{last.pk}/change/", f"{last.pk}/delete/"):
        assert admin.post(address + way, {"post": "yes", "reason": "x"}).status_code == 403
    assert Act.objects.count() == 2


def test_a_draft_goes_with_its_lines_of_the_audit_log(create, admin):
    made = create()
    admin.post(change_page(made), {**SETTINGS, **INLINE, "decimals": "2", "title": "Another"})
    assert Act.objects.count() == 2  # its owner, and the change
    admin.post(reverse("admin:competitions_competition_delete", args=[made.pk]), {"post": "yes"})
    assert not Competition.objects.exists()

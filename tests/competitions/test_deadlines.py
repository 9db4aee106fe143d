"""Open or not: the database's clock decides, to the millisecond, whatever a web server thinks."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from competitions import deadlines, lifecycle, submissions
from competitions.deadlines import Phase
from competitions.models import Competition, State, Submission
from competitions.refusals import NotOpen, NotReady

END = datetime(2026, 5, 1, 12, tzinfo=UTC)
TICK = timedelta(milliseconds=1)


@pytest.fixture
def between(competition):
    """The competition with these dates."""

    def change(**fields):
        Competition.objects.filter(pk=competition.pk).update(**fields)

    return change


def phase(competition):
    return deadlines.phase(deadlines.read(competition.pk))


@pytest.mark.parametrize(
    ("state", "opens", "closes", "expected"),
    [
        ("draft", None, None, Phase.DRAFT),
        ("draft", -1, 1, Phase.DRAFT),
        ("open", None, None, Phase.OPEN),
        ("open", -1, None, Phase.OPEN),
        ("open", 1, None, Phase.UPCOMING),
        ("open", 1, 2, Phase.UPCOMING),
        ("open", -1, 1, Phase.OPEN),
        ("open", None, -1, Phase.CLOSED),
        ("open", -2, -1, Phase.CLOSED),
        ("closed", None, None, Phase.CLOSED),
        ("closed", 1, 2, Phase.CLOSED),
        ("revealed", -2, -1, Phase.REVEALED),
    ],
)
def test_state_and_dates_together(competition, between, state, opens, closes, expected):
    now = timezone.now()
    between(
        state=state,
        opens_at=now + timedelta(hours=opens) if opens else None,
        closes_at=now + timedelta(hours=closes) if closes else None,
        revealed_at=now if state == "revealed" else None,
    )
    assert phase(competition) is expected
    if state == "open":
        between(paused_at=now)
        paused = Phase.PAUSED if expected is Phase.OPEN else expected
        assert phase(competition) is paused


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(END - TICK, Phase.OPEN), (END, Phase.CLOSED), (END + TICK, Phase.CLOSED)],
)
def test_the_end_is_exclusive(competition, between, frozen_clock, moment, expected):
    between(closes_at=END)
    frozen_clock(moment)
    assert phase(competition) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [(END - TICK, Phase.UPCOMING), (END, Phase.OPEN), (END + TICK, Phase.OPEN)],
)
def test_the_beginning_is_inclusive(competition, between, frozen_clock, moment, expected):
    between(opens_at=END)
    frozen_clock(moment)
    assert phase(competition) is expected


@pytest.mark.parametrize("minutes_wrong", [-5, 5])
def test_a_web_server_whose_clock_is_wrong_decides_nothing(
    competition, between, team_of, alice, answers, frozen_clock, monkeypatch, minutes_wrong
):
    team_of(alice)
    between(closes_at=END)
    monkeypatch.setattr(timezone, "now", lambda: END + timedelta(minutes=minutes_wrong))
    frozen_clock(END - TICK)
    upload = ContentFile(answers(), name="a.csv")
    assert submissions.submit(competition, alice, upload).received_at == END - TICK
    for moment in (END, END + TICK):
        frozen_clock(moment)
        with pytest.raises(NotOpen, match="closed"):
            submissions.submit(competition, alice, upload)
    assert Submission.objects.count() == 1
    between(late_submissions=True)
    late = submissions.submit(competition, alice, upload)
    assert (late.is_late, late.lifetime_slot) == (True, None)


def test_a_competition_read_long_ago_is_asked_anew(competition, team_of, alice, answers, between):
    """The page was opened before the end and the file sent after it."""
    team_of(alice)
    between(closes_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotOpen):
        submissions.submit(competition, alice, ContentFile(answers(), name="a.csv"))


def test_the_refusal_says_when(competition, team_of, alice, answers, between):
    team_of(alice)
    between(opens_at=datetime(2999, 5, 1, 12, tzinfo=UTC))
    with pytest.raises(NotOpen, match="01 May 2999, 12:00 UTC"):
        submissions.submit(competition, alice, ContentFile(answers(), name="a.csv"))


def test_the_database_tells_the_time(competition):
    assert abs(deadlines.database_time(competition.pk) - timezone.now()) < timedelta(seconds=5)


# --- opening and closing -------------------------------------------------------------------------


def test_without_files_it_does_not_open(draft):
    with pytest.raises(NotReady, match="Upload"):
        lifecycle.open_now(draft)
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


def test_opening_keeps_a_date_that_was_set(competition, between):
    between(state=State.DRAFT, opens_at=None)
    lifecycle.open_now(competition, despite="nothing was tried")
    opened = deadlines.read(competition.pk)
    assert (opened.state, deadlines.phase(opened)) == (State.OPEN, Phase.OPEN)
    assert abs(opened.opens_at - timezone.now()) < timedelta(seconds=5)
    later = timezone.now() + timedelta(days=1)
    between(state=State.DRAFT, opens_at=later)
    lifecycle.open_now(competition, despite="nothing was tried")
    assert phase(competition) is Phase.UPCOMING


def test_what_is_over_does_not_open_without_a_new_end(competition, between):
    between(state=State.CLOSED, closes_at=timezone.now() - timedelta(hours=1))
    with pytest.raises(NotReady, match="closing date"):
        lifecycle.open_now(competition)


def test_an_end_that_was_planned_before_the_opening_is_refused_with_a_sentence(
    competition, between
):
    """Opened again by hand with dates that contradict each other: no crash, a sentence."""
    now = timezone.now()
    between(state=State.CLOSED, opens_at=None, closes_at=now + timedelta(hours=1))
    lifecycle.open_now(competition)
    assert phase(competition) is Phase.OPEN


def test_closing_is_for_what_is_open(competition):
    lifecycle.close_now(competition)
    assert phase(competition) is Phase.CLOSED
    with pytest.raises(NotOpen):
        lifecycle.close_now(competition)


def test_what_was_received_in_time_is_scored_after_the_end(competition, in_status, between):
    submission = in_status("queued")
    lifecycle.close_now(competition)
    assert submissions.claim(submission.pk) is not None


def test_closed_by_hand_is_closed_now_and_not_at_the_date_it_was_to_be(competition):
    later = deadlines.database_time(competition.pk) + timedelta(days=30)
    Competition.objects.filter(pk=competition.pk).update(closes_at=later)
    lifecycle.close_now(competition)
    closed = deadlines.read(competition.pk)
    assert deadlines.phase(closed) is deadlines.Phase.CLOSED
    assert closed.closes_at <= deadlines.clock(closed)


def test_what_never_opened_keeps_its_dates(competition):
    soon = deadlines.database_time(competition.pk) + timedelta(days=1)
    Competition.objects.filter(pk=competition.pk).update(opens_at=soon)
    lifecycle.close_now(competition)
    closed = deadlines.read(competition.pk)
    assert (closed.opens_at, closed.closes_at) == (soon, None)

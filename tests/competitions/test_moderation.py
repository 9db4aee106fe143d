"""Teams and files taken out and let in again: audited, and the same board as before."""

from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from competitions import leaderboard, lifecycle, moderation, picks, reveal, tasks
from competitions.models import (
    Act,
    Alarm,
    Competition,
    FinalStanding,
    Kind,
    Standing,
    State,
    Submission,
    Team,
)
from competitions.refusals import NameTaken, NotOpen, Refused

pytestmark = pytest.mark.django_db
DESPITE = "The seal is not checked in this test."


def board(competition: Competition) -> list[dict[str, Any]]:
    """Every line as the API sends it."""
    fresh = Competition.objects.get(pk=competition.pk)
    return [row.public() for row in leaderboard.board(fresh).rows]


def version(competition: Competition) -> int:
    return Competition.objects.get(pk=competition.pk).board_version


@pytest.fixture
def three_teams(scored, team_of, alice, bob, charlie, answers) -> Team:
    """Alice leads with her second file, Bob and Charlie follow; returns Alice's team."""
    scored(alice, answers(3))
    scored(bob, answers(2, 2))
    scored(charlie, answers(4, 3))
    scored(alice, answers(1, 1))
    return team_of(alice)


ACTS = {
    "hide and show": (
        lambda team, by: moderation.hide(team, by, "a test account"),
        lambda team, by: moderation.show(team, by),
        (Kind.HID, Kind.SHOWED),
    ),
    "disqualify and reinstate": (
        lambda team, by: moderation.disqualify(team, "Two accounts.", by),
        lambda team, by: moderation.reinstate(team, by),
        (Kind.DISQUALIFIED, Kind.REINSTATED),
    ),
    "mark and unmark": (
        lambda team, by: moderation.mark_baseline(team, by),
        lambda team, by: moderation.unmark_baseline(team, by),
        (Kind.MARKED_BASELINE, Kind.UNMARKED_BASELINE),
    ),
    "exclude and include": (
        lambda team, by: moderation.exclude(best_file(team), "The labels were in it.", by),
        lambda team, by: moderation.include(best_file(team), by),
        (Kind.EXCLUDED, Kind.INCLUDED),
    ),
}


def best_file(team: Team) -> Submission:
    return team.submissions.latest("received_at")


@pytest.mark.parametrize("act", ACTS)
def test_the_opposite_act_gives_back_the_very_same_board_and_both_are_written_down(
    three_teams, competition, host, act
):
    do, undo, kinds = ACTS[act]
    before = board(competition)
    assert do(three_teams, host)
    assert board(competition) != before
    seen = version(competition)
    assert not do(three_teams, host)  # a second click
    assert version(competition) == seen
    assert undo(three_teams, host)
    assert not undo(three_teams, host)
    assert board(competition) == before
    written = Act.objects.order_by("pk").values_list("kind", "actor")
    assert list(written) == [(kind, host.pk) for kind in kinds]


@pytest.mark.parametrize("take_off", [moderation.hide, moderation.mark_baseline])
def test_a_team_taken_off_the_ranking_leaves_its_rank_to_the_next(
    three_teams, competition, take_off
):
    take_off(three_teams)
    ranks = {row["team_id"]: row["rank"] for row in board(competition)}
    assert ranks.pop(three_teams.pk, None) is None
    assert sorted(ranks.values()) == [1, 2]


def test_a_hidden_team_goes_on_playing_and_appears_with_its_new_score(
    three_teams, competition, scored, alice, answers
):
    moderation.hide(three_teams)
    scored(alice, answers(0))
    assert not Standing.objects.filter(team=three_teams).exists()
    moderation.show(three_teams)
    assert board(competition)[0]["score"] == "1.0000"


def test_a_disqualified_team_sends_nothing_more_and_reads_why(
    three_teams, submit, alice, answers, clients, competition
):
    moderation.disqualify(three_teams, "  Two   accounts. ")
    with pytest.raises(NotOpen, match=r"disqualified: Two accounts\."):
        submit(alice, answers())


@pytest.mark.parametrize("reason", ["", " \n", "x" * 301])
def test_what_takes_something_from_a_team_needs_a_reason_that_fits(three_teams, reason):
    with pytest.raises(Refused, match="reason"):
        moderation.disqualify(three_teams, reason)
    with pytest.raises(Refused, match="reason"):
        moderation.exclude(best_file(three_teams), reason)
    assert not Act.objects.exists()


def test_an_excluded_file_loses_its_pick_and_gets_it_back_unless_another_took_its_place(
    three_teams, host
):
    first, second = three_teams.submissions.order_by("received_at")
    picks.choose(second)
    moderation.exclude(second, "By mistake.", host)
    moderation.exclude(second, "By mistake, in other words.", host)
    assert not picks.chosen(three_teams).exists()
    moderation.include(second, host)
    assert picks.chosen(three_teams).get() == second

    moderation.exclude(second, "Once more.", host)
    picks.choose(first)
    moderation.include(second, host)
    assert picks.chosen(three_teams).get() == first


def test_what_is_taken_out_after_the_reveal_leaves_the_final_board_too_and_comes_back(
    three_teams, competition, host
):
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite=DESPITE)
    before = list(FinalStanding.objects.values("team", "rank", "score", "public_rank"))
    moderation.disqualify(three_teams, "Two accounts.", host)
    left = FinalStanding.objects.order_by("rank").values_list("rank", flat=True)
    assert list(left) == [1, 2]
    assert not FinalStanding.objects.filter(team=three_teams).exists()
    moderation.reinstate(three_teams, host)
    assert list(FinalStanding.objects.values("team", "rank", "score", "public_rank")) == before


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_final_board_after_some_acts_is_the_one_that_a_reveal_would_make(
    competition, enter, answers, direction
):
    where, sent = competition, {}
    for n, (public, private) in enumerate([(0, 3), (1, 2), (1, 2), (2, 0), (3, 5), (3, 0)]):
        sent[n] = enter(where, f"team{n}", answers(public, private))
    enter(where, "team1", answers(4, 0))
    teams = [sent[n].team for n in sent]
    if direction == "minimize":  # an accuracy, read as an error
        Competition.objects.update(metric="top_k_error", metric_parameters={"k": 1})
    lifecycle.close_now(where)
    reveal.reveal(where, despite=DESPITE)

    def final() -> list[tuple[Any, ...]]:
        facts = ("team", "rank", "public_rank", "score", "public_score", "sort_key", "submission")
        return list(FinalStanding.objects.order_by("team").values_list(*facts))

    for act in (
        lambda: moderation.hide(teams[2]),  # one of two that share a rank
        lambda: moderation.mark_baseline(teams[3]),
        lambda: moderation.exclude(sent[1], "By mistake."),  # another file of the team counts now
        lambda: moderation.exclude(sent[4], "Its only one."),
        lambda: moderation.show(teams[2]),
        lambda: moderation.unmark_baseline(teams[3]),
        lambda: moderation.hide(teams[3]),
    ):
        FinalStanding.objects.update(tied=True)
        assert act()
        told = final()
        assert not FinalStanding.objects.filter(tied__isnull=False).exists()
        FinalStanding.objects.all().delete()
        Competition.objects.update(state=State.CLOSED, revealed_at=None)
        reveal.reveal(where, despite=DESPITE)
        assert told == final()


def test_names_and_groups_are_changed_by_the_host_and_written_down(
    three_teams, competition, team_of, bob, host
):
    assert moderation.rename(three_teams, "Alpha ", host)
    assert not moderation.rename(three_teams, "Alpha", host)
    with pytest.raises(NameTaken):
        moderation.rename(team_of(bob), "alpha", host)
    assert moderation.set_group(three_teams, " 7  B ", host)
    assert not moderation.set_group(three_teams, "7 B", host)
    assert moderation.set_group(team_of(bob), "7 b", host)  # the same one
    assert leaderboard.groups(competition) == ["7 B"]
    assert moderation.set_group(team_of(bob), "", host)
    assert moderation.set_group(three_teams, "7 b", host)  # alone in it, and spelt anew
    assert moderation.set_group(three_teams, "7 B", host)
    with pytest.raises(Refused, match="40"):
        moderation.set_group(three_teams, "x" * 41)
    assert (board(competition)[0]["team"], board(competition)[0]["group"]) == ("Alpha", "7 B")
    renamed, grouped, *_ = Act.objects.order_by("pk")
    assert (renamed.kind, renamed.details) == (Kind.RENAMED, {"before": "Alice"})
    assert grouped.details == {"group": {"old": "", "new": "7 B"}}


def test_an_alarm_is_seen_once(three_teams, competition, host):
    alarm = Alarm.objects.create(
        team=three_teams, submission=best_file(three_teams), z=4.2, raised_at=competition.clock
    )
    assert moderation.see(alarm, host, "A lucky file.")
    assert not moderation.see(alarm, host)
    alarm.refresh_from_db()
    assert alarm.seen_at is not None
    assert Act.objects.get().kind == Kind.ALARM_SEEN


def test_an_act_that_fails_half_way_leaves_nothing_behind(
    three_teams, competition, host, monkeypatch
):
    def broken(*_args, **_options):
        raise ZeroDivisionError

    before = board(competition)
    monkeypatch.setattr(moderation.audit, "record", broken)
    with pytest.raises(ZeroDivisionError):
        moderation.hide(three_teams, host)
    assert board(competition) == before
    assert not connection.needs_rollback


# --- the organiser's pages -----------------------------------------------------------------------


@pytest.fixture
def click(clients, host, monkeypatch, django_capture_on_commit_callbacks):
    """``click("team", "hide", row)``: the host says yes to that dialog; what the next page says."""
    monkeypatch.setattr(tasks, "enqueue_insight", lambda _pk: None)
    browser = clients(host)

    def press(model: str, name: str, row: Team | Submission, reason: str = "") -> str:
        address = reverse(f"admin:competitions_{model}_{name}", args=[row.pk])
        with django_capture_on_commit_callbacks(execute=True):
            answer = browser.post(address, {"_form_submitted": "on", "reason": reason})
        page = browser.get(answer.headers["HX-Redirect"]) if "HX-Redirect" in answer else answer
        return page.content.decode()

    return press


def test_the_pages_call_the_verbs_and_open_boards_hear_of_it(three_teams, click, told):
    first = best_file(three_teams)
    assert "This field is required" in click("team", "disqualify", three_teams)
    for model, name, row, reason, event in (
        ("submission", "exclude_file", first, "By mistake.", "board"),
        ("submission", "include_file", first, "", "board"),
        ("team", "mark_baseline", three_teams, "", "board"),
        ("team", "unmark_baseline", three_teams, "", "board"),
        ("team", "hide", three_teams, "", "reset"),
        ("team", "show", three_teams, "", "board"),
        ("team", "disqualify", three_teams, "Two accounts.", "reset"),
    ):
        seen = len(told())
        page = click(model, name, row, reason)
        assert reason in page
        assert [one["event"] for one in told()[seen:]] == [event], name
    # Only what may happen next is offered, and only to those who may.
    assert "Reinstate" in page
    assert ">Disqualify<" not in page.replace(" ", "").replace("\n", "")


def test_lists_tell_what_counts_and_what_does_not(three_teams, clients, host, team_of, bob):
    moderation.hide(team_of(bob))
    moderation.exclude(best_file(three_teams), "By mistake.")
    browser = clients(host)
    teams = reverse("admin:competitions_team_changelist")
    files = reverse("admin:competitions_submission_changelist")
    for address, wanted, others in (
        (f"{teams}?kind=hidden", "Bob", "Charlie"),
        (f"{teams}?kind=team", "Charlie", "Bob"),
        (f"{files}?counts=excluded", "Alice", "Bob"),
    ):
        rows = browser.get(address).content.decode().split("result_list", 1)[1]
        assert wanted in rows
        assert others not in rows


def test_groups_are_written_into_the_list_of_teams_and_open_boards_hear_of_them_once(
    three_teams, team_of, person, clients, host, told, django_capture_on_commit_callbacks
):
    team_of(person("dora", first_name="Dora"))  # has sent nothing, and stands on no board
    browser, address = clients(host), reverse("admin:competitions_team_changelist")
    rows = list(Team.objects.order_by("name"))
    data = {f"form-{at}-id": str(row.pk) for at, row in enumerate(rows)}
    data |= {"form-TOTAL_FORMS": "4", "form-INITIAL_FORMS": "4", "_save": "Save"}
    for groups, events in (
        (("7A", "7B", "", ""), ["reset"]),
        (("7A", "7A", "", ""), ["board"]),
        (("7A", "7A", "", "7C"), []),
    ):
        seen, written = len(told()), {f"form-{at}-group": it for at, it in enumerate(groups)}
        with django_capture_on_commit_callbacks(execute=True):
            assert browser.post(address, {**data, **written}).status_code == 302
        assert tuple(Team.objects.order_by("name").values_list("group", flat=True)) == groups
        assert [one["event"] for one in told()[seen:]] == events
    assert Act.objects.count() == 4

"""The public board: who stands where, and that it never knows a private label."""

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from competitions import files, leaderboard, standings, submissions
from competitions.live import events
from competitions.models import Competition, PrivateScore, Standing, Submission, Team
from scoring import METRICS, Report
from tests.classroom import compiled, make_competition, report_on


@pytest.fixture
def board(competition):
    def read():
        return leaderboard.board(Competition.objects.get(pk=competition.pk))

    return read


@pytest.fixture
def enter(competition, person, submit):
    """``enter("Ada", 0.5, minute=3)``: a team with that public score, received in that minute."""
    start = timezone.now() - timedelta(days=1)
    people = {}

    def add(name, public, minute=0, private=0.0):
        user = people.get(name) or people.setdefault(name, person(name.lower(), first_name=name))
        submission = submit(user, b"id,label\n")
        at = start + timedelta(minutes=minute)
        day = at.date() - timedelta(days=minute)  # no test of the board runs out of slots
        Submission.objects.filter(pk=submission.pk).update(received_at=at, day=day)
        claimed = submissions.claim(submission.pk)
        return submissions.finish(claimed, report(claimed.team.competition, public, private))

    return add


def report(competition, public, private=0.0):
    metric = METRICS[competition.metric]
    return Report(
        metric=metric.key,
        direction=metric.direction,
        score=public,
        public=public,
        private=private,
        rows=18,
        public_rows=6,
        private_rows=12,
        public_interval=(public - 0.1, public + 0.1) if metric.interval else None,
    )


def order(board):
    return [(row.rank, row.team) for row in board.rows]


def test_an_empty_board_is_a_board(board):
    assert (board().rows, board().version, board().teams) == ([], 0, 0)


def test_best_first_and_ties_share_a_rank(enter, board):
    enter("Ada", 0.5, minute=1)
    enter("Ben", 0.9, minute=2)
    enter("Cy", 0.5, minute=3)
    enter("Dan", 0.1, minute=4)
    assert order(board()) == [(1, "Ben"), (2, "Ada"), (2, "Cy"), (4, "Dan")]


def test_of_equals_the_file_that_came_first_stands_above(enter, board):
    enter("Late", 0.5, minute=9)
    enter("Early", 0.5, minute=1)
    assert order(board()) == [(1, "Early"), (1, "Late")]


def test_the_rank_hangs_on_what_is_displayed(enter, board):
    enter("Ada", 0.50004, minute=2)
    enter("Ben", 0.50001, minute=1)
    assert order(board()) == [(1, "Ben"), (1, "Ada")]
    assert {row.score for row in board().rows} == {"0.5000"}


def test_a_row_tells_no_more_than_the_displayed_score(enter, board):
    """The ends of the interval must not carry the digits that the score leaves out."""
    enter("Ada", 0.333312)
    enter("Ben", 0.333344)
    told = [(row.score, row.value, row.low, row.high) for row in board().rows]
    assert told[0] == told[1]
    assert told[0][:2] == ("0.3333", 0.3333)
    assert told[0][2] < 0.3333 < told[0][3]


def test_a_worse_score_counts_as_an_entry_and_replaces_nothing(enter, board):
    enter("Ada", 0.9, minute=1)
    enter("Ada", 0.5, minute=2)
    (row,) = board().rows
    assert (row.value, row.entries) == (0.9, 2)
    assert row.last_at - row.reached_at == timedelta(minutes=1)


def test_an_equal_score_later_does_not_move_the_time(enter, board):
    enter("Ada", 0.9, minute=1)
    first = board().rows[0].reached_at
    enter("Ada", 0.9, minute=2)
    assert board().rows[0].reached_at == first


def test_files_scored_in_the_wrong_order_end_in_the_right_place(enter, board):
    """The second of two equal files was scored first: the team stands by the first."""
    enter("Ada", 0.9, minute=2)
    second = board().rows[0]
    enter("Ada", 0.9, minute=1)
    (row,) = board().rows
    assert row.reached_at == second.reached_at - timedelta(minutes=1)
    assert row.last_at == second.last_at


def test_less_is_better_where_the_metric_says_so(competition, enter, board):
    Competition.objects.filter(pk=competition.pk).update(metric="log_loss")
    enter("Ada", 0.9, minute=1)
    enter("Ben", 0.2, minute=2)
    enter("Ada", 0.5, minute=3)
    enter("Ada", 2.5, minute=4)
    assert order(board()) == [(1, "Ben"), (2, "Ada")]
    assert [row.value for row in board().rows] == [0.2, 0.5]
    assert board().metric.direction == "minimize"
    assert board().rows[0].low is None


def test_a_baseline_stands_in_the_order_without_a_rank(competition, enter, board):
    enter("Ada", 0.5, minute=1)
    enter("Softmax", 0.7, minute=2)
    enter("Ben", 0.9, minute=3)
    Team.objects.filter(name="Softmax").update(is_baseline=True)
    standings.rebuild(competition)
    assert order(board()) == [(1, "Ben"), (None, "Softmax"), (2, "Ada")]
    assert board().teams == 2


def test_every_result_moves_the_version(enter, board):
    enter("Ada", 0.9, minute=1)
    enter("Ada", 0.1, minute=2)
    assert board().version == 2


def test_a_refused_file_leaves_the_board_alone(enter, board, in_status, competition):
    enter("Ada", 0.9)
    before = board()
    in_status("invalid")
    in_status("failed")
    assert board() == before


def test_members_are_counted(enter, board, bob, competition):
    enter("Ada", 0.9)
    Team.objects.get(name="Ada").members.create(competition=competition, user=bob)
    assert board().rows[0].members == 2


def test_competitions_do_not_mix(competition, enter, board, solution_csv, alice, answers, scored):
    enter("Ada", 0.9)
    other = make_competition("other", solution_csv)
    scored(alice, answers(), competition=other)
    assert order(board()) == [(1, "Ada")]


@pytest.mark.parametrize("teams", [1, 20])
def test_the_board_is_one_query(competition, enter, teams, django_assert_num_queries):
    for n in range(teams):
        enter(f"Team{n}", n / 20)
    fresh = Competition.objects.get(pk=competition.pk)
    with django_assert_num_queries(1):  # standings with their teams and the count of members
        leaderboard.board(fresh)


# --- nothing private -----------------------------------------------------------------------------


def test_the_public_side_is_the_same_whatever_the_private_labels(
    competition, scored, alice, bob, answers, solution_csv, told, board
):
    """Two worlds that differ in every private label tell every reader the same bytes."""
    worlds = []
    for name, solution in (("one", solution_csv), ("two", rotate_private(solution_csv))):
        other = make_competition(name, solution)
        ids = [
            scored(alice, answers(1), competition=other),
            scored(bob, answers(0, 12), competition=other),
        ]
        private = [PrivateScore.objects.get(submission=one).value for one in ids]
        public = [leaderboard.public_score(one) for one in ids]
        rows = leaderboard.board(Competition.objects.get(pk=other.pk)).rows
        worlds.append((private, public, [(r.rank, r.score, r.low, r.high) for r in rows]))
    (private_one, *public_one), (private_two, *public_two) = worlds
    assert private_one != private_two
    assert public_one == public_two


def rotate_private(solution):
    """The same solution with every private label another one."""
    following = {b"cat": b"dog", b"dog": b"owl", b"owl": b"cat"}
    lines = []
    for line in solution.splitlines():
        name, label, usage = line.split(b",")
        lines.append(b",".join((name, following[label] if usage == b"Private" else label, usage)))
    return b"\n".join(lines) + b"\n"


def test_no_event_holds_a_private_score(competition, in_status, told, answers):
    """The private score of this file, 7 of 12 right, has digits that nothing else has."""
    claimed = in_status("running")
    content = answers(1, wrong_private=5)
    standing = submissions.finish(claimed, report_on(claimed, content))
    claimed.refresh_from_db()
    events.publish_board(standing)
    events.publish_submission(claimed)
    private = PrivateScore.objects.get().value
    said = json.dumps(told())
    assert [entry["event"] for entry in told()] == ["board", "submission", "host"]
    assert str(round(private, 3)) not in said
    assert "private" not in said


def test_a_board_event_is_the_row_without_its_rank(enter, told, board):
    events.publish_board(enter("Ada", 0.9))
    (event,) = told()
    assert (event["event"], event["team"]) == ("board", "")
    data = json.loads(event["data"])
    row = board().rows[0].public()
    del row["rank"], row["moved"]
    assert data["row"] == row
    assert data["version"] == 1
    assert datetime.fromisoformat(data["row"]["last_at"]).tzinfo is not None


def test_a_private_score_shows_its_value_nowhere(scored, alice, answers):
    scored(alice, answers(1, wrong_private=5))
    score = PrivateScore.objects.get()
    for text in (str(score), repr(score), str(score.submission), repr(score.submission)):
        assert str(round(score.value, 2)) not in text


def test_the_solution_row_holds_no_label(competition):
    solution = competition.solution
    said = " ".join(str(value) for value in vars(solution).values()) + str(solution)
    assert "img_" not in said
    assert "Private" not in said


def test_a_loaded_solution_shows_no_label(competition):
    shown = repr(compiled(competition))
    assert "codes" not in shown
    assert "public=" not in shown


def test_standings_are_gone_with_nothing_else(enter, competition):
    """A standing is derived: it may be lost without losing a score."""
    enter("Ada", 0.9)
    Standing.objects.all().delete()
    assert PrivateScore.objects.count() == 1


def test_the_web_side_never_reads_the_solution(competition, alice, answers, submit, monkeypatch):
    """Taking a file and showing a board open nothing in the private storage."""
    opened = []
    storage = files.storage

    def watched(place):
        opened.append(place)
        return storage(place)

    monkeypatch.setattr(files, "storage", watched)
    submit(alice, answers())
    leaderboard.board(competition)
    assert set(opened) == {"submissions"}

"""Every invariant is violated on purpose, past all verbs and validation: the database refuses."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from competitions import audit, lifecycle
from competitions.models import (
    Act,
    Announcement,
    BaselineRun,
    ClassSample,
    Competition,
    CustomMetric,
    DataFile,
    FinalStanding,
    Finding,
    Kind,
    Member,
    Mistakes,
    ModelRules,
    ModelRun,
    ModelStage,
    Organiser,
    Preparation,
    PrivateScore,
    PublicScore,
    Rescoring,
    RosterEntry,
    Run,
    Screening,
    Sent,
    SolutionVersion,
    Stage,
    Standing,
    State,
    Status,
    Submission,
    Team,
    Unscorable,
    Upload,
)
from competitions.models.submission import GIVEN_BACK, WAITING
from competitions.models.team import MOST_EXTRA_ATTEMPTS

CONSTRAINTS = {
    constraint.name: constraint
    for model in apps.get_app_config("competitions").get_models()
    for constraint in model._meta.constraints
}
Attempt = Callable[[Any], None]
VIOLATIONS: dict[str, list[Attempt]] = {}


def violates(name: str) -> Callable[[Attempt], Attempt]:
    """Registers one way to break the constraint of that name; there may be several."""

    def register(attempt: Attempt) -> Attempt:
        VIOLATIONS.setdefault(name, []).append(attempt)
        return attempt

    return register


class Rows:
    """Valid rows to spoil, made when asked for."""

    def __init__(self, request):
        self.request = request

    def __getattr__(self, name):
        return self.request.getfixturevalue(name)

    def submission(self, status):
        return Submission.objects.filter(pk=self.in_status(status).pk)

    def only(self, model):
        return model.objects.filter(pk=model.objects.get().pk)


@pytest.fixture
def rows(request, competition):
    return Rows(request)


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_the_database_refuses(rows, name):
    assert name in VIOLATIONS, "a new constraint needs a test that violates it"
    for attempt in VIOLATIONS[name]:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            attempt(rows)
            pytest.fail(f"the database took it: {attempt.__name__}")
        if isinstance(CONSTRAINTS[name], models.CheckConstraint):
            assert name in str(refusal.value)
        else:
            assert "unique" in str(refusal.value).lower()


def test_no_violation_is_left_over_from_a_constraint_that_is_gone():
    assert set(VIOLATIONS) <= set(CONSTRAINTS)


# --- competition ---------------------------------------------------------------------------------


@violates("competition_state_is_known")
def unknown_state(rows):
    rows.only(Competition).update(state="paused")


@violates("competition_layout_is_known_or_left_to_the_metric")
def unknown_layout(rows):
    rows.only(Competition).update(layout="pixels")


@violates("competition_has_a_custom_metric_exactly_when_it_says_custom")
def custom_without_a_metric(rows):
    rows.only(Competition).update(metric="custom")


@violates("competition_has_a_custom_metric_exactly_when_it_says_custom")
def a_custom_metric_beside_another(rows):
    rows.only(Competition).update(custom_metric=own_metric(rows))


@violates("one_custom_metric_of_each_version_and_direction")
def the_same_metric_twice(rows):
    own_metric(rows)
    own_metric(rows)


@violates("custom_metric_direction_is_known")
def a_metric_with_a_sideways_direction(rows):
    own_metric(rows, direction="sideways")


def own_metric(rows, direction="minimize"):
    return CustomMetric.objects.create(
        competition=rows.competition,
        version="0" * 64,
        source="",
        direction=direction,
        file_name="metric.py",
    )


@violates("competition_preparation_is_known")
def unknown_preparation(rows):
    Competition.objects.create(slug="other", title="Other", preparation="half")


@violates("competition_has_waited_since_exactly_while_preparing")
def prepares_since_never(rows):
    Competition.objects.filter(pk=rows.draft.pk).update(preparation=Preparation.PREPARING)


@violates("competition_has_waited_since_exactly_while_preparing")
def ready_and_still_waiting(rows):
    rows.only(Competition).update(preparation_since=timezone.now())


@violates("competition_is_leased_only_by_an_attempt_to_prepare")
def leased_without_an_attempt(rows):
    now = timezone.now()
    Competition.objects.filter(pk=rows.draft.pk).update(
        preparation=Preparation.PREPARING, preparation_since=now, preparation_until=now
    )


@violates("competition_is_leased_only_by_an_attempt_to_prepare")
def leased_when_it_is_ready(rows):
    rows.only(Competition).update(preparation_attempts=1, preparation_until=timezone.now())


@violates("competition_opens_before_it_closes")
def opens_when_it_closes(rows):
    now = timezone.now()
    rows.only(Competition).update(opens_at=now, closes_at=now)


@violates("competition_is_ready_unless_it_is_a_draft")
def open_without_files(rows):
    Competition.objects.filter(pk=rows.draft.pk).update(state=State.OPEN)


@violates("competition_is_ready_unless_it_is_a_draft")
def open_without_a_solution(rows):
    rows.only(Competition).update(solution=None)


@violates("competition_is_ready_unless_it_is_a_draft")
def closed_and_refused(rows):
    rows.only(Competition).update(state=State.CLOSED, preparation=Preparation.REFUSED)


@violates("competition_keeps_some_rows_private")
def all_public(rows):
    rows.only(Competition).update(public_fraction=1)


@violates("competition_keeps_some_rows_private")
def all_private(rows):
    rows.only(Competition).update(public_fraction=0)


@violates("competition_allows_a_submission_a_day")
def no_attempts_at_all(rows):
    rows.only(Competition).update(daily_limit=0)


# --- solution and files --------------------------------------------------------------------------


def again(row, **changes):
    """Inserts a copy of the row."""
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


@violates("one_solution_of_each_version")
def the_same_version_twice(rows):
    again(SolutionVersion.objects.get())


@violates("solution_has_public_and_private_rows")
def nothing_public(rows):
    rows.only(SolutionVersion).update(public_rows=0)


@violates("solution_has_public_and_private_rows")
def nothing_private(rows):
    rows.only(SolutionVersion).update(private_rows=0)


@violates("one_data_file_of_each_name")
def two_files_of_one_name(rows):
    again(DataFile.objects.get(), path="elsewhere")


def sample(rows: Any, name: str, position: int) -> None:
    ClassSample.objects.create(competition=rows.competition, name=name, position=position, images=1)


@violates("one_class_sample_of_each_name")
def two_pictures_of_one_class(rows):
    sample(rows, "cat", 0)
    sample(rows, "cat", 1)


@violates("one_class_sample_at_each_position")
def two_classes_in_one_place(rows):
    sample(rows, "cat", 0)
    sample(rows, "dog", 0)


# --- who joins, and who organises ---------------------------------------------------------------


@violates("competition_admission_is_known")
def admission_by_nothing(rows):
    rows.only(Competition).update(admission="friends")


@violates("competition_class_code_is_not_empty")
def an_empty_code(rows):
    rows.only(Competition).update(class_code="")


@violates("competition_names_the_domains_that_it_admits")
def no_domain_to_admit(rows):
    rows.only(Competition).update(admission="domain")


@violates("one_role_per_person_and_competition")
def two_roles(rows):
    for role in ("judge", "viewer"):
        Organiser.objects.create(competition=rows.competition, user=rows.alice, role=role)


@violates("organiser_role_is_known")
def a_role_of_ones_own(rows):
    Organiser.objects.create(competition=rows.competition, user=rows.alice, role="king")


@violates("roster_name_once_per_competition")
def one_name_twice(rows):
    for name in ("Anna", "ANNA"):
        RosterEntry.objects.create(competition=rows.competition, name=name)


@violates("one_roster_entry_per_person_and_competition")
def one_person_twice(rows):
    for name in ("Anna", "Ben"):
        RosterEntry.objects.create(competition=rows.competition, name=name, user=rows.alice)


@violates("roster_entry_has_a_name")
def nobody_expected(rows):
    RosterEntry.objects.create(competition=rows.competition, name="")


@violates("team_has_a_bounded_number_of_extra_attempts")
def attempts_without_end(rows):
    team = rows.team_of(rows.alice)
    Team.objects.filter(pk=team.pk).update(extra_attempts=MOST_EXTRA_ATTEMPTS + 1)


@violates("mistakes_have_both_files_or_none")
def a_report_without_its_labels(rows):
    Mistakes.objects.create(
        competition=rows.competition, version=1, computed_at=timezone.now(), path="x"
    )


# --- how it is built ----------------------------------------------------------------------------


@violates("competition_prepares_no_more_than_there_is")
def more_done_than_there_is(rows):
    rows.only(Competition).update(preparation_done=2, preparation_total=1)


@violates("upload_receives_no_more_than_its_size")
def more_than_was_to_come(rows):
    Upload.objects.create(owner=rows.alice, name="a.zip", size=1, received=2)


@violates("upload_is_kept_only_whole")
def half_a_file_kept(rows):
    Upload.objects.create(owner=rows.alice, name="a.zip", size=2, received=1, path="x")


@violates("one_finding_of_each_kind")
def a_finding_twice(rows):
    for _ in range(2):
        Finding.objects.create(competition=rows.competition, kind="near", images=1)


@violates("finding_kind_is_known")
def an_unknown_finding(rows):
    Finding.objects.create(competition=rows.competition, kind="odd", images=1)


@violates("finding_remedy_is_known")
def an_unknown_remedy(rows):
    Finding.objects.create(competition=rows.competition, kind="near", images=1, remedy="pray")


# --- team ----------------------------------------------------------------------------------------


@violates("team_name_once_per_competition")
def the_same_name_in_capitals(rows):
    again(rows.team_of(rows.alice), name="ALICE")


@violates("one_team_per_person_and_competition")
def a_second_team(rows):
    rows.team_of(rows.alice)
    other = Team.objects.create(competition=rows.competition, name="Second")
    Member.objects.create(team=other, competition=rows.competition, user=rows.alice)


# --- submission ----------------------------------------------------------------------------------


@violates("status_is_known")
def unknown_status(rows):
    rows.submission("received").update(status="lost")


@violates("leased_exactly_while_running")
def a_lease_without_a_worker(rows):
    rows.submission("queued").update(lease_until=timezone.now())


@violates("leased_exactly_while_running")
def a_worker_without_a_lease(rows):
    rows.submission("running").update(lease_until=None)


@violates("finished_exactly_when_it_says_so")
def finished_while_it_waits(rows):
    rows.submission("received").update(finished_at=timezone.now() + timedelta(hours=1))


@violates("finished_exactly_when_it_says_so")
def scored_at_no_time(rows):
    rows.submission("scored").update(finished_at=None)


@violates("explains_itself_exactly_when_it_went_wrong")
def an_error_on_a_good_file(rows):
    rows.submission("scored").update(error="Something is wrong.")


@violates("explains_itself_exactly_when_it_went_wrong")
def refused_without_a_word(rows):
    rows.submission("invalid").update(error="")


@violates("slot_is_given_back_exactly_when_it_went_wrong")
def a_slot_lost_while_it_waits(rows):
    rows.submission("received").update(slot=None)


@violates("slot_is_given_back_exactly_when_it_went_wrong")
def a_slot_kept_by_a_failure_of_ours(rows):
    rows.submission("failed").update(slot=1)


@violates("attempts_are_counted_from_the_first_claim")
def scored_without_a_claim(rows):
    rows.submission("scored").update(attempt=0)


@violates("one_submission_per_slot")
def two_in_one_slot(rows):
    rows.in_status("received")
    rows.submission("received").update(slot=1)


@violates("slots_count_from_one")
def slot_zero(rows):
    rows.submission("received").update(slot=0)


@violates("finished_after_it_was_received")
def finished_before_it_came(rows):
    one = rows.submission("scored")
    one.update(finished_at=one.get().received_at - timedelta(seconds=1))


@violates("one_submission_per_lifetime_slot")
def two_in_one_lifetime_slot(rows):
    rows.in_status("received")
    rows.submission("received").update(lifetime_slot=1)


@violates("lifetime_slot_is_held_exactly_by_what_counts")
def a_lifetime_slot_kept_by_a_failure_of_ours(rows):
    rows.submission("failed").update(lifetime_slot=1)


@violates("lifetime_slot_is_held_exactly_by_what_counts")
def a_late_file_that_holds_a_lifetime_slot(rows):
    rows.submission("scored").update(is_late=True)


@violates("lifetime_slot_is_held_exactly_by_what_counts")
def scored_without_a_lifetime_slot(rows):
    rows.submission("scored").update(lifetime_slot=None)


@violates("one_submission_per_pick")
def two_first_picks(rows):
    for _ in range(2):
        rows.submission("scored").update(pick=1)


@violates("picked_is_only_what_counts")
def a_third_pick(rows):
    rows.submission("scored").update(pick=3)


@violates("picked_is_only_what_counts")
def a_pick_before_the_score(rows):
    rows.submission("queued").update(pick=1)


@violates("picked_is_only_what_counts")
def a_late_pick(rows):
    rows.submission("scored").update(pick=1, is_late=True, lifetime_slot=None)


@violates("picked_is_only_what_counts")
def an_excluded_pick(rows):
    rows.submission("scored").update(pick=1, exclusion="Sent by mistake.")


# --- scores and standings ------------------------------------------------------------------------


@violates("one_public_score_per_solution_version")
def a_second_public_score(rows):
    rows.in_status("scored")
    again(PublicScore.objects.get())


@violates("one_private_score_per_solution_version")
def a_second_private_score(rows):
    rows.in_status("scored")
    again(PrivateScore.objects.get())


@violates("interval_has_both_ends_in_order")
def an_interval_upside_down(rows):
    rows.in_status("scored")
    rows.only(Standing).update(low=0.9, high=0.1)


@violates("interval_has_both_ends_in_order")
def an_interval_with_one_end(rows):
    rows.in_status("scored")
    rows.only(Standing).update(low=None, high=0.9)


@violates("standing_is_sorted_exactly_when_it_has_a_score")
def a_hidden_score_that_is_sorted(rows):
    rows.in_status("scored")
    rows.only(Standing).update(score=None, low=None, high=None)


@violates("final_interval_has_both_ends_in_order")
def a_final_interval_upside_down(rows):
    sent = rows.in_status("scored")
    FinalStanding.objects.create(
        competition=rows.competition,
        team=sent.team,
        submission=sent,
        score=0.5,
        sort_key=0.5,
        low=0.9,
        high=0.1,
        reached_at=sent.received_at,
    )


# --- the life of a challenge ---------------------------------------------------------------------


@violates("competition_allows_a_submission_in_all")
def no_submission_in_all(rows):
    rows.only(Competition).update(lifetime_limit=0)


@violates("competition_feedback_is_known")
def unknown_feedback(rows):
    rows.only(Competition).update(feedback="smileys")


@violates("competition_ladder_has_steps")
def a_ladder_without_steps(rows):
    rows.only(Competition).update(ladder_step=0)


@violates("competition_is_paused_only_while_open")
def a_paused_draft(rows):
    Competition.objects.filter(pk=rows.draft.pk).update(paused_at=timezone.now())


@violates("competition_has_a_moment_of_reveal_exactly_when_revealed")
def revealed_at_no_time(rows):
    rows.only(Competition).update(state=State.REVEALED)


@violates("competition_has_a_moment_of_reveal_exactly_when_revealed")
def a_reveal_while_it_is_open(rows):
    rows.only(Competition).update(revealed_at=timezone.now())


@violates("competition_is_published_only_after_the_reveal")
def published_while_it_is_closed(rows):
    lifecycle.close_now(rows.competition)
    rows.only(Competition).update(published_at=timezone.now())


@violates("act_is_of_a_known_kind")
def an_act_of_no_kind(rows):
    audit.record(rows.competition, None, Kind.OPENED)
    rows.only(Act).update(kind="danced")


@violates("announcement_says_something")
def an_empty_announcement(rows):
    Announcement.objects.create(competition=rows.competition, text="")


def rescoring(rows, **fields):
    found = {"before": rows.competition.solution, "old_metric": {}, "new_metric": {}, **fields}
    return Rescoring.objects.create(
        competition=rows.competition, note="A label was wrong.", **found
    )


@violates("rescoring_stage_is_known")
def a_rescoring_at_an_unknown_stage(rows):
    rescoring(rows, stage="dreaming")


@violates("one_rescoring_under_way_per_competition")
def two_rescorings_at_once(rows):
    rescoring(rows)
    rescoring(rows, stage=Stage.READY, after=rows.competition.solution)


@violates("rescoring_has_a_moment_exactly_when_applied")
def applied_at_no_time(rows):
    rescoring(rows, stage=Stage.APPLIED, after=rows.competition.solution)


@violates("rescoring_has_a_moment_exactly_when_applied")
def applied_and_dropped(rows):
    rescoring(rows, stage=Stage.DROPPED, applied_at=timezone.now())


@violates("rescoring_scores_with_a_solution")
def scoring_with_nothing(rows):
    rescoring(rows, stage=Stage.SCORING)


@violates("unscorable_once_per_rescoring")
def unscorable_twice(rows):
    it, sent = rescoring(rows), rows.in_status("scored")
    for _ in range(2):
        Unscorable.objects.create(rescoring=it, submission=sent, sentence="No.")


def test_valid_rows_of_every_status_are_taken(in_status):
    """The other side of the coin: the constraints forbid nothing that the verbs do."""
    assert [in_status(status).status for status in (*WAITING, Status.RUNNING, *GIVEN_BACK)]


# --- baselines -----------------------------------------------------------------------------------


def a_run(rows, **fields):
    competition = rows.competition
    wanted = {"arch": "softmax", "title": "Softmax", "solution": competition.solution, **fields}
    return BaselineRun.objects.create(competition=competition, **wanted)


@violates("one_run_of_each_baseline")
def the_same_baseline_twice(rows):
    a_run(rows)
    a_run(rows)


@violates("baseline_run_status_is_known")
def unknown_status_of_a_run(rows):
    a_run(rows, status="asleep")


@violates("baseline_run_is_trained_only_with_answers")
def trained_without_answers(rows):
    a_run(rows, status=Run.READY)


# --- models --------------------------------------------------------------------------------------


def rules(rows, **fields):
    return ModelRules.objects.create(competition=rows.competition, **fields)


def a_model(rows, **fields):
    """The run of a model that was just sent, spoilt."""
    sent = rows.submission("received")
    sent.update(kind=Sent.MODEL, path="")
    submission = sent.get()
    wanted = {"path": "ab/cd", "format": "onnx", "queued_at": timezone.now(), **fields}
    return ModelRun.objects.create(
        submission=submission, team=submission.team, competition=rows.competition, **wanted
    )


@violates("what_was_sent_is_known")
def a_submission_of_no_kind(rows):
    rows.submission("received").update(kind="poem")


@violates("only_a_model_crashes_or_is_cancelled")
def a_file_that_crashed(rows):
    sent = rows.submission("received")
    sent.update(status=Status.CRASHED, error="It crashed.", finished_at=timezone.now())


@violates("only_a_model_has_no_predictions_yet")
def a_file_that_is_nowhere(rows):
    rows.submission("received").update(path="")


@violates("what_a_challenge_takes_is_known")
def a_challenge_that_takes_poems(rows):
    rules(rows, takes="poems")


@violates("models_are_given_pictures")
def pictures_of_two_channels(rows):
    rules(rows, channels=2)


@violates("models_are_given_pictures")
def pictures_without_a_pixel(rows):
    rules(rows, height=0)


@violates("who_takes_models_takes_a_format")
def models_in_no_format(rows):
    rules(rows, takes_onnx=False, takes_safetensors=False)


@violates("models_may_take_something")
def models_without_a_second(rows):
    rules(rows, seconds=0)


@violates("models_may_take_something")
def models_without_a_parameter(rows):
    rules(rows, max_parameters=0)


@violates("packed_images_say_what_they_were_made_of")
def images_packed_of_nothing(rows):
    rules(rows, packed_path="ab/cd")


@violates("model_run_stage_is_known")
def a_run_that_dreams(rows):
    a_model(rows, stage="dreaming")


@violates("model_run_format_is_known")
def a_pickle(rows):
    a_model(rows, format="pickle")


@violates("model_run_is_leased_exactly_while_a_worker_has_it")
def a_run_that_nobody_has(rows):
    a_model(rows, stage=ModelStage.TRYING)


@violates("model_run_is_leased_exactly_while_a_worker_has_it")
def a_waiting_run_that_somebody_has(rows):
    a_model(rows, lease_until=timezone.now())


@violates("model_run_says_when_it_began")
def a_run_that_began_never(rows):
    a_model(rows, stage=ModelStage.RUNNING, lease_until=timezone.now())


@violates("model_run_answers_no_more_images_than_there_are")
def a_run_that_invents_images(rows):
    a_model(rows, images_done=2, images_total=1)


@violates("model_run_of_weights_names_its_architecture")
def weights_of_nothing(rows):
    a_model(rows, format="safetensors")


@violates("screening_is_leased_only_until_it_is_done")
def screened_and_still_at_it(rows):
    now = timezone.now()
    Screening.objects.create(run=a_model(rows), asked_at=now, lease_until=now, done_at=now)

"""A site that was there before comes to the same tables, step by step, as a new one at once."""

import pytest
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

FIRST, LAST = "0001_initial", "0011_model_submissions"  # of the steps that are also made at once


def state(loader: MigrationLoader, name: str) -> ProjectState:
    return loader.project_state([("competitions", name)])


def test_the_steps_and_all_at_once_make_the_same():
    loader = MigrationLoader(None, replace_migrations=False)
    at_once = state(loader, "0001_squashed_0011_model_submissions")
    steps = state(loader, LAST)
    assert MigrationAutodetector(steps, at_once).changes(loader.graph) == {}
    early = state(loader, "0010_upload_mark")
    assert MigrationAutodetector(early, at_once).changes(loader.graph)  # it sees what differs


@pytest.mark.once("every test of that pass, whose tables these steps made until they were joined")
@pytest.mark.django_db(transaction=True)
def test_challenges_from_before_keep_the_metrics_own_layout(competition):
    """Back to the first step and forward again, with a challenge in the table."""
    executor = MigrationExecutor(connection)
    executor.loader = MigrationLoader(connection, replace_migrations=False)
    executor.migrate([("competitions", FIRST)])
    executor = MigrationExecutor(connection)  # finds a site of the first step
    executor.migrate(executor.loader.graph.leaf_nodes("competitions"))
    competition.refresh_from_db()
    assert (competition.metric_parameters, competition.layout) == ({}, "")
    assert competition.submission_layout == "labels"
    assert not MigrationExecutor(connection).loader.detect_conflicts()

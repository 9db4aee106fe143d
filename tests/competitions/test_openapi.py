"""The OpenAPI document: complete, valid, and true."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from competitions.api import urls
from competitions.api.boards import RowOutput
from competitions.leaderboard import Row
from holdout.wsgi import application


def document() -> dict[str, Any]:
    response = Client().get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert response.status_code == 200
    read: dict[str, Any] = json.loads(response.content)
    return read


def test_it_is_valid_and_nothing_was_guessed(tmp_path):
    target = str(tmp_path / "schema.yml")
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", target)


def test_it_has_every_route():
    paths = {
        "/api/" + str(pattern.pattern).replace("<slug:slug>", "{slug}").replace("<uuid:", "{")
        for pattern in urls.urlpatterns
        if pattern.name
    }
    assert {path.replace(">", "}") for path in paths} == set(document()["paths"])


def test_every_operation_says_what_it_is_for():
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            told = f"{method} {path}"
            assert operation["summary"], told
            assert operation["description"], told
            for status, response in operation["responses"].items():
                assert status == "304" or "application/json" in response["content"], told


def test_board_rows_are_described_as_they_are():
    assert list(RowOutput().fields) == [field.name for field in dataclasses.fields(Row)]


def test_no_field_is_called_private_but_the_number_of_rows_and_a_seal():
    schemas = document()["components"]["schemas"]
    found = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field in schema.get("properties", {})
        if "private" in field or "label" in field
    }
    sealed = {f"{name}.label_seal" for name in ("CompetitionOutput", "CompetitionDetailOutput")}
    assert found == {"TestRowsOutput.private", "FinalOutput.private_rows", *sealed}


# --- held against the running application --------------------------------------------------------

# Its client sends an empty file without a name, which makes it no file.
NOT_HELD = [positive_data_acceptance]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests through WSGI would close the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.once("test_api.py")
def test_answers_are_what_the_document_says(
    competition, one_connection, scored, submit, alice, answers, token_of
):
    """Made-up requests by a member, half of them for what is there."""
    scored(alice, answers(1))
    waiting = submit(alice, b"not scored yet")
    known = {"slug": competition.slug, "public_id": str(waiting.public_id)}
    headers = {"Authorization": f"Bearer {token_of(alice)}"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/", application)
    for operation in schema.get_all_operations():

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.ok().as_strategy(), st.booleans())
        def answer_is_as_described(case, is_known):
            if is_known:
                case.path_parameters.update(
                    {name: known[name] for name in case.path_parameters if name in known}
                )
            case.call_and_validate(headers=headers, excluded_checks=NOT_HELD)

        answer_is_as_described()

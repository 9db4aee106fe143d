"""Before the final board is published, a private score is told by no route to anybody.

The routes are read from the site's own list of addresses: a new one is asked by itself, and fails
here until somebody says what its address looks like.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from competitions import lifecycle, picks, rescoring, reveal
from competitions.insight import board as insight_of_boards
from competitions.insight.reports import LISTS
from competitions.live import events
from competitions.models import (
    Act,
    Alarm,
    Announcement,
    Competition,
    PrivateScore,
    Rescoring,
    Submission,
    Team,
)
from holdout.accounts.models import Token

# Displayed with any number of digits, as a share or in per cent; no hash has a point in it.
PRIVATE = 0.73915624
TRACE = re.compile(r"\.739[12]|73[.,]9[12]")
# Whoever organises sees the final board from the reveal on: that is the ceremony's secret.
FOR_THE_CEREMONY = {"ceremony", "final", "grades", "grades_table"}
CATCH_ALL = {"admin/(?P<url>.*)$", r"api/^(?:[^\\0]*/)?\\Z"}


def routes(
    patterns: list[URLPattern | URLResolver], start: str = ""
) -> Iterator[tuple[str, str | None]]:
    """Every address with its name."""
    for each in patterns:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, start + str(each.pattern))
        else:
            yield start + str(each.pattern), each.name


ROUTES = sorted(set(routes(get_resolver().url_patterns)), key=str)
ADMIN = [route for route in ROUTES if route[0].startswith("admin/")]
OTHERS = [route for route in ROUTES if not route[0].startswith("admin/")]


@pytest.fixture
def played(competition, scored, alice, bob, host, answers) -> Competition:
    """Two teams, an alarm, an act, an announcement, a rescoring: something behind every address."""
    for who, wrong in ((alice, 1), (bob, 2)):
        sent = scored(who, answers(wrong))
        picks.choose(sent)
    PrivateScore.objects.update(value=PRIVATE)
    best = Submission.objects.select_related("team").first()
    assert best is not None
    Alarm.objects.create(team=best.team, submission=best, z=5.25, raised_at=timezone.now())
    lifecycle.announce(competition, "Welcome.", host)
    wanted = replace(rescoring.Settings.of(competition), decimals=1)
    rescoring.begin(competition, host, "Too many digits.", wanted)
    Token.objects.create(user=alice, name="laptop", digest="0" * 64)
    insight_of_boards.refresh(competition.pk)
    return competition


def at(phase: str, competition: Competition) -> None:
    if phase == "open":
        return
    Rescoring.objects.update(stage="dropped")
    lifecycle.close_now(competition)
    if phase == "revealed":
        reveal.reveal(competition, despite="The seal of this test is not real.")


def address(route: str, name: str | None, competition: Competition) -> str:
    """The route with examples of everything that stands in it."""
    newest = Submission.objects.latest("pk")
    examples = {
        "slug": competition.slug,
        "public_id": newest.public_id,
        "name": "sample_submission.csv",
        "position": 0,
        "upload": UUID(int=0),
        "finding": 1,
        "place": 0,
        "number": 1,
        "which": LISTS[0],
        "code": "ABC234",
        "pk": 1,
        "id": newest.user_id,
        "content_type_id": ContentType.objects.get_for_model(Team).pk,
        "object_id": example_of(name),
    }
    route = route.replace("^(?P<app_label>competitions|accounts)/$", "competitions/")

    def filled(found: re.Match[str]) -> str:
        assert found[1] in examples, f"what does <{found[1]}> look like in {route}?"
        return str(examples[found[1]])

    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", filled, route)


def example_of(name: str | None) -> int:
    """A row of the model that an address of the admin names."""
    for model in admin.site._registry:
        if name and name.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            return model._default_manager.latest("pk").pk
    return Team.objects.latest("pk").pk


def traces(client: Client, asked: list[tuple[str, str | None]], competition: Competition):
    """The addresses whose answers hold the private score."""
    for route, name in asked:
        if route in CATCH_ALL:
            continue
        path = address(route, name, competition)
        answer = client.get(path)
        assert answer.status_code < 500 or name == "live", path  # without the ASGI router: 503
        body = b"".join(answer) if answer.streaming else answer.content
        headers = " ".join(f"{key}: {value}" for key, value in answer.headers.items())
        if TRACE.search(body.decode("latin-1")) or TRACE.search(headers):
            yield path


PHASES = ("open", "closed", "revealed")


@pytest.mark.once("the tests of each page, of the API and of the admin")
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("who", ["nobody", "charlie", "alice", "bob"])
def test_no_route_tells_a_private_score_before_it_is_published(
    request, who, phase, played, clients
):
    at(phase, played)
    client = clients(None if who == "nobody" else request.getfixturevalue(who))
    asked = ROUTES if (who, phase) == ("alice", "revealed") else OTHERS
    assert list(traces(client, asked, played)) == []


@pytest.mark.once("the tests of each page, of the API and of the admin")
@pytest.mark.parametrize("phase", PHASES)
def test_no_route_tells_a_host_a_private_score_before_the_reveal(phase, played, clients, host):
    at(phase, played)
    asked = ROUTES
    if phase == "revealed":
        asked = [route for route in ROUTES if route[1] not in FOR_THE_CEREMONY]
    assert list(traces(clients(host), asked, played)) == []


def test_once_published_the_same_search_finds_it(played, clients):
    """The crawl can fail: what it looks for is written like that."""
    at("revealed", played)
    reveal.publish(played)
    assert list(traces(clients(), OTHERS, played))


def test_neither_the_live_stream_nor_the_records_tell_it(played, told, host):
    at("revealed", played)
    for standing in played.standings.all():
        events.publish_board(standing)
    for sent in Submission.objects.select_related("team__competition"):
        events.publish_submission(sent)
    events.publish_clock(played)
    lifecycle_of = [*Act.objects.values(), *Announcement.objects.values()]
    assert not TRACE.search(f"{told()} {lifecycle_of}")
    assert len(told()) >= 5


def test_the_public_board_is_the_same_whatever_the_private_labels(
    competition, scored, alice, bob, answers, clients
):
    """Two teams, equal in public: the private rows move nothing that anybody sees."""
    scored(alice, answers(1, wrong_private=0))
    scored(bob, answers(1, wrong_private=12))
    Submission.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    rows = clients().get(f"/api/competitions/{competition.slug}/leaderboard/").json()["rows"]
    first, second = ({k: row[k] for k in ("rank", "score", "value", "low", "high")} for row in rows)
    assert first == second

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from competitions.api import files
from competitions.insight.reports import LISTS
from competitions.views import (
    board,
    ceremony,
    data,
    grades,
    host,
    host_acts,
    host_team,
    joining,
    listing,
    log,
    membership,
    mistakes,
    overview,
    picking,
    projector,
    publishing,
    replay,
    roster,
    streaming,
    submitting,
)

app_name = "competitions"


class FileName(StringConverter):
    """The names that data files may have; anything else is a 404 before a database sees it."""

    regex = r"[-\w.]+"


class ListName(StringConverter):
    """The lists of images on the page of mistakes."""

    regex = "|".join(LISTS)


register_converter(FileName, "file_name")
register_converter(ListName, "list_name")

urlpatterns = [
    path("", listing.index, name="list"),
    path("join/", joining.code, name="code"),
    path("join/<slug:code>/", joining.enter, name="enter"),
    path("competitions/<slug:slug>/", overview.detail, name="detail"),
    path("competitions/<slug:slug>/join/", overview.join, name="join"),
    path("competitions/<slug:slug>/data/", data.data, name="data"),
    path("competitions/<slug:slug>/data/<file_name:name>", files.download, name="download"),
    path(
        "competitions/<slug:slug>/classes/<int:position>.png",
        data.class_sample,
        name="class_sample",
    ),
    path("competitions/<slug:slug>/leaderboard/", board.leaderboard, name="leaderboard"),
    path("competitions/<slug:slug>/replay/", replay.replay, name="replay"),
    path("competitions/<slug:slug>/replay/export/", replay.export_board, name="export_board"),
    path("competitions/<slug:slug>/live/", streaming.live, name="live"),
    path("competitions/<slug:slug>/submit/", submitting.submit, name="submit"),
    path("competitions/<slug:slug>/submissions/", log.submissions, name="submissions"),
    path(
        "competitions/<slug:slug>/submissions/<uuid:public_id>/", log.submission, name="submission"
    ),
    path("competitions/<slug:slug>/submissions/<uuid:public_id>/pick/", picking.pick, name="pick"),
    path("competitions/<slug:slug>/projector/", projector.projector, name="projector"),
    path("competitions/<slug:slug>/team/", membership.team, name="team"),
    path("competitions/<slug:slug>/grades/", grades.page, name="grades"),
    path("competitions/<slug:slug>/grades/grades.csv", grades.table, name="grades_table"),
    path("competitions/<slug:slug>/roster/", roster.page, name="roster"),
    path("competitions/<slug:slug>/roster/roster.csv", roster.table, name="roster_table"),
    path("competitions/<slug:slug>/roster/slips/", roster.slips, name="slips"),
    path("competitions/<slug:slug>/host/", host.screen, name="host"),
    path("competitions/<slug:slug>/host/rows/", host.rows, name="host_rows"),
    path("competitions/<slug:slug>/host/teams/<int:pk>/", host_team.team, name="host_team"),
    path("competitions/<slug:slug>/host/<slug:name>/", host_acts.act, name="host_act"),
    path("competitions/<slug:slug>/mistakes/", mistakes.mistakes, name="mistakes"),
    path(
        "competitions/<slug:slug>/mistakes/<list_name:which>/<int:number>.png",
        mistakes.picture,
        name="mistakes_picture",
    ),
    path("competitions/<slug:slug>/ceremony/", ceremony.ceremony, name="ceremony"),
    path("competitions/<slug:slug>/publish/", publishing.publish, name="publish"),
]

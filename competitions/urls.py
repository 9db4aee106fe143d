from django.urls import path, register_converter
from django.urls.converters import StringConverter

from competitions.api import files
from competitions.views import (
    board,
    ceremony,
    data,
    listing,
    log,
    overview,
    picking,
    projector,
    publishing,
    replay,
    streaming,
    submitting,
)

app_name = "competitions"


class FileName(StringConverter):
    """The names that data files may have; anything else is a 404 before a database sees it."""

    regex = r"[-\w.]+"


register_converter(FileName, "file_name")

urlpatterns = [
    path("", listing.index, name="list"),
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
    path("competitions/<slug:slug>/ceremony/", ceremony.ceremony, name="ceremony"),
    path("competitions/<slug:slug>/publish/", publishing.publish, name="publish"),
]

from django.urls import path, re_path

from competitions.api import competitions, errors, leaderboard, submissions

app_name = "api"

urlpatterns = [
    path("competitions/", competitions.CompetitionList.as_view(), name="competitions"),
    path("competitions/<slug:slug>/", competitions.CompetitionDetail.as_view(), name="competition"),
    path("competitions/<slug:slug>/join/", competitions.Join.as_view(), name="join"),
    path(
        "competitions/<slug:slug>/leaderboard/",
        leaderboard.Leaderboard.as_view(),
        name="leaderboard",
    ),
    path("competitions/<slug:slug>/history/", leaderboard.History.as_view(), name="history"),
    path("competitions/<slug:slug>/final/", leaderboard.Final.as_view(), name="final"),
    path(
        "competitions/<slug:slug>/submissions/",
        submissions.SubmissionList.as_view(),
        name="submissions",
    ),
    path(
        "submissions/<uuid:public_id>/", submissions.SubmissionDetail.as_view(), name="submission"
    ),
    path("submissions/<uuid:public_id>/cancel/", submissions.Cancel.as_view(), name="cancel"),
    path("submissions/<uuid:public_id>/pick/", submissions.Pick.as_view(), name="pick"),
    # Only what ends in a slash, so that an address without one is still led to the one with it.
    re_path(r"^(?:[^\0]*/)?\Z", errors.no_such_address),
]

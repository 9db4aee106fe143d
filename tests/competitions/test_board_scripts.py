"""The leaderboard's scripts in a browser: they draw what the server draws, and follow the news."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.test import RequestFactory

from competitions import leaderboard
from competitions.deadlines import Phase
from competitions.forms import SubmissionForm
from competitions.leaderboard import Board, Row
from competitions.models import Competition, Team
from competitions.models.metrics import facts
from competitions.views import board as board_page
from competitions.views import ties, whiskers
from competitions.views.challenge import Challenge
from holdout.pages import marks
from scoring import rank, wilson
from tests.competitions.boards import some_board

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning"),  # of pytest-base-url
]

MODULES = Path(settings.PACKAGE) / "static" / "js"
CLASH = "<script>alert(1)</script>"
SITE = "http://lan.example"
MEASURE = """async ([boards, names]) => {
  const [marks, whiskers, ties, ranking] = await Promise.all(
    ["marks", "whiskers", "ties", "ranking"].map((name) => import(`/static/js/${name}.js`)));
  const one = ({ rows, bounds, noise, sign }) => {
    const leader = rows.find((row) => !row.is_baseline);
    const scale = whiskers.scaleOf(rows, bounds);
    const found = ties.tiesOf(rows, leader, noise, sign);
    const zone = whiskers.zoneOf(rows, found, leader, scale, sign);
    return { xs: rows.map((row) => scale.x(row.value)), tied: found.tied,
      run: [found.from, found.to], last: found.last, unbroken: found.isUnbroken,
      zone: zone && [zone.x, zone.width], words: ties.difference(found.noise, bounds) };
  };
  return { boards: boards.map(one), marks: names.map(marks.markPath) };
}"""


@pytest.fixture
def serve(page: Any) -> Callable[..., Any]:
    """``serve(html)``: that page from a made-up site with our scripts; other answers by path."""

    def open_one(html: str, answer: Callable[[str], dict[str, Any]] | None = None) -> Any:
        def route(asked: Any) -> None:
            path = asked.request.url.removeprefix(SITE)
            if path.endswith(".js"):
                source = (MODULES / Path(path).name).read_text()
                source = source.replace("const LENGTH = 100;", f"const LENGTH = {SHORT};")
                asked.fulfill(body=source, content_type="text/javascript")
            elif path == "/":
                asked.fulfill(body=html, content_type="text/html")
            else:
                asked.fulfill(**(answer(path) if answer else {"status": 404}))

        page.route("**/*", route)
        page.goto(SITE + "/")
        return page

    return open_one


def as_json(given: Row) -> dict[str, Any]:
    return dict(json.loads(json.dumps(asdict(given), default=str)))


def test_the_scripts_draw_what_the_server_draws(serve):
    """A row that arrives over the stream looks like one that was there."""
    names = ["Ada", "Overfit Club", "Tomás Rey", "数字", CLASH]
    boards = [
        {"rows": some_board(seed, sign), "bounds": bounds, "noise": noise, "sign": sign}
        for seed in range(12)
        for sign in (1, -1)
        for noise, bounds in ((0.031, (0.0, 1.0)), (None, (0.0, 34.5)))
    ]
    sent = [{**board, "rows": [as_json(each) for each in board["rows"]]} for board in boards]
    measured = serve("").evaluate(MEASURE, [sent, names])
    for name, path in zip(names, measured["marks"], strict=True):
        assert sorted(path.split("z")) == sorted(marks.path(name).split("z"))
    for board, script in zip(boards, measured["boards"], strict=True):
        rows, sign = board["rows"], board["sign"]
        leader = next(each for each in rows if not each.is_baseline)
        scale = whiskers.scale_of(rows, board["bounds"])
        found = ties.ties_of(rows, leader, board["noise"], sign)
        zone = whiskers.zone(rows, found.run, leader, scale, sign)
        assert zone is not None
        assert script["xs"] == pytest.approx([scale.x(each.value) for each in rows], abs=0.11)
        assert script["zone"] == pytest.approx([zone.x, zone.width], abs=0.21)
        assert (script["tied"], script["run"]) == (found.tied, [found.run.start, found.run.stop])
        assert (script["last"], script["unbroken"]) == (found.last, found.is_unbroken)
        assert script["words"] == ties.difference(found.noise, board["bounds"])


# A page as one sees it, for the page of the scripts and for the one that the server makes anew.
SEEN = """(html) => {
  const page = html ? new DOMParser().parseFromString(html, "text/html") : document;
  const plain = (text) => (text ?? "").replace(/\\.0(?!\\d)/g, "").trim();
  const read = (row, name, kind) => plain(row.querySelector(name)?.getAttribute(kind));
  const text = (row, name) => plain(row.querySelector(name)?.textContent);
  return {
    rows: [...page.querySelectorAll("[data-rows] tr[data-team]")].map((row) => [
      text(row, ".rank"), text(row, "b"), text(row, ".value"), text(row, ".c-n"),
      row.querySelector(".move").hidden ? "" : text(row, ".move"),
      [...row.classList].filter((name) => name !== "is-moving").sort().join(" "),
      read(row, ".w-line", "d"), read(row, ".w-dot", "cx"), read(row, ".w-zone", "x"),
      read(row, ".w-zone", "width"), row.querySelectorAll(".badge-you").length,
    ]),
    notes: [...page.querySelectorAll("[data-rows] tr:not([data-team]):not([hidden])")].map(
      (note) => [note.previousElementSibling.dataset.name ?? "", text(note, "[data-noise]")]),
    axis: plain(page.querySelector(".axis").textContent),
    teams: text(page, "[data-team-count]"),
    phase: text(page, "[data-phase-word]:not([hidden])"),
  };
}"""


OPENED = datetime(2026, 11, 26, 9, tzinfo=UTC)
SHORT = 6  # lines of a page in the next test, on both sides
LINE = 90  # teams from here on are baselines

# team, name, score, minute in which it was reached, entries, tied, rank an hour ago
BEFORE = [
    (1, "Ada", 0.94, 10, 3, True, 2),
    (2, "Ben", 0.93, 20, 4, True, 1),
    (3, "Cleo", 0.93, 5, 5, False, 3),
    (91, "Line to beat", 0.91, 1, 1, None, None),
    (4, "Dora", 0.9, 30, 6, None, None),
    (5, "Emil", 0.82, 40, 7, None, 4),
]
CHANGED = [
    (3, "Cleo", 0.95, 61, 6, None, 3),
    (7, CLASH, 0.92, 62, 1, None, None),
    (8, "Shown again", 0.5, 59, 4, None, None),
]
LEARNT = [(1, "Ada", 0.94, 10, 3, False, 2), (2, "Ben", 0.93, 20, 4, True, 1)]


def ranked(*changes: list[tuple[Any, ...]]) -> list[Row]:
    """The rows after these changes, ordered and ranked as on the server."""
    lines = {line[0]: line for change in changes for line in change}
    ordered = sorted(lines.values(), key=lambda line: (-line[2], line[3], line[0]))
    places = iter(rank([line[2] for line in ordered if line[0] < LINE]))
    rows = []
    for team, name, value, minute, entries, tied, then in ordered:
        place = next(places) if team < LINE else None
        at = OPENED + timedelta(minutes=minute)
        low, high = (round(end, 6) for end in wilson(value, 900))
        moved = then - place if then and place else None
        rows.append(
            Row(place, team, name, "", 1, team >= LINE, f"{value:.4f}", value, low, high, entries,
                at, at, tied, moved, "", [[at.timestamp(), value]])
        )  # fmt: skip
    return rows


def as_page(rows: list[Row], noise: float, phase: Phase = Phase.OPEN) -> str:
    """The first page of the board as Emil's team gets it, without a database."""
    competition = Competition(slug="pets", title="Pets", opens_at=OPENED, prizes=2, state="open")
    competition.clock = OPENED + timedelta(hours=6)  # type: ignore[attr-defined]
    teams = sum(not row.is_baseline for row in rows)
    leader = next(row for row in rows if not row.is_baseline)
    board = Board(6, facts("accuracy", {}, None), 4, rows[:SHORT], teams, 1, 1, leader, noise)
    challenge = Challenge(competition, phase, Team(pk=5, name="Emil"), teams, 0, cursor="0-0")
    sheet = board_page.sheet_of(challenge, board)
    context = board_page.context_of(challenge, board_page.Wanted(1, "", ""), sheet)
    request = RequestFactory().get("/competitions/pets/leaderboard/")
    request.user = AnonymousUser()
    return render_to_string("competitions/leaderboard.html", context, request)


def news(rows: list[Row]) -> Iterator[str]:
    """What the stream tells of the changes to these rows, and of what else happens."""
    by_team = {row.team_id: row for row in rows}
    for number, (team, *_) in enumerate(CHANGED, 1):
        public = by_team[team].public()
        del public["rank"], public["moved"]
        yield _event("board", number, version=6 + number, row=public)
    learnt = [
        {"team_id": team, "tied": tied, "low": row.low, "high": row.high, "moved": row.moved}
        for team, *_, tied, _ in LEARNT
        for row in (by_team[team],)
    ]
    leader = {"team_id": rows[0].team_id, "value": rows[0].value}
    yield _event("statistics", 4, version=9, noise=0.03, leader=leader, rows=learnt)
    yield _event("announcement", 5, id=1, text=CLASH, at=leaderboard.iso(OPENED))
    now = leaderboard.iso(OPENED + timedelta(hours=6))
    dates = {"opens_at": leaderboard.iso(OPENED), "closes_at": None, "freezes_at": None}
    yield _event("clock", 6, phase="paused", now=now, frozen_since=None, **dates)


def _event(name: str, number: int, **data: Any) -> str:
    return f"id: {number}-0\nevent: {name}\ndata: {json.dumps(data)}\n\n"


def test_news_change_the_page_as_a_reload_would(serve):
    """A new leader, a newcomer who pushes one's own line off the page, statistics, a pause and an
    announcement: rows, ranks, arrows, marks and notes are then those of a page made anew."""
    rows = ranked(BEFORE, CHANGED, LEARNT)
    asked = []

    def answer(path: str) -> dict[str, Any]:
        asked.append(path)
        if "/live/" not in path:
            return {"status": 404}
        return {"body": "".join(news(rows)), "content_type": "text/event-stream"}

    page = serve(as_page(ranked(BEFORE), noise=0.02), answer)
    page.wait_for_selector("[data-phase-word]:text('Paused')")
    page.wait_for_selector(f"[data-rows] b:text('{CLASH}')")
    seen = page.evaluate(SEEN)
    fresh = page.evaluate(SEEN, as_page(rows, noise=0.03, phase=Phase.PAUSED))
    assert [line[:3] for line in seen["rows"]][:2] == [
        ["1", "Cleo", "0.9500"],
        ["2", "Ada", "0.9400"],
    ]
    assert [(line[1], line[5]) for line in seen["rows"]][:4] == [
        ("Cleo", "band-first band-last in-band"),
        ("Ada", ""),
        ("Ben", "band-first in-band"),
        (CLASH, "band-last in-band"),
    ]
    assert seen == fresh
    assert page.locator("[data-pinned] b").inner_text() == "Emil"
    assert page.locator(".toast p").inner_text() == CLASH
    page.fill("[type=search]", "nobody")
    assert page.locator("[data-search-result]").inner_text() == "No team is called that."
    assert page.locator("tr[data-team]:visible b").all_inner_texts() == ["Emil"]
    page.reload()
    assert page.locator(".toast p").all_inner_texts() == [CLASH]
    assert sum("/live/" in path for path in asked) == 2  # one for each time it was opened


def test_a_file_that_was_held_is_there_again_after_a_pause(serve):
    """The form goes when the challenge pauses, and the one that comes back takes the file over."""
    competition = Competition(slug="pets", title="Pets", opens_at=OPENED, state="open")
    competition.clock = OPENED
    challenge = Challenge(competition, Phase.OPEN, Team(pk=5, name="Emil"), 1, 1, "0-0")
    request = RequestFactory().get("/competitions/pets/submit/")
    request.user = AnonymousUser()
    free = {
        "left": 3,
        "today_left": 3,
        "limit": 5,
        "lifetime_left": 9,
        "lifetime_limit": 20,
        "resets_at": OPENED,
    }
    context = {"challenge": challenge, "form": SubmissionForm(), "limit": 10**6, "attempts": free}
    page = serve(render_to_string("competitions/submit.html", context, request))
    held = {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"id,label"}
    page.set_input_files("[name=file]", held)
    page.wait_for_selector("[data-file-name]:text('mine.csv')")
    page.evaluate("""() => {
      const region = document.querySelector("[data-region=sending]");
      region.textContent = "Paused";
      region.dispatchEvent(new CustomEvent("renewed"));
    }""")
    assert page.locator("[data-steps]").is_hidden()
    page.evaluate("import('/static/js/regions.js').then((it) => it.renewRegions())")
    assert page.locator("[data-file-name]").inner_text() == "mine.csv"
    assert page.locator("[name=file]").evaluate("(input) => input.files[0].name") == "mine.csv"
    assert page.locator("[data-upload] [type=submit]").get_attribute("aria-disabled") is None


def test_a_sample_file_does_not_flatten_the_chart(serve):
    """Its curve lies below the axis, which fits those who race."""
    sample = (6, "Sample", 0.1, 2, 1, None, None)
    html = as_page(ranked([*BEFORE[:2], (5, "Emil", 0.82, 40, 7, None, 4), sample]), 0.02)
    later = leaderboard.iso(OPENED + timedelta(hours=6))
    page = serve(re.sub('data-now="[^"]*"', f'data-now="{later}"', html))
    page.wait_for_selector("[data-chart-plot] text")
    texts = page.locator("[data-chart-plot] text").all_text_contents()
    ticks = [float(text) for text in texts if re.fullmatch(r"0\.\d+", text)]
    assert 0.5 < min(ticks) < 0.85
    assert not {"Sample"}.intersection(texts)

"""The board's life again: its curves, the replay page, and the file that holds all of it."""

import base64
import json
import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from playwright.sync_api import expect

from competitions import boardfile, leaderboard, lifecycle, reveal, submissions
from competitions.boardfile import bundling
from competitions.boardfile.page import standings
from competitions.models import Competition, Submission, Team
from competitions.views.sparklines import spark
from holdout.pages.wording import NOTHING
from tests.classroom import report_on

REPLAY = "/competitions/pets/replay/"
EXPORT = "/competitions/pets/replay/export/"
HOSTILE = """</script><img src=x onerror="document.title='broken'">"""
START = 1_764_144_000
HOUR = 3600


@pytest.fixture
def enter(submit, answers):
    """``enter(alice, wrong=2, minute=5)``: a file scored, received in that minute of yesterday."""
    start = timezone.now() - timedelta(days=1)

    def add(user, wrong, minute, wrong_private=0):
        content = answers(wrong, wrong_private)
        sent = submit(user, content)
        at = start + timedelta(minutes=minute)
        day = at.date() - timedelta(days=minute)  # no test runs out of slots
        Submission.objects.filter(pk=sent.pk).update(received_at=at, day=day)
        claimed = submissions.claim(sent.pk)
        submissions.finish(claimed, report_on(claimed, content))

    return add


def again(competition) -> Competition:
    """As the doors read it, with a fresh clock."""
    return Competition.objects.get(pk=competition.pk)


def told(html: str):
    """The history inside the file."""
    (text,) = re.findall(r'<script id="history" type="application/json">(.*?)</script>', html)
    return json.loads(text)


# --- who may have it -----------------------------------------------------------------------------


def test_everybody_may_replay_an_open_challenge_and_keep_its_file(competition, clients):
    page = clients().get(REPLAY)
    assert (page.status_code, 'data-api="/api/competitions/pets/history/"' in page.text) == (
        200,
        True,
    )
    kept = clients().get(EXPORT)
    assert kept.headers["Content-Disposition"] == 'attachment; filename="pets-board.html"'
    assert told(kept.text)["teams"] == []


@pytest.mark.parametrize("address", ["replay/", "replay/export/"])
def test_only_organisers_know_of_a_drafts_replay(draft, clients, alice, host, address):
    where = f"/competitions/{draft.slug}/{address}"
    statuses = [clients(user).get(where).status_code for user in (None, alice, host)]
    assert statuses == [404, 404, 200]


# --- what the file holds -------------------------------------------------------------------------


def test_the_file_ends_with_the_public_board(competition, enter, alice, bob, charlie):
    enter(alice, wrong=3, minute=1)
    enter(bob, wrong=1, minute=2)
    enter(charlie, wrong=1, minute=3)
    enter(alice, wrong=2, minute=4)
    Team.objects.filter(members__user=bob).update(is_baseline=True)
    now = again(competition)
    rows = leaderboard.board(now).rows
    expected = [(row.rank, row.team, row.score) for row in rows]
    lines = standings(leaderboard.history(now))
    assert [(line.rank, line.team, line.score) for line in lines] == expected
    assert told(boardfile.render(now))["teams"] == leaderboard.history(now)["teams"]


def test_private_scores_are_in_the_file_once_the_final_board_is_published(
    competition, enter, alice
):
    enter(alice, wrong=1, minute=1, wrong_private=5)
    private = "0.5833"  # 7 of 12
    lifecycle.close_now(again(competition))
    assert private not in boardfile.render(again(competition))
    reveal.reveal(again(competition), despite="the seal is not compared in this test")
    assert private not in boardfile.render(again(competition))
    reveal.publish(again(competition))
    assert private in boardfile.render(again(competition))


def test_the_file_asks_for_nothing(competition, enter, alice):
    enter(alice, wrong=1, minute=1)
    Team.objects.update(name=HOSTILE)
    html = boardfile.render(again(competition))
    assert re.findall(r'\s(?:src|href|action)="|<link|@import|url\("(?!data:)', html) == []
    assert "<img" not in html
    assert told(html)["teams"][0]["team"] == HOSTILE


def test_the_command_writes_the_file(competition, tmp_path, capsys):
    out = tmp_path / "board.html"
    call_command("export_board", "pets", out=out)
    assert told(out.read_text())["title"] == competition.title
    assert str(out) in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"no challenge 'dogs'\. Challenges: pets\."):
        call_command("export_board", "dogs")
    with pytest.raises(CommandError, match="could not be written"):
        call_command("export_board", "pets", out=tmp_path / "missing" / "board.html")


# --- modules in one file -------------------------------------------------------------------------


@pytest.fixture
def static(tmp_path, monkeypatch):
    """``static("js/a.js", text)``: a static file of this test, beside which there is no other."""

    def find(name):
        return str(tmp_path / name) if (tmp_path / name).is_file() else None

    def write(name, text):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    monkeypatch.setattr(bundling.finders, "find", find)
    return write


def test_modules_become_one_with_every_import_before_its_use(static):
    static("js/a.js", 'import { two as b } from "./b.js";\nimport { c } from "./c.js";\nb(c);\n')
    static("js/b.js", 'import { c } from "./c.js";\nconst own = 1;\nexport const two = () => c;\n')
    static("js/c.js", "const own = 2;\nexport function c() {}\n")
    assert bundling.script("a.js") == (
        "const $c = (() => {\nconst own = 2;\nfunction c() {}\nreturn { c };\n})();\n\n"
        "const $b = (() => {\nconst { c } = $c;\nconst own = 1;\nconst two = () => c;\n"
        "return { two };\n})();\n\n"
        "const { two: b } = $b;\nconst { c } = $c;\nb(c);\n"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('import { a } from "./a.js";\n', "import each other: a > a"),
        ('import { b } from "./b.js";\n', "no static file js/b.js"),
        ('import b from "./b.js";\n', "cannot put 'import b from"),
        ("export default 1;\n", "cannot put 'export default 1;'"),
        ('const b = await import("./b.js");\n', "cannot put 'import"),
        ('const b = "</SCRIPT>";\n', "would end the element"),
    ],
)
def test_what_cannot_stand_in_one_file_is_refused(static, text, complaint):
    static("js/a.js", text)
    with pytest.raises(ValueError, match=complaint):
        bundling.script("a.js")


def test_pictures_of_a_stylesheet_stand_inside_it(static):
    static("css/a.css", '.a { background: url("../img/a.svg"); }')
    static("img/a.svg", "<svg/>")
    assert bundling.style(["a"]) == '.a { background: url("data:image/svg+xml;base64,PHN2Zy8+"); }'


# --- one arithmetic in Python and in the page ----------------------------------------------------

DAY = (START, START + 10 * HOUR)
EARLY_AND_LATE = [[START - HOUR, 0.5], [START + HOUR, 0.75], [START + 9 * HOUR, 0.875]]
LOSSES = [[START + 999, 2.5], [START + 5555, 1.25], [START + 7777, 0.3333]]
SPARKS = [
    ([], DAY, "maximize", None),
    ([[START + HOUR, 0.5]], DAY, "maximize", None),
    (EARLY_AND_LATE, DAY, "maximize", None),
    (EARLY_AND_LATE, DAY, "maximize", START + 2 * HOUR),
    (LOSSES, DAY, "minimize", None),
    ([[START, 0.1]], (START, START), "maximize", None),
]


def test_a_sparkline_steps_up_where_the_team_became_better():
    line = spark([[START, 0.5], [START + 5 * HOUR, 0.75]], *DAY)
    assert (line.line, line.dot_x, line.dot_y) == ("M2 20H39V4H76", 76, 4)
    assert spark([[START, 2.0], [START + 5 * HOUR, 1.0]], *DAY, "minimize").line == line.line
    assert spark([], *DAY).dot_x is None


def invented(direction: str, seed: int):
    """A history in which values and moments often coincide."""
    chance = random.Random(seed)  # noqa: S311 - nothing here is secret
    sign = -1 if direction == "minimize" else 1
    teams = [
        {
            "team_id": number,
            "team": HOSTILE if number == 3 else f"Team {number}",
            "group": "",
            "is_baseline": number % 5 == 0,
            "curve": sorted(
                ([START + 300 * at, round(0.5 + sign * 0.01 * at, 4)] for at in moments),
            ),
        }
        for number in range(1, 13)
        for moments in [set(chance.choices(range(20), k=4))]
    ]
    return {
        "version": 1,
        "title": "Pets",
        "direction": direction,
        "decimals": 4,
        "opens_at": "2025-11-26T08:00:00Z",
        "closes_at": "2025-11-26T18:00:00Z",
        "freezes_at": None,
        "now": "2025-11-26T20:00:00Z",
        "teams": teams,
    }


def at(history, moment: int):
    """The history as it was at that moment."""
    teams = [
        {**team, "curve": [point for point in team["curve"] if point[0] <= moment]}
        for team in history["teams"]
    ]
    return {**history, "teams": teams}


def seen(history):
    """Rank and name from the top, ranks as the page writes them."""
    return [(str(line.rank or NOTHING), line.team) for line in standings(history)]


@pytest.fixture(scope="module")
def chromium(launch_browser):
    browser = launch_browser()
    yield browser
    browser.close()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.fixture
def module(page):
    """Evaluates an expression on what the module exports, ``m``, and on an argument, ``x``."""

    def evaluate(name, names, expression, argument):
        text = f"{bundling.script(name)}\nexport {{ {names} }};"
        address = f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"
        script = (
            f"async ([address, x]) => {{ const m = await import(address); return {expression}; }}"
        )
        return page.evaluate(script, [address, argument])

    return evaluate


@pytest.mark.browser
def test_the_page_computes_what_the_server_computes(module):
    drawn = module(
        "sparkline.js",
        "sparkPath",
        "x.map(([curve, [from, to], way, now]) => m.sparkPath(curve, from, to, way, now ?? to))",
        SPARKS,
    )
    for (curve, ends, direction, now), there in zip(SPARKS, drawn, strict=True):
        here = spark(curve, *ends, direction, now)
        dot = {"x": here.dot_x, "y": here.dot_y} if here.line else None
        assert there == {"line": here.line, "dot": dot}

    for direction in ("maximize", "minimize"):
        history = invented(direction, seed=7)
        moments = [START + 150 * step for step in range(-1, 41)]
        boards = module(
            "timeline.js",
            "Timeline",
            "x[1].map((at) => { const t = new m.Timeline(x[0]); return t.board(t.positionAt(at))"
            ".map(({ rank, team }) => [String(rank ?? x[2]), team]); })",
            [history, moments, NOTHING],
        )
        expected = [[list(line) for line in seen(at(history, moment))] for moment in moments]
        assert boards == expected


@pytest.mark.browser
def test_the_file_replays_the_board_with_no_site_and_no_network(page, tmp_path, monkeypatch):
    history = invented("maximize", seed=3)
    monkeypatch.setattr(leaderboard, "history", lambda competition: history)
    pets = Competition(slug="pets", title="Pets")
    pets.clock = datetime(2026, 1, 1, tzinfo=UTC)
    file = Path(tmp_path, "board.html")
    file.write_text(boardfile.render(pets))

    asked, complaints = [], []
    page.context.set_offline(True)
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text))
    page.goto(file.as_uri())
    rows = page.locator("[data-replay-board] tr[data-team]")

    def board():
        cells = ".rank, b"
        return [tuple(row.locator(cells).all_inner_texts()) for row in rows.all()]

    expect(rows).to_have_count(len(seen(history)))
    assert board() == seen(history)
    expect(page.locator("[data-chart-plot] .series").first).to_be_attached()
    page.locator("[data-slider]").fill(str(START + 1510))
    assert board() == seen(at(history, START + 1510))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    moments = sorted({point[0] for team in history["teams"] for point in team["curve"]})
    assert page.locator("[data-clock]").get_attribute("datetime") in {
        datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", ".000Z")
        for moment in moments
        if moment <= START + 1510
    }
    page.keyboard.press(" ")
    expect(page.locator("[data-play]")).to_have_text("Pause")
    expect(page.locator("img")).to_have_count(0)
    assert (page.title(), asked, complaints) == ("Pets · the board", [file.as_uri()], [])

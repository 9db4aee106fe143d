"""The screens of a room: who may see them, the way in by QR code, and two plays in a browser."""

import json
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import segno
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import json_script

from competitions import final, lifecycle, reveal
from competitions.boardfile import page as boardfile
from competitions.views import ceremony, projector

DAY = "2026-01-01T"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
SITE = "http://room.test"
ORDER = """async (board) => {
  const { Standings } = await import("/static/js/standings.js");
  const standings = new Standings();
  standings.replace(board);
  return standings.ranked.map((row) => row.team);
}"""
WORDS = """async ([clock, at]) => {
  const { wordsFor } = await import("/static/js/phases.js");
  const { word, line, note } = wordsFor(clock, Date.parse(at));
  return [word ?? "", line[0], note ? note[0] : ""];
}"""
COUNT = """async ([board, row]) => {
  const { Standings } = await import("/static/js/standings.js");
  const standings = new Standings();
  standings.replace(board);
  standings.apply(board.version + 1, row);
  return standings.board.teams;
}"""
DESPITE = "The seal of this test is not real."


@pytest.fixture
def get(clients, competition):
    """``get(alice, "ceremony/")``: what her browser is answered."""

    def ask(user, page, **headers):
        return clients(user).get(f"/competitions/{competition.slug}/{page}", headers=headers)

    return ask


# --- who may see them ----------------------------------------------------------------------------


def test_the_ceremony_is_nobodys_before_the_reveal_then_the_hosts_then_everybodys(
    get, competition, scored, answers, host, alice, charlie
):
    everybody = [None, charlie, alice, host]
    scored(alice, answers(4))

    def seen_by():
        return [user for user in everybody if get(user, "ceremony/").status_code == 200]

    assert seen_by() == []
    lifecycle.close_now(competition)
    assert seen_by() == []
    ways = [get(user, "ceremony/").content.decode() for user in (host, alice)]
    assert all("The ceremony has not begun" in page for page in ways)
    assert [f"/{competition.pk}/reveal/" in page for page in ways] == [True, False]
    reveal.reveal(competition, despite=DESPITE)
    assert seen_by() == [host]
    assert get(alice, "ceremony/").status_code == 404
    assert "data-publish" in get(host, "ceremony/").content.decode()
    reveal.publish(competition)
    assert seen_by() == everybody
    assert "data-publish" not in get(host, "ceremony/").content.decode()


def test_the_ceremony_plays_the_final_board(get, competition, scored, answers, host, alice, bob):
    scored(alice, answers(4))
    scored(bob, answers(2))
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite=DESPITE)
    page = get(host, "ceremony/").content.decode()
    embedded = re.search(r'<script id="final" type="application/json">(.*?)</script>', page)
    competition.refresh_from_db()
    assert json.loads(embedded[1]) == final.results(competition)
    assert len(json.loads(embedded[1])["rows"]) == 2


def test_whoever_shares_the_first_place_wins(get, competition, scored, answers, alice, bob):
    for person in (alice, bob):
        scored(person, answers(4))
    lifecycle.close_now(competition)
    reveal.reveal(competition, despite=DESPITE)
    reveal.publish(competition)
    board = get(alice, "leaderboard/").content.decode()
    names = [row["team"] for row in final.results(competition)["rows"]]
    assert f"{names[0]} and {names[1]} share the first place." in board
    assert "wins," not in board
    assert get(None, "replay/export/").content.decode().count('class="rank rank-gold"') == 2


def test_tied_in_the_kept_file_are_the_winner_and_whoever_cannot_be_told_from_it():
    rows = [
        {"team_id": n, "rank": rank, "tied": tied}
        for n, (rank, tied) in enumerate([(None, True), (1, True), (2, True), (3, False)])
    ]
    assert boardfile.tied_with_winner(rows) == {1, 2}
    assert boardfile.tied_with_winner([rows[1], rows[3]]) == frozenset()
    assert boardfile.tied_with_winner([]) == frozenset()


def test_the_projector_is_everybodys_but_a_drafts_is_the_hosts(clients, get, draft, host, charlie):
    for user in (None, charlie, host):
        assert get(user, "projector/").status_code == 200
    address = f"/competitions/{draft.slug}/projector/"
    assert clients(charlie).get(address).status_code == 404
    assert clients(host).get(address).status_code == 200


# --- the way in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("holdout.example", "holdout.example"),
        ("192.168.1.20:8000", "192.168.1.20:8000"),
        # The phones of the room cannot reach the machine under its own name for itself.
        ("127.0.0.1:8000", "192.168.1.20:8000"),
        ("localhost", "192.168.1.20"),
        ("[::1]:8000", "192.168.1.20:8000"),
    ],
)
def test_the_qr_code_leads_to_the_challenge_as_the_room_can_reach_it(
    get, competition, settings, asked, told
):
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "192.168.1.20", "holdout.example"]
    page = get(None, "projector/", host=asked).content.decode()
    address = f"http://{told}/competitions/{competition.slug}/"
    assert f'aria-label="QR code of {address}"' in page
    drawn = re.search(r'class="qr" viewBox="0 0 (\d+) \1".*?<path d="([^"]+)"', page)
    size, path = int(drawn[1]), drawn[2]
    expected = segno.make(address, error="m", micro=False).matrix_iter(border=4)
    assert modules(size, path) == [[int(is_dark) for is_dark in row] for row in expected]


def test_a_machine_without_a_network_tells_its_own_address(get, competition, settings):
    settings.ALLOWED_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
    page = get(None, "projector/", host="localhost:8000").content.decode()
    assert f"QR code of http://localhost:8000/competitions/{competition.slug}/" in page


def modules(size, path):
    """The drawn squares as rows of 0 and 1."""
    rows = [[0] * size for _ in range(size)]
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path):
        rows[int(y)][int(x) : int(x) + int(width)] = [1] * int(width)
    return rows


# --- noise, in words -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tied", "sentence"),
    [
        ([], ""),
        ([True], ""),
        ([True, None, None], ""),
        ([True, True, False], "The second cannot be told apart from the winner."),
        (
            [True, True, True, False, True],
            "Second and third cannot be told apart from the winner.",
        ),
        ([True] * 5 + [False], "Second to fifth cannot be told apart from the winner."),
        ([True] * 14, "The 13 teams behind the winner cannot be told apart from it."),
        ([True, False, False], "The winner is ahead by more than noise."),
    ],
)
def test_a_sentence_says_who_is_tied_with_the_winner(tied, sentence):
    teams = [{"rank": rank, "tied": each} for rank, each in enumerate(tied, start=1)]
    assert ceremony.noise(teams) == sentence


def test_of_several_winners_nobody_is_called_the_second():
    teams = [{"rank": rank, "tied": True} for rank in (1, 1, 3)]
    assert ceremony.noise(teams) == "The first 3 teams cannot be told apart."


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def page(launch_browser):
    browser = launch_browser()
    yield browser.new_context(locale="en-GB", reduced_motion="reduce").new_page()
    browser.close()


@pytest.fixture
def room(page):
    """``room(html, answers)``: the page in a browser, its script and styles from the checkout.

    ``answers`` maps paths to what the site would answer: content type, body, and if need be a
    dict with status and headers.
    """
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def answer(route):
        path = re.sub(r"^https?://[^/]+|\?.*$", "", route.request.url)
        if path.startswith("/static/"):
            route.fulfill(path=finders.find(path.removeprefix("/static/")))
            return
        kind, body, *more = page.answers.get(path, ("text/plain", ""))
        route.fulfill(content_type=kind, body=body, **(more[0] if more else {}))

    def open_page(html, **answers):
        page.answers = {"/": ("text/html", html), **answers.pop("answers", {})}
        page.route("**/*", answer)
        page.goto(f"{SITE}/")
        return page

    yield open_page
    assert complaints == []


def challenge(slug="pets"):
    solution = SimpleNamespace(created_at=timezone.now())
    competition = SimpleNamespace(slug=slug, title="Pets", solution=solution)
    return SimpleNamespace(competition=competition, cursor="1-0")


def place(rank, name, public_rank):
    facts = {"rank": rank, "team": name, "team_id": 100 - rank, "public_rank": public_rank}
    return {**facts, "score": f"0.9{9 - rank}", "moved": public_rank - rank, "tied": None}


FINAL = {
    "private_rows": 12,
    "seal": {"commitment": "9f3c" + "0" * 56 + "a71e", "verified": True, "note": ""},
    "rows": [
        place(1, "Ada", 3),
        place(2, "<b>Bea</b>", 1),
        place(2, "Cleo", 4),
        place(4, "Dora", 2),
        place(5, "Elsa", 5),
    ],
}


@pytest.mark.browser
def test_a_ceremony_is_played_by_keys_from_the_last_place_to_the_published_winner(room):
    play = ceremony.Play(FINAL, "", has_teams=True, script=json_script(FINAL, "final"))
    context = {"challenge": challenge(), "final": FINAL, "play": play, "can_publish": True}
    page = room(render_to_string("competitions/ceremony.html", {**context, "csrf_token": "secret"}))
    ends, name = page.locator(".slope .end:visible"), page.locator("[data-name]")

    def told():
        return [*ends.locator(".to").all_text_contents()]

    page.keyboard.press("p")  # too early: nothing is published
    assert told() == []
    for key, heard in [("Space", "Elsa"), ("PageDown", "Dora"), ("ArrowRight", "Cleo")]:
        page.keyboard.press(key)
        assert name.text_content() == heard
        assert heard in page.locator("[data-said]").text_content()
    assert told() == ["Cleo", "Dora", "Elsa"]
    page.keyboard.press("PageUp")
    assert told() == ["Dora", "Elsa"]
    page.reload()  # goes on where it was
    assert told() == ["Dora", "Elsa"]
    page.locator("h1").click()
    page.keyboard.press("Enter")
    assert name.text_content() == "<b>Bea</b>"
    assert page.locator("[data-above]").text_content().startswith("Shares the 2nd place, from 1st")
    page.keyboard.press("End")
    assert told() == [row["team"] for row in FINAL["rows"]]
    assert page.locator("[data-above]").text_content() == "Winner, from 3rd on the public board"
    steps = page.locator(".podium li.is-told strong").all_text_contents()
    assert steps == ["2", "1", "2"]
    outcome, address = page.locator("[data-outcome]"), "/competitions/pets/publish/"
    refusal = json.dumps({"error": {"code": "not_ready", "message": "Reveal it first."}})
    for answer, words in (
        (("text/html", "", {"status": 302, "headers": {"Location": "/"}}), "You are signed out"),
        (("application/json", refusal, {"status": 409}), "Not published. Reveal it first."),
        (("text/html", "<h1>Sign in</h1>"), "Not published. The site answers 200."),
        (("text/plain", "", {"status": 204}), "Published: everybody sees the final board now."),
    ):
        page.answers[address] = answer
        with page.expect_request(f"**{address}") as sent:
            page.keyboard.press("p")
        outcome.filter(has_text=words).wait_for()
    assert (sent.value.method, sent.value.headers["accept"]) == ("POST", "application/json")
    assert "secret" in sent.value.post_data
    assert page.locator("[data-publish] button").is_hidden()


def line(team_id, name, score, **fields):
    row = {"team_id": team_id, "team": name, "score": f"{score:.2f}", "value": score, "entries": 2}
    at = timezone.now().isoformat()
    times = {"last_at": at, "reached_at": at}
    return {**row, **times, "is_baseline": False, "tied": None, "moved": 0, **fields}


BOARD = {
    "version": 3,
    "direction": "maximize",
    "decimals": 2,
    "feedback": "rounded",
    "frozen_since": None,
    "noise": 0.1,
    "teams": 2,
    "pages": 1,
    "rows": [],
}


@pytest.mark.browser
def test_a_projector_moves_the_race_by_what_the_stream_tells(room):
    rows = [line(1, "Ada", 0.8, rank=1), line(2, "<b>Bea</b>", 0.7, rank=2)]
    board = {**BOARD, "rows": rows}
    news = {"version": 4, "row": line(2, "<b>Bea</b>", 0.9)}
    said = {"id": 7, "text": "The bus leaves at 5.", "at": timezone.now().isoformat()}
    phase = {"phase": "closed", "opens_at": None, "closes_at": None, "announcements": [said]}
    html = render_to_string(
        "competitions/projector.html",
        {
            "challenge": challenge(),
            "clock": json.dumps({**phase, "phase": "open", "now": "2026-01-01T00:00:00Z"}),
            "joining": projector.Joining(SITE, "room.test", None, projector.code(SITE)),
        },
    )
    page = room(
        html,
        answers={
            "/api/competitions/pets/leaderboard/": ("application/json", json.dumps(board)),
            "/api/competitions/pets/": ("application/json", json.dumps(phase)),
            "/competitions/pets/live/": (
                "text/event-stream",
                f"id: 2-0\nevent: board\ndata: {json.dumps(news)}\n\n",
            ),
        },
    )
    page.get_by_text("0.90, takes the lead", exact=True).wait_for()
    assert page.locator(".race [data-name]").all_text_contents() == ["<b>Bea</b>", "Ada"]
    assert page.locator(".race .rank").all_text_contents() == ["1", "2"]
    assert page.locator(".race .move").first.text_content() == "up 1"
    assert page.locator("[data-big]").text_content() == "Closed"
    # Said while no stream was there to hear it.
    assert page.locator("[data-announcement]").text_content() == said["text"]
    # Without scores the order is that of every other board: by the first file.
    hidden = {"score": "", "value": None, "rank": None}
    rows = [
        {**line(1, "Late", 0.5), **hidden, "entries": 9},
        {**line(2, "Soon", 0.5), **hidden, "reached_at": "2026-01-01T00:00:00Z"},
    ]
    assert page.evaluate(ORDER, {**board, "feedback": "hidden", "rows": rows}) == ["Soon", "Late"]
    # A team that was hidden counts again, though it has entered before; a known one counts once.
    assert [page.evaluate(COUNT, [board, line(n, "Any", 0.6)]) for n in (1, 9)] == [2, 3]


@pytest.mark.browser
def test_a_wall_tells_the_freeze_the_pause_and_the_end_by_the_clock_alone(room):
    page = room("<body></body>")
    day = {"opens_at": None, "closes_at": f"{DAY}12:00:00Z", "freezes_at": f"{DAY}11:00:00Z"}

    def told(at, **news):
        return page.evaluate(WORDS, [{"phase": "open", **day, **news}, f"{DAY}{at}Z"])

    assert told("10:59:59")[2] == "The board freezes at "
    assert told("11:00:00")[2] == "Board frozen since "
    paused = told("10:30:00", phase="paused")
    assert paused == ["Paused", "1:30:00 left, the clock runs on", ""]
    assert told("12:00:01", phase="paused")[0] == "Closed"
    # Closed before the freeze came: nothing was kept back.
    early = {"closes_at": f"{DAY}10:00:00Z", "freezes_at": f"{DAY}10:00:00Z"}
    closed = ["Closed", "results at the ceremony", ""]
    assert told("10:00:01", phase="closed", **early) == closed
    assert told("13:00:00", phase="revealed", **early) == closed
    assert told("13:00:00", phase="revealed", published_at=f"{DAY}12:30:00Z")[0] == "Final"


@pytest.mark.browser
@pytest.mark.parametrize("published_at", [None, "2026-01-01T13:00:00Z"])
def test_a_wall_shows_the_final_board_once_it_is_published_and_not_before(room, published_at):
    whole = {"rank": 1, "moved": None, "low": 0.7, "high": 0.9}
    first = line(1, "Cleo", 0.8, **whole, reached_at=f"{DAY}12:00:00Z", curve=[[NOON, 0.8]])
    later = {"reached_at": f"{DAY}12:01:00Z", "curve": [[NOON + 9, 0.7], [NOON + 60, 0.8]]}
    board = {**BOARD, "rows": [first, line(2, "Ada", 0.8, **whole, **later)]}
    rows = [
        {**place(rank, name, 2), "value": 0.9, "low": 0.8, "high": 1.0, "is_baseline": False}
        for rank, name in ((1, "Bea"), (2, "Ada"))
    ]
    # An organiser's browser is answered before the publication as well.
    final_board = {"direction": "maximize", "published_at": published_at, "rows": rows}
    known = {"phase": "revealed", "opens_at": None, "closes_at": None, "freezes_at": None}
    told = {**known, "published_at": published_at, "announcements": []}
    clock = json.dumps({**known, "now": f"{DAY}14:00:00Z"})
    joining = projector.Joining(SITE, "room.test", None, projector.code(SITE))
    context = {"challenge": challenge(), "clock": clock, "joining": joining, "bounds": "0 1"}
    page = room(
        render_to_string("competitions/projector.html", context),
        answers={
            "/api/competitions/pets/leaderboard/": ("application/json", json.dumps(board)),
            "/api/competitions/pets/": ("application/json", json.dumps(told)),
            "/api/competitions/pets/final/": ("application/json", json.dumps(final_board)),
        },
    )
    names, heading = page.locator(".race [data-name]"), page.locator("[data-heading]")
    if published_at is None:
        heading.filter(has_text="Public board").wait_for()
        page.wait_for_load_state("networkidle")
        assert names.all_text_contents() == ["Cleo", "Ada"]
        # Nowhere an hour ago: neither a gain nor "no change".
        assert page.locator(".race .move").all_text_contents() == ["", ""]
        # As it was told to who saw it happen.
        moves = page.locator("[data-moves] li small").all_text_contents()
        assert moves == ["0.80, shares the lead", "0.80, takes the lead"]
        assert page.locator("[data-moves] .move:visible").all_text_contents() == ["up 1"]
    else:
        heading.filter(has_text="Final board").wait_for()
        assert names.all_text_contents() == ["Bea", "Ada"]
        assert page.locator(".race .move").first.text_content() == "up 1"
        assert page.locator("[data-noise]").text_content().endswith("tied with the winner.")


@pytest.mark.browser
def test_what_was_announced_while_the_stream_was_away_is_said_after_it(room):
    now = timezone.now()
    said = [
        {"id": n, "text": text, "at": (now + timedelta(minutes=n)).isoformat()}
        for n, text in ((2, "Second."), (1, "First."), (-1, "Read on the page already."))
    ]
    known = {"phase": "open", "opens_at": None, "closes_at": None, "freezes_at": None}
    html = """<body data-now="%s"><main id="main"></main>%s
      <div data-challenge data-live="/live/" data-cursor="1-0" data-api="/api/" data-clock='%s'>
      <span data-phase-word></span><time data-countdown></time></div>
      <script type="module" src="/static/js/challenge.js"></script></body>"""
    clock = json.dumps({**known, "now": now.isoformat()})
    toasts = render_to_string("competitions/_toasts.html")
    reset = 'id: 2-0\nevent: reset\ndata: {"within": 0}\n\n'
    page = room(
        html % (now.isoformat(), toasts, clock),
        answers={
            "/live/": ("text/event-stream", reset),
            "/api/": ("application/json", json.dumps({**known, "announcements": said})),
        },
    )
    page.get_by_text("Second.").wait_for()
    assert page.locator("[data-toasts] [data-text]").all_text_contents() == ["First.", "Second."]

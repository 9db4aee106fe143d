"""The HTML pages: what each visitor sees, what nobody may inject, what a list costs."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import engines
from django.test import Client
from django.utils import timezone

from competitions import picks, teams
from competitions.models import (
    Competition,
    Organiser,
    Role,
    Standing,
    State,
    Status,
    Submission,
    Team,
)
from competitions.views import layouts
from holdout.accounts.models import User
from holdout.pages import marks, markup, wording
from scoring import METRICS
from tests.classroom import make_competition

CLASH = "<script>alert(1)</script>"
HOME = "/"
PUBLIC_PAGES = ("", "data/", "leaderboard/")
OWN_PAGES = ("submit/", "submissions/")
ACCOUNT_PAGES = ("login/", "signup/")
MODULES = Path(settings.PACKAGE) / "static" / "js"
INLINE = re.compile(
    r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
)

Clients = Callable[..., Client]


@pytest.fixture
def html(clients: Clients) -> Callable[..., str]:
    """``html(path, user)``: the page as that person gets it."""

    def get(path: str, user: User | None = None, status: int = 200) -> str:
        response = clients(user).get(path)
        assert response.status_code == status, path
        return str(response.content.decode())

    return get


def address(competition: Competition, page: str = "") -> str:
    return f"/competitions/{competition.slug}/{page}"


# --- who sees what -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PUBLIC_PAGES)
def test_everybody_sees_the_pages_of_an_open_challenge(page, competition, html, alice, host):
    for person in (None, alice, host):
        assert competition.title in html(address(competition, page), person)


@pytest.mark.parametrize("page", OWN_PAGES)
def test_what_is_ones_own_asks_for_a_sign_in(page, competition, clients, html, alice):
    answer = clients(None).get(address(competition, page))
    assert answer.status_code == 302
    assert answer.url.startswith("/accounts/login/?next=")
    assert competition.title in html(address(competition, page), alice)


@pytest.mark.parametrize("page", (*PUBLIC_PAGES, *OWN_PAGES))
def test_drafts_are_not_there_but_for_organisers(page, draft, html, alice, host):
    html(address(draft, page), alice, status=404)
    assert draft.title in html(address(draft, page), host)


def test_the_list_keeps_drafts_from_all_but_organisers(draft, competition, html, alice, host):
    for person in (None, alice):
        assert draft.title not in html(HOME, person)
    assert draft.title in html(HOME, host)


def test_an_empty_site_says_so(db, html):
    assert "No challenges yet" in html(HOME)


def test_phases_are_told_in_words(competition, html, alice):
    now = timezone.now()
    Competition.objects.update(opens_at=now + timedelta(days=1))
    teams.join(Competition.objects.get(), alice)
    assert "Submissions are not open yet" in html(address(competition, "submit/"), alice)
    assert "Coming up" in html(HOME)
    Competition.objects.update(opens_at=None, paused_at=now)
    page = html(address(competition, "submit/"), alice)
    assert "The organiser has paused this challenge" in page and 'type="file"' not in page
    assert "Paused" in html(HOME)
    Competition.objects.update(paused_at=None, state=State.CLOSED)
    assert "The challenge is closed" in html(address(competition, "submit/"), alice)
    assert "Finished" in html(HOME)
    Competition.objects.update(late_submissions=True)
    page = html(address(competition, "submit/"), alice)
    assert "Your file is scored but not ranked" in page and 'type="file"' in page


def test_limits_stand_beside_what_they_limit(competition, scored, answers, html, alice):
    Competition.objects.update(lifetime_limit=3)
    scored(alice, answers(1))
    page = html(address(competition, "submissions/"), alice)
    assert "1 of 5 attempts used today, 1 of 3 in all." in page
    for _ in range(2):
        scored(alice, answers(1))
    page = html(address(competition, "submit/"), alice)
    assert 'aria-disabled="true"' in page
    assert "<span data-spent-in-all >Your team has used all of its 3 attempts." in page


def test_a_score_that_needs_words_has_them(competition, scored, answers, html, alice):
    """The same sentences on the page and for programs."""

    def said(sent):
        page = html(address(competition, f"submissions/{sent.public_id}/"), alice)
        return html(f"/api/submissions/{sent.public_id}/", alice), page

    first = scored(alice, answers(2))
    for text in said(first):
        assert "0.6667" in text and "does not show it" not in text
    Competition.objects.update(feedback="ladder", ladder_step=0.25)
    same = scored(alice, answers(1))
    for text in said(same):
        assert "No real improvement over your best 0.7500; gains of 0.25 or less" in text
    Competition.objects.update(feedback="hidden")
    hidden = scored(alice, answers(0))
    for text in said(hidden):
        assert "The file is valid. Scores are shown at the end." in text
        assert "1.0000" not in text
    assert "No score is shown before the end" in html(address(competition), alice)
    now = timezone.now()
    Competition.objects.update(
        feedback="rounded", closes_at=now + timedelta(minutes=9), freeze_minutes=10
    )
    frozen = scored(alice, answers(0))
    for text in said(frozen):
        assert "1.0000" in text and "The board stands still since" in text
    Submission.objects.filter(pk=frozen.pk).update(exclusion="Sent twice.", is_late=True,
                                                   lifetime_slot=None)  # fmt: skip
    for text in said(frozen):
        assert "took it out of the ranking: Sent twice." in text
        assert "It came after the end: it is scored and not ranked." in text


def test_a_disqualified_team_reads_why(competition, scored, answers, html, alice):
    scored(alice, answers(1))
    Team.objects.update(disqualification="Labelled by hand.")
    for page in ("", "submit/", "submissions/"):
        text = html(address(competition, page), alice)
        assert "Your team was disqualified" in text and "Labelled by hand." in text
        assert 'type="file"' not in text


def test_a_submission_is_its_teams_and_the_organisers(competition, submit, answers, html, bob):
    alice = User.objects.create(username="ally")
    sent = submit(alice, answers())
    path = address(competition, f"submissions/{sent.public_id}/")
    assert sent.file_name in html(path, alice)
    html(path, bob, status=404)
    staff = User.objects.create(username="staff", is_staff=True)
    html(path, staff, status=404)
    Organiser.objects.create(competition=competition, user=staff, role=Role.VIEWER)
    assert sent.file_name in html(path, staff)


def test_the_private_score_is_on_no_page(competition, scored, answers, html, alice, host):
    scored(alice, answers(wrong=0, wrong_private=5))
    private = f"{7 / 12:.4f}"
    sent = Submission.objects.get()
    one = f"submissions/{sent.public_id}/"
    for page in (*PUBLIC_PAGES, *OWN_PAGES, one):
        for person in (alice, host):
            text = html(address(competition, page), person)
            assert private[:4] not in text.replace(str(sent.public_id), "")


def test_the_pages_of_errors_speak(competition, clients, html, charlie):
    assert "There is no challenge" in html("/competitions/nowhere/", status=404)
    assert "The address may have a slip" in html("/nowhere/", status=404)
    browser = {"headers": {"accept": "text/html"}}
    refused = clients(charlie).get(address(competition, "data/sample_submission.csv"), **browser)
    assert refused.status_code == 403
    assert "Join the challenge" in refused.content.decode()
    assert "Something broke on our side" in engines["django"].get_template("500.html").render()


# --- joining and sending -------------------------------------------------------------------------


def test_joining_is_a_post_and_leads_back(competition, clients, charlie):
    browser = clients(charlie)
    path = address(competition, "join/")
    assert browser.get(path).status_code == 405
    back = address(competition, "submit/")
    assert browser.post(path, {"next": back}).url == back
    assert Team.objects.get().members.get().user == charlie
    assert browser.post(path, {"next": "https://elsewhere.example/"}).url == address(competition)


def test_a_form_without_its_token_is_refused_in_words(competition, clients, charlie):
    browser = clients(charlie, enforce_csrf_checks=True)
    answer = browser.post(address(competition, "join/"))
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


@pytest.mark.usefixtures("no_queue")
def test_the_plain_form_takes_a_file(competition, clients, alice, answers):
    teams.join(competition, alice)
    file = SimpleUploadedFile("mine.csv", answers())
    answer = clients(alice).post(address(competition, "submit/"), {"file": file, "message": "one"})
    sent = Submission.objects.get()
    assert answer.url == address(competition, f"submissions/{sent.public_id}/")
    assert (sent.file_name, sent.message, sent.status) == ("mine.csv", "one", Status.RECEIVED)


@pytest.mark.usefixtures("no_queue")
def test_the_sample_is_a_first_try(competition, clients, alice):
    teams.join(competition, alice)
    browser = clients(alice)
    assert "Submit the sample" in browser.get(address(competition, "submit/")).content.decode()
    browser.post(address(competition, "submit/"), {"sample": "1"})
    assert Submission.objects.get().file_name == "sample_submission.csv"


def test_what_a_verb_refuses_is_said_on_the_page(competition, clients, alice, answers):
    answer = clients(alice).post(
        address(competition, "submit/"), {"file": SimpleUploadedFile("mine.csv", answers())}
    )
    assert answer.status_code == 403
    assert "Join the challenge first" in answer.content.decode()
    assert clients(alice).post(address(competition, "submit/"), {}).status_code == 400


def test_problems_are_listed_by_line(competition, in_status, html, alice):
    sent = in_status("invalid")
    page = html(address(competition, f"submissions/{sent.public_id}/"), alice)
    problem = sent.problems[0]
    assert f"<b>Line {problem['line']}</b>" in page
    assert problem["message"].replace("'", "&#x27;") in page


# --- nothing of a stranger's runs ----------------------------------------------------------------


def test_a_team_called_script_is_only_a_name(competition, scored, answers, html, alice):
    scored(alice, answers())
    Team.objects.filter().update(name=CLASH)
    for path in (HOME, address(competition, "leaderboard/"), address(competition)):
        page = html(path, alice)
        assert CLASH not in page
        assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ('<img src=x onerror="alert(1)">', "<img"),
        ("[here](javascript:alert(1))", "href"),
        ("[here](data:text/html,x)", "href"),
        ("![x](javascript:alert(1))", "src="),
        ("<b onclick=alert(1)>bold</b>", "<b"),
        ("|a|\n|--:|\n|1|", "style="),
        ("```\n</pre><script>x</script>\n```", "<script"),
    ],
)
def test_markdown_is_only_text(text, forbidden):
    assert forbidden not in markup.render(text)


def test_markdown_fits_into_the_page():
    rendered = markup.render("# Title\n\n|a|b|\n|-|-:|\n|1|2|\n\n```\ncode\n```\n[x](https://y.z)")
    assert "<h2>Title</h2>" in rendered
    assert '<div class="table-wrap"><table class="table">' in rendered
    assert '<td class="num">2</td>' in rendered
    assert '<div class="code"><pre tabindex="0">code</pre></div>' in rendered
    assert 'rel="noopener noreferrer nofollow"' in rendered


def test_no_page_has_inline_script_or_style(competition, in_status, html, alice, host):
    Competition.objects.update(overview="|a|\n|-:|\n|1|", rules="`x`")
    alice.set_password("only so that she may change it")
    alice.save()
    sent = in_status("invalid")
    one = f"submissions/{sent.public_id}/"
    own = [address(competition, page) for page in (*PUBLIC_PAGES, *OWN_PAGES, one)]
    pages = [html(path, person) for path in (HOME, *own) for person in (alice, host)]
    pages += [html(f"/accounts/{page}") for page in ACCOUNT_PAGES]
    pages += [
        html(f"/accounts/{page}", alice) for page in ("tokens/", "password/change/", "logout/")
    ]
    pages.append(html("/nowhere/", status=404))
    for page in pages:
        assert INLINE.search(page) is None, INLINE.search(page)


def test_the_policy_is_strict(competition, clients):
    policy = clients(None).get(HOME).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_token_is_shown_once(clients, alice):
    browser = clients(alice)
    assert "holdout_" in browser.post("/accounts/tokens/", {"name": "laptop"}).content.decode()
    again = browser.get("/accounts/tokens/").content.decode()
    assert "laptop" in again
    assert "holdout_" not in again


# --- how it is scored ----------------------------------------------------------------------------

SCORED = [
    ("accuracy", "", {}, "Accuracy", "more", ["0b7e52,cat", "3f9a1c,dog"], "name of one class"),
    ("log_loss", "", {}, "Log loss", "less", ["id,cat,dog,owl", "0b7e52,0.333"], "divided by its"),
    ("roc_auc", "", {}, "Area under the ROC curve", "more", ["id,cat,dog,owl"], "the surer you"),
    ("mean_column_log_loss", "", {}, "log loss", "less", ["id,cat,dog,owl"], "need not sum to 1"),
    ("map_at_k", "", {"k": "2"}, "at k, k = 2", "more", ["0b7e52,cat dog"], "the first 2 count"),
    ("top_k_error", "ranked", {"k": 1}, "k = 1", "less", ["3f9a1c,dog\n"], "the first one counts"),
    (
        "hamming_loss",
        "",
        {},
        "Hamming loss",
        "less",
        ["3f9a1c,dog owl"],
        "all classes of the image",
    ),
    ("f1", "probabilities", {}, "F1", "more", ["3f9a1c,0,1,0"], "1 for each class of the image"),
]


@pytest.mark.once("the other tests of this file")
@pytest.mark.parametrize(
    ("metric", "layout", "parameters", "title", "better", "lines", "words"), SCORED
)
def test_the_pages_say_how_it_is_scored_and_what_to_send(
    db, solution_csv, html, alice, metric, layout, parameters, title, better, lines, words
):
    settings = {"metric": metric, "layout": layout, "metric_parameters": parameters}
    competition = make_competition("pets", solution_csv, **settings)
    for page in ("data/", "submit/"):
        text = unescape(html(address(competition, page), alice))
        for told in (*lines, words, title, f"{better} is better"):
            assert told in text
    overview = unescape(html(address(competition)))
    assert METRICS[metric].source in overview
    assert f"{better.capitalize()} is better" in overview
    assert title in overview
    assert title in unescape(html(address(competition, "leaderboard/")))
    assert INLINE.search(overview) is None


@pytest.mark.parametrize(("numbers", "words"), [("any", "the surer"), ("unit", "0 to 1")])
def test_scores_are_explained_by_what_the_metric_takes(db, html, numbers, words):
    metric = {"any": "roc_auc", "unit": "brier"}[numbers]
    labels = "\n".join(f"{n},{n % 2},{'Public' if n < 6 else 'Private'}" for n in range(12))
    competition = make_competition(
        "two", f"id,label,Usage\n{labels}".encode(), metric=metric, layout="score"
    )
    text = html(address(competition, "data/"))
    assert "0b7e52,0.92" in text
    assert words in text


def test_every_kind_of_number_has_words():
    forms = [form for metric in METRICS.values() for form in metric.accepts]
    wanted = {(form.layout, form.numbers) for form in forms}
    assert set(layouts.NUMBERS) == {
        each for each in wanted if each[0] in ("score", "probabilities")
    }


def test_the_overview_tells_every_parameter(db, solution_csv, html):
    competition = make_competition(
        "pets",
        solution_csv,
        metric="cost_weighted_accuracy",
        metric_parameters={"costs": "0,1,1;2,0,1;1,1,0"},
    )
    text = unescape(html(address(competition)))
    assert "<code>costs=0,1,1;2,0,1;1,1,0</code> What each mistake costs" in text
    long = {"costs": [[0, 1000000, 1000000], [1, 0, 1000000], [1, 1, 0]]}
    Competition.objects.update(metric_parameters=long)
    assert "[[0, 1000000, 1000000],\n [1, 0, 1000000],\n [1, 1, 0]]</pre>" in html(
        address(competition)
    )
    Competition.objects.update(metric="f1", metric_parameters={"positive": CLASH})
    assert CLASH not in html(address(competition))


def test_a_board_without_intervals_explains_none(db, competition, html):
    page = address(competition, "leaderboard/")
    assert "nineteen times in twenty" in html(page)
    Competition.objects.update(metric="log_loss")
    assert "nineteen times in twenty" not in html(page)
    assert "less is better" in html(page)


# --- what a page costs ---------------------------------------------------------------------------


@pytest.fixture
def crowd(competition: Competition, scored: Any, answers: Any) -> Iterator[None]:
    for n in range(8):
        scored(User.objects.create(username=f"person{n}"), answers(n % 4))
    yield


# session, user; competition, team, teams on the board, submissions of the team
HEAD = 6


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("page", "queries"),
    [
        ("leaderboard/", HEAD + 2),  # the standings; the groups, once a minute
        ("data/", HEAD + 3),  # files, classes; may this person download
        # count, page, scores; clock and attempts; the picks, and what counts without one
        ("submissions/", HEAD + 7),
        ("", HEAD + 6),  # own line and place, files; clock and attempts; announcements
    ],
)
def test_pages_of_a_challenge_cost_the_same_for_any_crowd(
    page, queries, competition, clients, scored, answers, alice, django_assert_num_queries
):
    scored(alice, answers(1))
    browser = clients(alice)
    with django_assert_num_queries(queries):
        browser.get(address(competition, page))


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("more", [0, 4])
def test_the_list_costs_the_same_for_any_number(
    more, competition, clients, solution_csv, scored, answers, alice, django_assert_num_queries
):
    for n in range(more):
        make_competition(f"other{n}", solution_csv)
    # The nearest deadline is what the card shows.
    Competition.objects.filter(slug="pets").update(closes_at=timezone.now() + timedelta(hours=1))
    scored(alice, answers(1))
    browser = clients(alice)
    # session, user; the challenges; the card: team, top, own line, own place, clock, slots, thumbs
    with django_assert_num_queries(10):
        page = browser.get(HOME).content.decode()
    assert ("Also open" in page) == (more > 0)


# --- words and marks -----------------------------------------------------------------------------


def test_numbers_read_well():
    assert wording.number(10000) == "10,000"
    assert wording.number(None) == wording.number("") == wording.NOTHING
    sizes = (999, 1000, 17_100, 999_600, 26_400_000, 131_000_000, 4_200_000_000)
    assert [wording.file_size(size) for size in sizes] == [
        "999 bytes", "1 kB", "17.1 kB", "1 MB", "26.4 MB", "131 MB", "4.2 GB",
    ]  # fmt: skip
    assert [wording.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th",
    ]  # fmt: skip


def test_moments_read_well():
    now = timezone.now()
    long_ago = {5: "now", 70: "1 min", 3599: "60 min", 7200: "2 h", 200_000: "2 d"}
    for seconds, words in long_ago.items():
        assert wording.ago(now - timedelta(seconds=seconds), now) == words
    assert wording.clock(timedelta(hours=2, minutes=14, seconds=37)) == "2:14:37"
    assert wording.clock(timedelta(days=3)) == "3 days"
    assert wording.clock(timedelta(seconds=-5)) == "0:00:00"


def test_marks_are_mirrored_and_never_nearly_empty():
    for n in range(200):
        cells = marks.cells(f"team {n}")
        assert {(6 - column, row) for column, row in cells} == set(cells)
        assert len(cells) >= 5


LAN = "http://lan.example"  # plain http to another machine: no locks, so nothing is shared


@pytest.fixture
def open_script(page):
    """A page with one script, from a made-up site; ``asked`` collects what it asks for."""
    asked = []

    def serve(route):
        path = route.request.url.removeprefix(LAN)
        asked.append(path)
        if path.startswith("/js/"):
            source = (MODULES / path.removeprefix("/js/")).read_text()
            route.fulfill(body=source, content_type="text/javascript")
        else:
            route.fulfill(**answer(path, asked))

    def open_one(answers, random=0.01):
        nonlocal answer
        answer = answers
        page.add_init_script(f"Math.random = () => {random}")
        page.route("**/*", serve)
        page.goto(LAN + "/")
        return page, asked

    answer = None
    return open_one


def event_stream(*events, retry=50):
    body = f"retry: {retry}\n\n" + "".join(f"{event}\n\n" for event in events)
    return {"body": body, "content_type": "text/event-stream"}


RESET = "event: reset\ndata: {}"
LOG = """<section data-log data-live="/live/" data-cursor=""><p data-announce></p>
<template data-pill="scored"><span class="status-scored"></span></template>
<table><tr data-submission="7" data-api="/api/7/"><td><a>a.csv</a><i data-error></i></td>
<td data-status><span class="status-queued"></span></td><td data-score></td></tr></table>
</section><script type="module" src="/js/submissions.js"></script>"""


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")  # of pytest-base-url
def test_the_log_never_reloads_itself(open_script):
    """Valkey is away, so every stream begins with a reset; the API fails once as well."""
    state = {"id": "7", "status": "scored", "public_score": "0.94", "error": ""}

    def answer(path, asked):
        if path.startswith("/live/"):
            return event_stream(RESET)
        if path == "/api/7/":
            return {"status": 503} if asked.count(path) == 1 else {"json": state}
        return {"body": LOG, "content_type": "text/html"}

    page, asked = open_script(answer)
    page.wait_for_function("document.querySelector('[data-score]').textContent === '0.94'")
    page.wait_for_timeout(300)
    assert asked.count("/") == 1
    assert asked.count("/api/7/") == 2
    assert len([path for path in asked if path.startswith("/live/")]) >= 2


CONNECT = """<script type="module">
import { connect } from "/js/live.js";
window.heard = [];
const tell = (what) => heard.push(what);
connect({ url: "/live/", cursor: "5-0", on: { board: tell, reset: () => tell("reset") } });
</script>"""


def connected(open_script, *streams, random):
    """Each stream is answered to one request, the last one to all further ones."""

    def answer(path, asked):
        if not path.startswith("/live/"):
            return {"body": CONNECT, "content_type": "text/html"}
        turn = sum(each.startswith("/live/") for each in asked) - 1
        return event_stream(*streams[min(turn, len(streams) - 1)], retry=60_000)

    return open_script(answer, random)


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")  # of pytest-base-url
def test_after_a_reset_each_page_waits_a_time_of_its_own(open_script):
    page, _ = connected(open_script, [RESET, RESET], random=0.5)
    page.wait_for_timeout(900)
    assert page.evaluate("heard") == []
    page.wait_for_timeout(1100)
    assert page.evaluate("heard") == ["reset"]


SHOW = """(isHidden) => {
  Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::pytest.PytestRemovedIn10Warning")  # of pytest-base-url
def test_without_locks_a_tab_out_of_view_holds_no_stream(open_script):
    first = 'id: 9-0\nevent: board\ndata: {"n": 1}'
    # Told twice, after a change of connections, an event is heard once.
    page, asked = connected(
        open_script, [first], [first, 'id: 10-0\nevent: board\ndata: {"n": 2}'], random=0.5
    )
    page.wait_for_function("heard.length === 1")
    page.evaluate(SHOW, True)
    page.wait_for_timeout(200)
    assert [path for path in asked if path.startswith("/live/")] == ["/live/?after=5-0"]
    page.evaluate(SHOW, False)
    page.wait_for_function("heard.length === 2")
    assert page.evaluate("heard") == [{"n": 1}, {"n": 2}]
    assert asked[-1] == "/live/?after=9-0"


@pytest.fixture
def no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests are about the page; that the bell rings is told elsewhere."""
    monkeypatch.setattr("competitions.tasks.enqueue", lambda submission: None)


def test_standings_are_all_the_board_reads(competition, scored, answers, html, alice):
    scored(alice, answers(2))
    Standing.objects.update(score=0.1234)
    assert "0.1234" in html(address(competition, "leaderboard/"))


def test_picks_of_one_name_are_told_apart_by_their_numbers(
    competition, scored, answers, alice, html
):
    for _ in range(3):
        sent = scored(alice, answers(1))
    for one in Submission.objects.exclude(pk=sent.pk).order_by("pk"):
        picks.choose(one)
    said = " ".join(
        re.sub(r"<[^>]+>", "", html(address(competition, "submissions/"), alice)).split()
    )
    assert f"Final picks: {sent.file_name} (#1) and {sent.file_name} (#2)." in said

"""Two real browsers: what one person does, the other one sees without touching a thing."""

import pytest
from playwright.sync_api import expect

from tests.journeys.stack import answers, until

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.services]

PASSWORD = "a long enough phrase 7"
ROWS = 60
LEFT = "[data-left-today], [data-left-in-all]"


@pytest.fixture
def board(stack, staged, open_page):
    """A competition with a team on its board, and a visitor who has the board open."""
    stage = staged(["ben"])
    slug, token = stage["slug"], stage["tokens"]["ben"]
    stack.join(slug, token)
    stack.outcome(stack.submit(slug, token, answers(ROWS, wrong=9)), token)
    page = open_page(f"{stack.url}/competitions/{slug}/leaderboard/")
    page.evaluate("window.neverLeft = true")
    expect(page.locator("tr[data-team]")).to_have_count(1)
    return page, slug


def sign_up_and_join(page, stack, slug, name):
    page.goto(f"{stack.url}/accounts/signup/?next=/competitions/{slug}/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(f"**/competitions/{slug}/")
    with page.expect_navigation():  # or the next page is asked for before the answer is there
        page.locator(f"form[action='/competitions/{slug}/join/'] button").first.click()
    page.goto(f"{stack.url}/competitions/{slug}/submit/")


def send(page, content, name="answers.csv"):
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_role("button", name="Submit", exact=True).click()


def lines(page):
    """Rank, team and score of every line, from the top."""
    return [
        tuple(row.locator(cell).inner_text().strip() for cell in (".rank", "b", ".value"))
        for row in page.locator("tr[data-team]").all()
    ]


def test_an_upload_in_one_browser_moves_the_board_in_another(stack, board, open_page):
    onlooker, slug = board
    assert [rank for rank, *_ in lines(onlooker)] == ["1"]
    ben = lines(onlooker)[0][1]

    page = open_page(stack.url)
    sign_up_and_join(page, stack, slug, "dora")
    send(page, answers(ROWS, wrong=3))
    expect(page.locator("[data-scored]")).to_be_visible()
    expect(page.locator("[data-score]")).to_have_text("0.9500")

    expect(onlooker.locator("tr[data-team]")).to_have_count(2)
    expect(onlooker.locator("tr[data-team] b").first).to_have_text("dora")
    assert lines(onlooker) == [("1", "dora", "0.9500"), ("2", ben, "0.8500")]

    # A worse file moves nothing but the count of entries; a better one of the other's does.
    send_another(page, answers(ROWS, wrong=9))
    expect(onlooker.locator("tr[data-team]").first.locator(".c-n")).to_have_text("2")
    assert [team for _, team, _ in lines(onlooker)] == ["dora", ben]
    assert onlooker.evaluate("window.neverLeft") is True


def send_another(page, content):
    page.reload()
    send(page, content, "second.csv")
    expect(page.locator("[data-scored]")).to_be_visible()


def test_a_wrong_file_is_explained_line_by_line_and_costs_nothing(stack, board, open_page):
    onlooker, slug = board
    before = lines(onlooker)
    page = open_page(stack.url)
    sign_up_and_join(page, stack, slug, "emil")
    left = page.locator(LEFT).all_inner_texts()
    assert left

    good = answers(ROWS)
    send(page, good.replace(b"img_000007.png,class_7", b"img_000007.png,class_77"))
    expect(page.locator("[data-invalid]")).to_be_visible()
    problem = page.locator("[data-problems] tbody tr").first
    expect(problem).to_contain_text("Line 9")
    expect(problem).to_contain_text("class_77")
    expect(page.locator("[data-invalid]")).to_contain_text("No attempt is spent")

    page.reload()
    assert page.locator(LEFT).all_inner_texts() == left
    send(page, b"\x89PNG\r\n\x1a\n" + bytes(300), "photo.csv")
    expect(page.locator("[data-invalid]")).to_be_visible()
    assert lines(onlooker) == before
    assert onlooker.evaluate("window.neverLeft") is True


def test_the_board_goes_on_after_a_restart(stack, board):
    """Web and Valkey are killed under an open board: it comes back by itself, missing nothing."""
    onlooker, slug = board
    token = stack.stage(people={"names": ["flora"]})["people"]["flora"]
    stack.join(slug, token)
    stack.kill("holdout.web", "valkey-server")
    until_back(stack)
    stack.outcome(stack.submit(slug, token, answers(ROWS)), token)
    expect(onlooker.locator("tr[data-team] b").first).to_have_text("flora", timeout=40_000)
    assert onlooker.evaluate("window.neverLeft") is True


def until_back(stack):
    until(lambda: (stack.ask("/healthz") or {}).get("status") == "ok", "the site is back")


def test_eight_tabs_of_one_browser_share_one_stream(stack, board):
    """A browser has six connections to a site: with a stream each, the seventh tab waits."""
    first, slug = board
    context = first.context
    streams = []
    context.on("request", lambda asked: "/live/" in asked.url and streams.append(asked.url))
    tabs = [first]
    for _ in range(7):
        tab = context.new_page()
        tab.goto(first.url)
        tabs.append(tab)
    for tab in tabs:
        expect(tab.locator("[data-live-state]")).to_have_attribute("data-live-state", "live")
    assert streams == []

    arrive(stack, slug, "gina")
    for tab in tabs:
        expect(tab.locator("tr[data-team]")).to_have_count(2)

    # The tab with the stream is closed: another one takes it over, and misses nothing.
    first.close()
    arrive(stack, slug, "hugo")
    for tab in tabs[1:]:
        expect(tab.locator("tr[data-team]")).to_have_count(3)
    assert len(streams) == 1


def arrive(stack, slug, name):
    token = stack.stage(people={"names": [name]})["people"][name]
    stack.join(slug, token)
    stack.outcome(stack.submit(slug, token, answers(ROWS, wrong=2)), token)

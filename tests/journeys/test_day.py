"""A whole day in three browsers: the wall, a participant's desk, and the organiser's."""

import pytest
from playwright.sync_api import expect

from tests.journeys.stack import answers, until
from tests.journeys.test_browsers import ROWS, send, send_another, sign_up_and_join

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.services]


@pytest.fixture
def day(stack, staged, open_page, tmp_path):
    """The challenge, Ben's token, and a way to keep a picture of a screen."""
    stage = staged(["ben"])
    slug, ben = stage["slug"], stage["tokens"]["ben"]
    stack.stage(dates={"slug": slug, "closes_in": 300})
    stack.join(slug, ben)

    def picture(page, name):
        path = tmp_path / f"{name}.png"
        page.screenshot(path=path)
        assert path.stat().st_size > 5000, name

    return slug, ben, picture


def ben_sends(stack, slug, token, wrong):
    return stack.outcome(stack.submit(slug, token, answers(ROWS, wrong=wrong)), token)


def first_on(wall):
    return wall.locator("[data-race] li:not(.is-baseline) .name").first


def test_a_day_from_the_first_file_to_the_podium(stack, day, open_page):
    slug, ben, picture = day
    pages = f"{stack.url}/competitions/{slug}"
    wall = open_page(f"{pages}/projector/")
    wall.evaluate("window.neverLeft = true")
    desk = open_page(stack.url)
    sign_up_and_join(desk, stack, slug, "wilma")

    # the morning: Ben leads, Wilma overtakes, the wall shows both without a touch
    ben_sends(stack, slug, ben, wrong=12)
    expect(first_on(wall)).to_contain_text("ben")
    send(desk, answers(ROWS, wrong=30))
    expect(desk.locator("[data-scored]")).to_be_visible()
    expect(wall.locator("[data-race] li")).to_have_count(2)
    expect(first_on(wall)).to_contain_text("ben")
    send_another(desk, answers(ROWS, wrong=3))
    expect(first_on(wall)).to_contain_text("wilma")
    picture(wall, "wall")

    # the last minutes: the wall stands still, and who sends reads the own score
    stack.stage(dates={"slug": slug, "closes_in": 5, "freeze_minutes": 10_000})
    expect(wall.locator("[data-clock]")).to_contain_text("frozen")
    assert ben_sends(stack, slug, ben, wrong=0)["public_score"] == "1.0000"
    expect(first_on(wall)).to_contain_text("wilma")
    picture(wall, "frozen")

    organiser = close_and_reveal(stack, slug, open_page)
    desk.goto(f"{pages}/leaderboard/")
    expect(desk.locator("main")).to_contain_text("announced")
    assert stack.ask(f"/api/competitions/{slug}/final/")["status_code"] == 404

    hold_the_ceremony(organiser, pages, picture)
    expect(desk.locator("main")).to_contain_text("Final", timeout=30_000)
    desk.goto(f"{pages}/leaderboard/")
    rows = desk.locator("main tbody tr")
    expect(rows.first).to_contain_text("ben")
    expect(rows.first).to_contain_text("1.0000")
    picture(desk, "final")
    assert wall.evaluate("window.neverLeft") is True


def close_and_reveal(stack, slug, open_page):
    """In the admin, by its buttons; the seal has been compared by a worker within seconds."""
    page = open_page(f"{stack.url}/accounts/login/?next=/admin/competitions/competition/")
    page.fill("input[name=login]", "host")
    page.fill("input[name=password]", (stack.var / "admin_password").read_text().strip())
    page.locator("main form button[type=submit]").click()
    page.goto(f"{stack.url}/admin/competitions/competition/?q={slug}")
    page.get_by_role("link", name=f"The {slug} challenge").click()
    page.get_by_role("link", name="Close").or_(
        page.get_by_role("button", name="Close")
    ).first.click()
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_text("The challenge is closed.")).to_be_visible()
    page.get_by_role("link", name="Reveal").first.click()

    def is_settled():
        page.reload()
        return (
            page.locator("[name=for_ceremony]").count()
            and not page.locator("[name=despite]").is_visible()
        )

    until(is_settled, "the checklist is done")
    page.get_by_role("button", name="Reveal").click()
    expect(page.get_by_text("The private board is revealed.")).to_be_visible()
    return page


def hold_the_ceremony(page, pages, picture):
    """Key by key to the winner, then to everybody."""
    page.goto(f"{pages}/ceremony/")
    picture(page, "before")
    name = page.locator("[data-spotlight] [data-name]")
    for _ in range(12):
        page.keyboard.press("Space")
        if "ben" in name.inner_text() and page.locator("[data-podium] li").count() >= 2:
            break
    expect(name).to_contain_text("ben")
    page.wait_for_timeout(1200)  # for the picture: the podium grows
    picture(page, "winner")
    page.keyboard.press("p")
    expect(page.locator("[data-publish] [data-outcome]")).to_contain_text("Published")

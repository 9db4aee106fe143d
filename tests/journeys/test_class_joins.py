"""A class of forty comes in by the code on the screen, and everybody sends a file at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.stack import Stack, answers, multipart, until
from tests.journeys.test_browsers import send

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.services]

CODE, ROWS = "CLASS7", 60
PROGRAMS, BROWSERS = 37, 3
TOGETHER = 12  # at a time: as many as a class presses a button within a second


class Pupil:
    """A browser as far as the site can tell: cookies, forms, the token of each form."""

    def __init__(self, stack: Stack, number: int) -> None:
        self.stack, self.number = stack, number
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def join(self) -> str:
        page = self._get(f"/join/{CODE.lower()}/")
        fields = {"name": f"Pupil {self.number}", "pin": f"{1000 + self.number}"}
        return self._post(f"/join/{CODE}/", page, urlencode(fields).encode())

    def send(self, slug: str) -> str:
        page = self._get(f"/competitions/{slug}/submit/")
        body, headers = multipart(answers(ROWS, wrong=self.number % 30), "answers.csv")
        return self._post(f"/api/competitions/{slug}/submissions/", page, body, headers)

    def _get(self, path: str) -> str:
        with self.opener.open(self.stack.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def _post(
        self, path: str, page: str, body: bytes, headers: dict[str, str] | None = None
    ) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token, page[:300]
        known = {"X-CSRFToken": token[1], "Referer": self.stack.url, **(headers or {})}
        request = Request(self.stack.url + path, body, known)  # noqa: S310 - our own stack
        with self.opener.open(request, timeout=30) as answer:
            return str(answer.read().decode())


def by_hand(page: Page, number: int) -> None:
    page.fill("input[name=name]", f"Pupil {number}")
    page.fill("input[name=pin]", f"{1000 + number}")
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_text(f"You are in, Pupil {number}")).to_be_visible()
    page.get_by_role("link", name="Submit", exact=True).click()
    send(page, answers(ROWS, wrong=number % 30))
    expect(page.locator("[data-scored]")).to_be_visible()


def test_forty_join_by_code_and_each_has_a_score(stack, staged, open_page):
    slug = staged([], class_code=CODE)["slug"]
    wall = open_page(f"{stack.url}/competitions/{slug}/projector/")
    expect(wall.get_by_text(CODE).first).to_be_visible()
    pages = [open_page(f"{stack.url}/join/{CODE}/") for _ in range(BROWSERS)]

    pupils = [Pupil(stack, number) for number in range(PROGRAMS)]
    with ThreadPoolExecutor(TOGETHER) as crowd:
        coming = [crowd.submit(lambda it=pupil: (it.join(), it.send(slug))) for pupil in pupils]
        for number, page in enumerate(pages, PROGRAMS):
            by_hand(page, number)
        for each in coming:
            page, told = each.result()
            assert "You are in, Pupil" in page
            assert '"id"' in told

    def everybody() -> bool:
        return len(stack.board(slug)["rows"]) == PROGRAMS + BROWSERS

    until(everybody, "everybody on the board")
    names = {row["team"] for row in stack.board(slug)["rows"]}
    assert names == {f"Pupil {number}" for number in range(PROGRAMS + BROWSERS)}
    assert all(row["entries"] == 1 for row in stack.board(slug)["rows"])

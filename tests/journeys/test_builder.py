"""An organiser with a folder of labelled images, in a real browser: built, looked at, opened."""

import io
import re

import pytest
from playwright.sync_api import Page, expect

from tests.competitions.test_building import folders
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.journey, pytest.mark.browser, pytest.mark.services]


def sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.url}/accounts/login/?next=/admin/")
    page.fill("input[name=login]", "host")
    page.fill("input[name=password]", (stack.var / "admin_password").read_text().strip())
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/admin/")


def test_a_folder_becomes_an_open_challenge(stack, open_page, tmp_path):
    images = folders()
    images["cat/again.png"] = images["cat/cat_001.png"]
    for name, data in images.items():
        place = tmp_path / "animals" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    page = open_page(stack.url)
    sign_in(page, stack)
    page.get_by_role("link", name="New challenge").click()
    page.fill("input[name=title]", "Füchse & Eulen")
    expect(page.locator("input[name=slug]")).to_have_value("fuchse-eulen")
    page.locator("[data-folder]").set_input_files(tmp_path / "animals")
    page.get_by_role("button", name="Build it").click()

    page.wait_for_url(re.compile(r"/competition/\d+/build/$"))
    expect(page.get_by_role("heading", name="Leak report")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile(r"\d+ training images in 3 classes"))).to_be_visible()
    finding = page.locator("li", has_text="The same picture twice")
    expect(finding).to_contain_text("Kept together on one side, by itself")
    assert finding.locator("img").first.evaluate("image => image.naturalWidth") > 0
    finding.get_by_role("button", name="Leave them out").click()
    expect(page.get_by_text("Left out", exact=True)).to_be_visible(timeout=60_000)

    page.goto(page.url.replace("/build/", "/launch/"))
    expect(page.get_by_text("A file with every answer right scores 1")).to_be_visible()
    # Three images of a class teach a baseline nothing, and it takes a while to learn that.
    page.fill("[name=despite]", "A handful of images, to show the way.")
    page.get_by_role("button", name=re.compile("Open")).click()
    page.wait_for_url(re.compile(r"/competition/\d+/change/$"))
    page.goto(f"{stack.url}/competitions/fuchse-eulen/data/")
    expect(page.get_by_role("link", name="starter.ipynb", exact=True)).to_be_visible()


def test_a_broken_folder_is_answered_in_words(stack, open_page, tmp_path):
    page = open_page(stack.url)
    sign_in(page, stack)
    page.goto(f"{stack.url}/admin/competitions/competition/build/")
    page.fill("input[name=title]", "Nothing in it")
    page.get_by_role("button", name="Build it").click()
    expect(page.get_by_text("Choose a folder, a file or a published set.")).to_be_visible()
    page.locator("[name=source]").set_input_files(
        {"name": "x.zip", "mimeType": "application/zip", "buffer": io.BytesIO(b"no zip").getvalue()}
    )
    page.get_by_role("button", name="Build it").click()
    page.wait_for_url(re.compile(r"/competition/\d+/build/$"))
    expect(page.get_by_text("neither a whole zip nor a whole tar")).to_be_visible(timeout=60_000)

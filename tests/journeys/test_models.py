"""Models through the whole stack: dropped in a browser, tried, run in a sandbox, on the board."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.stack import answers, until
from tests.journeys.test_browsers import sign_up_and_join

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from tests.competitions.model_runs import networks

pytestmark = [
    pytest.mark.journey, pytest.mark.browser, pytest.mark.services, pytest.mark.torch,
]  # fmt: skip

ROWS = 60
FOR_EVER = 10**9  # rounds
CSVS = 5


@pytest.fixture
def challenge(stack, request):
    """A challenge of this test alone that takes models; its address."""
    slug = request.function.__name__.replace("_", "-")[:50].strip("-")
    stack.stage(models={"slug": slug, "rows": ROWS, "seconds": 120})
    return slug


def drop(page, content, name="net.onnx"):
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.get_by_role("button", name="Submit", exact=True).click()


def test_a_model_dropped_in_a_browser_comes_onto_the_board_with_its_cost(
    stack, challenge, open_page
):
    page = open_page(stack.url)
    sign_up_and_join(page, stack, challenge, "nora")
    expect(page.get_by_text("float32 [N, 1, 4, 4] in [0, 1]")).to_be_visible()

    left = page.locator("[data-left-today]").first.inner_text()
    drop(page, networks.right(classes=10))
    expect(page.locator("[data-run]")).to_be_visible()
    expect(page.locator("[data-scored]")).to_be_visible()
    expect(page.locator("[data-score]")).to_have_text("1.0000")
    expect(page.locator("[data-run-fact=images_per_second]")).to_be_visible()
    expect(page.locator("[data-left-today]").first).to_have_text(str(int(left) - 1))

    page.goto(f"{stack.url}/competitions/{challenge}/leaderboard/")
    expect(page.locator("tr[data-team] b")).to_have_text("nora")
    page.locator("[data-cost-axis]").select_option("images_per_second")
    chart = page.locator("[data-cost-plot]")
    expect(chart.locator("circle")).to_have_count(1)
    expect(chart).to_have_attribute("aria-label", re.compile("nora with 1.0000"))


def test_a_model_is_cancelled_in_the_browser_and_the_next_one_runs(stack, challenge, open_page):
    page = open_page(stack.url)
    sign_up_and_join(page, stack, challenge, "otto")
    left = page.locator("[data-left-today]").first.inner_text()
    drop(page, networks.slow(FOR_EVER, classes=10))
    expect(page.locator("[data-run-stage]")).to_have_text("Dry run on training images")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-ended]")).to_contain_text("The attempt is given back")
    expect(page.locator("[data-left-today]").first).to_have_text(left)
    page.reload()
    drop(page, networks.right(classes=10))
    expect(page.locator("[data-scored]")).to_be_visible()


def test_files_are_scored_while_a_model_runs_over_the_test_images(stack, challenge):
    tokens = stack.stage(people={"names": ["pia-models", "quin-models"]})["people"]
    pia, quin = tokens.values()
    for token in (pia, quin):
        stack.join(challenge, token)
    # The dry run has the shades 0 and 1 of the training images, and noise before them.
    content = networks.slow(FOR_EVER, classes=10, shades=(2, ROWS))
    model = stack.submit(challenge, pia, content, "slow.onnx")

    def stage():
        return stack.ask(f"/api/submissions/{model['id']}/", pia)["run"]["stage"]

    until(lambda: stage() == "running", "the model runs over the test images")
    for wrong in range(CSVS):
        file = stack.submit(challenge, quin, answers(ROWS, wrong))
        assert stack.outcome(file, quin)["status"] == "scored"
        assert stage() == "running"
    address = f"/api/submissions/{model['id']}/cancel/"
    cancelled = stack.ask(address, pia, method="POST", data=b"")
    assert cancelled["status"] == "cancelled"

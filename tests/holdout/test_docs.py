"""The documents say what the code does: settings, metrics, routes, links and commands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from holdout.environment import SETTINGS
from scoring import METRICS

ROOT = Path(settings.BASE)
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def paragraphs(page: str, heading: str) -> dict[str, str]:
    """The text below each heading of the form `### `NAME``, by name."""
    text = (DOCS / page).read_text()
    parts = re.split(rf"^{heading} `([^`]+)`$", text, flags=re.M)
    bodies = (re.split(r"^#+ ", body, maxsplit=1, flags=re.M)[0].strip() for body in parts[2::2])
    return dict(zip(parts[1::2], bodies, strict=True))


def links() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for match in LINK.finditer(page.read_text()):
            if "://" not in match["target"] and not match["target"].startswith("mailto:"):
                yield page.relative_to(ROOT).as_posix(), match["target"]


def test_every_setting_has_a_paragraph_and_every_paragraph_a_setting():
    told = paragraphs("operating.md", "###")
    assert set(told) == set(SETTINGS)
    assert [name for name, text in told.items() if len(text) < 40] == []


@pytest.fixture(scope="module")
def told_metrics() -> dict[str, str]:
    """The section of each metric, its lines joined."""
    sections = paragraphs("metrics.md", "##")
    return {key: " ".join(text.split()) for key, text in sections.items()}


def test_every_metric_has_a_section_in_the_order_of_the_table(told_metrics):
    assert list(told_metrics) == list(METRICS)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_is_told_with_layouts_direction_and_parameters(told_metrics, metric):
    told = told_metrics[metric.key]
    better = "more" if metric.direction == "maximize" else "less"
    low, high = metric.bounds
    assert told.startswith(
        f"Layouts: {', '.join(metric.layouts)}. "
        f"Direction: {better} is better, {low:g} to {high:.3g}. "
    )
    assert [each.name for each in metric.parameters if f"`{each.name}`" not in told] == []
    assert ("95 % interval" in told) == (metric.interval is not None)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_default_is_told_beside_its_parameter(told_metrics, metric):
    for parameter in metric.parameters:
        if parameter.name == "positive":  # explained once for all, with the averages
            continue
        default = "none" if parameter.default is None else str(parameter.default)
        default = "required" if parameter.required else default.lower().removesuffix(".0")
        assert re.search(rf"`{parameter.name}` \({default}[):]", told_metrics[metric.key])


NUMBERS = {
    "any": "any",
    "shares": "none negative, the sum of a row above 0",
    "unit": "0 to 1",
    "binary": "0 or 1: whether the image has the class",
}


def test_the_numbers_that_a_metric_takes_are_in_the_table_of_the_page():
    page = (DOCS / "metrics.md").read_text()
    told = {
        (numbers, layout, key)
        for numbers, layout, keys in re.findall(r"^\| (.+) \| `(\w+)` \| (.+) \|$", page, re.M)
        for key in re.findall(r"`(\w+)`", keys)
    }
    assert told == {
        (NUMBERS[form.numbers], form.layout, key)
        for key, metric in METRICS.items()
        for form in metric.accepts
        if form.layout in ("probabilities", "score")
    }


def test_every_route_of_the_schema_is_in_api_md_and_no_other():
    schema = SchemaGenerator().get_schema(request=None, public=True)
    routes = {
        f"{method.upper()} {path}"
        for path, methods in schema["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert set(paragraphs("api.md", "##")) == routes


@pytest.mark.parametrize(("document", "target"), sorted(set(links())))
def test_a_link_leads_somewhere(document, target):
    path, _, anchor = target.partition("#")
    file = (ROOT / document).parent / path if path else ROOT / document
    assert file.exists()
    if anchor:
        assert anchor in anchors(file.read_text())


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown page's headings get on the usual hosts."""
    titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_make_commands_of_the_documents_exist():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), flags=re.M)
    }
    assert "run" in named
    assert "test" in named
    assert named <= targets


def test_the_files_named_in_the_documents_exist():
    """Paths in backticks below our own folders, such as `competitions/tasks.py`."""
    folder = (
        r"(?:platform|competitions|scoring|baselines|tests|benchmarks|deploy|requirements|docs)"
    )
    named = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(rf"`({folder}/[\w./-]+)`", page.read_text())
    }
    missing = [(page, name) for page, name in named if not (ROOT / name).exists()]
    assert sorted(missing) == []

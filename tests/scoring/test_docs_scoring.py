"""docs/scoring.md and docs/custom-metrics.md: what they show is what happens."""

import doctest
import inspect
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scoring.terminal import app

DOCS = Path(__file__).resolve().parents[2] / "docs"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(document, language):
    text = (DOCS / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def steps(document):
    """Each command of the document's terminals, with what is shown below it."""
    for block in blocks(document, "console"):
        for step in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, shown = step.partition("\n")
            yield command, shown


class Terminal:
    """Runs the library's commands, and the two of the shell that a document needs."""

    def __init__(self):
        self.code = 0

    def output(self, command, shown):
        """What the command prints; a file that does not exist yet is one with the text shown."""
        match shlex.split(command):
            case ["cat", name]:
                path = Path(name)
                if not path.exists():
                    path.write_text(shown)
                return path.read_text()
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["python", "-m", "scoring", *arguments]:
                done = CliRunner().invoke(app, arguments)
                self.code = done.exit_code
                return done.output
        raise AssertionError(f"this command is not known here: {command}")


@pytest.mark.parametrize("document", ["scoring.md", "custom-metrics.md"])
def test_the_commands_print_what_the_document_shows(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if document == "custom-metrics.md":
        pytest.importorskip("pandas")
        (tmp_path / "age.py").write_text(blocks(document, "python")[0])
    checker, terminal = doctest.OutputChecker(), Terminal()
    ran = 0
    for command, shown in steps(document):
        printed = terminal.output(command, shown)
        assert checker.check_output(shown, printed, FLAGS), f"$ {command}\n{printed}"
        ran += command.startswith("python")
    assert ran > 2


def test_the_python_of_the_document_gives_what_it_shows():
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(optionflags=FLAGS)
    for block in blocks("scoring.md", "python"):
        runner.run(parser.get_doctest(block, {}, "scoring.md", None, 0))
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 5


def test_the_table_of_the_statistics_names_every_function_of_their_modules():
    page = (DOCS / "scoring.md").read_text()
    told = {
        (module, name)
        for module, names in re.findall(r"^\| `(scoring\.\w+)` \| (`.+?`) \|", page, re.M)
        for name in re.findall(r"`(\w+)`", names)
    }
    modules = {module: import_module(module) for module, _ in told}
    assert len(modules) > 6
    assert {pair for pair in told if not hasattr(modules[pair[0]], pair[1])} == set()
    assert told >= {
        (module, name)
        for module, members in modules.items()
        for name, function in inspect.getmembers(members, inspect.isfunction)
        if function.__module__ == module and not name.startswith("_")
    }

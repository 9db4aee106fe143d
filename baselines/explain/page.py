"""How does what was found become one page that needs nothing beside it?

The words are in `page.html`, a Jinja template. It escapes whatever it is given: a class may be
called <script>.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from baselines.errors import BaselineError
from baselines.explain.figures import Picture

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def write(out: Path, **found: object) -> Path:
    """index.html with every picture inside; the pictures lie beside it too, for slides."""
    path = out / "index.html"
    text = TEMPLATES.get_template("page.html").render(found)
    try:
        (out / "pictures").mkdir(parents=True, exist_ok=True)
        for picture in _pictures(tuple(found.values())):
            (out / "pictures" / f"{picture.name}.png").write_bytes(picture.png)
        # a class name may hold half a character, which has no UTF-8
        path.write_text(text, encoding="utf-8", errors="xmlcharrefreplace")
    except OSError as error:
        raise BaselineError(f"The page cannot be written to {out}: {error}") from error
    return path


def _pictures(found: object) -> Iterator[Picture]:
    """Every picture in there, however deep."""
    if isinstance(found, Picture):
        yield found
    elif isinstance(found, tuple):
        for each in found:
            yield from _pictures(each)
    elif is_dataclass(found):
        for field in fields(found):
            yield from _pictures(getattr(found, field.name))

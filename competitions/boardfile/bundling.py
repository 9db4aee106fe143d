"""The site's own stylesheets and ES modules as one text each, to stand inside a page.

Every module becomes a function that is called once and gives what it exports. That is enough for
the few forms of import and export that our modules are written in; any other is refused.
"""

import base64
import mimetypes
import re
from collections.abc import Sequence
from pathlib import Path

from django.contrib.staticfiles import finders

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w-]+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_LEFT_OVER = re.compile(r"^\s*(?:import|export)\b|\bimport\s*[.(]", re.MULTILINE)
_ADDRESS = re.compile(r'url\("([^")]+)"\)')


def script(entry: str) -> str:
    """The module ``entry`` of static/js and all that it imports as one module, imports first.

    Raises ValueError for a circle, a module that is not there, or a form that it does not know.
    """
    done: dict[str, str] = {}
    _collect(entry.removesuffix(".js"), done, ())
    *modules, last = done
    wrapped = [_wrapped(name, done[name]) for name in modules]
    return _held(entry, "\n".join([*wrapped, _plain(last, done[last])]), "</script", "<!--")


def style(sheets: Sequence[str]) -> str:
    """The stylesheets of static/css, in that order, with the pictures they name inside them."""
    texts = [_ADDRESS.sub(_as_data, _read(f"css/{name}.css")) for name in sheets]
    return _held("the stylesheets", "\n".join(texts), "</style")


def _collect(name: str, done: dict[str, str], way: tuple[str, ...]) -> None:
    if name in done:
        return
    if name in way:
        raise ValueError(f"These modules import each other: {' > '.join((*way, name))}.")
    text = _read(f"js/{name}.js")
    for _, imported in _IMPORT.findall(text):
        _collect(imported, done, (*way, name))
    done[name] = text


def _wrapped(name: str, text: str) -> str:
    exported = ", ".join(_EXPORT.findall(text))
    body = f"{_plain(name, text)}return {{ {exported} }};"
    return f"const {_constant(name)} = (() => {{\n{body}\n}})();\n"


def _plain(name: str, text: str) -> str:
    """The text without its imports and exports."""
    plain = _EXPORT.sub("", _IMPORT.sub(_taken, text))
    if found := _LEFT_OVER.search(plain):
        line = plain[found.start() :].lstrip().splitlines()[0]
        raise ValueError(f"js/{name}.js: cannot put {line!r} into one file with the others.")
    return plain


def _taken(found: re.Match[str]) -> str:
    names = found[1].replace(" as ", ": ")
    return f"const {{{names}}} = {_constant(found[2])};"


def _constant(name: str) -> str:
    return "$" + name.replace("-", "_")


def _as_data(found: re.Match[str]) -> str:
    path = _find(f"css/{found[1]}")
    kind = mimetypes.guess_type(path.name)[0]
    return f'url("data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}")'


def _held(what: str, text: str, *ends: str) -> str:
    """The text, once it is sure that it does not end the element it will stand in."""
    for end in ends:
        if end in text.lower():
            raise ValueError(f"{what}: {end!r} would end the element around it.")
    return text


def _read(name: str) -> str:
    return _find(name).read_text(encoding="utf-8")


def _find(name: str) -> Path:
    path = finders.find(str(Path("/", name).resolve().relative_to("/")))
    if path is None:
        raise ValueError(f"There is no static file {name}.")
    return Path(path)

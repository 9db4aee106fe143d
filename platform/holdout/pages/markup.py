"""Markdown written by organisers, as HTML that is safe to show to everybody.

Two fences, because one of them may have a hole: the parser knows no raw HTML, and the
sanitiser lets through only the elements named here.
"""

from collections.abc import Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

_TEXT = {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a", "img"}
_LISTS = {"ul", "ol", "li"}
_HEADINGS = {"h2", "h3", "h4", "h5", "h6"}
_TABLE = {"table", "thead", "tbody", "tr", "th", "td"}
_TAGS = {*_TEXT, *_LISTS, *_HEADINGS, *_TABLE, "div"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "pre": {"tabindex"},
    **{tag: {"class"} for tag in ("div", "table", "th", "td")},
}
_SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=256)
def render(text: str) -> str:
    """The HTML of a Markdown text, cached because pages are read far more often than written."""
    tokens = _parser.parse(text)
    _fit_into_page(tokens)
    html: str = _parser.renderer.render(tokens, _parser.options, {})
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _fit_into_page(tokens: Sequence[Token]) -> None:
    """Adapts what the author wrote to the page around it."""
    for token in tokens:
        if token.tag == "h1":  # the page's own title is the only h1
            token.tag = "h2"
        elif token.type == "table_open":
            token.attrSet("class", "table")
        elif "right" in str(token.attrGet("style")):  # inline styles are forbidden
            token.attrSet("class", "num")


def _scrolling(kind: str, tag: str) -> str:
    return f'<div class="{kind}">{tag}'


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    rules = parser.renderer.rules  # type: ignore[attr-defined]
    render_token = parser.renderer.renderToken  # type: ignore[attr-defined]

    def wide_table(tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        return _scrolling("table-wrap", render_token(tokens, index, options, env))

    def table_end(tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        return f"{render_token(tokens, index, options, env)}</div>"

    def code(tokens: Sequence[Token], index: int, options: object, env: object) -> str:
        body = escapeHtml(tokens[index].content.rstrip("\n"))
        return _scrolling("code", f'<pre tabindex="0">{body}</pre></div>\n')

    rules.update(table_open=wide_table, table_close=table_end, fence=code, code_block=code)
    return parser


_parser = _make_parser()

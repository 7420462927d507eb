"""Templates to pages, and a model's text to harmless HTML."""

from __future__ import annotations

from functools import cache
from typing import Any

import nh3
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from tutelage import __version__, wording
from tutelage.reports.figures import stage_class
from tutelage.reports.report import LOADER, unbroken

# What a model's markdown may become. No images: a remote one would tell who reads.
_BLOCKS = "p br hr pre blockquote ul ol li h1 h2 h3 h4 h5 h6 table thead tbody tr th td"
TAGS = {*_BLOCKS.split(), "em", "strong", "s", "code", "a"}
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
MOST_MARKDOWN = 20_000  # characters; what is longer is shown as it is written


def ago(seconds: float) -> str:
    """A time that has passed, as a person says it."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s ago"
    if seconds < 5400:
        return f"{round(seconds / 60)} min ago"
    return f"{round(seconds / 3600)} h ago" if seconds < 172_800 else f"{seconds / 86400:.0f} d ago"


FILTERS = (
    stage_class,
    ago,
    wording.decimal,
    wording.signed,
    wording.count,
    wording.about,
    wording.percent,
    wording.rate,
    wording.points,
    wording.difference,
    wording.duration,
    wording.plural,
    wording.clipped,
    wording.visible,
    wording.stage_name,
    unbroken,
)


@cache
def templates() -> Environment:
    """Templates with escaping on; an unknown name in one is an error, not an empty place."""
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("tutelage.web", "templates"), PrefixLoader({"reports": LOADER})]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in FILTERS:
        environment.filters[function.__name__] = function
    environment.filters["markdown"] = markdown
    return environment


def fragment(template: str, **values: Any) -> str:
    """A part of a page, for a script to put in its place."""
    return templates().get_template(template).render(**values)


def page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """A page; `visitor`, `path` and `csrf` are there for every template."""
    visitor = getattr(request.state, "visitor", None)
    text = templates().get_template(template).render(
        visitor=visitor,
        csrf=visitor.csrf if visitor else "",
        path=request.url.path,
        version=__version__,
        **values,
    )  # fmt: skip
    return HTMLResponse(text, status_code)


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": 20})
    return reader.enable(["table", "strikethrough"]).disable("image")


def markdown(text: str) -> Markup:
    """Untrusted markdown as HTML: no raw HTML, no images, only plain links; control and direction
    characters are spelled out."""
    shown = wording.visible(text.replace("\t", "    ").replace("\r\n", "\n"))
    if len(shown) > MOST_MARKDOWN:
        return Markup("<pre>{}</pre>").format(shown)
    cleaned = nh3.clean(
        _reader().render(shown),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)

"""A page of HTML in one file, without scripts, from nested elements: text and attributes are escaped by the standard library.

jinja2 has no place here, because the CPU image of the trainer does not contain it.
"""

import re
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, tostring

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may load: nothing."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #1b1b1b; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2em; }
table { border-collapse: collapse; margin: .8em 0; } caption { text-align: left; color: #555; padding-bottom: .3em; }
th, td { border-bottom: 1px solid #ddd; padding: .25em .8em .25em 0; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.chart { display: block; width: 100%; max-width: 60em; font-family: inherit; }
.bar { background: #7aa6d8; height: .7em; min-width: 1px; } .note { color: #555; }
.words { white-space: pre-wrap; overflow-wrap: anywhere; } .token { border: 1px solid #ddd; }
.learned { background: #ffe08a; border-color: #c99700; }
"""
INVALID = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
"""Characters that a page can't hold."""

Content = Element | str | float | int


def element(tag: str, *content: Content, **attributes: str) -> Element:
    """Return an element with text, numbers and other elements in order; an attribute `class_` is the class."""
    made = Element(tag, {name.rstrip("_"): INVALID.sub("\ufffd", value) for name, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            made.append(part)
            continue
        text = INVALID.sub("\ufffd", part if isinstance(part, str) else number(part))
        if len(made):
            made[-1].tail = (made[-1].tail or "") + text
        else:
            made.text = (made.text or "") + text
    return made


def number(value: float) -> str:
    """Return a number as it is read: whole ones with commas, others with four digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def table(header: Sequence[str], rows: Iterable[Sequence[Content]], caption: str = "") -> Element:
    """Return a table; cells with numbers are aligned to the right."""
    made = element("table")
    if caption:
        made.append(element("caption", caption))
    cells = [list(row) for row in rows]
    is_number = [all(not isinstance(row[place], Element | str) for row in cells) for place in range(len(header))]
    made.append(element("tr", *(_cell("th", name, right) for name, right in zip(header, is_number, strict=True))))
    for row in cells:
        made.append(element("tr", *(_cell("td", cell, not isinstance(cell, Element | str)) for cell in row)))
    return made


def bar(fraction: float) -> Element:
    """Return a bar whose length is a fraction of the whole, from 0 to 1."""
    return element("div", class_="bar", style=f"width: {fraction * 12:.2f}em")


def page(title: str, parts: Iterable[Element]) -> str:
    """Return the whole page."""
    head = element(
        "head",
        Element("meta", {"charset": "utf-8"}),
        Element("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("title", title),
    )
    style = Element("style")
    style.text = STYLE
    head.append(style)
    whole = element("html", head, element("body", element("h1", title), *parts))
    return f"<!doctype html>\n{tostring(whole, encoding='unicode', method='html')}\n"


def _cell(tag: str, content: Content, right: bool) -> Element:
    return element(tag, content, class_="number") if right else element(tag, content)

"""A page holds any text as text, loads nothing, and has no script."""

from html.parser import HTMLParser

import pytest

from llmtrain_trainer.stages.page import bar, element, number, page, table

NASTY = "<script>alert('\"&')</script>\x00\ud800"


class Reader(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.texts, self.attributes = list[str](), list[str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [f"{name}={value}" for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_text_and_attributes_are_escaped() -> None:
    parts = [element("p", "before ", element("b", NASTY, title=NASTY), NASTY), table((NASTY,), [[NASTY]], NASTY)]
    written = page(NASTY, parts)
    read, shown = Reader(written), NASTY.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert "script" not in read.tags
    assert read.texts.count(shown) == 7
    assert f"title={shown}" in read.attributes
    assert written.startswith("<!doctype html>\n<html>")
    assert written.encode()


def test_a_browser_is_asked_to_load_nothing() -> None:
    read = Reader(page("title", []))
    assert "content=default-src 'none'; style-src 'unsafe-inline'" in read.attributes
    assert not {"link", "img", "script", "iframe"} & set(read.tags)


@pytest.mark.parametrize(
    ("value", "shown"), [(1234567, "1,234,567"), (0.123456, "0.1235"), (23456.7, "23,457"), (float("nan"), "nan")]
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value) == shown


def test_columns_of_numbers_are_aligned() -> None:
    rows = [["a", 1, bar(0.5)], ["b", 2.5, bar(1.0)]]
    read = Reader(page("title", [table(("name", "count", ""), rows)]))
    assert read.attributes.count("class=number") == 3
    assert "style=width: 6.00em" in read.attributes

from llmtrain_api.generate.markdown import GENERATED_MARKER, code, page, table


def test_bars_and_line_breaks_do_not_break_a_table() -> None:
    assert table(("A", "B"), [("x|y", "one\ntwo")]) == "| A | B |\n|---|---|\n| x\\|y | one two |"


def test_empty_text_is_not_code() -> None:
    assert (code("x"), code("")) == ("`x`", "")


def test_a_page_has_a_title_and_the_marker_of_generated_files() -> None:
    assert page("Title", "Text.") == f"# Title\n\n{GENERATED_MARKER}\n\nText.\n"

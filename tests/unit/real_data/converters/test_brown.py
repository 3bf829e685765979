"""Words and tags of the Brown corpus are read."""

from pathlib import Path

import pytest

from real_data.converters.brown import TaggedSentence, read_brown, simple


def test_sentences_are_the_lines_with_words_of_all_texts(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "cb01").write_text("\n\tand/or/cc not/*\n")
    (tmp_path / "package" / "ca01").write_text("\n\n\tThe/at end/nn-tl ./.\n\n\n")
    (tmp_path / "package" / "README").write_text("no/at text/nn\n")
    assert read_brown(tmp_path) == [
        TaggedSentence("\tThe/at end/nn-tl ./.\n", [("The", "at"), ("end", "nn"), (".", ".")]),
        TaggedSentence("\tand/or/cc not/*\n", [("and/or", "cc"), ("not", "*")]),
    ]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("np-tl", "np"), ("md*", "md"), ("ppss+bem", "ppss"), ("fw-nn", "fw"), ("pp$", "pp$"), ("--", "--"), ("*", "*")],
)
def test_a_tag_is_reduced_to_its_first_part(tag: str, expected: str) -> None:
    assert simple(tag) == expected

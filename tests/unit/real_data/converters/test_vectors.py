"""The size of a vector file and pairs of words are read."""

from pathlib import Path

from real_data.converters.vectors import read_size, read_word_pairs


def test_a_vector_file_begins_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "v.bin").write_bytes(b"26423 300\nin \x9a\xe8")
    assert read_size(tmp_path / "v.bin") == (26423, 300)


def test_comments_are_no_word_pairs(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("# Word 1\tWord 2\tHuman (mean)\nFBI\tinvestigation\t8.31\t1\n")
    assert read_word_pairs(tmp_path / "pairs.tsv") == [("fbi", "investigation", 8.31)]

"""A tree in brackets is a sentence with the label of its root; any other line is refused with its reason."""

from pathlib import Path

import pytest

from llmtrain_trainer.data.trees import NoTree, read_tree
from unit.trainer.data.reading import read_records, write


def test_a_tree_has_words_and_the_label_of_its_root() -> None:
    assert read_tree("(3 (2 It) (4 (2 's) (3 (2 a) (4 treat))))\n") == ("It 's a treat", "3")
    assert read_tree(" (neg bad ) ") == ("bad", "neg")
    assert read_tree("(2 (2 -LRB-) (2 \u00e0\u00a0la) (2 -RRB-))") == ("( \u00e0 la )", "2")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("3 good", "does not begin with a bracket"),
        (") (3 good)", "does not begin with a bracket"),
        ("(3 (2 It)", "1 brackets are not closed"),
        ("(3 good) again", "text after the bracket that closes the tree"),
        ("(3 good))", "text after the bracket that closes the tree"),
        ("(3 ((2 good)))", "a bracket without a label"),
        ("()", "a bracket without a label"),
        ("(", "1 brackets are not closed"),
    ],
)
def test_what_is_no_tree_is_refused(line: str, reason: str) -> None:
    with pytest.raises(NoTree, match=reason):
        read_tree(line)


def test_lines_of_a_file_are_records_and_a_broken_one_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "train.trees", "(1 (2 so) (1 bad))\n\n(3 (2 not\n(4 good)")
    expected = "'train.trees', line 3: a broken row: no tree: 2 brackets are not closed (brokenRecord)"
    assert read_records(file) == ([("so bad", "1"), ("good", "4")], [expected])

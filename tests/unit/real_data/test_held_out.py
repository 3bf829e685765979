"""The test part of a set is a function of its samples."""

from real_data.held_out import by_hash, every_fiftieth, percentile

TEXTS = [f"text {number}" for number in range(2000)]


def test_a_text_has_the_same_percentile_on_every_machine() -> None:
    """`printf "text 0" | b2sum -l 32` prints the hash of the first."""
    assert [percentile(text) for text in TEXTS[:4]] == [14, 27, 53, 16]


def test_about_the_wanted_share_is_held_out() -> None:
    parts = by_hash(TEXTS, str, percent=10)
    assert sorted(parts["train"] + parts["test"]) == sorted(TEXTS)
    assert 150 < len(parts["test"]) < 250


def test_equal_texts_are_in_one_part() -> None:
    parts = by_hash([*TEXTS, *TEXTS], str)
    assert not set(parts["train"]) & set(parts["test"])


def test_each_fiftieth_sample_is_held_out_with_its_copies() -> None:
    texts = [*TEXTS[:101], TEXTS[50], TEXTS[7]]
    parts = every_fiftieth(texts, str)
    assert parts["test"] == [TEXTS[0], TEXTS[50], TEXTS[100]]
    assert not set(parts["train"]) & set(parts["test"])
    assert parts["train"].count(TEXTS[7]) == 2

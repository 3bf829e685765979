"""Baselines of labels are those of the training part, judged on the test part."""

from pathlib import Path

import pytest

from real_data.baselines.labels import classification, mean_rating, most_frequent_tag
from real_data.layouts.labelled import write_json_lines
from real_data.layouts.tagged import write_four_columns
from real_data.readers import Labelled


def test_the_majority_is_that_of_the_training_part() -> None:
    training = [Labelled("good", "pos"), Labelled("fine", "pos"), Labelled("bad", "neg")]
    test = [Labelled("bad", "neg"), Labelled("bad", "neg"), Labelled("good", "pos")]
    majority, naive_bayes = classification("films", training, test)
    assert majority.scores["accuracy"] == pytest.approx(1 / 3)
    assert naive_bayes.scores == {"accuracy": 1.0, "f1": 1.0}
    assert str(naive_bayes).split() == "films naive Bayes accuracy 1.000 f1 1.000 (3 samples)".split()


def test_the_error_of_the_mean_is_measured_on_the_test_part(tmp_path: Path) -> None:
    write_json_lines(tmp_path, {"train": [{"rating": 1.0}, {"rating": 3.0}], "test": [{"rating": 4.0}]})
    (baseline,) = mean_rating(tmp_path)
    assert baseline.scores == {"mse": 4.0}


def test_words_have_their_most_frequent_tag(tmp_path: Path) -> None:
    training = [[("Ann", "B-PER"), ("of", "O")], [("Ann", "O"), ("Ann", "B-PER"), ("is", "O")]]
    write_four_columns(tmp_path, {"train": training, "test": [[("Ann", "B-PER"), ("x", "B-LOC")]]})
    (baseline,) = most_frequent_tag(tmp_path, "txt", "entityF1")
    assert baseline.scores == {"entityF1": pytest.approx(2 / 3)}

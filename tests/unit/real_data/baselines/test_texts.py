"""Baselines of texts copy, cut or choose."""

from pathlib import Path

import pytest

from real_data.baselines.texts import name_of, nearest, option, summary, translation
from real_data.layouts.labelled import write_json_lines
from real_data.layouts.pairs import write_pair_rows, write_parallel_lines
from real_data.layouts.questions import Question, write_squad

PAIRS = {"train": [("a", "uno dos")], "test": [("the same text", "the same text"), ("other", "uno dos")]}


def test_translations_without_a_model_are_judged_in_both_layouts(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "lines").mkdir()
    write_pair_rows(tmp_path / "rows", PAIRS)
    write_parallel_lines(tmp_path / "lines", PAIRS, source="en", target="es")
    copy, drawn, remembered = translation(tmp_path / "rows")
    assert copy.scores["chrf"] > drawn.scores["chrf"] == remembered.scores["chrf"] > 10
    both = [each.scores for each in translation(tmp_path / "lines")]
    assert both == [copy.scores, drawn.scores, remembered.scores]


def test_the_nearest_text_has_the_rarest_common_words() -> None:
    texts = ["the cat the", "the dog sat", "the dog", "a bird"]
    assert nearest(["the dog", "THE bird!", "dog sat", "fish"], texts) == [2, 3, 1, 0]


def test_a_summary_is_the_first_twelve_words(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(20)]
    write_json_lines(tmp_path, {"test": [{"article": " ".join(words), "highlights": " ".join(words[:12])}]})
    (baseline,) = summary(tmp_path)
    assert baseline.scores["rougeL"] == 1.0


def test_an_option_of_the_context_is_the_answer(tmp_path: Path) -> None:
    context = "-b, --bytes: count the bytes. -c: print each change."
    asked = [
        Question(title="t", context=context, question="Which counts bytes?", answer="--bytes", answer_start=4),
        Question(title="t", context=context, question="Which prints each change?", answer="-c", answer_start=30),
        Question(title="t", context=context, question="Which sorts?", answer="-s", answer_start=None),
    ]
    write_squad(tmp_path, {"test": asked}, version="v2.0")
    none, drawn, overlap = (baseline.scores["exactMatch"] for baseline in option(tmp_path))
    assert none == pytest.approx(1 / 3)
    assert 0 <= drawn <= 2 / 3
    assert overlap == pytest.approx(2 / 3)


@pytest.mark.parametrize(("names", "name"), [("-a, --all", "--all"), ("-b", "-b"), ("-x, -y ARG", "-x")])
def test_the_name_of_an_option_is_a_long_one(names: str, name: str) -> None:
    assert name_of(names) == name

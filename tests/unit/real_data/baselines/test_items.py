"""Films are recommended to people who have not seen them, and known words are counted."""

import math
from pathlib import Path

import pytest

from real_data.baselines.items import known_words, recommendation
from real_data.layouts.labelled import write_columns


def gains(*ranks: int) -> float:
    return sum(1 / math.log2(rank + 1) for rank in ranks) / len(ranks)


@pytest.mark.parametrize(
    ("histories", "ranks_by_popularity", "ranks_by_order"),
    [
        pytest.param(["10 20", "10 30 20", "20 40"], (1, 1, 3), (2, 1, 3), id="30 follows 10"),
        pytest.param(
            ["1 2 3", "1 2 3", "4 1 2", "5 6", "5 7", "5 8"], (3, 3, 2, 5, 6, 7), (3, 3, 1, 5, 6, 7), id="2 follows 1"
        ),
    ],
)
def test_the_last_film_of_each_person_is_held_out(
    tmp_path: Path, histories: list[str], ranks_by_popularity: tuple[int, ...], ranks_by_order: tuple[int, ...]
) -> None:
    rows = [{"userId": person, "movieId": film} for person, films in enumerate(histories) for film in films.split()]
    write_columns(tmp_path, {"ratings": rows}, dialect="excel")
    popular, following = recommendation(tmp_path)
    assert popular.samples == following.samples == len(histories)
    assert popular.scores["ndcg"] == pytest.approx(gains(*ranks_by_popularity))
    assert following.scores["ndcg"] == pytest.approx(gains(*ranks_by_order))


def test_words_that_occur_often_are_known(tmp_path: Path) -> None:
    prose, benchmark = tmp_path / "prose", tmp_path / "vectors" / "benchmark"
    prose.mkdir()
    benchmark.mkdir(parents=True)
    (prose / "brown.txt").write_text("Love god\n" * 3)
    (prose / "kjv.txt").write_text("love\nlove god god\n")
    (benchmark / "wordsim353.tsv").write_text("# comment\nlove\tgod\t6.77\nlove\ttiger\t1.0\n")
    (baseline,) = known_words(prose, tmp_path / "vectors")
    assert (baseline.samples, baseline.scores) == (2, {"coverage": 0.5})

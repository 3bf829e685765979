"""The tokenizer is trained on all text, or on about as much as is wanted from all of it."""

from pathlib import Path

import numpy as np
import pytest

from llmtrain_trainer.data.sample import sample_training_text
from llmtrain_trainer.data.shards import Shard
from llmtrain_trainer.data.split import HELD_OUT, LEFT_OUT, TRAINING
from unit.trainer.data.reading import write

DOCUMENTS = [f"{number:03} " + "word " * 49 for number in range(100)]


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    """A hundred documents; the first is held out and the second is left out."""
    fates = np.array([HELD_OUT, LEFT_OUT, *[TRAINING] * 98], dtype=np.uint8)
    (tmp_path / "fates").write_bytes(fates.tobytes())
    files = [write(tmp_path / f"{number:03}.txt", text) for number, text in enumerate(DOCUMENTS)]
    return Shard(number=0, files=files, column="text", first_document=0, fates_file=tmp_path / "fates")


def test_all_training_text_is_taken_if_it_is_not_more(shard: Shard) -> None:
    size = sum(map(len, DOCUMENTS[2:]))
    assert list(sample_training_text([shard], size, size)) == DOCUMENTS[2:]


def test_a_sample_of_words_that_are_not_repeated_ends_early(shard: Shard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmtrain_trainer.data.sample.MAX_WORD_CHARACTERS", len(" word") + len(" ") + 10 * len("000"))
    size = sum(map(len, DOCUMENTS[2:]))
    assert list(sample_training_text([shard], size, size)) == DOCUMENTS[2:12]


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_a_sample_is_spread_evenly(shard: Shard, percent: int) -> None:
    size = sum(map(len, DOCUMENTS[2:]))
    taken = [DOCUMENTS.index(text) for text in sample_training_text([shard], size, size * percent // 100)]
    assert abs(len(taken) - 0.98 * percent) <= 1
    assert all(abs(place - number * 100 / percent - 2) <= 100 / percent for number, place in enumerate(taken))

"""Text is tokenized once: the same text and settings reuse the dataset, and an incomplete dataset is never used."""

import math
from pathlib import Path

import numpy as np
import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.dataset import Dataset, prepared_directory
from llmtrain_trainer.data.tokenizer import END_OF_TEXT_ID, load_tokenizer
from llmtrain_trainer.data.unigram import unigram_loss
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import prepare as stage
from llmtrain_trainer.stages.prepare import prepare
from unit.trainer.builders import MakeRun, prose


def prepared(make_run: MakeRun, log: JsonLog, **parts: object) -> Dataset:
    run = make_run(**parts)
    outcome = prepare(run, log)
    assert outcome.dataset is not None
    return Dataset.open(run.data_directory, outcome.dataset.id)


def test_each_document_is_followed_by_an_end_of_text(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    dataset = prepared(make_run, log)
    tokens = np.concatenate((dataset.training, dataset.held_out))
    assert int((tokens == END_OF_TEXT_ID).sum()) == 8
    text = load_tokenizer(dataset.directory).decode(tokens.tolist(), skip_special_tokens=True)
    assert len(text) == sum(len(file.read_text()) for file in (volume / "text").iterdir())
    assert dataset.info.tokens == len(dataset.training)
    assert dataset.info.held_out_tokens == len(dataset.held_out) > 0


def test_the_same_text_and_settings_reuse_the_dataset(
    make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepared(make_run, log)
    monkeypatch.setattr(stage, "train_tokenizer", lambda *arguments: pytest.fail("tokenized again"))
    assert prepared(make_run, log).info == first.info


def test_other_text_makes_another_dataset(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    first = prepared(make_run, log)
    (volume / "text" / "file-0.txt").write_text(prose(400, seed=99))
    assert prepared(make_run, log).info.id != first.info.id


def test_a_crash_leaves_no_dataset(make_run: MakeRun, log: JsonLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*arguments: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(stage, "save_tokenizer", crash)
    with pytest.raises(OSError, match="disk full"):
        prepare(make_run(), log)
    assert list(prepared_directory(make_run().data_directory, "any").parent.iterdir()) == []


def test_text_shorter_than_the_context_is_rejected(make_run: MakeRun, log: JsonLog) -> None:
    model = {"layers": 1, "width": 32, "heads": 4, "contextLength": 4096}
    with pytest.raises(BadInput, match=r"the held-out text is only \d+ tokens long.*lower spec\.model\.contextLength"):
        prepare(make_run(model=model), log)


def test_a_missing_dataset_is_named(make_run: MakeRun) -> None:
    with pytest.raises(BadInput, match="dataset abc is not prepared"):
        Dataset.open(make_run().data_directory, "abc")


def test_unigram_loss_is_that_of_smoothed_frequencies() -> None:
    training, held_out = np.array([0, 0, 1], dtype=np.uint16), np.array([0, 2], dtype=np.uint16)
    assert unigram_loss(training, held_out, 3) == pytest.approx(-(math.log(3 / 6) + math.log(1 / 6)) / 2)

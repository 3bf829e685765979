"""Augmented texts are functions of seed, epoch and sample; held-out texts stay as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import make_labelled_run, make_labelled_state
from unit.trainer.thread_collectives import run_ranks

TRAINING: dict[str, object] = {"steps": 4, "microbatches": 6, "microbatchSize": 4, "warmupSteps": 1}
AUGMENT = {"share": "0.2", "synonyms": "synonyms.tsv"}


@pytest.fixture(autouse=True)
def synonyms(volume: Path) -> Path:
    path = volume / "synonyms.tsv"
    path.write_text("quick\tfast\tswift\nfox\tvixen\nquartz\tcrystal\n")
    return path


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_training_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, task: str, ranks: int
) -> None:
    run = make_labelled_run(make_run, volume, task, training=TRAINING | {"augment": AUGMENT})

    def train(group: Collectives) -> bytes:
        _, state = make_labelled_state(run, log)
        for _ in range(4):
            state.train_step(group, StopVotes())
        return state.parameters.weights.numpy().tobytes()

    assert run_ranks(ranks, train) == [train(SingleProcess())] * ranks


def test_only_texts_to_train_on_are_changed(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    (plain, _), (augmented, _) = (
        make_labelled_state(make_labelled_run(make_run, volume, training=TRAINING | more), log)
        for more in ({}, {"augment": AUGMENT})
    )
    assert augmented.data_name == plain.data_name, "the dataset is the same"
    assert augmented.evaluate(SingleProcess(), lambda: None) == plain.evaluate(SingleProcess(), lambda: None)
    assert not torch.equal(augmented.loss(0, 0)[0], plain.loss(0, 0)[0])


def test_each_epoch_has_other_words(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, _ = make_labelled_state(make_labelled_run(make_run, volume, training=TRAINING | {"augment": {}}), log)
    numbers = [3, 14, 15]
    plain = task.dataset.training.sequences(numbers)
    first, second, again = (task._texts.sequences(numbers, [epoch] * 3) for epoch in (0, 1, 0))
    assert all(map(np.array_equal, first, again))
    assert not any(map(np.array_equal, first, plain))
    assert not all(map(np.array_equal, first, second))


def test_the_content_of_the_lexicon_is_a_part_of_the_identity(
    make_run: MakeRun, log: JsonLog, volume: Path, synonyms: Path
) -> None:
    def digest(**augment: object) -> str:
        run = make_labelled_run(make_run, volume, training=TRAINING | {"augment": augment})
        return make_labelled_state(run, log)[1].identity[LEXICON_FIELD]

    before = digest(**AUGMENT)
    assert before.startswith("sha256:")
    (volume / "renamed.tsv").write_bytes(synonyms.read_bytes())
    assert digest(synonyms="renamed.tsv") == before
    synonyms.write_text("quick\tfast\n")
    assert digest(**AUGMENT) not in (before, "")
    assert digest() == ""

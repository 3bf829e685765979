"""The steps of a job with epochs follow from its dataset, and every stage learns them from there."""

from pathlib import Path

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.dataset import window_count
from llmtrain_trainer.data.item_dataset import ItemDataset, Windows
from llmtrain_trainer.errors import BadInput
from llmtrain_trainer.stages import epochs
from llmtrain_trainer.stages.epochs import with_steps
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.labelled_learner import open_task as open_labelled
from unit.trainer.builders import MakeRun, prepared_id
from unit.trainer.labelled_jobs import make_labelled_run
from unit.trainer.recommending import SIZES, make_recommendation_run

CLASSIFIED = {"epochs": 3, "microbatches": 4, "microbatchSize": 7, "warmupSteps": 2}


def test_steps_stay_as_they_are_without_a_dataset(make_run: MakeRun) -> None:
    run = make_run()
    assert with_steps(run, "none") is run


def test_epochs_of_records_are_filled_up_to_whole_steps(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, training=CLASSIFIED)
    message = prepare(run, log)
    assert message.dataset is not None
    samples = message.dataset.samples
    assert samples * 3 % 28  # so that rounding matters
    found = with_steps(run, message.dataset.id).training
    assert (found.total_steps, found.epochs) == (samples * 3 // 28 + 1, 3)
    assert f"3 epochs are {found.total_steps} steps" in message.message


def test_epochs_of_text_are_counted_in_windows(make_run: MakeRun, log: JsonLog) -> None:
    run = make_run(training={"epochs": 2, "microbatches": 2, "microbatchSize": 2, "warmupSteps": 2})
    dataset = prepare(run, log).dataset
    assert dataset is not None
    windows = window_count(dataset.tokens, run.model.context_length or 0)
    assert with_steps(run, dataset.id).training.total_steps == -(-2 * windows // 4)


def test_a_warm_up_as_long_as_the_epochs_is_refused_by_prepare(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, training={**CLASSIFIED, "epochs": 1, "warmupSteps": 500})
    with pytest.raises(BadInput, match=r"^spec\.training\.warmupSteps: 1 epochs are \d+ steps"):
        prepare(run, log)


def test_the_default_warm_up_is_shortened_as_with_steps(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, training={"epochs": 1, "microbatches": 8, "microbatchSize": 8})
    assert with_steps(run, prepared_id(run, log)).training.total_steps == 3


def test_epochs_of_questions_are_counted_in_windows(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_labelled_run(make_run, volume, "question-answering", training=CLASSIFIED)
    run = run.model_copy(update={"data": run.data.model_copy(update={"max_tokens": 24})})
    dataset = prepared_id(run, log)
    learner = open_labelled(run, dataset, torch.device("cpu"))
    assert len(learner.dataset.training) > learner.dataset.info.samples
    assert with_steps(run, dataset).training.total_steps == -(-3 * len(learner.dataset.training) // 28)


def test_epochs_of_items_are_counted_in_windows(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_recommendation_run(make_run, volume, training={**CLASSIFIED, "epochs": 1})
    dataset = prepared_id(run, log)
    items = ItemDataset.open(run.data_directory, dataset)
    windows = Windows.of(items.tokens, items.offsets, SIZES["contextLength"])
    assert len(windows) > items.info.samples
    assert with_steps(run, dataset).training.total_steps == -(-len(windows) // 28)


def test_more_steps_than_a_job_can_have_are_refused(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_labelled_run(make_run, volume, training={"epochs": 100_000, "microbatches": 1, "microbatchSize": 1})
    monkeypatch.setattr(epochs, "MAX_STEPS", 10)
    with pytest.raises(
        BadInput, match=r"^spec\.training\.epochs: 100000 epochs are \d+00000 steps, more than 10; lower"
    ):
        prepare(run, log)

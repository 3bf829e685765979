"""`evaluation.json` has the scores of all held-out samples and of those with each value of a column."""

import json
from pathlib import Path

import pytest

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.data.labelled_dataset import read_slices
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.stages.evaluation_file import judged_scores
from llmtrain_trainer.stages.publish import publish
from unit.trainer.builders import MakeCheckpointer, MakeRun
from unit.trainer.labelled_jobs import make_labelled_run, make_labelled_state
from unit.trainer.pair_jobs import make_pair_run, make_pair_state
from unit.trainer.thread_collectives import run_ranks

SLICES = {"evaluation": {"slices": ["label"]}}
ALL = list(range(40))


@pytest.mark.parametrize("ranks", [2, 3])
@pytest.mark.parametrize("name", ["classification", "regression"])
def test_scores_by_the_value_of_a_column_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, name: str, ranks: int
) -> None:
    run = make_labelled_run(make_run, volume, name, "gru", **SLICES)
    task, _ = make_labelled_state(run, log)
    tables = [
        task.judge(ALL, SingleProcess()).rows,
        *run_ranks(ranks, lambda group: task.judge(ALL, group).rows),
    ]
    first, *others = (
        json.dumps(judged_scores(run, task.objective.metric, rows, task.dataset.directory).document())
        for rows in tables
    )
    assert others == [first] * ranks
    (labels,) = read_slices(task.dataset.directory)
    found = json.loads(first)["slices"]["label"]
    assert sum(each["samples"] for each in found) == 40
    for each in found:
        of_value = [number for number in ALL if labels[number] == each["value"]]
        assert each["samples"] == len(of_value)
        of_slice = score(task.objective.metric, tables[0][of_value])
        assert each["scores"] == {key: value for key, value in of_slice.items() if "/" not in key}
        for key, (low, high) in each["intervals"].items():
            assert low <= high
            assert key in each["scores"]


def test_the_worst_slice_is_in_the_file_in_the_log_and_in_the_message(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, log: JsonLog, volume: Path, tmp_path: Path
) -> None:
    run = make_labelled_run(make_run, volume, "classification", "gru", **SLICES)
    _, state = make_labelled_state(run, log)
    checkpointer = make_checkpointer(state)
    state.step = 20
    checkpointer.save()
    checkpointer.require_saved()
    outcome = publish(run, state.task.data_name, log)
    report = json.loads((tmp_path / "job" / "model" / "evaluation.json").read_text())
    worst = min(report["slices"]["label"], key=lambda each: each["scores"]["accuracy"])
    sentence = f"; by 'label' it is the worst on '{worst['value']}' with {worst['scores']['accuracy']:.4f} on"
    assert sentence in outcome.message


def test_slices_of_written_texts_are_those_of_the_records_that_are_written(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    run = make_pair_run(make_run, volume, "translation", evaluation={"slices": ["en"]})
    task, _ = make_pair_state(run, log)
    numbers = [2, 11, 30]
    rows = task.trivial_rows(numbers)
    scores = judged_scores(run, task.writing.metric, rows, task.dataset.directory, numbers)
    expected = {
        task.dataset.texts.document(number)[0]: score(task.writing.metric, rows[[place]])
        for place, number in enumerate(numbers)
    }
    assert {each.value: each.scores for each in scores.slices["en"]} == expected

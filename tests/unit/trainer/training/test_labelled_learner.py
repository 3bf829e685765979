"""Labelled sequences: losses are functions of step and microbatch, and judgements the same at any number of ranks."""

from pathlib import Path

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.tasks import SCORES
from llmtrain_trainer.data.tagged_words import NOT_LEARNED
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.training import judging, labelled_learner
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.labelled_jobs import CASES, RECORDS, make_labelled_run, make_labelled_state
from unit.trainer.thread_collectives import run_ranks


@pytest.mark.parametrize(("name", "model"), CASES)
def test_it_learns(make_run: MakeRun, log: JsonLog, volume: Path, name: str, model: str) -> None:
    training = {
        "steps": 60,
        "microbatches": 2,
        "microbatchSize": 16,
        "warmupSteps": 2,
        "optimizer": {"learningRate": "2e-2"},
    }
    task, state = make_labelled_state(make_labelled_run(make_run, volume, name, model, training=training), log)
    before = task.evaluate(SingleProcess(), lambda: None)
    results = [state.train_step(SingleProcess(), StopVotes()) for _ in range(60)]
    after = task.evaluate(SingleProcess(), lambda: None)
    assert after.loss < before.loss / 2
    score_name, least = {
        "classification": ("accuracy", 0.9),
        "regression": ("r2", 0.6),
        "tagging": ("entityF1", 0.9),
        "question-answering": ("exactMatch", 0.5),
    }[name]
    assert after.scores[score_name] > least
    assert set(after.scores) <= set(task.objective.reported), "scores of each class are only published"
    if name != "tagging":
        assert results[0].tokens == round(32 * task.dataset.info.tokens / len(task.dataset.training))


@pytest.mark.parametrize("name", RECORDS)
def test_evaluations_can_be_compared_by_each_score_that_they_report(
    make_run: MakeRun, log: JsonLog, volume: Path, name: str
) -> None:
    task, _ = make_labelled_state(make_labelled_run(make_run, volume, name), log)
    assert set(SCORES[name]) == set(task.objective.reported)


@pytest.mark.parametrize("name", RECORDS)
def test_a_microbatch_is_the_same_on_every_rank(make_run: MakeRun, log: JsonLog, volume: Path, name: str) -> None:
    run = make_labelled_run(make_run, volume, name)
    (one, _), (other, _) = (make_labelled_state(run, log) for _ in range(2))
    (loss, terms), (other_loss, _) = one.loss(3, 1), other.loss(3, 1)
    if name == "tagging":
        words = one.objective.targets(one.dataset.training, one._steps.microbatch(3, 1))
        assert terms == int((words != NOT_LEARNED).sum()) > run.training.microbatch_size
    else:
        assert terms == run.training.microbatch_size
    assert torch.equal(loss, other_loss)
    assert not torch.equal(loss, one.loss(3, 2)[0])


@pytest.mark.parametrize(("name", "model"), CASES)
@pytest.mark.parametrize("ranks", [2, 3])
def test_a_judgement_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch, name: str, model: str, ranks: int
) -> None:
    monkeypatch.setattr(judging, "SAMPLES_PER_BATCH", 7)
    task, _ = make_labelled_state(make_labelled_run(make_run, volume, name, model), log)
    expected = task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(ranks, lambda group: task.evaluate(group, lambda: None)) == [expected] * ranks


def test_while_it_trains_a_part_of_the_samples_is_judged(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled_learner, "MAX_SAMPLES_WHILE_TRAINING", 10)
    task, _ = make_labelled_state(make_labelled_run(make_run, volume), log)
    assert len(task.dataset.held_out) == 40
    judged = task.judge(list(range(0, 40, 4)), SingleProcess())
    evaluated = task.evaluate(SingleProcess(), lambda: None)
    assert (evaluated.loss, evaluated.scores) == (judged.loss, task.reported(score(task.objective.metric, judged.rows)))
    assert len(judged.rows) == 10


@pytest.mark.parametrize("name", RECORDS)
def test_the_loss_is_the_mean_over_all_terms(make_run: MakeRun, log: JsonLog, volume: Path, name: str) -> None:
    task, _ = make_labelled_state(make_labelled_run(make_run, volume, name), log)
    judged = task.judge([0, 3, 5], SingleProcess())
    assert judged.loss == pytest.approx(judged.losses.sum() / judged.terms.sum())
    each = [task.judge([number], SingleProcess()) for number in (0, 3, 5)]
    assert judged.terms.tolist() == [one.terms[0] for one in each]
    assert judged.losses == pytest.approx([one.losses[0] for one in each], rel=1e-5)


def test_its_identity_has_the_sizes_of_the_network(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    _, state = make_labelled_state(make_labelled_run(make_run, volume), log)
    assert {name: size for name, size in state.identity.items() if name.startswith("spec.model")} == {
        "spec.model.name": "encoder",
        "spec.model.layers": "1",
        "spec.model.width": "16",
        "spec.model.heads": "4",
        "spec.model.vectors": "",
    }


@pytest.mark.parametrize("ranks", [2, 3])
def test_smoothed_and_weighted_training_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, ranks: int
) -> None:
    training = {
        "steps": 4,
        "microbatches": 6,
        "microbatchSize": 4,
        "warmupSteps": 1,
        "schedule": "wsd",
        "labelSmoothing": "0.1",
        "classWeights": "Balanced",
    }
    run = make_labelled_run(make_run, volume, training=training)

    def train(group: Collectives) -> bytes:
        _, state = make_labelled_state(run, log)
        for _ in range(4):
            state.train_step(group, StopVotes())
        return state.parameters.weights.numpy().tobytes()

    assert run_ranks(ranks, train) == [train(SingleProcess())] * ranks

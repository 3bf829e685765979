"""Pairs: the loss is a sum over target tokens, and judgements are the same at any number of ranks."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.metrics.metric import score
from llmtrain_trainer.training import judging, pair_learner
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.pair_jobs import TARGETS, TASKS, make_pair_run, make_pair_state
from unit.trainer.thread_collectives import run_ranks

TRAINING = {
    "steps": 60,
    "microbatches": 2,
    "microbatchSize": 16,
    "warmupSteps": 2,
    "optimizer": {"learningRate": "2e-2"},
}


@pytest.mark.parametrize(("name", "first", "least"), [("translation", "chrf", 80), ("summarization", "rougeL", 0.8)])
def test_it_learns_to_write(make_run: MakeRun, log: JsonLog, volume: Path, name: str, first: str, least: float) -> None:
    task, state = make_pair_state(make_pair_run(make_run, volume, name, training=TRAINING), log)
    before = task.evaluate(SingleProcess(), lambda: None)
    results = [state.train_step(SingleProcess(), StopVotes()) for _ in range(60)]
    after = task.evaluate(SingleProcess(), lambda: None)
    assert after.loss < before.loss / 10
    assert set(after.scores) == set(task.writing.reported)
    assert after.scores[first] > least > before.scores[first]
    written = task.written(task.dataset.held_out.sources([0, 1, 2]), lambda: None)
    assert set(written) <= set(TARGETS)
    tokens = sum(result.tokens for result in results) / 60
    assert tokens == pytest.approx(32 * task.dataset.info.tokens / len(task.dataset.training), rel=0.05)


def test_the_loss_is_the_sum_over_target_tokens_without_padding(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    training = {**TRAINING, "labelSmoothing": "0.2"}
    task, _ = make_pair_state(make_pair_run(make_run, volume, training=training), log)
    numbers = [sample for half in range(2) for sample in task._steps.microbatch(0, half)]
    expected, tokens = 0.0, 0
    with torch.no_grad():
        for number in numbers:
            (source,), (target,) = task.dataset.training.sources([number]), task.dataset.training.targets([number])
            labels = torch.from_numpy(target.astype("int64"))
            logits = task.model(
                torch.from_numpy(source.astype("int64"))[None], torch.tensor([len(source)]), labels[None]
            )
            expected += float(functional.cross_entropy(logits[0], labels, reduction="sum", label_smoothing=0.2))
            tokens += len(labels)
        (first, first_terms), (second, second_terms) = task.loss(0, 0), task.loss(0, 1)
    assert float(first + second) == pytest.approx(expected, rel=1e-5)
    assert first_terms + second_terms == tokens


def test_a_microbatch_is_the_same_on_every_rank(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_pair_run(make_run, volume, training=TRAINING)
    (one, _), (other, _) = (make_pair_state(run, log) for _ in range(2))
    assert torch.equal(one.loss(3, 1)[0], other.loss(3, 1)[0])
    assert not torch.equal(one.loss(3, 1)[0], one.loss(3, 0)[0])


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_weights_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, ranks: int
) -> None:
    training = {**TRAINING, "microbatches": 6, "microbatchSize": 4, "dropout": "0.1", "labelSmoothing": "0.1"}
    run = make_pair_run(make_run, volume, training=training)
    make_pair_state(run, log)

    def train(group: Collectives) -> torch.Tensor:
        _, state = make_pair_state(run, log)
        for _ in range(3):
            state.train_step(group, StopVotes())
        return state.parameters.weights.clone()

    (expected,) = run_ranks(1, train)
    assert all(torch.equal(weights, expected) for weights in run_ranks(ranks, train))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("ranks", [2, 3])
def test_a_judgement_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch, name: str, ranks: int
) -> None:
    monkeypatch.setattr(judging, "SAMPLES_PER_BATCH", 7)
    task, _ = make_pair_state(make_pair_run(make_run, volume, name), log)
    expected = task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(ranks, lambda group: task.evaluate(group, lambda: None)) == [expected] * ranks


def test_while_it_trains_a_part_of_the_pairs_is_judged(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_learner, "MAX_SAMPLES_WHILE_TRAINING", 10)
    monkeypatch.setattr(pair_learner, "WRITTEN_WHILE_TRAINING", 5)
    task, _ = make_pair_state(make_pair_run(make_run, volume), log)
    assert len(task.dataset.held_out) == 40
    evaluated = task.evaluate(SingleProcess(), lambda: None)
    assert evaluated.loss == task.judge_loss(list(range(0, 40, 4)), SingleProcess())
    rows = task.judge_written(list(range(0, 40, 8)), SingleProcess())
    assert evaluated.scores == score(task.writing.metric, rows)


def test_the_logits_in_memory_are_bounded(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, _ = make_pair_state(make_pair_run(make_run, volume), log)
    numbers = list(range(40))
    expected = task.judge_loss(numbers, SingleProcess())
    sizes: list[int] = []
    forward = task.model.forward

    def counted(*arguments: torch.Tensor) -> torch.Tensor:
        logits = forward(*arguments)
        sizes.append(logits.numel())
        return logits

    monkeypatch.setattr(task.model, "forward", counted)
    monkeypatch.setattr(judging, "MAX_LOGITS", 20_000)
    assert task.judge_loss(numbers, SingleProcess()) == pytest.approx(expected, rel=1e-5)
    assert max(sizes) <= 20_000
    assert len(sizes) > 2


def test_the_watchdog_is_reset_with_each_token(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, _ = make_pair_state(make_pair_run(make_run, volume), log)
    pings: list[None] = []
    task.judge_written([0, 1], SingleProcess(), lambda: pings.append(None))
    assert len(pings) > 1


def test_its_identity_has_the_sizes_of_the_network(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    _, state = make_pair_state(make_pair_run(make_run, volume), log)
    assert {name: size for name, size in state.identity.items() if name.startswith("spec.model")} == {
        "spec.model.name": "t5",
        "spec.model.layers": "1",
        "spec.model.width": "16",
        "spec.model.heads": "4",
    }

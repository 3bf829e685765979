"""The task word-vectors: it learns, its draws are keyed, and weights and losses are the same at any number of ranks."""

import math
from pathlib import Path

import pytest
import torch

from llmtrain_api.data import Tokenizer
from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.thread_collectives import run_ranks
from unit.trainer.vectorizing import make_vector_run, make_vector_state


def test_it_learns_which_words_stand_together(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, state = make_vector_state(make_vector_run(make_run, volume), log)
    before = task.evaluate(SingleProcess(), lambda: None)
    assert before.loss == pytest.approx(task.chance_loss)
    for _ in range(40):
        state.train_step(SingleProcess(), StopVotes())
    assert task.evaluate(SingleProcess(), lambda: None).loss < before.loss - 1


def test_a_loss_is_a_function_of_step_and_microbatch(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    run = make_vector_run(make_run, volume)
    results = []
    for _ in range(2):
        _, state = make_vector_state(run, log)
        results.append([state.train_step(SingleProcess(), StopVotes()) for _ in range(3)])
    assert results[0] == results[1]


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_weights_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, ranks: int
) -> None:
    run = make_vector_run(make_run, volume)
    make_vector_state(run, log)

    def train(group: Collectives) -> torch.Tensor:
        _, state = make_vector_state(run, log)
        for _ in range(3):
            state.train_step(group, StopVotes())
        return state.parameters.weights.clone()

    (expected,) = run_ranks(1, train)
    assert all(torch.equal(weights, expected) for weights in run_ranks(ranks, train))


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_judgement_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, ranks: int
) -> None:
    task, state = make_vector_state(make_vector_run(make_run, volume), log)
    state.train_step(SingleProcess(), StopVotes())
    expected = task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(ranks, lambda group: task.evaluate(group, lambda: None)) == [expected] * ranks


def test_its_identity_has_what_the_weights_depend_on(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task = {"name": "word-vectors", "window": 3, "negatives": 7}
    _, state = make_vector_state(make_vector_run(make_run, volume, task=task), log)
    assert {name: state.identity[name] for name in ("spec.model.width", "spec.task.window", "spec.task.negatives")} == {
        "spec.model.width": "16",
        "spec.task.window": "3",
        "spec.task.negatives": "7",
    }


def test_no_word_has_no_gradient(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, _ = make_vector_state(make_vector_run(make_run, volume), log)
    torch.nn.init.ones_(task.model.embed_neighbours.weight)
    torch.manual_seed(0)
    loss, pairs = task.loss(0, 0)
    loss.backward()
    assert pairs > 0
    for table in (task.model.embed_tokens, task.model.embed_neighbours):
        assert table.weight.grad is not None
        assert not table.weight.grad[0].any()
        assert table.weight.grad.any()


def test_a_step_in_which_no_two_words_are_kept_changes_nothing(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    training = {"steps": 2, "microbatches": 1, "microbatchSize": 1, "warmupSteps": 1}
    run = make_vector_run(make_run, volume, training=training)
    (volume / "topics.txt").write_text(
        "\n".join(f"often {'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10 % 10]}" for n in range(900))
    )
    run = run.model_copy(
        update={"data": run.data.model_copy(update={"tokenizer": Tokenizer(kind="words", min_count=500)})}
    )
    task, state = make_vector_state(run, log)
    result = state.train_step(SingleProcess(), StopVotes())
    assert (result.loss, result.tokens, result.bad_step) == (0.0, 0, None)
    assert math.isnan(task.evaluate(SingleProcess(), lambda: None).loss)

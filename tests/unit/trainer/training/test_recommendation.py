"""The task recommendation: padding has no influence, and judgements are the same at any number of ranks."""

from pathlib import Path

import numpy as np
import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.training import judging
from llmtrain_trainer.training.recommendation import item_logits, no_candidates
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.builders import MakeRun
from unit.trainer.recommending import make_recommendation_run, make_recommendation_state
from unit.trainer.thread_collectives import run_ranks

TRAINING = {
    "steps": 60,
    "microbatches": 2,
    "microbatchSize": 16,
    "warmupSteps": 2,
    "optimizer": {"learningRate": "2e-2"},
}


def test_it_learns_what_comes_next(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, state = make_recommendation_state(make_recommendation_run(make_run, volume, training=TRAINING), log)
    before = task.evaluate(SingleProcess(), lambda: None)
    for _ in range(60):
        state.train_step(SingleProcess(), StopVotes())
    after = task.evaluate(SingleProcess(), lambda: None)
    assert after.loss < before.loss / 2
    assert after.scores["ndcg"] > 0.8 > before.scores["ndcg"]


def test_the_loss_is_the_sum_over_windows_without_padding(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    task, _ = make_recommendation_state(make_recommendation_run(make_run, volume, training=TRAINING), log)
    numbers = [sample for half in range(2) for sample in task._steps.microbatch(0, half)]
    windows = [task._windows.batch([number]) for number in numbers]
    with torch.no_grad():
        one_by_one = sum(float(task.model.loss(torch.from_numpy(window))) for window in windows)
        (first, first_terms), (second, second_terms) = task.loss(0, 0), task.loss(0, 1)
    assert float(first + second) == pytest.approx(one_by_one, rel=1e-5)
    assert first_terms + second_terms == sum(window.shape[1] - 1 for window in windows)


@pytest.mark.parametrize("ranks", [2, 3])
def test_the_weights_are_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, ranks: int
) -> None:
    run = make_recommendation_run(
        make_run, volume, training={**TRAINING, "microbatches": 6, "microbatchSize": 4, "dropout": "0.1"}
    )
    make_recommendation_state(run, log)

    def train(group: Collectives) -> torch.Tensor:
        _, state = make_recommendation_state(run, log)
        for _ in range(3):
            state.train_step(group, StopVotes())
        return state.parameters.weights.clone()

    (expected,) = run_ranks(1, train)
    assert all(torch.equal(weights, expected) for weights in run_ranks(ranks, train))


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_judgement_is_the_same_bits_at_any_number_of_ranks(
    make_run: MakeRun, log: JsonLog, volume: Path, monkeypatch: pytest.MonkeyPatch, ranks: int
) -> None:
    monkeypatch.setattr(judging, "SAMPLES_PER_BATCH", 7)
    task, _ = make_recommendation_state(make_recommendation_run(make_run, volume), log)
    expected = task.evaluate(SingleProcess(), lambda: None)
    assert run_ranks(ranks, lambda group: task.evaluate(group, lambda: None)) == [expected] * ranks


def test_an_item_is_ranked_among_those_that_the_user_has_not_seen(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    task, _ = make_recommendation_state(make_recommendation_run(make_run, volume), log)
    users = list(range(len(task.dataset.held_out)))
    rows, losses = task.judge(users, SingleProcess())
    for user in (3, 11, 40):
        seen, target = task.dataset.history(user), int(task.dataset.held_out[user])
        with torch.no_grad():
            logits = item_logits(task.model, [seen], torch.device("cpu"))[0]
        candidates = [item for item in range(1, len(logits)) if item not in seen or item == target]
        assert rows[user, 0] == sum(logits[item] >= logits[target] for item in candidates)
        assert losses[user] == pytest.approx(-float(logits.log_softmax(0)[target]), rel=1e-5)


def test_only_the_end_of_a_history_is_read_and_all_of_it_is_excluded(
    make_run: MakeRun, log: JsonLog, volume: Path
) -> None:
    task, _ = make_recommendation_state(make_recommendation_run(make_run, volume), log)
    long = np.arange(1, 21, dtype=np.uint16)
    with torch.no_grad():
        whole, rest = (item_logits(task.model, [tokens], torch.device("cpu")) for tokens in (long, long[-8:]))
    assert torch.equal(whole, rest)
    assert np.flatnonzero(~no_candidates([long[:18]], 21)[0]).tolist() == [19, 20]


def test_its_identity_has_the_sizes_of_the_network(make_run: MakeRun, log: JsonLog, volume: Path) -> None:
    _, state = make_recommendation_state(make_recommendation_run(make_run, volume), log)
    assert {name: size for name, size in state.identity.items() if name.startswith("spec.model")} == {
        "spec.model.layers": "1",
        "spec.model.width": "16",
        "spec.model.heads": "2",
        "spec.model.kvHeads": "2",
        "spec.model.contextLength": "8",
    }

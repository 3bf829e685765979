"""A step is the same at any number of ranks, and the state is all that it depends on."""

from collections.abc import Callable

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState, clip_grad_norm
from unit.trainer.builders import MakeRun, make_state
from unit.trainer.thread_collectives import run_ranks

Make = Callable[[], TrainState]
MakeOf = Callable[[RunConfig], Make]


@pytest.fixture
def make_of(log: JsonLog) -> MakeOf:
    """Makes a maker of states for a run config."""
    return lambda run: lambda: make_state(run, log)


@pytest.fixture
def make(make_run: MakeRun, make_of: MakeOf) -> Make:
    return make_of(make_run())


def train(make: Make, ranks: int, steps: int) -> list[TrainState]:
    """Return the states of all ranks after some steps together."""
    states = [make() for _ in range(ranks)]

    def train_rank(group: Collectives) -> None:
        for _ in range(steps):
            states[group.rank].train_step(group, StopVotes())

    run_ranks(ranks, train_rank)
    return states


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_any_number_of_ranks_computes_the_same_bits(make: Make, ranks: int) -> None:
    (single,) = train(make, 1, steps=3)
    for state in train(make, ranks, steps=3):
        for name, tensor in single.state_dict().items():
            assert torch.equal(state.state_dict()[name], tensor), name


def test_dropout_depends_on_the_microbatch_and_not_on_the_rank(make_run: MakeRun, make_of: MakeOf) -> None:
    make = make_of(make_run(training={"steps": 20, "microbatches": 4, "microbatchSize": 2, "dropout": "0.3"}))
    (single,) = train(make, 1, steps=2)
    assert all(torch.equal(state.parameters.weights, single.parameters.weights) for state in train(make, 3, steps=2))


def test_a_fast_reduction_differs_by_rounding_only(make_run: MakeRun, make_of: MakeOf) -> None:
    make = make_of(make_run(training={"steps": 20, "microbatches": 4, "microbatchSize": 2, "reduction": "Fast"}))
    (single,) = train(make, 1, steps=1)
    states = train(make, 3, steps=1)
    assert all(torch.allclose(state.parameters.weights, single.parameters.weights, atol=1e-5) for state in states)


def test_the_vote_of_one_rank_reaches_all(make: Make) -> None:
    states = [make(), make()]
    votes = [StopVotes(stop=True), StopVotes()]
    results = run_ranks(2, lambda ranks: states[ranks.rank].train_step(ranks, votes[ranks.rank]).votes)
    assert results == [StopVotes(stop=True, leave=False)] * 2


def test_the_state_dict_is_all_that_a_new_rank_needs(make: Make) -> None:
    state, new = make(), make()
    state.train_step(SingleProcess(), StopVotes())
    for name, tensor in new.state_dict().items():
        tensor.copy_(state.state_dict()[name])
    new.mark_complete(state.step, state.counters)
    state.train_step(SingleProcess(), StopVotes())
    new.train_step(SingleProcess(), StopVotes())
    assert new.step == state.step == 2
    assert torch.equal(new.parameters.weights, state.parameters.weights)


def test_the_state_changes_only_after_before_update_has_returned(make: Make) -> None:
    state = make()
    before, seen = state.parameters.weights.clone(), []
    state.train_step(SingleProcess(), StopVotes(), lambda: seen.append(state.parameters.weights.clone()))
    assert torch.equal(seen[0], before)
    assert not torch.equal(state.parameters.weights, before)


def test_gradients_are_clipped_by_their_common_norm() -> None:
    gradients = torch.tensor([3.0, 4.0])
    assert clip_grad_norm(gradients, 1.0) == 5.0
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))
    assert clip_grad_norm(gradients, 2.0) == pytest.approx(1.0)
    assert torch.allclose(gradients, torch.tensor([0.6, 0.8]))


Poison = dict[tuple[int, int], float]
"""Factors of losses, by step and microbatch, both from 0."""


def poison(state: TrainState, factors: Poison) -> None:
    """Multiply the losses of some microbatches."""
    plain = state.task.loss

    def loss(step: int, microbatch: int) -> tuple[torch.Tensor, int]:
        loss, tokens = plain(step, microbatch)
        return loss * factors.get((step, microbatch), 1.0), tokens

    state.task.loss = loss  # type: ignore[method-assign]


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize(
    ("factor", "loss_is_finite"),
    [
        pytest.param(float("nan"), False, id="a loss that is no number"),
        pytest.param(float("inf"), False, id="an infinite loss"),
        pytest.param(1e38, False, id="gradients beyond float32"),
        pytest.param(1e25, True, id="a norm beyond float32"),
    ],
)
def test_a_step_that_is_not_finite_changes_nothing_and_names_the_microbatch(
    make: Make, ranks: int, factor: float, loss_is_finite: bool
) -> None:
    states = [make() for _ in range(ranks)]
    for state in states:
        poison(state, {(1, 2): factor})

    def train_rank(group: Collectives) -> list[object]:
        state = states[group.rank]
        assert state.train_step(group, StopVotes()).bad_step is None
        before = {name: tensor.clone() for name, tensor in state.state_dict().items()}
        bad_step = state.train_step(group, StopVotes()).bad_step
        assert all(torch.equal(tensor, before[name]) for name, tensor in state.state_dict().items())
        assert (state.step, state.bad_steps.consecutive, state.is_finite) == (2, 1, True)
        assert state.train_step(group, StopVotes()).bad_step is None
        assert bad_step is not None
        return [bad_step.step, bad_step.microbatch, state.step, state.bad_steps.consecutive, state.bad_steps.count]

    assert run_ranks(ranks, train_rank) == [[2, 2, 3, 0, 1]] * ranks
    assert all(torch.equal(state.parameters.weights, states[0].parameters.weights) for state in states)
    assert loss_is_finite or not torch.isfinite(torch.tensor(factor * 1e3))


def test_a_state_with_a_weight_that_is_not_finite_is_found(make: Make) -> None:
    state = make()
    assert state.is_finite
    state.parameters.weights[3] = float("inf")
    assert not state.is_finite


def test_skipped_data_is_a_function_of_the_counters(make: Make) -> None:
    """Steps after a rollback use the data of later steps."""
    used: list[int] = []
    state = make()
    plain = state.task.loss
    state.task.loss = lambda step, microbatch: (used.append(step), plain(step, microbatch))[1]  # type: ignore[method-assign,func-returns-value]
    state.bad_steps = state.bad_steps.after_bad(5).after_rollback(5, 0)
    state.train_step(SingleProcess(), StopVotes())
    assert set(used) == {5}


def test_a_norm_of_zero_clips_nothing() -> None:
    gradients = torch.tensor([3.0, 4.0])
    assert clip_grad_norm(gradients, 0.0) == 5.0
    assert gradients.tolist() == [3.0, 4.0]

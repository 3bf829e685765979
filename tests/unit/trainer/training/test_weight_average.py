"""The average follows the weights; with it a model is judged and published, and it is part of the state."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.training.flat_parameters import FlatParameters
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.weight_average import WeightAverage
from unit.trainer.builders import MakeCheckpointer, MakeRun, make_state, prepared_id
from unit.trainer.thread_collectives import run_ranks

CPU = torch.device("cpu")
STEPS = 20


@pytest.fixture
def averaged_run(make_run: MakeRun) -> RunConfig:
    """A job with an average."""
    return make_run(
        training={
            "steps": STEPS,
            "microbatches": 4,
            "microbatchSize": 2,
            "average": "0.9",
            "optimizer": {"learningRate": "1e-2"},
        }
    )


def weights_by_step(elements: int, steps: int) -> torch.Tensor:
    return torch.randn(steps, elements, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_is_the_recursion_with_a_decay_that_rises(decay: float) -> None:
    parameters = FlatParameters(nn.Linear(3, 2), CPU)
    average = WeightAverage(decay, parameters, CPU)
    average.reset()
    expected = parameters.weights.double().numpy().copy()
    for step, weights in enumerate(weights_by_step(parameters.elements, 30), start=1):
        parameters.weights.copy_(weights)
        average.update(step)
        kept = min(decay, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * weights.double().numpy()
    np.testing.assert_allclose(average.buffers["average"].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_initial_weights_do_not_outweigh_those_of_a_short_training() -> None:
    parameters = FlatParameters(nn.Linear(3, 2), CPU)
    average = WeightAverage(0.9999, parameters, CPU)
    parameters.weights.fill_(1.0)
    average.reset()
    parameters.weights.fill_(0.0)
    for step in range(1, 21):
        average.update(step)
    assert float(average.buffers["average"].max()) < 1e-4


def test_the_network_computes_with_the_average_in_its_context_alone() -> None:
    layer = nn.Linear(3, 2)
    parameters = FlatParameters(layer, CPU)
    average = WeightAverage(0.9, parameters, CPU)
    average.buffers["average"].fill_(2.0)
    parameters.weights.fill_(1.0)
    inputs = torch.ones(3)
    with average.in_use():
        assert layer(inputs).tolist() == [8.0, 8.0]
    assert layer(inputs).tolist() == [4.0, 4.0]


def test_the_network_has_its_weights_again_after_an_error() -> None:
    layer = nn.Linear(3, 2)
    average = WeightAverage(0.9, FlatParameters(layer, CPU), CPU)
    weights = layer.weight.data_ptr()

    @average.in_use()
    def fail() -> None:
        assert layer.weight.data_ptr() != weights
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        fail()
    assert layer.weight.data_ptr() == weights


def test_a_job_without_an_average_has_no_buffer_for_it(make_run: MakeRun, log: JsonLog) -> None:
    state = make_state(make_run(), log)
    assert list(state.buffers) == ["weight", "mean", "square"]
    views = {name: weight.data_ptr() for name, weight in state.task.model.named_parameters()}
    with state.average.in_use():
        assert views == {name: weight.data_ptr() for name, weight in state.task.model.named_parameters()}


def test_any_number_of_ranks_has_the_same_average_that_changes_no_weight(
    averaged_run: RunConfig, make_run: MakeRun, log: JsonLog
) -> None:
    def buffers_of(run: RunConfig, ranks: int) -> list[dict[str, torch.Tensor]]:
        states = [make_state(run, log) for _ in range(ranks)]

        def train(group: Collectives) -> None:
            for _ in range(3):
                states[group.rank].train_step(group, StopVotes())

        run_ranks(ranks, train)
        return [state.buffers for state in states]

    training = averaged_run.training.model_copy(update={"average": "0"})
    (plain,) = buffers_of(averaged_run.model_copy(update={"training": training}), 1)
    (single,) = buffers_of(averaged_run, 1)
    assert torch.equal(single["weight"], plain["weight"])
    assert not torch.equal(single["average"], single["weight"])
    for buffers in buffers_of(averaged_run, 3):
        assert all(torch.equal(buffers[name], single[name]) for name in single)


def test_a_step_that_is_not_applied_leaves_the_average(averaged_run: RunConfig, log: JsonLog) -> None:
    state = make_state(averaged_run, log)
    state.train_step(SingleProcess(), StopVotes())
    before, plain = state.average.buffers["average"].clone(), state.task.loss

    def endless(step: int, microbatch: int) -> tuple[torch.Tensor, int]:
        loss, tokens = plain(step, microbatch)
        return loss * float("inf"), tokens

    state.task.loss = endless  # type: ignore[method-assign]
    assert state.train_step(SingleProcess(), StopVotes()).bad_step is not None
    assert torch.equal(state.average.buffers["average"], before)


def test_checkpoints_hold_weights_and_average_and_the_average_is_published(
    averaged_run: RunConfig,
    make_checkpointer: MakeCheckpointer,
    checkpoints: CheckpointStore,
    log: JsonLog,
    tmp_path: Path,
) -> None:
    state = make_state(averaged_run, log)
    for _ in range(3):
        state.train_step(SingleProcess(), StopVotes())
    state.step = STEPS
    checkpointer = make_checkpointer(state)
    checkpointer.save()
    checkpointer.require_saved()
    restored = make_state(averaged_run, log)
    restore(restored, checkpoints, log)
    assert all(torch.equal(restored.buffers[name], buffer) for name, buffer in state.buffers.items())
    with state.average.in_use():
        judgement = state.task.evaluate(SingleProcess(), lambda: None, 2**16)  # type: ignore[call-arg]
    model = publish(averaged_run, prepared_id(averaged_run, log), log).model
    assert model is not None
    assert judgement is not None
    assert model.loss == pytest.approx(judgement.loss, rel=1e-6)  # summed in another order
    exported = load_file(tmp_path / "job" / "model" / "model.safetensors")
    name = "model.norm.weight"
    assert torch.equal(exported[name], state.parameters.named(state.average.buffers["average"])[name])
    assert not torch.equal(exported[name], state.parameters.named(state.parameters.weights)[name])

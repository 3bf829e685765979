"""A training stops early at the same step whatever happens to its workers, and its best checkpoint is published."""

import time
from collections.abc import Callable

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Progress
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.stages.publish import publish
from llmtrain_trainer.trainer.train_loop import LoopCallbacks, LoopExit, TrainLoop
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import Judgement
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeCheckpointer, MakeRun, make_state
from unit.trainer.thread_collectives import run_ranks

LOSSES = {3: 5.0, 6: 4.0, 9: 4.5, 12: 4.25, 15: 1.0}
"""What evaluations find, by steps done: the second one without a better one is that after step 12."""
EVALUATION = {"everySteps": 3, "stopAfter": 2}


class SteppingRanks:
    """The ranks of a generation, which can meet at a barrier."""

    generation = 1

    def __init__(self, ranks: Collectives) -> None:
        self._ranks = ranks

    def __getattr__(self, name: str) -> object:
        return getattr(self._ranks, name)

    def barrier(self) -> None:
        """Do nothing: no rank leaves before the end of a test."""


@pytest.fixture
def train(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> Callable[..., tuple[RunConfig, TrainState, LoopExit]]:
    """Trains a new state, from the newest checkpoint if there is one, up to a step at which it is asked to stop."""

    def train(ranks: Collectives | None = None, stop_at: int = -1) -> tuple[RunConfig, TrainState, LoopExit]:
        run = make_run(evaluation=EVALUATION)
        torch.set_num_threads(run.threads_per_rank)  # as ranks do
        state = make_state(run, log)
        state.mark_incomplete()
        state.task.evaluate = lambda *_: Judgement(loss=LOSSES[state.step])  # type: ignore[method-assign]
        reports: list[Progress] = []
        stops = lambda: state.step + 1 == stop_at or state.step == stop_at  # noqa: E731
        loop = TrainLoop(
            config=run,
            state=state,
            checkpoints=checkpoints,
            checkpointer=make_checkpointer(state),
            group=SteppingRanks(ranks or SingleProcess()),  # type: ignore[arg-type]
            callbacks=LoopCallbacks(
                stop_votes=lambda: StopVotes(stop=stops()),
                stop_requested=stops,
                after_step=lambda step, seconds: None,
                report=reports.append,
                report_final=reports.append,
            ),
            log=log,
            started_at=time.monotonic(),
        )
        return run, state, loop.run()

    return train


def steps_of(checkpoints: CheckpointStore) -> list[int]:
    return sorted(int(path.name[-8:]) for path in checkpoints.root.iterdir())


def test_it_stops_and_publishes_the_best_checkpoint(
    train: Callable[..., tuple[RunConfig, TrainState, LoopExit]], checkpoints: CheckpointStore, log: JsonLog
) -> None:
    run, state, loop_exit = train()
    assert (loop_exit, state.step) == (LoopExit.FINISHED, 12)
    assert state.ending == "stopped early at step 12 of 20, best at step 6"
    assert steps_of(checkpoints) == [6, 10, 12]
    model = publish(run, state.data_name, log).model
    assert model is not None
    assert (model.step, model.ending) == (6, "stopped early at step 12 of 20, best at step 6")


@pytest.mark.parametrize("stop_at", [5, 6, 7, 9, 11])
def test_it_stops_at_the_same_step_after_an_interruption(
    train: Callable[..., tuple[RunConfig, TrainState, LoopExit]], checkpoints: CheckpointStore, stop_at: int
) -> None:
    _, first, loop_exit = train(stop_at=stop_at)
    assert (loop_exit, first.step) == (LoopExit.STOPPED, stop_at)
    _, state, loop_exit = train()
    assert (loop_exit, state.step, state.best_so_far.step) == (LoopExit.FINISHED, 12, 6)
    assert 6 in steps_of(checkpoints)


@pytest.mark.parametrize("ranks", [2, 3])
def test_all_ranks_stop_at_the_step_of_one(
    train: Callable[..., tuple[RunConfig, TrainState, LoopExit]], checkpoints: CheckpointStore, ranks: int
) -> None:
    ends = run_ranks(ranks, lambda group: train(group)[1])
    assert [(state.step, state.best_so_far) for state in ends] == [(12, ends[0].best_so_far)] * ranks
    assert steps_of(checkpoints) == [6, 10, 12]

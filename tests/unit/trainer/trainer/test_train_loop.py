"""The loop reports each step once, and the last one again with the checkpoint that was written after it."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Progress
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.fault_points import arm, disarm_all
from llmtrain_trainer.trainer.train_loop import LoopCallbacks, LoopExit, TrainLoop
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from unit.trainer.builders import MakeCheckpointer, MakeRun, make_state

STEPS = 4
SLOW_SECONDS = 0.1


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    disarm_all()


class SingleRankGroup(SingleProcess):
    generation = 1

    def barrier(self) -> None:
        pass


class Reports:
    """Callbacks that record what the loop reports."""

    def __init__(self) -> None:
        self.reported: list[Progress] = []
        self.reported_finally: list[Progress] = []

    def callbacks(self) -> LoopCallbacks:
        return LoopCallbacks(
            stop_votes=StopVotes,
            stop_requested=lambda: False,
            after_step=lambda step, compute_seconds: None,
            report=self.reported.append,
            report_final=self.reported_finally.append,
        )


class AwaitedCheckpointer:
    """Signals when the loop waits for a snapshot; everything else is the checkpointer's."""

    def __init__(self, checkpointer: Checkpointer) -> None:
        self._checkpointer = checkpointer
        self.awaited = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._checkpointer, name)

    def wait_for_snapshot(self) -> None:
        self.awaited.set()
        self._checkpointer.wait_for_snapshot()
        self.awaited.clear()


def slow_down_snapshots(checkpointer: AwaitedCheckpointer, state: TrainState) -> None:
    """Delay each snapshot until the next step has waited for it for a while; the last one only for a while."""

    def delay(step: int | None) -> None:
        if state.step < STEPS:
            checkpointer.awaited.wait(60.0)
        time.sleep(SLOW_SECONDS)

    arm("snapshot", delay)


def train(
    make_run: MakeRun,
    make_checkpointer: MakeCheckpointer,
    checkpoints: CheckpointStore,
    log: JsonLog,
    *,
    slow: bool = False,
    average: str = "0",
) -> tuple[TrainState, Reports]:
    """Train for four steps, with checkpoints after the second and the last."""
    run = make_run()
    run = run.model_copy(update={"training": run.training.model_copy(update={"steps": STEPS, "average": average})})
    state, reports = make_state(run, log), Reports()
    checkpointer = AwaitedCheckpointer(make_checkpointer(state))
    if slow:
        slow_down_snapshots(checkpointer, state)
    loop = TrainLoop(
        config=run,
        state=state,
        checkpoints=checkpoints,
        checkpointer=checkpointer,  # type: ignore[arg-type]
        group=SingleRankGroup(),
        callbacks=reports.callbacks(),
        log=log,
        started_at=time.monotonic(),
    )
    assert loop.run() is LoopExit.FINISHED
    disarm_all()
    return state, reports


def test_each_step_is_reported_once_and_the_last_checkpoint_after_it(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    _, reports = train(make_run, make_checkpointer, checkpoints, log)
    assert [progress.step for progress in reports.reported] == [1, 2, 3, 4]
    (last,) = reports.reported_finally
    assert last.checkpoint is not None
    assert (last.step, last.checkpoint.step, last.checkpoint_write is not None) == (STEPS, STEPS, True)


def test_waiting_for_a_snapshot_counts_as_time_spent_on_checkpoints(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    _, reports = train(make_run, make_checkpointer, checkpoints, log, slow=True)
    before, after, last = (progress.time_spent for progress in reports.reported[1:])
    assert after.checkpoint - before.checkpoint >= SLOW_SECONDS
    assert reports.reported_finally[0].time_spent.checkpoint - last.checkpoint > 0
    assert after.compiling == before.compiling


def test_snapshots_change_no_bit(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    slow, _ = train(make_run, make_checkpointer, checkpoints, log, slow=True)
    without, _ = train(make_run, make_checkpointer, checkpoints, log)  # the checkpoints exist already
    assert torch.equal(slow.parameters.weights, without.parameters.weights)


def test_the_average_is_judged_while_the_weights_are_trained(
    make_run: MakeRun, make_checkpointer: MakeCheckpointer, checkpoints: CheckpointStore, log: JsonLog
) -> None:
    averaged, reports = train(make_run, make_checkpointer, checkpoints, log, average="0.9")
    of_weights = averaged.task.evaluate(SingleProcess(), lambda: None)
    with averaged.average.in_use():
        of_average = averaged.task.evaluate(SingleProcess(), lambda: None)
    assert of_average is not None
    assert of_weights is not None
    assert reports.reported_finally[0].held_out_loss == of_average.loss != of_weights.loss

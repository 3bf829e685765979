"""What the loop tells: each step once, and of the last one again, with the checkpoint that was written after it."""

import threading
import time

import torch

from llmtrain_api.protocol import Progress
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.log import Log
from llmtrain_trainer.trainer.train_loop import LoopExit, TrainLoop
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from unit.trainer.conftest import MakeKeeper, MakeRun, make_learner

STEPS = 4
SLOW_SECONDS = 0.1


class Group(SingleProcess):
    generation = 1

    def barrier(self) -> None:
        pass


class RecordingCallbacks:
    def __init__(self) -> None:
        self.told: list[Progress] = []
        self.told_again: list[Progress] = []

    def wishes(self) -> StopVotes:
        return StopVotes()

    def stopping(self) -> bool:
        return False

    def after_step(self, step: int, work_seconds: float | None = None) -> None:
        pass

    def report(self, progress: Progress) -> None:
        self.told.append(progress)

    def report_final(self, progress: Progress) -> None:
        self.told_again.append(progress)


def slow_down(keeper: Checkpointer, learner: GPTTask) -> None:
    """Have each snapshot last until the next step waits for it, and a while longer; the last one just a while."""
    snapshot, settle, waits = keeper._snapshot, learner.wait_for_snapshot, threading.Event()

    def slow_snapshot() -> None:
        if learner.step < STEPS:
            waits.wait(60.0)
        time.sleep(SLOW_SECONDS)
        snapshot()

    def watched_settle() -> None:
        waits.set()
        settle()
        waits.clear()

    keeper._snapshot, learner.wait_for_snapshot = slow_snapshot, watched_settle  # type: ignore[method-assign]


def trained(
    make_run: MakeRun, make_keeper: MakeKeeper, checkpoints: CheckpointStore, log: Log, *, slow: bool = False
) -> tuple[GPTTask, RecordingCallbacks]:
    """Train for four steps, with checkpoints after the second and the last."""
    run = make_run()
    run = run.model_copy(update={"training": run.training.model_copy(update={"steps": STEPS})})
    learner, surroundings = make_learner(run, log), RecordingCallbacks()
    keeper: Checkpointer = make_keeper(learner)
    if slow:
        slow_down(keeper, learner)
    loop = TrainLoop(run, learner, None, checkpoints, keeper, Group(), surroundings, log, time.monotonic())  # type: ignore[arg-type]
    assert loop.train() is LoopExit.FINISHED
    return learner, surroundings


def test_each_step_is_told_once_and_the_last_checkpoint_after_it(
    make_run: MakeRun, make_keeper: MakeKeeper, checkpoints: CheckpointStore, log: Log
) -> None:
    _, surroundings = trained(make_run, make_keeper, checkpoints, log)
    assert [progress.step for progress in surroundings.told] == [1, 2, 3, 4]
    (last,) = surroundings.told_again
    assert last.checkpoint is not None
    assert (last.step, last.checkpoint.step, last.checkpoint_write is not None) == (STEPS, STEPS, True)


def test_waiting_for_a_snapshot_is_time_spent_on_checkpoints(
    make_run: MakeRun, make_keeper: MakeKeeper, checkpoints: CheckpointStore, log: Log
) -> None:
    _, surroundings = trained(make_run, make_keeper, checkpoints, log, slow=True)
    before, after = surroundings.told[1].time_spent, surroundings.told[2].time_spent
    assert after.checkpoint - before.checkpoint >= SLOW_SECONDS
    assert surroundings.told_again[0].time_spent.checkpoint - surroundings.told[3].time_spent.checkpoint > 0
    assert after.compiling == before.compiling


def test_snapshots_change_no_bit(
    make_run: MakeRun, make_keeper: MakeKeeper, checkpoints: CheckpointStore, log: Log
) -> None:
    slow, _ = trained(make_run, make_keeper, checkpoints, log, slow=True)
    without, _ = trained(make_run, make_keeper, checkpoints, log)  # its checkpoints are there already
    assert torch.equal(slow.parameters.weights, without.parameters.weights)

"""The rank stage: one trainer process, in one generation after the other until the training is finished."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from llmtrain_api.protocol import Leave, LeaveReason, Membership, Progress
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from llmtrain_trainer.distributed.process_group import ProcessGroup, open_store
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import BadInput, GenerationEnded, StopRequested
from llmtrain_trainer.log import Log
from llmtrain_trainer.tensorboard.recorder import FOLDER, SummaryWriterThread
from llmtrain_trainer.trainer.progress_reporter import ProgressReporter
from llmtrain_trainer.trainer.train_loop import Evaluator, LoopExit, TrainLoop
from llmtrain_trainer.training.evaluation import held_out_loss
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.worker.stop_signal import StopSignal
from llmtrain_trainer.worker.watchdog import inherited_watchdog

LAST_WORDS_SECONDS = 3.0
"""How long an ending process tries to get its last progress through, to the coordinator and to the volume each."""


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """What a rank learns."""

    learner: TrainState
    data: str
    """What it learns from, as checkpoints name it."""
    judge: Evaluator | None = None
    """How it is judged while training."""


Alive = Callable[[], None]
TaskFactory = Callable[[torch.device, Alive], TrainingTask]


def pretrain_task(run: RunConfig, dataset: str) -> TaskFactory:
    """Return what makes the lesson of a job without a program of its own: our network, on a prepared dataset."""

    def make(device: torch.device, alive: Alive) -> TrainingTask:
        data = Dataset.open(run.data_directory, dataset)
        learner = GPTTask(run, data, device, alive)
        return TrainingTask(
            learner=learner, data=data.facts.id, judge=lambda ranks: held_out_loss(learner, data, ranks)
        )

    return make


class ElasticTrainer:
    """One trainer process: its state of the training outlives generations."""

    def __init__(
        self, run: RunConfig, lesson: TaskFactory, place: RankIdentity, stopping: StopSignal, log: Log
    ) -> None:
        torch.set_num_threads(run.threads_per_rank)
        self._run, self._stopping, self._log = run, stopping, log
        self._device = device_of(run, place)
        self._store = open_store()
        self._watch = inherited_watchdog()
        self._checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=log)
        self._lesson = lesson(self._device, self._watch.alive)
        self._learner = self._lesson.learner
        self._keeper = Checkpointer(self._learner, self._checkpoints, run, self._lesson.data, log)
        self.first = True
        """Whether this was the first rank of the last generation; a rank that comes later thinks it was."""
        self._member = place.member(self._store.port, numerics=self._learner.numerics if self._learner.exact else "")
        self._coordinator = self._new_connection()
        self._reporter = ProgressReporter(self._new_connection())
        self._recorder = SummaryWriterThread(self.job_directory / FOLDER, log)

    def train(self) -> TerminationMessage:
        """Train until the end. StopRequested if asked to stop first; a checkpoint is written before."""
        joining = Rendezvous(
            coordinator=self._coordinator,
            member=self._member,
            finished=self._finished,
            pause=self._stopping.pause,
            log=self._log,
        )
        while (membership := self._next(joining)) is not None:
            if self._train_in(membership) is LoopExit.FINISHED:
                break
        return TerminationMessage(reason="Completed", message=f"trained for {self._run.training.steps} steps")

    @property
    def job_directory(self) -> Path:
        """The job's own folder on the checkpoint volume."""
        return Path(self._run.job_directory)

    def _finished(self) -> bool:
        return self._checkpoints.newest_step() >= self._run.training.steps

    def _next(self, joining: Rendezvous) -> Membership | None:
        """Return the next generation; None if the training was finished without this rank."""
        try:
            membership = joining.next(self._learner.held_step)
        except StopRequested:
            self._leave("Stopped")
            raise
        if membership is None:
            self._leave("Finished")
        return membership

    def _train_in(self, membership: Membership) -> LoopExit:
        generation = membership.generation
        self._watch.alive()
        began_at = time.monotonic()
        with HeartbeatThread(self._new_connection(), self._member, membership) as pulse:
            try:
                if membership.members[0].incarnation == self._name:
                    self._keeper.claim(membership.term)
                group = ProcessGroup(
                    membership, self._name, self._store, self._device, lambda: pulse.broken, self._watch.alive
                )
                log = self._log.bind(generation=generation)
                log.info("joined", rank=group.rank, ranks=group.size)
                self.first = group.rank == 0
                surroundings = _ElasticCallbacks(pulse, self._stopping, self._reporter, self._recorder, membership.term)
                loop = TrainLoop(
                    self._run,
                    self._learner,
                    self._lesson.judge,
                    self._checkpoints,
                    self._keeper,
                    group,
                    surroundings,
                    log,
                    began_at,
                )
                with self._stopping.deferred():
                    ending = loop.train()
            except GenerationEnded as end:
                self._log.warning("generationEnded", generation=generation, step=self._learner.step, message=str(end))
                return LoopExit.LEFT
            finally:
                self._watch.idle()
            if ending is not LoopExit.LEFT:  # while the pulse beats: who falls silent without a word is taken for dead
                self._leave("Finished" if ending is LoopExit.FINISHED else "Stopped")
        if ending is LoopExit.STOPPED:
            raise StopRequested(f"stopped as asked after step {self._learner.step}, with a checkpoint")
        return ending

    def _leave(self, reason: LeaveReason) -> None:
        self._keeper.close()
        self._reporter.flush(LAST_WORDS_SECONDS)
        self._recorder.flush(LAST_WORDS_SECONDS)
        self._coordinator.leave_best_effort(Leave(incarnation=self._name, reason=reason))

    def _new_connection(self) -> CoordinatorClient:
        return CoordinatorClient(self._run.coordinator, self._run.uid)

    @property
    def _name(self) -> str:
        return self._member.incarnation


class _ElasticCallbacks:
    """What the loop asks and tells between two steps."""

    def __init__(
        self,
        pulse: HeartbeatThread,
        stopping: StopSignal,
        reporter: ProgressReporter,
        recorder: SummaryWriterThread,
        term: int,
    ) -> None:
        self._pulse, self._stopping, self._reporter, self._recorder = pulse, stopping, reporter, recorder
        self._term = term

    def wishes(self) -> StopVotes:
        return StopVotes(leave=self._pulse.changed, stop=self._stopping.requested)

    def stopping(self) -> bool:
        return self._stopping.requested

    def after_step(self, step: int, work_seconds: float | None = None) -> None:
        self._pulse.step, self._pulse.compute_seconds = step, work_seconds

    def report(self, progress: Progress) -> None:
        self._reporter.offer(progress)
        self._recorder.offer(self._term, progress)

    def report_final(self, progress: Progress) -> None:
        self._reporter.offer(progress)


def device_of(run: RunConfig, place: RankIdentity) -> torch.device:
    """Return the device that this rank computes on; BadInput if it isn't there."""
    if run.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise BadInput("spec.workers.gpus: this worker has no usable GPU; ask for 0 or use an image with CUDA")
    torch.cuda.set_device(place.local_rank)
    return torch.device("cuda", place.local_rank)

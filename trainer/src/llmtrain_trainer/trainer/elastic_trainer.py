"""The rank stage: one trainer process, which joins one generation after the other until the training is finished."""

import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from llmtrain_api.augment import LEXICON_FIELD
from llmtrain_api.events import TrainerEvent
from llmtrain_api.protocol import Leave, LeaveReason, Membership, Progress
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.checkpoint.checkpointer import Checkpointer
from llmtrain_trainer.checkpoint.identity import too_few_steps
from llmtrain_trainer.checkpoint.restore import restore
from llmtrain_trainer.checkpoint.store import CheckpointStore
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient, job_token_of
from llmtrain_trainer.distributed.guarded_store import GuardedStore
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from llmtrain_trainer.distributed.process_group import ProcessGroup
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import (
    BadInput,
    CollectiveFailed,
    CommunicationFailed,
    Diverged,
    GenerationEnded,
    StopRequested,
    TrainerError,
)
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.models.model_folder import FIELD, VECTORS_FIELD
from llmtrain_trainer.tensorboard.recorder import SCALARS_DIRECTORY, SummaryWriterThread
from llmtrain_trainer.trainer.failed_generations import FailedGenerations
from llmtrain_trainer.trainer.progress_reporter import ProgressReporter
from llmtrain_trainer.trainer.train_loop import LoopCallbacks, LoopExit, TrainLoop
from llmtrain_trainer.training.best_so_far import ending
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.task import Task
from llmtrain_trainer.training.train_state import TrainState
from llmtrain_trainer.worker.rank_context import RankContext
from llmtrain_trainer.worker.watchdog import inherited_watchdog

FLUSH_SECONDS = 3.0
"""How long a leaving rank tries to deliver its last progress, to the coordinator and to the volume each."""

TaskFactory = Callable[[torch.device], Task]
"""Builds a task on the device of this rank."""


class ElasticTrainer:
    """One trainer process. Its training state outlives generations."""

    def __init__(self, run: RunConfig, make_task: TaskFactory, rank: RankContext) -> None:
        torch.set_num_threads(run.threads_per_rank)
        self._run, self._stop_signal, self._log = run, rank.stop_signal, rank.log
        self._abandoned_groups = rank.abandoned_groups
        self._device = device_of(run, rank.identity)
        self._store = GuardedStore(rank.identity.address, job_token_of(run))
        self._watchdog = inherited_watchdog()
        self._checkpoints = CheckpointStore(job_directory=Path(run.job_directory), log=self._log)
        task = make_task(self._device)
        self._state = TrainState(task, run, self._device, self._watchdog.alive)
        self._checkpointer = Checkpointer(
            self._state,
            self._checkpoints,
            run,
            data_name=task.data_name,
            log=self._log,
            ping_watchdog=self._watchdog.alive,
        )
        self._member = rank.identity.member(
            self._store.port,
            numerics=self._state.numerics if self._state.exact else "",
            model=files_checksum(task.identity),
        )
        self._coordinator = self._new_client()
        self._reporter = ProgressReporter(self._new_client())
        self._summary_writer = SummaryWriterThread(Path(run.job_directory) / SCALARS_DIRECTORY, self._log)
        self._failed_generations, self._completed_step = FailedGenerations(), False
        self._ending = ""
        """How the training ended, by the newest checkpoint."""
        self.has_trained = False
        """Whether this process has completed a step."""
        self.is_main_process = True
        """Whether this was rank 0 of its last generation; True before the first one."""

    def train(self) -> TerminationMessage:
        """Train to the end. StopRequested if asked to stop before; a checkpoint is saved then.

        Diverged if training can't continue with finite numbers, CommunicationFailed if the ranks can't reach each other.
        """
        rendezvous = Rendezvous(
            coordinator=self._coordinator,
            member=self._member,
            finished=self._is_finished,
            pause=self._stop_signal.pause,
            log=self._log,
        )
        while (membership := self._next_generation(rendezvous)) is not None:
            if self._train_generation(membership) is LoopExit.FINISHED:
                break
        return TerminationMessage(reason="Completed", message=self._state.ending or self._ending)

    def load_final_state(self) -> None:
        """Load the last checkpoint unless this rank has done the last step itself.

        TrainerError if it turns out to be damaged: the next process finds it marked, and trains the missing steps.
        """
        steps = self._run.training.total_steps
        if self._state.held_step == steps:
            return
        self._checkpointer.wait_for_snapshot()
        restore(self._state, self._checkpoints, self._log, lambda: None)  # the watchdog of this rank is idle
        if self._state.step != steps:
            raise TrainerError(
                f"{self._checkpoints.path(steps).name}, the checkpoint after the last step, is not complete; the newest one "
                f"that is has done {self._state.step} of {steps} steps"
            )

    def _is_finished(self) -> bool:
        """Return whether there is a checkpoint of the end of the training. While that can't be read, the training may not be finished."""
        steps = self._run.training.total_steps
        try:
            newest = self._checkpoints.newest_manifest()
        except OSError as error:
            self._log.warning(TrainerEvent.CHECKPOINT_UNREADABLE, message=str(error))
            return False
        if newest is None:
            return False
        if newest.step > steps:
            raise BadInput(too_few_steps(self._checkpoints.path(newest.step).name, newest.step, self._run.training))
        self._ending = ending(newest.step, steps, newest.counters, self._run.evaluation) or ""
        return bool(self._ending)

    def _next_generation(self, rendezvous: Rendezvous) -> Membership | None:
        """Return the next generation; None if the training was finished without this rank."""
        try:
            membership = rendezvous.next(self._state.held_step)
        except StopRequested:
            self._leave("Stopped")
            raise
        if membership is None:
            self._leave("Finished")
        return membership

    def _train_generation(self, membership: Membership) -> LoopExit:
        """Train in one generation. StopRequested if the loop ended because this process was asked to stop."""
        self._watchdog.alive()
        started_at, self._completed_step = time.monotonic(), False
        with HeartbeatThread(self._new_client(), self._member, membership) as heartbeat:
            try:
                loop_exit = self._run_loop(membership, heartbeat, started_at)
            except GenerationEnded as error:
                self._log.warning(
                    TrainerEvent.GENERATION_ENDED,
                    generation=membership.generation,
                    step=self._state.step,
                    message=str(error),
                )
                self._state.discard_gradients()
                self._after_failure(membership, error)
                return LoopExit.LEFT
            except Diverged:
                self._leave("Failed")
                raise
            finally:
                self._watchdog.idle()
            if loop_exit is not LoopExit.LEFT:  # heartbeats continue until the coordinator knows that this rank leaves
                self._leave("Finished" if loop_exit is LoopExit.FINISHED else "Stopped")
        if loop_exit is LoopExit.STOPPED:
            if self._state.bad_steps.consecutive:
                how = "without a checkpoint, because of a bad step; training resumes from the newest one"
            else:
                how = self._checkpointer.outcome
            raise StopRequested(f"stopped on request after step {self._state.step}, {how}")
        return loop_exit

    def _after_failure(self, membership: Membership, error: GenerationEnded) -> None:
        """Pause if the same ranks have failed together before; CommunicationFailed if they have too often.

        Heartbeats continue during the pause, so that this rank is not considered lost.
        """
        if self._completed_step:
            self._failed_generations = FailedGenerations()
        if self._completed_step or not isinstance(error, CollectiveFailed):
            return  # if the same ranks try again, a peer has failed to exchange something, and that is no end of the row
        failed = self._failed_generations = self._failed_generations.after_failure(membership, str(error))
        if failed.is_exhausted:
            self._leave("Failed")
            raise CommunicationFailed(
                f"{failed.count} generations of the same ranks ended without a step although none was lost: {failed.cause}"
            )
        try:
            self._stop_signal.pause(failed.pause_seconds)
        except StopRequested:
            self._leave("Stopped")
            raise

    def _run_loop(self, membership: Membership, heartbeat: HeartbeatThread, started_at: float) -> LoopExit:
        """Connect to the other members and train. GenerationEnded if one of them fails."""
        if membership.members[0].incarnation == self._member.incarnation:
            self._checkpointer.acquire_fence(membership.term)
        group = self._connect(membership, heartbeat)
        log = self._log.bind(generation=membership.generation)
        log.info(TrainerEvent.GENERATION_JOINED, rank=group.rank, ranks=group.size)
        self.is_main_process = group.rank == 0
        loop = TrainLoop(
            config=self._run,
            state=self._state,
            checkpoints=self._checkpoints,
            checkpointer=self._checkpointer,
            group=group,
            callbacks=self._callbacks(heartbeat, membership.term),
            log=log,
            started_at=started_at,
            ping_watchdog=self._watchdog.alive,
        )
        with self._stop_signal.deferred():
            return loop.run()

    def _connect(self, membership: Membership, heartbeat: HeartbeatThread) -> ProcessGroup:
        return ProcessGroup(
            membership,
            self._member.incarnation,
            own_store=self._store,
            device=self._device,
            abandoned_groups=self._abandoned_groups,
            is_broken=lambda: heartbeat.broken,
            ping_watchdog=self._watchdog.alive,
        )

    def _callbacks(self, heartbeat: HeartbeatThread, term: int) -> LoopCallbacks:
        def report(progress: Progress) -> None:
            self._reporter.offer(progress)
            self._summary_writer.offer(term, progress)

        def after_step(step: int, compute_seconds: float | None) -> None:
            if compute_seconds is not None:
                self._completed_step = self.has_trained = True
                self._watchdog.stepped()
            heartbeat.after_step(step, compute_seconds)

        return LoopCallbacks(
            stop_votes=lambda: StopVotes(leave=heartbeat.changed, stop=self._stop_signal.requested),
            stop_requested=lambda: self._stop_signal.requested,
            after_step=after_step,
            report=report,
            report_final=self._reporter.offer,
        )

    def _leave(self, reason: LeaveReason) -> None:
        self._checkpointer.close()
        fault_point("leave")
        self._reporter.flush(FLUSH_SECONDS)
        self._summary_writer.flush(FLUSH_SECONDS)
        self._coordinator.leave_best_effort(Leave(incarnation=self._member.incarnation, reason=reason))

    def _new_client(self) -> CoordinatorClient:
        return CoordinatorClient.of(self._run)


def device_of(run: RunConfig, identity: RankIdentity) -> torch.device:
    """Return the device that this rank computes on. BadInput if it does not exist."""
    if run.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise BadInput("spec.workers.gpus: this worker has no usable GPU; set it to 0 or use an image with CUDA")
    torch.cuda.set_device(identity.local_rank)
    return torch.device("cuda", identity.local_rank)


def files_checksum(identity: Mapping[str, str]) -> str:
    """Return the checksum of the files beside the dataset that training reads, from the task's identity; empty without any.

    That of one file, or folder, is its own.
    """
    found = [identity[name] for name in (FIELD, VECTORS_FIELD, LEXICON_FIELD) if identity.get(name)]
    if len(found) < 2:
        return "".join(found)
    return f"sha256:{hashlib.sha256(' '.join(found).encode()).hexdigest()}"

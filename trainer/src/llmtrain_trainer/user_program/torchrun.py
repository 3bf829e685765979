"""Mode Torchrun: the rank is a member like any other, and runs the user's program as a process beside itself.

In each generation the program is started with torchrun's environment variables. When the generation ends, the program
is asked to stop; in the next one it is started again and resumes from its own checkpoints.

A program can fail because a peer is gone. To distinguish that from a failure of its own, the rank waits to see whether
the generation breaks. If it does not, the failure is the program's own: the rank leaves and reports it, which breaks
the generation for its peers.
"""

import signal
import socket
import time
from pathlib import Path
from typing import NoReturn

from llmtrain_api.events import TrainerEvent
from llmtrain_api.protocol import LEASE_SECONDS, Leave, LeaveReason, Membership
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import StopRequested, UserProgramFailed
from llmtrain_trainer.user_program.process import ProgramProcess
from llmtrain_trainer.user_program.program import Program, failure_message, find_program, program_environment
from llmtrain_trainer.user_program.torchrun_env import torchrun_environment
from llmtrain_trainer.worker.rank_context import RankContext

EXIT_SECONDS = 10.0
"""What the program does not get of the worker's grace period: the worker leaves and exits in it."""
BROKEN_GRACE_SECONDS = 5.0
"""The same when a peer is gone: the program may wait for it forever."""
PEER_FAILURE_SECONDS = LEASE_SECONDS + 1.0
"""How long to wait after a failure of the program for its generation to break."""
POLL_SECONDS = 0.02


class TorchrunRunner:
    """One rank, without torch."""

    def __init__(self, run: RunConfig, rank: RankContext) -> None:
        self._run, self._stop_signal, self._log = run, rank.stop_signal, rank.log
        self._program: Program = find_program(run)
        self._environment = program_environment(run)
        self._reserved_port = reserve_port()
        self._coordinator = self._new_client()
        self._member = rank.identity.member(self._reserved_port.getsockname()[1])

    def train(self) -> TerminationMessage:
        """Run the program to its end. StopRequested if asked to stop before, UserProgramFailed if it fails."""
        rendezvous = Rendezvous(
            coordinator=self._coordinator,
            member=self._member,
            finished=lambda: False,
            pause=self._stop_signal.pause,
            log=self._log,
        )
        try:
            with self._reserved_port:
                while (membership := rendezvous.next(0)) is not None:
                    if self._finishes_in(membership):
                        break
        except StopRequested:
            self._leave("Stopped")
            raise
        self._leave("Finished")
        return TerminationMessage(reason="Completed", message=f"{self._program.name} ran to its end")

    def _finishes_in(self, membership: Membership) -> bool:
        """Run the program in one generation; return whether it ran to its end."""
        if membership.members[0].incarnation == self._member.incarnation:
            acquire_fence(Path(self._run.job_directory), membership.term)
        environment = torchrun_environment(membership, self._member.incarnation, run_id=self._run.uid)
        log = self._log.bind(generation=membership.generation)
        log.info(TrainerEvent.GENERATION_JOINED, rank=int(environment["RANK"]), ranks=len(membership.members))
        with HeartbeatThread(self._new_client(), self._member, membership) as heartbeat, self._stop_signal.deferred():
            process = ProgramProcess(self._program.command, {**self._environment, **environment}, self._log.write_raw)
            try:
                silent_seconds = self._run.silent_seconds if environment["RANK"] == "0" else None
                code = self._wait(process, heartbeat, silent_seconds)
            finally:
                process.kill_and_reap()
            if code == 0:
                return True
            self._raise_own_failure(code, process, heartbeat, len(membership.members))
            log.warning(TrainerEvent.GENERATION_ENDED, message="the program is restarted in the next generation")
            return False

    @property
    def _grace_seconds(self) -> float:
        """How long the program may take to stop when it is asked to."""
        return self._run.grace_period_seconds - EXIT_SECONDS

    def _wait(self, process: ProgramProcess, heartbeat: HeartbeatThread, silent_seconds: int | None) -> int | None:
        """Wait for the program; return its exit code, or None if it was asked to stop, whatever its exit code.

        UserProgramFailed if it writes no line for `silent_seconds`, which are None if that does not matter.
        """
        while process.exit_code is None:
            if self._stop_signal.requested or heartbeat.changed:
                process.terminate(BROKEN_GRACE_SECONDS if heartbeat.broken else self._grace_seconds)
                return None
            if silent_seconds is not None and process.silent_seconds >= silent_seconds:
                self._abort(process, silent_seconds)
            time.sleep(POLL_SECONDS)
        return process.exit_code

    def _abort(self, process: ProgramProcess, silent_seconds: int) -> NoReturn:
        """Kill a program that hangs, which ends the generation for its peers, and raise UserProgramFailed."""
        self._log.warning(TrainerEvent.PROGRAM_SILENT, seconds=silent_seconds)
        process.abort()
        self._leave("Failed")
        raise UserProgramFailed(
            f"{self._program.name} wrote no line for {silent_seconds} s (spec.recovery.silentSeconds), so it was killed; "
            "its log has the stacks of its threads",
            exit_code=-signal.SIGABRT,
        )

    def _raise_own_failure(
        self, code: int | None, process: ProgramProcess, heartbeat: HeartbeatThread, ranks: int
    ) -> None:
        """Raise StopRequested if asked to stop, UserProgramFailed if the failure `code` is the program's own."""
        if self._stop_signal.requested:
            raise StopRequested("stopped on request; the program resumes from its own checkpoints")
        if code is not None and not self._peer_failed(heartbeat, ranks):
            self._leave("Failed")
            raise UserProgramFailed(failure_message(self._program.name, code, process.last_line), exit_code=code)

    def _peer_failed(self, heartbeat: HeartbeatThread, ranks: int) -> bool:
        """Return whether the program failed because a peer is gone: its generation turns out to have ended."""
        deadline = time.monotonic() + (PEER_FAILURE_SECONDS if ranks > 1 else 0.0)
        while not heartbeat.changed and time.monotonic() < deadline and not self._stop_signal.requested:
            time.sleep(POLL_SECONDS)
        return heartbeat.changed

    def _leave(self, reason: LeaveReason) -> None:
        self._coordinator.leave_best_effort(Leave(incarnation=self._member.incarnation, reason=reason))

    def _new_client(self) -> CoordinatorClient:
        return CoordinatorClient.of(self._run)


def reserve_port() -> socket.socket:
    """Return a socket that reserves a port, except for a program that asks to reuse it, as torch does."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("", 0))
    return reserved

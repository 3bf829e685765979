"""Mode Torchrun: the rank is a member like any other, and runs the user's program beside itself.

In each generation the program is started with torchrun's environment. When the generation ends it is asked to stop,
and started anew in the next one, where it goes on from checkpoints of its own. If it fails because a peer is gone,
that is told apart from a fault of its own by waiting whether the generation breaks: the first to fail is the first to
have waited in vain, breaks it, and takes the blame.
"""

import socket
import time
from pathlib import Path

from llmtrain_api.protocol import LEASE_SECONDS, Leave, LeaveReason, Membership
from llmtrain_api.run_config import RunConfig
from llmtrain_api.termination import TerminationMessage
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.distributed.heartbeat import HeartbeatThread
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.distributed.rendezvous import Rendezvous
from llmtrain_trainer.errors import StopRequested, UserProgramFailed
from llmtrain_trainer.log import Log
from llmtrain_trainer.user_program.process import ProgramProcess
from llmtrain_trainer.user_program.program import Program, find_program, program_environment
from llmtrain_trainer.user_program.torchrun_env import torchrun_environment
from llmtrain_trainer.worker.stop_signal import StopSignal

GRACE_SECONDS = 30.0
"""How long the program may take to stop when it is asked to, as under torchrun."""
BROKEN_GRACE_SECONDS = 5.0
"""The same when a peer is gone: what it waits for never comes."""
PEER_FAILURE_SECONDS = LEASE_SECONDS + 1.0
"""How long a failed program's generation may take to turn out to be broken."""
TICK_SECONDS = 0.02


class TorchrunRunner:
    """One rank without torch."""

    def __init__(self, run: RunConfig, place: RankIdentity, stopping: StopSignal, log: Log) -> None:
        self._run, self._stopping, self._log = run, stopping, log
        self._program: Program = find_program(run)
        self._own = program_environment(run)
        self._meeting = reserve_port()
        self._coordinator = self._new_connection()
        self._member = place.member(self._meeting.getsockname()[1])

    def train(self) -> TerminationMessage:
        """Run the program to its end; StopRequested if asked to stop first, OwnCodeFailed if it fails."""
        joining = Rendezvous(
            coordinator=self._coordinator,
            member=self._member,
            finished=lambda: False,
            pause=self._stopping.pause,
            log=self._log,
        )
        try:
            while (membership := joining.next(0)) is not None:
                if self._finishes_in(membership):
                    break
        except StopRequested:
            self._leave("Stopped")
            raise
        self._leave("Finished")
        return TerminationMessage(reason="Completed", message=f"{self._program.name} ran to its end")

    def _finishes_in(self, membership: Membership) -> bool:
        """Run the program in one generation; return whether it came to its end there."""
        if membership.members[0].incarnation == self._name:
            acquire_fence(Path(self._run.job_directory), membership.term)
        environment = torchrun_environment(membership, self._name, run_id=self._run.uid)
        log = self._log.bind(generation=membership.generation)
        log.info("joined", rank=int(environment["RANK"]), ranks=len(membership.members))
        with HeartbeatThread(self._new_connection(), self._member, membership) as pulse, self._stopping.deferred():
            script = ProgramProcess(self._program.command, {**self._own, **environment}, self._log.write_raw)
            try:
                code = self._watch(script, pulse)
            finally:
                script.kill_and_reap()
            if code == 0:
                return True
            if self._stopping.requested:
                raise StopRequested("stopped as asked; the program goes on from its own checkpoints")
            if code is not None and not self._peer_failed(pulse, len(membership.members)):
                self._leave("Failed")
                raise UserProgramFailed(failure_sentence(self._program.name, code, script.last_line), exit_code=code)
            log.warning("generationEnded", message="the program is started anew in the next one")
            return False

    def _watch(self, script: ProgramProcess, pulse: HeartbeatThread) -> int | None:
        """Wait for the program's end; return its exit code, or None if it was asked to stop, however it took that."""
        while script.exit_code is None:
            if self._stopping.requested or pulse.changed:
                script.terminate(BROKEN_GRACE_SECONDS if pulse.broken else GRACE_SECONDS)
                return None
            time.sleep(TICK_SECONDS)
        return script.exit_code

    def _peer_failed(self, pulse: HeartbeatThread, ranks: int) -> bool:
        """Return whether the program failed for lack of a peer: then its generation is found to have ended."""
        give_up = time.monotonic() + (PEER_FAILURE_SECONDS if ranks > 1 else 0.0)
        while not pulse.changed and time.monotonic() < give_up and not self._stopping.requested:
            time.sleep(TICK_SECONDS)
        return pulse.changed

    def _leave(self, reason: LeaveReason) -> None:
        self._coordinator.leave_best_effort(Leave(incarnation=self._name, reason=reason))

    def _new_connection(self) -> CoordinatorClient:
        return CoordinatorClient(self._run.coordinator, self._run.uid)

    @property
    def _name(self) -> str:
        return self._member.incarnation


def reserve_port() -> socket.socket:
    """Return a socket that keeps a port from others, but not from a program that asks to reuse it, as torch does."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("", 0))
    return reserved


def failure_sentence(program: str, code: int, last_line: str) -> str:
    """Return how the program ended, for people."""
    how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"{program} {how}" + (f": {last_line[:500]}" if last_line else "")

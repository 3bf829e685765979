"""Mode Torchrun: the rank is a member like any other, and runs the user's program beside itself.

In each generation the program is started with torchrun's environment. When the generation ends it is asked to stop,
and started anew in the next one, where it goes on from checkpoints of its own. If it fails because a peer is gone,
that is told apart from a fault of its own by waiting whether the generation breaks: the first to fail is the first to
have waited in vain, breaks it, and takes the blame.
"""

import socket
import time
from pathlib import Path

from llmtrain_api.membership import LEASE_SECONDS, Leave, LeaveReason, Membership
from llmtrain_api.outcome import Outcome
from llmtrain_api.run import RunConfig
from llmtrain_trainer.checkpoint.claim import claim
from llmtrain_trainer.elastic.coordinator import Coordinator
from llmtrain_trainer.elastic.joining import Joining
from llmtrain_trainer.elastic.place import Place
from llmtrain_trainer.elastic.pulse import Pulse
from llmtrain_trainer.elastic.stopping import Stopping
from llmtrain_trainer.errors import OwnCodeFailed, StopRequested
from llmtrain_trainer.log import Log
from llmtrain_trainer.own.environment import torchrun_environment
from llmtrain_trainer.own.program import Program, find_program, own_environment
from llmtrain_trainer.own.script import Script

GRACE_SECONDS = 30.0
"""How long the program may take to stop when it is asked to, as under torchrun."""
BROKEN_GRACE_SECONDS = 5.0
"""The same when a peer is gone: what it waits for never comes."""
BLAME_SECONDS = LEASE_SECONDS + 1.0
"""How long a failed program's generation may take to turn out to be broken."""
TICK_SECONDS = 0.02


class Alongside:
    """One rank without torch."""

    def __init__(self, run: RunConfig, place: Place, stopping: Stopping, log: Log) -> None:
        self._run, self._stopping, self._log = run, stopping, log
        self._program: Program = find_program(run)
        self._own = own_environment(run)
        self._meeting = reserve_port()
        self._coordinator = self._new_connection()
        self._member = place.member(self._meeting.getsockname()[1])

    def train(self) -> Outcome:
        """Run the program to its end; StopRequested if asked to stop first, OwnCodeFailed if it fails."""
        joining = Joining(
            coordinator=self._coordinator, member=self._member, finished=lambda: False, pause=self._stopping.pause,
            log=self._log,
        )  # fmt: skip
        try:
            while (membership := joining.next(0)) is not None:
                if self._finishes_in(membership):
                    break
        except StopRequested:
            self._leave("Stopped")
            raise
        self._leave("Finished")
        return Outcome(reason="Completed", message=f"{self._program.name} ran to its end")

    def _finishes_in(self, membership: Membership) -> bool:
        """Run the program in one generation; return whether it came to its end there."""
        if membership.members[0].incarnation == self._name:
            claim(Path(self._run.job_directory), membership.term)
        environment = torchrun_environment(membership, self._name, run_id=self._run.uid)
        log = self._log.having(generation=membership.generation)
        log.info("joined", rank=int(environment["RANK"]), ranks=len(membership.members))
        with Pulse(self._new_connection(), self._member, membership) as pulse, self._stopping.finishing():
            script = Script(self._program.command, {**self._own, **environment}, self._log.pass_on)
            try:
                code = self._watch(script, pulse)
            finally:
                script.bury()
            if code == 0:
                return True
            if self._stopping.asked:
                raise StopRequested("stopped as asked; the program goes on from its own checkpoints")
            if code is not None and not self._peers_fault(pulse, len(membership.members)):
                self._leave("Failed")
                raise OwnCodeFailed(failure_sentence(self._program.name, code, script.last_line), exit_code=code)
            log.warning("generationEnded", message="the program is started anew in the next one")
            return False

    def _watch(self, script: Script, pulse: Pulse) -> int | None:
        """Wait for the program's end; return its exit code, or None if it was asked to stop, however it took that."""
        while script.exit_code is None:
            if self._stopping.asked or pulse.changed:
                script.end(BROKEN_GRACE_SECONDS if pulse.broken else GRACE_SECONDS)
                return None
            time.sleep(TICK_SECONDS)
        return script.exit_code

    def _peers_fault(self, pulse: Pulse, ranks: int) -> bool:
        """Return whether the program failed for lack of a peer: then its generation is found to have ended."""
        give_up = time.monotonic() + (BLAME_SECONDS if ranks > 1 else 0.0)
        while not pulse.changed and time.monotonic() < give_up and not self._stopping.asked:
            time.sleep(TICK_SECONDS)
        return pulse.changed

    def _leave(self, reason: LeaveReason) -> None:
        self._coordinator.say_goodbye(Leave(incarnation=self._name, reason=reason))

    def _new_connection(self) -> Coordinator:
        return Coordinator(self._run.coordinator, self._run.uid)

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

"""A program runs once a generation, and only its own failure is reported as one."""

import io
import json
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from llmtrain_api.protocol import Join, Leave
from llmtrain_trainer.checkpoint.fence import acquire_fence
from llmtrain_trainer.distributed.coordinator_client import CoordinatorClient
from llmtrain_trainer.distributed.rank_identity import RankIdentity
from llmtrain_trainer.errors import BadInput, Fenced, StopRequested, UserProgramFailed
from llmtrain_trainer.user_program import torchrun
from llmtrain_trainer.user_program.torchrun import TorchrunRunner
from llmtrain_trainer.worker.rank_context import RankContext
from support.local_coordinator import TOKEN, UID, LocalCoordinator, serving
from support.polling import DEADLINE_SECONDS, eventually
from unit.trainer.builders import MakeRun, identity

PEER = identity(1)
RESTARTS = "TORCHELASTIC_RESTART_COUNT"
IMPORTS = "import os, signal, sys, time\nfrom pathlib import Path\nout = Path(os.environ['LLMTRAIN_OUTPUT'])\n"
WAIT_AND_FINISH = f"""{IMPORTS}
if os.environ["{RESTARTS}"] != "0":
    sys.exit()
out.joinpath("started").touch()
time.sleep(600)
"""
"""Waits in the first generation, and finishes in the next one."""
FAIL_ONCE = f"""{IMPORTS}
if os.environ["{RESTARTS}"] != "0":
    sys.exit()
out.joinpath("pid").write_text(str(os.getpid()))
out.joinpath("started").touch()
sys.exit("the connection is closed by the peer")
"""
"""Fails in the first generation, as a program does that has lost its peer, and finishes in the next one."""
STOP_ITS_RANK = f"""{IMPORTS}
signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_CODE))
os.kill(os.getppid(), signal.SIGTERM)
time.sleep(600)
"""
"""Asks its rank to stop, and exits with a code when it is asked to stop in turn."""


@dataclass(frozen=True, kw_only=True)
class ProgramRank:
    """What a test needs to run a program as worker 0."""

    make_run: MakeRun
    volume: Path
    context: RankContext

    def runner(self, coordinator: LocalCoordinator, program: str, *arguments: str, **fields: int) -> TorchrunRunner:
        """Return the runner of a program with this source; `fields` are those of the run config that differ."""
        (self.volume / "program.py").write_text(program)
        run = self.make_run(script="program.py", mode="Torchrun", arguments=list(arguments))
        run = run.model_copy(update={"coordinator": coordinator.address, **fields})
        return TorchrunRunner(run, self.context)


@pytest.fixture
def rank(make_program_run: MakeRun, volume: Path, rank_context: RankContext) -> ProgramRank:
    return ProgramRank(make_run=make_program_run, volume=volume, context=rank_context)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The directory that programs write to."""
    return tmp_path / "job" / "output"


def joined_by_peer(
    coordinator: LocalCoordinator, then: Callable[[], None] = lambda: None, *, member: RankIdentity = PEER
) -> None:
    """Join the first generation as `member`, which is worker 1 by default, do something, and leave."""
    client = CoordinatorClient(coordinator.address, UID, TOKEN)
    client.join(Join(member=member.member(1)))
    client.close()
    then()
    client.leave_best_effort(Leave(incarnation=member.incarnation, reason="Failed"))


def events(lines: io.StringIO, name: str) -> list[dict[str, object]]:
    """Return the log lines of an event."""
    entries = [json.loads(line) for line in lines.getvalue().splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry["event"] == name]


def test_a_program_runs_to_its_end_with_its_arguments_and_the_environment_of_torchrun(
    rank: ProgramRank, lines: io.StringIO
) -> None:
    program = "import os, sys\nprint('ran', *sys.argv[1:], *(os.environ[name] for name in ('RANK', 'LLMTRAIN_STEPS')))"
    with serving() as coordinator:
        outcome = rank.runner(coordinator, program, "--fast").train()
    assert (outcome.reason, outcome.message) == ("Completed", "program.py ran to its end")
    assert "ran --fast 0 20" in lines.getvalue().splitlines()
    assert coordinator.leave_reasons == ["Finished"]


def test_the_failure_of_a_program_without_peers_is_its_own(rank: ProgramRank) -> None:
    with serving() as coordinator, pytest.raises(UserProgramFailed) as failure:
        rank.runner(coordinator, "import sys\nprint('so far')\nsys.exit(3)").train()
    assert (str(failure.value), failure.value.exit_code) == ("program.py ended with exit code 3: so far", 3)
    assert coordinator.leave_reasons == ["Failed"]


def test_a_failure_is_the_programs_own_if_the_peers_stay(rank: ProgramRank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchrun, "PEER_FAILURE_SECONDS", 0.1)

    def rank_left() -> None:
        eventually(lambda: bool(coordinator.leaves), "the rank has left")

    with serving(workers=2) as coordinator, ThreadPoolExecutor(1) as pool:
        peer = pool.submit(joined_by_peer, coordinator, rank_left)
        with pytest.raises(UserProgramFailed, match="ended with exit code 1: the connection is closed by the peer"):
            rank.runner(coordinator, FAIL_ONCE).train()
        peer.result(DEADLINE_SECONDS)
    assert [leave.incarnation == PEER.incarnation for leave in coordinator.leaves] == [False, True]


def test_a_program_that_fails_because_a_peer_is_gone_is_restarted(
    rank: ProgramRank, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchrun, "PEER_FAILURE_SECONDS", DEADLINE_SECONDS)

    def program_failed() -> None:
        eventually((output / "started").exists, "the program has started")
        pid = (output / "pid").read_text()
        eventually(lambda: not Path("/proc", pid).exists(), "the program has failed")

    with serving(workers=2) as coordinator, ThreadPoolExecutor(1) as pool:
        peer = pool.submit(joined_by_peer, coordinator, program_failed)
        assert rank.runner(coordinator, FAIL_ONCE).train().reason == "Completed"
        peer.result(DEADLINE_SECONDS)
    assert coordinator.leave_reasons == ["Failed", "Finished"]


def test_a_program_is_stopped_and_restarted_when_the_membership_changes(
    rank: ProgramRank, output: Path, lines: io.StringIO
) -> None:
    def program_started() -> None:
        eventually((output / "started").exists, "the program has started")

    with serving(workers=2) as coordinator, ThreadPoolExecutor(1) as pool:
        peer = pool.submit(joined_by_peer, coordinator, program_started)
        assert rank.runner(coordinator, WAIT_AND_FINISH).train().reason == "Completed"
        peer.result(DEADLINE_SECONDS)
    joined = [(line["generation"], line["rank"], line["ranks"]) for line in events(lines, "generationJoined")]
    assert joined == [(1, 0, 2), (2, 0, 1)]
    assert [line["generation"] for line in events(lines, "generationEnded")] == [1]


@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_program_that_is_stopped_has_neither_finished_nor_failed(rank: ProgramRank, exit_code: int) -> None:
    with serving() as coordinator, pytest.raises(StopRequested, match="the program resumes from its own checkpoints"):
        rank.runner(coordinator, STOP_ITS_RANK.replace("EXIT_CODE", str(exit_code))).train()
    assert coordinator.leave_reasons == ["Stopped"]


SILENT_SECONDS = 4
"""A program must start within this time, also on a busy machine."""
HANG = f"{IMPORTS}print('up', flush=True)\ntime.sleep(600)"


def test_a_program_that_is_silent_is_killed_after_its_stacks_are_dumped(rank: ProgramRank, lines: io.StringIO) -> None:
    with serving() as coordinator, pytest.raises(UserProgramFailed) as failure:
        rank.runner(coordinator, HANG, silent_seconds=SILENT_SECONDS).train()
    assert str(failure.value).startswith(
        f"program.py wrote no line for {SILENT_SECONDS} s (spec.recovery.silentSeconds)"
    )
    assert failure.value.exit_code == -signal.SIGABRT
    assert coordinator.leave_reasons == ["Failed"]
    assert "up" in lines.getvalue().splitlines()
    assert 'program.py", line 5 in <module>' in lines.getvalue()
    assert [line["seconds"] for line in events(lines, "programSilent")] == [SILENT_SECONDS]


SPEAK_AND_FINISH = (
    f"{IMPORTS}for _ in range({SILENT_SECONDS * 11}):\n    print('step', flush=True)\n    time.sleep(0.1)"
)


def test_a_program_that_writes_lines_is_not_silent(rank: ProgramRank) -> None:
    with serving() as coordinator:
        assert rank.runner(coordinator, SPEAK_AND_FINISH, silent_seconds=SILENT_SECONDS).train().reason == "Completed"


def test_only_the_program_with_rank_0_can_be_silent(rank: ProgramRank, output: Path) -> None:
    """Most programs write their progress on one rank alone."""

    def outlast_the_limit() -> None:
        eventually((output / "started").exists, "the program has started")
        waited = threading.Event()
        waited.wait(SILENT_SECONDS * 1.2)

    with serving(workers=2) as coordinator, ThreadPoolExecutor(1) as pool:
        other = replace(rank.context, identity=identity(1))
        runner = replace(rank, context=other).runner(coordinator, WAIT_AND_FINISH, silent_seconds=SILENT_SECONDS)
        peer = pool.submit(joined_by_peer, coordinator, outlast_the_limit, member=identity(0))
        assert runner.train().reason == "Completed"
        peer.result(DEADLINE_SECONDS)
    assert coordinator.leave_reasons == ["Failed", "Finished"]


def test_a_rank_that_waits_for_its_peers_can_be_stopped(rank: ProgramRank) -> None:
    def stop_when_joined() -> None:
        eventually(lambda: bool(coordinator.joins), "the rank has joined")
        os.kill(os.getpid(), signal.SIGTERM)

    with serving(workers=2) as coordinator, ThreadPoolExecutor(1) as pool:
        runner = rank.runner(coordinator, "")
        stopping = pool.submit(stop_when_joined)
        with pytest.raises(StopRequested, match="stopped on request"):
            runner.train()
        stopping.result(DEADLINE_SECONDS)
    assert coordinator.leave_reasons == ["Stopped"]


def test_the_program_of_an_older_coordinator_is_not_started(rank: ProgramRank, output: Path) -> None:
    acquire_fence(output.parent, 2)
    with serving(term=1) as coordinator, pytest.raises(Fenced, match="another coordinator, of term 2"):
        rank.runner(coordinator, WAIT_AND_FINISH).train()
    assert not (output / "started").exists()


def test_a_program_that_cannot_run_is_rejected_before_it_joins(rank: ProgramRank) -> None:
    with (
        serving() as coordinator,
        pytest.raises(BadInput, match=r"spec\.entrypoint\.script: 'program\.py' is not Python"),
    ):
        rank.runner(coordinator, "def main(:\n")
    assert not coordinator.joins

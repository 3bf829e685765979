"""A child process has a log and a termination message, and leaves no process behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from llmtrain_api.termination import TerminationMessage
from llmtrain_cli.process import ExitStatus, Process, ProcessSpec
from support.polling import DEADLINE_SECONDS, eventually

Start = Callable[..., Awaitable[Process]]
REPORT = """
import os, sys
open(os.environ["LLMTRAIN_TERMINATION_LOG"], "wb").write(bytes.fromhex(os.environ["REPORT"]))
sys.exit(1)
"""
"""Writes a termination message and fails."""
SLEEP = "import time\nprint('started', flush=True)\ntime.sleep(600)"
STOP_WELL = f"import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n{SLEEP}"
IGNORE_STOP = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{SLEEP}"
START_CHILD = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
"""
"""Starts a process that runs on, and prints its id."""
RUN_AND_DIE = f"""
import asyncio, os, pathlib, signal, sys
from llmtrain_cli.process import Process, ProcessSpec

async def run(folder):
    process = await Process.start(ProcessSpec(name="rank", arguments=["-c", {SLEEP!r}]), logs=folder, outcomes=folder)
    print(process._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(run(pathlib.Path(sys.argv[1])))
"""
"""Starts a process, prints its id, and is killed."""


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a Python program as process `rank`."""

    async def start(source: str, **environment: str) -> Process:
        spec = ProcessSpec(name="rank", arguments=["-c", source], environment=environment)
        return await Process.start(spec, logs=tmp_path, outcomes=tmp_path)

    return start


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "rank.jsonl"


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie has no command line."""
    try:
        return bool(Path("/proc", str(pid), "cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


async def written(log: Path) -> str:
    """Wait until a log has a whole line; return it."""
    await asyncio.to_thread(eventually, lambda: "\n" in log.read_text(), "the process writes to its log")
    return log.read_text().strip()


async def test_output_is_appended_to_the_log_of_earlier_processes(start: Start, log: Path) -> None:
    for source in ("print('first')", "import sys; print('second', file=sys.stderr)"):
        assert (await (await start(source)).wait()).succeeded
    assert log.read_text() == "first\nsecond\n"


async def test_a_process_has_the_environment_of_its_parent_and_its_own(
    start: Start, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "parent")
    monkeypatch.setenv("REPLACED", "parent")
    source = "import os; print(os.environ['INHERITED'], os.environ['REPLACED'])"
    await (await start(source, REPLACED="own")).wait()
    assert log.read_text() == "parent own\n"


async def test_a_process_reads_nothing_from_the_terminal(start: Start, log: Path) -> None:
    await (await start("import sys; print(repr(sys.stdin.read()))")).wait()
    assert log.read_text() == "''\n"


async def test_a_failed_process_is_explained_by_its_termination_message(start: Start) -> None:
    message = TerminationMessage(reason="Crashed", message="the disk is full", last_lines=["one"])
    status = await (await start(REPORT, REPORT=message.to_message().encode().hex())).wait()
    assert (status.succeeded, status.message, status.outcome) == (False, "rank: the disk is full", message)


async def test_the_termination_message_of_an_earlier_process_is_not_reported(start: Start) -> None:
    await (await start(REPORT, REPORT=b'{"reason": "Crashed"}'.hex())).wait()
    status = await (await start("raise SystemExit(3)")).wait()
    assert (status.outcome, status.message) == (None, "rank ended with exit code 3")


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b'{"reason": "Cra', id="the beginning of a message"),
        pytest.param('{"reason": "Crashed", "message": "é'.encode()[:-1], id="the beginning of a letter"),
    ],
)
async def test_a_termination_message_that_cannot_be_read_is_none(start: Start, report: bytes) -> None:
    status = await (await start(REPORT, REPORT=report.hex())).wait()
    assert (status.outcome, status.message) == (None, "rank ended with exit code 1")


@pytest.mark.parametrize(
    ("exit_code", "message"),
    [
        pytest.param(0, "rank ended with exit code 0", id="success"),
        pytest.param(-signal.SIGKILL, "rank was killed by SIGKILL", id="a signal with a name"),
        pytest.param(-signal.SIGRTMIN - 1, f"rank was killed by signal {signal.SIGRTMIN + 1}", id="a real-time signal"),
    ],
)
def test_an_exit_without_a_termination_message_is_explained_by_its_code(exit_code: int, message: str) -> None:
    outcome = TerminationMessage(reason="Crashed")
    for each in (None, outcome):
        assert ExitStatus(process="rank", exit_code=exit_code, outcome=each).message == message


async def test_a_process_can_end_well_when_it_is_stopped(start: Start, log: Path) -> None:
    process = await start(STOP_WELL)
    await written(log)
    await process.stop(DEADLINE_SECONDS)
    assert (await process.wait()).exit_code == 143


async def test_a_process_that_does_not_stop_is_killed(start: Start, log: Path) -> None:
    process = await start(IGNORE_STOP)
    await written(log)
    await process.stop(0.1)
    assert (await process.wait()).exit_code == -signal.SIGKILL


async def test_a_process_that_has_ended_can_be_stopped_and_killed(start: Start) -> None:
    process = await start("raise SystemExit(3)")
    status = await process.wait()
    await process.stop(0.0)
    await process.kill()
    assert await process.wait() == status


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("", id="when it ends"),
        pytest.param("import time; time.sleep(600)", id="when it is killed"),
    ],
)
async def test_what_a_process_has_started_ends_with_it(start: Start, log: Path, end: str) -> None:
    process = await start(START_CHILD + end)
    child = int(await written(log))
    if end:
        await process.kill()
    await process.wait()
    await asyncio.to_thread(eventually, lambda: not is_running(child), "the child has ended")


def test_a_process_ends_with_the_command_that_started_it(tmp_path: Path) -> None:
    command = subprocess.run(
        [sys.executable, "-c", RUN_AND_DIE, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=False,
    )
    assert command.returncode == -signal.SIGKILL
    eventually(lambda: not is_running(int(command.stdout)), "the process has ended")

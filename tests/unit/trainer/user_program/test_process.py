"""A program's output is read to its end, and it stops when asked, or is killed."""

import signal
import sys

from llmtrain_trainer.user_program.process import ProgramProcess
from support.polling import eventually

STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"


def start(code: str, lines: list[str]) -> ProgramProcess:
    return ProgramProcess([sys.executable, "-c", code], {"WHO": "me"}, lines.append)


def wait(process: ProgramProcess, lines: list[str], line: str = "") -> None:
    eventually(
        lambda: line in lines if line else process.exit_code is not None, f"the program exits or prints {line!r}"
    )


def test_exit_code_and_output_are_known() -> None:
    lines: list[str] = []
    process = start("import os, sys\nprint(os.environ['WHO'])\nprint('why', file=sys.stderr)\nsys.exit(3)", lines)
    wait(process, lines)
    process.kill_and_reap()
    assert (process.exit_code, process.last_line, lines) == (3, "why", ["me\n", "why\n"])


def test_it_is_killed_if_it_does_not_stop_when_asked() -> None:
    lines: list[str] = []
    process = start(STUBBORN, lines)
    wait(process, lines, "up\n")
    process.terminate(grace_seconds=0.1)
    assert process.exit_code == -signal.SIGKILL


def test_a_program_that_is_aborted_writes_its_stacks_before_it_ends() -> None:
    lines: list[str] = []
    process = start("import time\nprint('up', flush=True)\ntime.sleep(60)", lines)
    wait(process, lines, "up\n")
    assert process.silent_seconds < 60
    process.abort()
    assert process.exit_code == -signal.SIGABRT
    assert 'File "<string>", line 3 in <module>' in "".join(lines)


def test_a_progress_bar_is_a_few_lines_and_counts_as_output() -> None:
    lines: list[str] = []
    draw = "import sys\nfor n in range(300):\n    sys.stderr.write(f'\\r{n}/300')\n    sys.stderr.flush()\n"
    process = start(f"{draw}sys.stderr.write('\\ndone\\n')", lines)
    wait(process, lines)
    process.kill_and_reap()
    assert (lines[-2:], process.last_line) == (["299/300\n", "done\n"], "done")
    assert len(lines) <= 4

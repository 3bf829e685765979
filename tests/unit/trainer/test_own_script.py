"""A program's lines are heard to the end, and it stops when asked, or is made to."""

import signal
import sys
import time

from llmtrain_trainer.user_program.process import ProgramProcess
from llmtrain_trainer.user_program.torchrun import failure_sentence

DEADLINE_SECONDS = 20.0
STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"


def start(code: str, lines: list[str]) -> ProgramProcess:
    return ProgramProcess([sys.executable, "-c", code], {"WHO": "me"}, lines.append)


def wait(script: ProgramProcess, lines: list[str], line: str = "") -> None:
    give_up = time.monotonic() + DEADLINE_SECONDS
    while script.exit_code is None if not line else line not in lines:
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_its_end_and_its_words_are_known() -> None:
    lines: list[str] = []
    script = start("import os, sys\nprint(os.environ['WHO'])\nprint('why', file=sys.stderr)\nsys.exit(3)", lines)
    wait(script, lines)
    script.kill_and_reap()
    assert (script.exit_code, script.last_line, lines) == (3, "why", ["me\n", "why\n"])


def test_it_is_asked_first_and_killed_if_it_does_not_stop() -> None:
    lines: list[str] = []
    script = start(STUBBORN, lines)
    wait(script, lines, "up\n")
    script.terminate(grace_seconds=0.1)
    assert script.exit_code == -signal.SIGKILL


def test_an_end_is_told_in_one_line() -> None:
    assert failure_sentence("train.py", 3, "ValueError: no") == "train.py ended with exit code 3: ValueError: no"
    assert failure_sentence("train.py", -9, "") == "train.py was killed by signal 9"

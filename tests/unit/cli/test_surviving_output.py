"""Output without a reader is lost, and the program continues."""

import os
import subprocess
import sys

import pytest

from llmtrain_cli.surviving_output import surviving_output

TALK = """
import sys
from llmtrain_cli.surviving_output import surviving_output

with surviving_output():
    for number in range(3):
        print("x" * 100_000, flush=number == 1)
        print("problem", file=sys.stderr)
    print("the end")
sys.exit(7)
"""


def test_output_is_written_as_long_as_it_is_read(capfd: pytest.CaptureFixture[str]) -> None:
    with surviving_output():
        print("out")
        print("err", file=sys.stderr)
        assert (sys.stdout.isatty(), sys.stdout.encoding) == (False, "utf-8")
    assert tuple(capfd.readouterr()) == ("out\n", "err\n")


def test_a_program_ends_as_it_wants_when_its_reader_is_gone() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.Popen([sys.executable, "-c", TALK], stdout=writing, stderr=writing)
    os.close(writing)
    assert done.wait(30) == 7

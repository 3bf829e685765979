"""SIGHUP asks a program to stop, unless it was started to outlive its terminal."""

import signal
import subprocess
import sys

import pytest

from llmtrain_api.stop_signals import stop_signals

PRINT = "from llmtrain_api.stop_signals import stop_signals; print(*(number.name for number in stop_signals()))"


def test_a_program_heeds_its_terminal() -> None:
    assert [number.name for number in stop_signals()] == ["SIGTERM", "SIGINT", "SIGHUP"]


@pytest.mark.parametrize("command", [["nohup"], ["sh", "-c", 'trap "" HUP; exec "$@"', "sh"]])
def test_a_program_that_outlives_its_terminal_does_not(command: list[str]) -> None:
    done = subprocess.run([*command, sys.executable, "-c", PRINT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["SIGTERM", "SIGINT"]


def test_a_signal_that_has_a_handler_already_is_heeded() -> None:
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        assert signal.SIGHUP in stop_signals()
    finally:
        signal.signal(signal.SIGHUP, before)

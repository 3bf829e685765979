"""The supervisor sees a rank's pings through shared memory; an idle rank need not ping."""

import os
import subprocess
import sys

import pytest

from llmtrain_trainer.worker.watchdog import DESCRIPTOR, Watchdog, inherited_watchdog, new_watchdog
from support.polling import eventually


def test_an_idle_rank_is_never_silent() -> None:
    watchdog, descriptor = new_watchdog()
    os.close(descriptor)
    assert watchdog.unresponsive_seconds() == 0


def test_the_supervisor_sees_the_pings_of_the_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    of_supervisor, descriptor = new_watchdog()
    monkeypatch.setenv(DESCRIPTOR, str(descriptor))
    of_rank = inherited_watchdog()
    assert isinstance(of_rank, Watchdog)
    of_rank.alive()
    first = of_supervisor.unresponsive_seconds()
    assert first >= 0
    eventually(lambda: of_supervisor.unresponsive_seconds() > first, "time passes without a ping")
    of_rank.idle()
    assert of_supervisor.unresponsive_seconds() == 0
    os.close(descriptor)


PINGING_PROGRAM = "from llmtrain_trainer.worker.watchdog import inherited_watchdog\nwatchdog = inherited_watchdog()\nwhile True: watchdog.alive()"


def test_a_ping_is_never_seen_half_written() -> None:
    watchdog, descriptor = new_watchdog()
    environment = {**os.environ, DESCRIPTOR: str(descriptor), "PYTHONPATH": ":".join(sys.path)}
    rank = subprocess.Popen([sys.executable, "-c", PINGING_PROGRAM], pass_fds=[descriptor], env=environment)
    os.close(descriptor)
    try:
        eventually(lambda: watchdog.unresponsive_seconds() > 0, "the rank pings")
        assert 0 < max(watchdog.unresponsive_seconds() for _ in range(200_000)) < 60
    finally:
        rank.kill()
        rank.wait()


def test_the_supervisor_sees_that_the_rank_has_completed_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    of_supervisor, descriptor = new_watchdog()
    monkeypatch.setenv(DESCRIPTOR, str(descriptor))
    of_rank = inherited_watchdog()
    of_rank.alive()
    assert not of_supervisor.has_stepped
    of_rank.stepped()
    of_rank.idle()
    assert of_supervisor.has_stepped
    os.close(descriptor)

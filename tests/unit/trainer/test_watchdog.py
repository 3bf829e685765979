"""A rank's signs of life are seen by another process; without anything to do none are expected."""

import os
import subprocess
import sys
import time

from llmtrain_trainer.worker.watchdog import DESCRIPTOR, Watchdog, inherited_watchdog, new_watchdog


def test_a_rank_with_nothing_to_do_is_never_silent() -> None:
    watch, descriptor = new_watchdog()
    os.close(descriptor)
    assert watch.unresponsive_seconds() == 0


def test_the_supervisor_sees_what_the_rank_writes(monkeypatch) -> None:
    supervisors, descriptor = new_watchdog()
    monkeypatch.setenv(DESCRIPTOR, str(descriptor))
    ranks = inherited_watchdog()
    assert isinstance(ranks, Watchdog)
    ranks.alive()
    first = supervisors.unresponsive_seconds()
    while supervisors.unresponsive_seconds() == first:
        pass
    assert supervisors.unresponsive_seconds() > first >= 0
    ranks.idle()
    assert supervisors.unresponsive_seconds() == 0
    os.close(descriptor)


LIVE = "from llmtrain_trainer.worker.watchdog import inherited_watchdog as w; watch = w()\nwhile True: watch.alive()"


def test_a_sign_is_never_seen_half_written() -> None:
    watch, descriptor = new_watchdog()
    environment = {**os.environ, DESCRIPTOR: str(descriptor), "PYTHONPATH": ":".join(sys.path)}
    rank = subprocess.Popen([sys.executable, "-c", LIVE], pass_fds=[descriptor], env=environment)
    os.close(descriptor)
    try:
        give_up = time.monotonic() + 60
        while watch.unresponsive_seconds() == 0 and time.monotonic() < give_up:
            pass
        assert 0 < max(watch.unresponsive_seconds() for _ in range(200_000)) < 60
    finally:
        rank.kill()
        rank.wait()

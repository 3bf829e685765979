"""A rank's signs of life are seen by another process; without anything to do none are expected."""

import os
import threading

from llmtrain_trainer.elastic.watch import DESCRIPTOR, Watch, inherited_watch, new_watch


def test_a_rank_with_nothing_to_do_is_never_silent() -> None:
    watch, descriptor = new_watch()
    os.close(descriptor)
    assert watch.silent_seconds() == 0


def test_the_supervisor_sees_what_the_rank_writes(monkeypatch) -> None:
    supervisors, descriptor = new_watch()
    monkeypatch.setenv(DESCRIPTOR, str(descriptor))
    ranks = inherited_watch()
    assert isinstance(ranks, Watch)
    ranks.alive()
    first = supervisors.silent_seconds()
    while supervisors.silent_seconds() == first:
        pass
    assert supervisors.silent_seconds() > first >= 0
    ranks.idle()
    assert supervisors.silent_seconds() == 0
    os.close(descriptor)


def test_a_sign_is_never_seen_half_written() -> None:
    supervisors, descriptor = new_watch()
    ranks, done = Watch(descriptor), threading.Event()
    os.close(descriptor)

    def live() -> None:
        while not done.is_set():
            ranks.alive()

    ranks.alive()
    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert max(supervisors.silent_seconds() for _ in range(20_000)) < 60
    finally:
        done.set()
        thread.join()

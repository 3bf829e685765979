"""As many processes as there are CPUs and memory for; their results come in order, and a killed one is tried again."""

import os
from pathlib import Path

import pytest

from llmtrain_trainer.data import processes as module
from llmtrain_trainer.data.processes import Part, Processes, memory_limit, process_count
from llmtrain_trainer.errors import BadInput, TrainerError
from support.process_tasks import killed, process_of, refused


def test_the_memory_of_the_container_limits_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(64))
    monkeypatch.setattr(module, "memory_limit", lambda: memory_limit([str(tmp_path / "absent"), str(limit)]))
    for text, count in (("2147483648", 7), ("268435456", 1), ("1", 1)):
        limit.write_text(text)
        assert process_count(16) == count
    limit.write_text("max\n")
    assert process_count(1) == 1


def test_only_the_cpus_of_this_process_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7})
    monkeypatch.setattr(module, "memory_limit", lambda: 2**40)
    assert [process_count(cpus) for cpus in (1, 2, 8)] == [1, 2, 3]


@pytest.mark.parametrize(("count", "worth_it", "tasks"), [(1, True, 3), (2, False, 3), (2, True, 1)])
def test_little_work_is_done_in_this_process(count: int, worth_it: bool, tasks: int) -> None:
    with Processes(count) as processes:
        found = list(processes.map(process_of, range(tasks), worth_it=worth_it))
    assert found == [(task, os.getpid()) for task in range(tasks)]


def test_results_of_other_processes_come_in_order_and_their_errors_as_they_are() -> None:
    with Processes(2) as processes:
        found = list(processes.map(process_of, range(20), worth_it=True))
        assert [task for task, _ in found] == list(range(20))
        assert os.getpid() not in {process for _, process in found}
        with pytest.raises(BadInput, match="task 0"):
            list(processes.map(refused, range(3), worth_it=True))


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("index", range(3))
def test_each_pod_begins_elsewhere_and_has_the_results_in_order(index: int, count: int) -> None:
    done = []

    def note(task: int) -> int:
        done.append(task)
        return -task

    part = Part(index, 3)
    with Processes(1, part) as processes:
        assert list(processes.map(note, range(7), worth_it=True)) == [0, -1, -2, -3, -4, -5, -6]
    assert done == [[0, 1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 0, 1], [4, 5, 6, 0, 1, 2, 3]][index]
    with Processes(count, part) as processes:
        assert [task for task, _ in processes.map(process_of, range(7), worth_it=True)] == list(range(7))
    assert [part.first(tasks) for tasks in (0, 1)] == [0, 0]


def test_a_killed_process_is_an_error_that_is_tried_again() -> None:
    with Processes(2) as processes, pytest.raises(TrainerError, match="was killed, perhaps for its memory"):
        list(processes.map(killed, range(3), worth_it=True))

"""Processes that share the work of the prepare stage. The results do not depend on their number."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from llmtrain_api.parent_death import die_with_parent
from llmtrain_trainer.errors import TrainerError

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")

PROCESS_BYTES = 2**28
"""Memory that a process gets; it takes about half of that."""
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Files with the memory limit of a container, of cgroups of version 2 and 1."""


def process_count(cpus: int) -> int:
    """Return the number of processes for `cpus` CPUs: not more than this process may use or its memory is enough for."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, allowed, memory_limit() // PROCESS_BYTES - 1))


def memory_limit(files: Sequence[str] = MEMORY_LIMITS) -> int:
    """Return the memory limit of this container in bytes, or the memory of the machine."""
    for name in files:
        with contextlib.suppress(OSError, ValueError):
            return min(int(Path(name).read_text()), _machine_bytes())
    return _machine_bytes()


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@dataclass(frozen=True)
class Part:
    """Which of several pods that prepare the same text this is. All do all tasks that they do not find done already."""

    index: int = 0
    """The pod of part 0 makes the dataset; the others help it."""
    count: int = 1

    def first(self, tasks: int) -> int:
        """Return the task with which this pod begins, of so many: where no other does."""
        return tasks * self.index // self.count


WHOLE = Part()


@dataclass
class Processes:
    """Runs tasks in up to `count` processes, which start with the first tasks that are worth it."""

    count: int
    part: Part = WHOLE
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _pool: Executor | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def map(self, function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], *, worth_it: bool) -> Iterator[ResultT]:
        """Yield the result of each task in order. Without other processes if there is one task, or it is not `worth_it`.

        A task that another pod has done returns at once. TrainerError if a process is killed.
        """
        first = self.part.first(len(tasks))
        results = self._map(function, [*tasks[first:], *tasks[:first]], worth_it=worth_it)
        if first == 0:
            yield from results
            return
        done = list(results)
        yield from done[len(tasks) - first :]
        yield from done[: len(tasks) - first]

    def _map(
        self, function: Callable[[TaskT], ResultT], tasks: Sequence[TaskT], *, worth_it: bool
    ) -> Iterator[ResultT]:
        if self.count == 1 or len(tasks) < 2 or not worth_it:
            yield from map(function, tasks)
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")  # fork can deadlock beside threads
            self._pool = self._stack.enter_context(
                ProcessPoolExecutor(self.count, mp_context=context, initializer=_start_process)
            )
        try:
            yield from self._pool.map(function, tasks)
        except BrokenProcessPool as error:
            raise TrainerError("a process that prepares the text was killed, perhaps for its memory") from error


def _start_process() -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    os.environ["TOKENIZERS_PARALLELISM"] = "false"

"""Ranks as threads of one process: collectives that meet at a barrier and touch only memory.

One thread runs at a time, because they share what a process has once, such as torch's random generator.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from llmtrain_trainer.distributed.collectives import Collectives

DEADLINE_SECONDS = 60.0
Result = TypeVar("Result")


class ThreadGroup:
    """What the ranks share: the tensors that they send each other."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=DEADLINE_SECONDS)
        self.running = threading.Lock()
        """Held by the one thread that runs."""
        self.inputs: list[tuple[Tensor, Sequence[int]]] = [(torch.empty(0), ())] * size


class ThreadRank:
    """One of several ranks."""

    def __init__(self, rank: int, size: int, group: ThreadGroup) -> None:
        self.rank, self.size, self._group = rank, size, group

    def all_reduce(self, tensor: Tensor) -> None:
        tensor.copy_(torch.stack([each for each, _ in self._all_inputs(tensor)]).sum(0))

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        slices = [each.split(list(sizes))[self.rank] for each, sizes in self._all_inputs(sent, sent_sizes)]
        assert [each.numel() for each in slices] == list(received_sizes)
        received.copy_(torch.cat(slices))

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        whole.copy_(torch.cat([each for each, _ in self._all_inputs(part)]))

    def broadcast(self, tensor: Tensor, source: int) -> None:
        tensor.copy_(self._all_inputs(tensor)[source][0])

    def _all_inputs(self, tensor: Tensor, sizes: Sequence[int] = ()) -> list[tuple[Tensor, Sequence[int]]]:
        """Return copies of the tensors of all ranks."""
        self._group.inputs[self.rank] = (tensor.clone(), sizes)
        self._wait()
        inputs = list(self._group.inputs)
        self._wait()
        return inputs

    def _wait(self) -> None:
        self._group.running.release()
        try:
            self._group.barrier.wait()
        finally:
            self._group.running.acquire()


def run_ranks(size: int, function: Callable[[Collectives], Result]) -> list[Result]:
    """Return the results of `function` on each of `size` ranks."""
    group = ThreadGroup(size)

    def run(rank: int) -> Result:
        with group.running:
            return function(ThreadRank(rank, size, group))

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))

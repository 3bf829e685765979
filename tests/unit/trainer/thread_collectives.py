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


class Meeting:
    """Where the ranks put down what they give, and take what is theirs."""

    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=DEADLINE_SECONDS)
        self.turn = threading.Lock()
        self.given: list[tuple[Tensor, Sequence[int]]] = [(torch.empty(0), ())] * size


class ThreadRank:
    """One of several ranks."""

    def __init__(self, rank: int, size: int, meeting: Meeting) -> None:
        self.rank, self.size, self._meeting = rank, size, meeting

    def all_reduce(self, tensor: Tensor) -> None:
        tensor.copy_(torch.stack([given for given, _ in self._meet(tensor)]).sum(0))

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        parts = [given.split(list(sizes))[self.rank] for given, sizes in self._meet(sent, sent_sizes)]
        assert [part.numel() for part in parts] == list(received_sizes)
        received.copy_(torch.cat(parts))

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        whole.copy_(torch.cat([given for given, _ in self._meet(part)]))

    def broadcast(self, tensor: Tensor, source: int) -> None:
        tensor.copy_(self._meet(tensor)[source][0])

    def _meet(self, tensor: Tensor, sizes: Sequence[int] = ()) -> list[tuple[Tensor, Sequence[int]]]:
        """Return copies of what all ranks gave."""
        self._meeting.given[self.rank] = (tensor.clone(), sizes)
        self._wait()
        given = list(self._meeting.given)
        self._wait()
        return given

    def _wait(self) -> None:
        self._meeting.turn.release()
        try:
            self._meeting.barrier.wait()
        finally:
            self._meeting.turn.acquire()


def together(size: int, act: Callable[[Collectives], Result]) -> list[Result]:
    """Return what `act` returned on each rank."""
    meeting = Meeting(size)

    def run(rank: int) -> Result:
        with meeting.turn:
            return act(ThreadRank(rank, size, meeting))

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))

"""The collectives of one generation. They end when a peer dies, and when it vanishes; they never hang.

The ranks meet in the store of the first member and connect to each other. While a collective runs, its rank
polls instead of waiting inside: a peer that vanished sends no reset, but its lease ends, its generation is broken,
and this rank leaves at once. The process group left behind is not destroyed, because its destructor
would wait for the unfinished collective; a reference is kept until that has timed out.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor
from torch._C import _distributed_c10d as c10d

from llmtrain_api.protocol import Membership
from llmtrain_trainer.errors import GenerationEnded
from llmtrain_trainer.fault_points import fault_point

MEETING_SECONDS = 60.0
"""How long the members of a generation wait for each other."""
COLLECTIVE_SECONDS = 600.0
"""Longest collective: the others wait in one while the first rank writes a checkpoint."""
POLL_SECONDS = 0.0005


class _AbandonedGroups:
    """Process groups that wait for a lost peer, with their unfinished collectives."""

    def __init__(self) -> None:
        self._groups: list[tuple[Any, Any]] = []

    def add(self, group: Any, work: Any) -> None:
        """Keep `group` until its collective `work` has ended."""
        self._groups.append((group, work))

    def release_finished(self) -> None:
        """Release the groups whose collectives have ended."""
        self._groups = [(group, work) for group, work in self._groups if work is not None and not work.is_completed()]


_ABANDONED = _AbandonedGroups()
"""Those of this process, kept until it exits: destroying one earlier would wait for its collective."""


def open_store() -> c10d.TCPStore:
    """Open this rank's store on a free port: it serves the generations in which this is the first member."""
    return c10d.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, use_libuv=False)


class ProcessGroup:
    """The ranks of one generation, connected."""

    def __init__(
        self,
        membership: Membership,
        incarnation: str,
        *,
        own_store: c10d.TCPStore,
        device: torch.device,
        is_broken: Callable[[], bool],
        ping_watchdog: Callable[[], None],
    ) -> None:
        self.generation, self.size = membership.generation, len(membership.members)
        self.rank = membership.rank_of(incarnation)
        self._device, self._is_broken, self._ping_watchdog = device, is_broken, ping_watchdog
        try:
            store = self._meet(membership, own_store)
            _ABANDONED.release_finished()
            self._ranks = _connect(store, self.rank, self.size, device, membership.members[self.rank].address)
        except RuntimeError as error:
            raise GenerationEnded(f"the members of generation {self.generation} didn't meet") from error

    def all_reduce(self, tensor: Tensor) -> None:
        """Add up `tensor` over all ranks, in place on each; GenerationEnded if that isn't possible any more."""
        self._finish(lambda: self._ranks.allreduce([tensor], _sum_options()))

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Give each rank its part of `sent` and fill `received` with theirs, both in the order of the ranks."""
        fault_point("all_to_all")
        sizes = list(received_sizes), list(sent_sizes)
        self._finish(lambda: self._ranks.alltoall_base(received, sent, *sizes, _timed(c10d.AllToAllOptions())))

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Fill `whole` with the equally long parts of all ranks, in the order of the ranks."""
        fault_point("all_gather")
        self._finish(lambda: self._ranks._allgather_base(whole, part, _timed(c10d.AllgatherOptions())))

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Give every rank what `tensor` is on rank `source`."""
        fault_point("broadcast")
        options = _timed(c10d.BroadcastOptions())
        options.rootRank, options.rootTensor = source, 0
        self._finish(lambda: self._ranks.broadcast([tensor], options))

    def _finish(self, begin: Callable[[], Any]) -> None:
        """Begin a collective and wait for its end; GenerationEnded if a peer is gone."""
        work = None
        try:
            work = begin()
            self._await(work)
            work.wait()
        except RuntimeError as error:
            _ABANDONED.add(self._ranks, work)
            raise GenerationEnded("a peer is gone") from error
        except GenerationEnded:
            _ABANDONED.add(self._ranks, work)
            raise

    def barrier(self) -> None:
        """Wait until all ranks are here."""
        self.all_reduce(torch.zeros(1, device=self._device))

    def _await(self, work: Any) -> None:
        """Poll until `work` is done; GenerationEnded if a member is missing."""
        while not work.is_completed():
            self._ping_watchdog()
            if self._is_broken():
                raise GenerationEnded("a member is missing")
            time.sleep(POLL_SECONDS)

    def _meet(self, membership: Membership, own_store: c10d.TCPStore) -> c10d.Store:
        """Return the generation's store once every member has been there."""
        first = membership.members[0]
        store: c10d.Store = own_store
        if self.rank != 0:
            store = c10d.TCPStore(
                first.address,
                first.store_port,
                is_master=False,
                wait_for_workers=False,
                use_libuv=False,
                timeout=timedelta(seconds=MEETING_SECONDS),
            )
        store = c10d.PrefixStore(f"generation-{membership.generation}", store)
        store.set(f"here-{self.rank}", "")
        self._await_all(store)
        return store

    def _await_all(self, store: c10d.Store) -> None:
        give_up = time.monotonic() + MEETING_SECONDS
        while not store.check([f"here-{rank}" for rank in range(self.size)]):
            self._ping_watchdog()
            if self._is_broken() or time.monotonic() > give_up:
                raise GenerationEnded(f"not all members of generation {self.generation} came")
            time.sleep(POLL_SECONDS)


def _connect(store: c10d.Store, rank: int, size: int, device: torch.device, address: str) -> Any:
    """Return a process group that belongs to nobody but the caller: torch's global one can't be left behind."""
    if device.type == "cuda":
        nccl: Any = c10d.ProcessGroupNCCL
        return nccl(store, rank, size, timedelta(seconds=COLLECTIVE_SECONDS))
    gloo: Any = c10d.ProcessGroupGloo
    options = gloo._Options()
    options._devices = [gloo.create_device(hostname=address)]
    options._timeout = timedelta(seconds=MEETING_SECONDS)
    return gloo(store, rank, size, options)


def _sum_options() -> Any:
    options = _timed(c10d.AllreduceOptions())
    options.reduceOp = c10d.ReduceOp.SUM
    return options


def _timed(options: Any) -> Any:
    options.timeout = timedelta(seconds=COLLECTIVE_SECONDS)
    return options

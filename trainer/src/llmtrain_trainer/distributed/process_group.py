"""The process group of one generation. Its collectives fail when a peer exits or is cut off; they never hang.

The ranks meet in the store of the first member and connect to each other. Gloo accepts any connection while it waits for
a peer, so before anything else each rank proves to each other one over the new connections that it knows the job's token.
NCCL does that itself: its connections begin with a secret that the store has passed on. While a collective runs, its rank polls
instead of blocking: a peer that is cut off sends no reset, but its lease expires, the generation is broken, and this
rank leaves at once. The abandoned process group is not destroyed, because its destructor would wait for the incomplete
collective; `AbandonedGroups` keeps it until that has timed out.
"""

import hmac
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from queue import SimpleQueue
from typing import Any

import torch
from torch import Tensor
from torch._C import _distributed_c10d as c10d

from llmtrain_api.protocol import Membership
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.distributed.guarded_store import GuardedStore
from llmtrain_trainer.errors import CollectiveFailed, GenerationEnded
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.outcomes import error_summary

CONNECT_TIMEOUT_SECONDS = 60.0
"""How long the members of a generation wait for each other."""
COLLECTIVE_TIMEOUT_SECONDS = 600.0
"""Timeout of a collective. Peers wait in one while the first rank writes a checkpoint."""
POLL_SECONDS = 0.0005
PROOF_BYTES = 32


class ProcessGroup:
    """The connected ranks of one generation; implements `Collectives`.

    `is_broken` returns whether a member is lost; `ping_watchdog` is called while this rank waits for its peers.
    """

    def __init__(
        self,
        membership: Membership,
        incarnation: str,
        *,
        own_store: GuardedStore,
        device: torch.device,
        abandoned_groups: AbandonedGroups,
        is_broken: Callable[[], bool],
        ping_watchdog: Callable[[], None],
    ) -> None:
        self.generation, self.size = membership.generation, len(membership.members)
        self.rank = membership.rank_of(incarnation)
        self._device, self._abandoned_groups = device, abandoned_groups
        self._is_broken, self._ping_watchdog = is_broken, ping_watchdog
        try:
            store = self._open_generation_store(membership, own_store)
            self._abandoned_groups.release_completed()
            fault_point("connect")
            self._group = self._connect(store, membership.members[self.rank].address)
            if device.type != "cuda":
                self._prove(membership, own_store.token)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise CollectiveFailed(
                f"the members of generation {self.generation} didn't connect: {error_summary(error)}"
            ) from error

    def all_reduce(self, tensor: Tensor) -> None:
        """Sum `tensor` over all ranks, in place."""
        self._run(lambda: self._group.allreduce([tensor], _sum_options()))

    def all_to_all(
        self, received: Tensor, sent: Tensor, received_sizes: Sequence[int], sent_sizes: Sequence[int]
    ) -> None:
        """Send each rank its slice of `sent` and fill `received` with theirs, both ordered by rank."""
        fault_point("all_to_all")
        sizes = list(received_sizes), list(sent_sizes)
        self._run(lambda: self._group.alltoall_base(received, sent, *sizes, _with_timeout(c10d.AllToAllOptions())))

    def all_gather(self, whole: Tensor, part: Tensor) -> None:
        """Fill `whole` (size · n,) with the `part` (n,) of every rank, ordered by rank."""
        fault_point("all_gather")
        self._run(lambda: self._group._allgather_base(whole, part, _with_timeout(c10d.AllgatherOptions())))

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Overwrite `tensor` on every rank with that of rank `source`."""
        fault_point("broadcast")
        options = _with_timeout(c10d.BroadcastOptions())
        options.rootRank, options.rootTensor = source, 0
        self._run(lambda: self._group.broadcast([tensor], options))

    def _run(self, start: Callable[[], Any]) -> None:
        """Start a collective and wait until it completes. GenerationEnded if a peer is lost, or it fails."""
        work = None
        try:
            work = start()
            self._await(work)
            work.wait()
        except torch.OutOfMemoryError:  # of this rank's device: its own failure
            self._abandoned_groups.add(self._group, work)
            raise
        except RuntimeError as error:
            self._abandoned_groups.add(self._group, work)
            raise CollectiveFailed(f"a collective failed: {error_summary(error)}") from error
        except GenerationEnded:
            self._abandoned_groups.add(self._group, work)
            raise

    def barrier(self) -> None:
        """Wait until all ranks have called this."""
        self.all_reduce(torch.zeros(1, device=self._device))

    def _prove(self, membership: Membership, token: bytes) -> None:
        """Exchange proofs of the token with all ranks. GenerationEnded if one of them is a stranger."""
        key = hmac.digest(token, membership.model_dump_json().encode(), "sha256")

        def proofs(pairs: Iterable[tuple[int, int]]) -> Tensor:
            digests = (hmac.digest(key, f"rank {source} to {target}".encode(), "sha256") for source, target in pairs)
            return torch.frombuffer(bytearray(b"".join(digests)), dtype=torch.uint8)

        ranks, sizes = range(self.size), [PROOF_BYTES] * self.size
        received = torch.zeros(PROOF_BYTES * self.size, dtype=torch.uint8)
        sent = proofs((self.rank, rank) for rank in ranks)
        self._run(
            lambda: self._group.alltoall_base(received, sent, sizes, sizes, _with_timeout(c10d.AllToAllOptions()))
        )
        expected = proofs((rank, self.rank) for rank in ranks)
        if not hmac.compare_digest(received.numpy().tobytes(), expected.numpy().tobytes()):
            raise GenerationEnded("a process without the token of the job connected in the place of a member")

    def _await(self, work: Any) -> None:
        """Poll until `work` is complete. GenerationEnded if a member is lost."""
        while not work.is_completed():
            self._ping_watchdog()
            if self._is_broken():
                raise GenerationEnded("a member is lost")
            time.sleep(POLL_SECONDS)

    def _connect(self, store: c10d.Store, address: str) -> Any:
        """Return the connected process group. GenerationEnded if a member is lost before that, RuntimeError if it fails.

        Gloo connects while its group is constructed, and waits there for a peer that died. So that is left to a thread,
        which ends with the time-out.
        """
        results: SimpleQueue[Any] = SimpleQueue()

        def connect() -> None:
            try:
                results.put(_new_group(store, self.rank, self.size, self._device, address))
            except Exception as error:  # raised again in the thread that waits
                results.put(error)

        threading.Thread(target=connect, name="connect", daemon=True).start()
        while results.empty():
            self._ping_watchdog()
            if self._is_broken():
                raise GenerationEnded("a member is lost")
            time.sleep(POLL_SECONDS)
        result = results.get()
        if isinstance(result, Exception):
            raise result
        return result

    def _open_generation_store(self, membership: Membership, own_store: GuardedStore) -> c10d.Store:
        """Return the generation's store, once every member has connected to it."""
        if self.rank == 0:  # a connection of its own, which is in use until an attempt to connect has timed out
            store: c10d.Store = own_store.connect_to_own(timeout_seconds=CONNECT_TIMEOUT_SECONDS)
        else:
            store = own_store.connect(
                membership.members[0],
                timeout_seconds=CONNECT_TIMEOUT_SECONDS,
                is_broken=self._is_broken,
                ping_watchdog=self._ping_watchdog,
            )
        store = c10d.PrefixStore(f"generation-{membership.generation}", store)
        store.set(f"joined-{self.rank}", "")
        self._await_all(store)
        return store

    def _await_all(self, store: c10d.Store) -> None:
        deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
        while not store.check([f"joined-{rank}" for rank in range(self.size)]):
            self._ping_watchdog()
            if self._is_broken():
                raise GenerationEnded("a member is lost")
            if time.monotonic() > deadline:
                missing = [rank for rank in range(self.size) if not store.check([f"joined-{rank}"])]
                raise CollectiveFailed(
                    f"ranks {missing} of generation {self.generation} didn't reach the store of rank 0 within "
                    f"{CONNECT_TIMEOUT_SECONDS:.0f} s; check that the pods of the job can connect to each other"
                )
            time.sleep(POLL_SECONDS)


def _new_group(store: c10d.Store, rank: int, size: int, device: torch.device, address: str) -> Any:
    """Return a new process group. Torch's global one is not used because it can't be abandoned."""
    if device.type == "cuda":
        nccl: Any = c10d.ProcessGroupNCCL
        return nccl(store, rank, size, timedelta(seconds=COLLECTIVE_TIMEOUT_SECONDS))
    gloo: Any = c10d.ProcessGroupGloo
    options = gloo._Options()
    options._devices = [gloo.create_device(hostname=address)]
    options._timeout = timedelta(seconds=CONNECT_TIMEOUT_SECONDS)
    return gloo(store, rank, size, options)


def _sum_options() -> Any:
    options = _with_timeout(c10d.AllreduceOptions())
    options.reduceOp = c10d.ReduceOp.SUM
    return options


def _with_timeout(options: Any) -> Any:
    options.timeout = timedelta(seconds=COLLECTIVE_TIMEOUT_SECONDS)
    return options

"""The collectives of one generation, over gloo and this machine's loopback: each rank is a thread."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from llmtrain_api.job_token import new_token
from llmtrain_api.protocol import Member, Membership
from llmtrain_trainer.distributed import process_group
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.distributed.guarded_store import GuardedStore
from llmtrain_trainer.distributed.process_group import ProcessGroup
from llmtrain_trainer.errors import CollectiveFailed, GenerationEnded
from support.polling import DEADLINE_SECONDS, eventually
from support.ports import free_port

SIZE = 2


class TwoRanks:
    """A generation of two ranks; `member_lost` is what their coordinator reports."""

    def __init__(self) -> None:
        token = new_token()
        self.stores = [GuardedStore("127.0.0.1", token) for _ in range(SIZE)]
        self.member_lost = threading.Event()
        self.abandoned_groups = AbandonedGroups()
        self.pings = 0
        members = [
            Member(worker=0, local_rank=rank, incarnation=f"r{rank}", address="127.0.0.1", store_port=store.port)
            for rank, store in enumerate(self.stores)
        ]
        self.membership = Membership(generation=1, members=members)

    def connect(self, rank: int) -> ProcessGroup:
        return ProcessGroup(
            self.membership,
            f"r{rank}",
            own_store=self.stores[rank],
            device=torch.device("cpu"),
            abandoned_groups=self.abandoned_groups,
            is_broken=self.member_lost.is_set,
            ping_watchdog=self._ping,
        )

    def _ping(self) -> None:
        self.pings += 1


@pytest.fixture
def generation() -> TwoRanks:
    return TwoRanks()


@pytest.fixture
def groups(generation: TwoRanks) -> Iterator[list[ProcessGroup]]:
    """Yield the process groups of both ranks."""
    with ThreadPoolExecutor(SIZE) as pool:
        yield list(pool.map(generation.connect, range(SIZE)))


def each(groups: list[ProcessGroup], collective: Callable[[ProcessGroup], object]) -> None:
    """Run a collective on all ranks."""
    with ThreadPoolExecutor(SIZE) as pool:
        list(pool.map(collective, groups))


def test_ranks_are_numbered_by_the_membership(groups: list[ProcessGroup]) -> None:
    assert [(group.rank, group.size, group.generation) for group in groups] == [(0, 2, 1), (1, 2, 1)]


def test_all_reduce_sums_in_place(groups: list[ProcessGroup]) -> None:
    tensors = [torch.tensor([1.0, 2.0]), torch.tensor([10.0, 20.0])]
    each(groups, lambda group: group.all_reduce(tensors[group.rank]))
    assert [tensor.tolist() for tensor in tensors] == [[11.0, 22.0]] * 2


def test_all_to_all_sends_each_rank_its_slice(groups: list[ProcessGroup]) -> None:
    sent = [torch.tensor([0.0, 1.0, 2.0]), torch.tensor([10.0, 11.0, 12.0])]
    sizes = [1, 2]
    """Elements that rank 0 and rank 1 receive from each rank."""
    received = [torch.zeros(2 * size) for size in sizes]
    each(
        groups,
        lambda group: group.all_to_all(received[group.rank], sent[group.rank], [sizes[group.rank]] * SIZE, sizes),
    )
    assert [tensor.tolist() for tensor in received] == [[0.0, 10.0], [1.0, 2.0, 11.0, 12.0]]


def test_all_gather_and_broadcast_fill_every_rank(groups: list[ProcessGroup]) -> None:
    whole = [torch.zeros(2) for _ in groups]
    each(groups, lambda group: group.all_gather(whole[group.rank], torch.tensor([float(group.rank)])))
    assert [tensor.tolist() for tensor in whole] == [[0.0, 1.0]] * 2
    each(groups, lambda group: group.broadcast(whole[group.rank].mul_(group.rank + 1), source=1))
    assert [tensor.tolist() for tensor in whole] == [[0.0, 2.0]] * 2


def test_a_rank_leaves_a_broken_generation_and_its_collective_is_kept_until_it_completes(
    generation: TwoRanks, groups: list[ProcessGroup]
) -> None:
    generation.member_lost.set()
    with pytest.raises(GenerationEnded, match="a member is lost"):
        groups[0].all_reduce(torch.zeros(1))
    assert generation.pings
    abandoned = generation.abandoned_groups
    abandoned.release_completed()
    assert len(abandoned) == 1
    left = groups.pop(0)
    del left  # the destructor would wait for the peer here
    generation.member_lost.clear()
    groups[0].all_reduce(torch.zeros(1))

    def is_released() -> bool:
        abandoned.release_completed()
        return len(abandoned) == 0

    eventually(is_released, "the completed collective is released")


def test_a_process_without_the_token_is_noticed_before_anything_is_exchanged(generation: TwoRanks) -> None:
    """It has reached a place among the connections, as gloo accepts anyone who guesses a number."""
    store = generation.stores[1]
    connect = store.connect

    def connect_and_forget_the_token(*arguments: Any, **options: Any) -> Any:
        connected = connect(*arguments, **options)
        store.token = new_token().encode()
        return connected

    store.connect = connect_and_forget_the_token  # type: ignore[method-assign]
    with ThreadPoolExecutor(SIZE) as pool:
        ranks = [pool.submit(generation.connect, rank) for rank in range(SIZE)]
        for rank in ranks:
            with pytest.raises(GenerationEnded, match="without the token of the job"):
                rank.result()


def test_a_stranger_at_the_ports_of_a_running_generation_disturbs_nothing(generation: TwoRanks) -> None:
    before = listening_ports()
    with ThreadPoolExecutor(SIZE) as pool:
        groups = list(pool.map(generation.connect, range(SIZE)))
    ports = listening_ports() - before
    assert ports, "gloo listens"
    for port in ports:
        for sent in (b"", b"\0" * 8, b"\0" * 4096, bytes(range(256)) * 64):
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), 5) as stranger:
                stranger.settimeout(0.2)
                stranger.sendall(sent)
                with contextlib.suppress(TimeoutError):
                    assert stranger.recv(1) == b"", "a stranger receives nothing"
    tensors = [torch.tensor([1.0]), torch.tensor([2.0])]
    each(groups, lambda group: group.all_reduce(tensors[group.rank]))
    assert [tensor.tolist() for tensor in tensors] == [[3.0], [3.0]]


def listening_ports() -> set[int]:
    """Return the ports at which this process listens over IPv4."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    own = set()
    for file in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since
            own.add(os.readlink(file))
    return {int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}


def test_a_member_that_does_not_connect_ends_the_generation_once_it_is_lost(generation: TwoRanks) -> None:
    generation.member_lost.set()
    with pytest.raises(GenerationEnded, match="a member is lost"):
        generation.connect(0)


def test_a_first_member_that_cannot_be_reached_ends_the_generation(
    generation: TwoRanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_group, "CONNECT_TIMEOUT_SECONDS", 0.1)
    first, second = generation.membership.members
    unreachable = first.model_copy(update={"store_port": free_port()})
    generation.membership = Membership(generation=1, members=[unreachable, second])
    with pytest.raises(
        GenerationEnded, match=r"the store of the first member at 127\.0\.0\.1:[0-9]+ can't be reached: Conn"
    ):
        generation.connect(1)


CAUSE = "NCCL error in: group.cpp:1, invalid usage\nLast error:\nDuplicate GPU detected : rank 1 and rank 0"


def fail(*arguments: Any) -> Any:
    raise RuntimeError(CAUSE)


def test_the_cause_of_a_failed_connection_is_kept(generation: TwoRanks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_group, "_new_group", fail)
    with ThreadPoolExecutor(SIZE) as pool:
        for rank in [pool.submit(generation.connect, rank) for rank in range(SIZE)]:
            with pytest.raises(CollectiveFailed, match=r"generation 1 didn't connect: RuntimeError: .*Duplicate GPU"):
                rank.result()


def test_the_cause_of_a_failed_collective_is_kept(groups: list[ProcessGroup]) -> None:
    with pytest.raises(CollectiveFailed, match=r"a collective failed: RuntimeError: .*Duplicate GPU detected"):
        groups[0]._run(fail)


def test_a_device_without_memory_is_this_ranks_own_failure(groups: list[ProcessGroup]) -> None:
    def run_out_of_memory() -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(torch.OutOfMemoryError, match=r"2\.00 GiB"):
        groups[0]._run(run_out_of_memory)


def test_a_member_that_dies_while_others_connect_is_not_waited_for(
    generation: TwoRanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gloo would wait for it until its time-out."""
    dead = threading.Event()
    new_group = process_group._new_group

    def connect_or_die(store: Any, rank: int, *arguments: Any) -> Any:
        if rank == 1:
            dead.wait(DEADLINE_SECONDS)
            raise RuntimeError("killed")
        generation.member_lost.set()
        return new_group(store, rank, *arguments)

    monkeypatch.setattr(process_group, "CONNECT_TIMEOUT_SECONDS", 2 * DEADLINE_SECONDS)
    monkeypatch.setattr(process_group, "_new_group", connect_or_die)
    with ThreadPoolExecutor(SIZE) as pool:
        ranks = [pool.submit(generation.connect, rank) for rank in range(SIZE)]
        for rank in ranks:
            with pytest.raises(GenerationEnded, match="a member is lost"):
                rank.result(DEADLINE_SECONDS)
    dead.set()

"""Step time of the exact reduction compared with the fast one and with torch's DDP, in turns in the same processes."""

import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing as mp
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.protocol import Member, Membership
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.data.loader import MicrobatchLoader
from llmtrain_trainer.distributed.abandoned_groups import AbandonedGroups
from llmtrain_trainer.distributed.collectives import Collectives, SingleProcess
from llmtrain_trainer.distributed.guarded_store import GuardedStore
from llmtrain_trainer.distributed.process_group import ProcessGroup
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from perf.bench_models import MICROBATCHES, MODELS, make_run
from support.ports import free_port

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]
WARM_UP, ROUNDS = 2, 10


def connect(rank: int, size: int, port: int, store: Any) -> Collectives:
    """Return the ranks as a generation connects them."""
    if size == 1:
        return SingleProcess()
    members = [
        Member(worker=number, local_rank=0, incarnation=str(number), address="127.0.0.1", store_port=port)
        for number in range(size)
    ]
    return ProcessGroup(
        Membership(generation=1, members=members),
        str(rank),
        own_store=store,
        device=torch.device("cpu"),
        abandoned_groups=AbandonedGroups(),
        is_broken=lambda: False,
        ping_watchdog=lambda: None,
    )


def ddp_step(run: RunConfig, dataset: Dataset, rank: int, size: int) -> Callable[[], None]:
    """Return one step as it is usually written with DDP: the same network, microbatches, clipping and optimizer."""
    task = GPTTask(run, dataset, torch.device("cpu"))
    task.init_weights()
    model: Any = DistributedDataParallel(task.model) if size > 1 else task.model
    batches = MicrobatchLoader.of(run, dataset, task.config.context_length)
    optimizer = torch.optim.AdamW(task.model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    mine = rank_range(MICROBATCHES, rank, size)

    def loss_of(number: int) -> torch.Tensor:
        tokens = torch.from_numpy(np.ascontiguousarray(batches.microbatch(0, number)))
        logits = model(tokens[:, :-1])
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())

    def step() -> None:
        optimizer.zero_grad()
        for number in mine[:-1]:
            if size > 1:
                with model.no_sync():
                    (loss_of(number) / len(mine)).backward()
            else:
                (loss_of(number) / len(mine)).backward()
        (loss_of(mine[-1]) / len(mine)).backward()
        torch.nn.utils.clip_grad_norm_(task.model.parameters(), 1.0)
        optimizer.step()

    return step


def rank_main(rank: int, size: int, folder: Path, dataset: str, model: dict[str, Any], pipe: Connection) -> None:
    """Time the three kinds of steps in turns; all ranks begin each together."""
    torch.set_num_threads(1)
    runs = {kind: make_run(folder, model, kind) for kind in ("Exact", "Fast")}
    opened = Dataset.open(runs["Exact"].data_directory, dataset)
    cpu = torch.device("cpu")
    states = {kind: TrainState(GPTTask(run, opened, cpu), run, cpu) for kind, run in runs.items()}
    store = GuardedStore("127.0.0.1", "")
    pipe.send(store.port)
    ports = pipe.recv()
    ranks = connect(rank, size, ports[0], store)
    if size > 1:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(ports[-1])}
        distributed.init_process_group("gloo", rank=rank, world_size=size)
    steps: dict[str, Callable[[], Any]] = {}
    for kind, state in states.items():
        state.reset()
        steps[kind] = lambda state=state: state.train_step(ranks, StopVotes())  # type: ignore[misc]
    steps["DDP"] = ddp_step(runs["Exact"], opened, rank, size)
    seconds: dict[str, list[float]] = {kind: [] for kind in steps}
    for _ in range(WARM_UP + ROUNDS):
        for kind, step in steps.items():
            ranks.all_reduce(torch.zeros(1))
            began = time.perf_counter()
            step()
            ranks.all_reduce(torch.zeros(1))
            seconds[kind].append(time.perf_counter() - began)
    pipe.send({kind: taken[WARM_UP:] for kind, taken in seconds.items()})
    pipe.recv()
    os._exit(0)


def measure(size: int, folder: Path, dataset: str, model: dict[str, Any]) -> dict[str, list[float]]:
    """Return the seconds per step, by kind, as the first rank measured them."""
    context = mp.get_context("spawn")
    pipes, processes = [], []
    for rank in range(size):
        ours, theirs = context.Pipe()
        process = context.Process(target=rank_main, args=(rank, size, folder, dataset, model, theirs))
        process.start()
        pipes.append(ours)
        processes.append(process)
    port = free_port()
    ports = [pipe.recv() for pipe in pipes]
    for pipe in pipes:
        pipe.send([*ports, port])
    results = [pipe.recv() for pipe in pipes]
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send("done")
        process.join()
    first: dict[str, list[float]] = results[0]
    return first


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("reduction")
    (made / "data").mkdir()
    return made


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("name", list(MODELS))
def test_exact_beside_fast_and_ddp(folder: Path, name: str, size: int) -> None:
    outcome = prepare(make_run(folder, MODELS[name], "Exact"), JsonLog())
    assert outcome.dataset is not None
    seconds = measure(size, folder, outcome.dataset.id, MODELS[name])
    for other in ("Fast", "DDP"):
        ratio = median(mine / theirs for mine, theirs in zip(seconds["Exact"], seconds[other], strict=True))
        print(f"\nexact_over_{other.lower()}_w{size}_{name} {ratio:.3f} ratio", end="")
    print(f"\nstep_seconds_exact_w{size}_{name} {median(seconds['Exact']):.3f} s")

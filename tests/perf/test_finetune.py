"""How fast a pretrained classifier is fine-tuned, beside the Trainer of `transformers` on the same machine.

MiniLM learns from reviews of food, of unequal length, in batches of 32. Each trains two epochs of the same samples with the same
optimizer and threads; the second epoch counts. They take turns, and of each the fastest turn counts, because other programs
of the machine make a turn slower and never faster. LLMTRAIN_BENCH_FINETUNE_SAMPLES and LLMTRAIN_BENCH_FINETUNE_TURNS set
other sizes.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from llmtrain_api.job import JobSpec
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import RunConfig, run_config
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.labelled_learner import open_task
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState
from real_data.cache import default_cache
from real_data.readers import read_columns

pytestmark = [pytest.mark.bench, pytest.mark.data, pytest.mark.timeout(3600)]
SAMPLES = int(os.environ.get("LLMTRAIN_BENCH_FINETUNE_SAMPLES", "768"))
TURNS = int(os.environ.get("LLMTRAIN_BENCH_FINETUNE_TURNS", "2"))
MAX_TOKENS, MICROBATCHES, MICROBATCH_SIZE = 256, 8, 4
BATCH = MICROBATCHES * MICROBATCH_SIZE
STEPS = SAMPLES // BATCH
THREADS = len(os.sched_getaffinity(0))
PEER = Path(__file__).with_name("finetune_peer.py")
MIN_OVER_DEFAULT, MIN_OVER_GROUPED = 1.15, 1.0


def write_samples(volume: Path) -> None:
    """Write as many different reviews as one epoch has; a few more are held out."""
    volume.mkdir()
    unique = {
        each.text: each
        for each in read_columns(default_cache().set("food-reviews") / "train.csv", text="review", label="score")
    }
    rows = [json.dumps(each._asdict()) + "\n" for each in unique.values()]
    (volume / "train.jsonl").write_text("".join(rows[:SAMPLES]))
    (volume / "test.jsonl").write_text("".join(rows[SAMPLES : SAMPLES + BATCH]))


def make_run(root: Path) -> RunConfig:
    spec = JobSpec.model_validate(
        {
            "model": {"from": {"volume": "models", "path": "minilm"}},
            "task": {"name": "classification"},
            "data": {
                "source": {"volume": "datasets", "path": "train.jsonl"},
                "heldOut": {"path": "test.jsonl"},
                "maxTokens": MAX_TOKENS,
            },
            "training": {
                "steps": 2 * STEPS,
                "microbatches": MICROBATCHES,
                "microbatchSize": MICROBATCH_SIZE,
                "optimizer": {"learningRate": "5e-5"},
            },
            "checkpoint": {"volume": "checkpoints"},
        }
    )
    return run_config(
        spec,
        job="bench",
        namespace="local",
        uid="bench",
        data_directory=str(root / "data"),
        job_directory=str(root / "job"),
        model_directory=str(default_cache().set("minilm")),
        coordinator="127.0.0.1:1",
    )


def epoch_seconds(run: RunConfig, dataset: str) -> float:
    """Return how long llmtrain trains the second epoch."""
    torch.set_num_threads(THREADS)
    device = torch.device("cpu")
    state = TrainState(open_task(run, dataset, device), run, device)
    state.reset()
    for step in range(2 * STEPS):
        if step == STEPS:
            began = time.monotonic()
        state.train_step(SingleProcess(), StopVotes())
    return time.monotonic() - began


def peer_seconds(root: Path, sampling: str) -> float:
    """Return how long the peer trains the second epoch."""
    numbers = [str(number) for number in (MAX_TOKENS, BATCH, THREADS)]
    source = str(root / "data" / "train.jsonl")
    peer = subprocess.run(
        [sys.executable, str(PEER), str(default_cache().set("minilm")), source, *numbers, sampling],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(peer.stdout.split()[-1])


def fastest(turns: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: min(seconds[name] for seconds in turns) for name in turns[0]}


def test_beside_the_trainer_of_transformers(tmp_path: Path) -> None:
    write_samples(tmp_path / "data")
    run = make_run(tmp_path)
    prepared = prepare(run, JsonLog()).dataset
    assert prepared is not None
    assert prepared.samples == SAMPLES
    turns: list[Mapping[str, float]] = []
    for _ in range(TURNS):
        turns.append(
            {
                "llmtrain": epoch_seconds(run, prepared.id),
                "random": peer_seconds(tmp_path, "random"),
                "group_by_length": peer_seconds(tmp_path, "group_by_length"),
            }
        )
    seconds = fastest(turns)
    speeds = {name: SAMPLES / each for name, each in seconds.items()}
    print("\nbench: " + ", ".join(f"{name} {speed:.1f} samples/s" for name, speed in speeds.items()))
    over_default, over_grouped = (speeds["llmtrain"] / speeds[name] for name in ("random", "group_by_length"))
    print(f"bench: finetune_over_hf_trainer {over_default:.2f}")
    print(f"bench: finetune_over_hf_grouped {over_grouped:.2f}")
    assert over_default >= MIN_OVER_DEFAULT
    assert over_grouped >= MIN_OVER_GROUPED

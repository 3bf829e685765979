"""Speed of a training step compared with a peer: `transformers`' Llama of the same sizes in a plain loop.

Both run in turns in one process on the same tokens, so a busy machine slows both; the ratio is what counts.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from llmtrain_api.job import JobSpec
from llmtrain_api.jsonlog import JsonLog
from llmtrain_api.run_config import run_config
from llmtrain_trainer.data.dataset import Dataset
from llmtrain_trainer.distributed.collectives import SingleProcess
from llmtrain_trainer.stages.prepare import prepare
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.step_totals import StopVotes
from llmtrain_trainer.training.train_state import TrainState

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]
ROUNDS = 12
MICROBATCHES, MICROBATCH_SIZE = 8, 4


@pytest.fixture
def state(tmp_path: Path) -> TrainState:
    """The example's model before its first step."""
    spec = JobSpec.model_validate(
        {
            "model": {"preset": "tiny"},
            "data": {"source": {"volume": "datasets", "bundled": "python-stdlib"}, "tokenizer": {"vocabSize": 4096}},
            "training": {"steps": 300, "microbatches": MICROBATCHES, "microbatchSize": MICROBATCH_SIZE},
            "checkpoint": {"volume": "checkpoints"},
        }
    )
    run = run_config(
        spec,
        job="bench",
        namespace="local",
        uid="bench",
        data_directory=str(tmp_path / "data"),
        job_directory=str(tmp_path / "job"),
        coordinator="127.0.0.1:1",
    )
    (tmp_path / "data").mkdir()
    outcome = prepare(run, JsonLog())
    assert outcome.dataset is not None
    device = torch.device("cpu")
    task = GPTTask(run, Dataset.open(run.data_directory, outcome.dataset.id), device)
    made = TrainState(task, run, device)
    made.reset()
    return made


def peer_step(task: GPTTask) -> Callable[[], None]:
    """Return one step of the peer: the same sizes, microbatches, clipping and optimizer."""
    shape = task.config
    config = LlamaConfig(
        vocab_size=shape.vocab_size,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=shape.context_length,
        tie_word_embeddings=True,
        use_cache=False,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    tokens = torch.randint(0, shape.vocab_size, (MICROBATCH_SIZE, shape.context_length))

    def step() -> None:
        optimizer.zero_grad()
        for _ in range(MICROBATCHES):
            torch.autograd.backward(model(input_ids=tokens, labels=tokens).loss / MICROBATCHES)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def seconds(step: Callable[[], object]) -> float:
    """Return how long one step takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def test_a_step_is_not_slower_than_the_peers(state: TrainState) -> None:
    """Measured in pairs; the first two warm up."""
    task = state.task
    assert isinstance(task, GPTTask)
    ours, peers = (lambda: state.train_step(SingleProcess(), StopVotes())), peer_step(task)
    pairs = [(seconds(ours), seconds(peers)) for _ in range(ROUNDS)][2:]
    ratio = median(theirs / mine for mine, theirs in pairs)
    figures = {
        "tokens_per_second": round(task.tokens_per_step / median(mine for mine, _ in pairs)),
        "peer_tokens_per_second": round(task.tokens_per_step / median(theirs for _, theirs in pairs)),
        "ratio": round(ratio, 2),
        "threads": torch.get_num_threads(),
    }
    print(f"\nbench: one rank, tiny on CPU: {json.dumps(figures)}")
    assert ratio > 0.8

"""Held-out loss: the loss on text that is never trained on, computed by all ranks together."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from llmtrain_api.job import Training
from llmtrain_trainer.data.dataset import Dataset, read_windows
from llmtrain_trainer.data.loader import held_out_windows
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.metrics.metric import Floats
from llmtrain_trainer.metrics.perplexity import Perplexity
from llmtrain_trainer.models.gpt import GPT
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.task import PingWatchdog, autocast

MAX_TOKENS_WHILE_TRAINING = 2**14
WINDOWS_PER_BATCH = 8


def held_out_loss(
    model: GPT,
    dataset: Dataset,
    ranks: Collectives,
    *,
    training: Training,
    max_tokens: int,
    ping_watchdog: PingWatchdog = lambda: None,
) -> float:
    """Return the loss in nats per token over about `max_tokens` held-out tokens: the same bits at any number of ranks.

    The batches do not depend on the number of ranks. Each rank fills in the losses of its own batches and leaves the
    others zero, so that the sum over the ranks involves no rounding.
    """
    fault_point("evaluation")
    length, device = model.config.context_length, model.model.norm.weight.device
    windows = held_out_windows(dataset, length, max_tokens)
    batches = [windows[start : start + WINDOWS_PER_BATCH] for start in range(0, len(windows), WINDOWS_PER_BATCH)]
    losses = torch.zeros(len(batches), dtype=torch.float64, device=device)
    with torch.no_grad(), autocast(device, training.precision):
        for number in rank_range(len(batches), ranks.rank, ranks.size):
            ping_watchdog()
            tokens_BM = read_windows(dataset.held_out, batches[number], length)
            losses[number] = model.loss(torch.from_numpy(tokens_BM).to(device))
    ranks.all_reduce(losses)
    return float(losses.sum()) / (len(windows) * length)


def held_out_rows(
    model: GPT, dataset: Dataset, bytes_V: NDArray[np.int64], *, training: Training, max_tokens: int
) -> Floats:
    """Return the rows of the metric `Perplexity` (windows, 3) of windows with about `max_tokens` held-out tokens.

    `bytes_V` is of how many bytes of text each token is.
    """
    length, device = model.config.context_length, model.model.norm.weight.device
    windows, rows = held_out_windows(dataset, length, max_tokens), []
    for start in range(0, len(windows), WINDOWS_PER_BATCH):
        tokens_BM = read_windows(dataset.held_out, windows[start : start + WINDOWS_PER_BATCH], length)
        inputs_BM = torch.from_numpy(tokens_BM).to(device)
        with torch.no_grad(), autocast(device, training.precision):
            logits_BLV = model(inputs_BM[:, :-1])
            losses_N = functional.cross_entropy(
                logits_BLV.flatten(0, 1).float(), inputs_BM[:, 1:].flatten(), reduction="none"
            )
        losses_B = losses_N.double().view(-1, length).sum(1).cpu().numpy()
        sizes_B = bytes_V[tokens_BM[:, 1:]].sum(1)
        rows.append(Perplexity().rows(losses_B, np.full(len(losses_B), length), sizes_B))
    return np.concatenate(rows)

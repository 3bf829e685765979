"""Held-out loss: the loss on text that is never trained on, computed by all ranks together."""

import torch

from llmtrain_api.job import Training
from llmtrain_trainer.data.dataset import Dataset, read_windows
from llmtrain_trainer.data.loader import held_out_windows
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
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
    with torch.no_grad(), autocast(device, training):
        for number in rank_range(len(batches), ranks.rank, ranks.size):
            ping_watchdog()
            tokens_BM = read_windows(dataset.held_out, batches[number], length)
            losses[number] = model.loss(torch.from_numpy(tokens_BM).to(device))
    ranks.all_reduce(losses)
    return float(losses.sum()) / (len(windows) * length)

"""Held-out loss: text that is never trained on, shared out among the ranks."""

import torch

from llmtrain_trainer.data.dataset import Dataset, read_windows
from llmtrain_trainer.data.loader import held_out_windows
from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.gpt_task import GPTTask
from llmtrain_trainer.training.partition import rank_range

WHILE_TRAINING_TOKENS = 2**14
WINDOWS_AT_ONCE = 8


def held_out_loss(
    learner: GPTTask, dataset: Dataset, ranks: Collectives, most_tokens: int = WHILE_TRAINING_TOKENS
) -> float:
    """Return the loss in nats a token over about `most_tokens` held-out tokens: the same bits at any number of ranks.

    Windows are evaluated in batches that don't depend on the ranks; each rank notes its own beside zeros.
    """
    length = learner.shape.context_length
    windows = held_out_windows(dataset, length, most_tokens)
    batches = [windows[start : start + WINDOWS_AT_ONCE] for start in range(0, len(windows), WINDOWS_AT_ONCE)]
    losses = torch.zeros(len(batches), dtype=torch.float64, device=learner.device)
    with torch.no_grad(), learner.precision():
        for number in rank_range(len(batches), ranks.rank, ranks.size):
            learner.ping_watchdog()
            tokens_BM = read_windows(dataset.held_out, batches[number], length)
            losses[number] = learner.model.loss(torch.from_numpy(tokens_BM).to(learner.device))
    ranks.all_reduce(losses)
    return float(losses.sum()) / (len(windows) * length)

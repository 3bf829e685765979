"""Held-out loss: text that is never trained on, shared out among the ranks."""

import torch

from llmtrain_trainer.data.batches import held_out_windows
from llmtrain_trainer.data.dataset import Dataset, read_windows
from llmtrain_trainer.training.learner import Learner, Ranks
from llmtrain_trainer.training.shares import share

WHILE_TRAINING_TOKENS = 2**14
WINDOWS_AT_ONCE = 8


def held_out_loss(learner: Learner, dataset: Dataset, ranks: Ranks, most_tokens: int = WHILE_TRAINING_TOKENS) -> float:
    """Return the loss in nats a token over about `most_tokens` held-out tokens; all ranks get the same."""
    length = learner.shape.context_length
    windows = held_out_windows(dataset, length, most_tokens)
    mine = [windows[index] for index in share(len(windows), ranks.rank, ranks.size)]
    total = torch.zeros((), dtype=torch.float64, device=learner.device)
    with torch.no_grad(), learner.precision():
        for start in range(0, len(mine), WINDOWS_AT_ONCE):
            tokens_BM = read_windows(dataset.held_out, mine[start : start + WINDOWS_AT_ONCE], length)
            total += learner.model.loss(torch.from_numpy(tokens_BM).to(learner.device))
    ranks.sum(total)
    return float(total) / (len(windows) * length)

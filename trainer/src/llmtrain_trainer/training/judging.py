"""Judging held-out samples by all ranks together: rows of numbers for each sample, the same bits at any number of ranks."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.fault_points import fault_point
from llmtrain_trainer.metrics.sample_table import SampleTable
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.task import PingWatchdog

MAX_SAMPLES_WHILE_TRAINING = 2048
"""Held-out samples of an evaluation while the model trains."""
SAMPLES_PER_BATCH = 32
MAX_LOGITS = 2**23
"""Logits that are in memory at once when a model of tokens is judged or applied, but for those of one sample."""


def spread_evenly(samples: int, count: int) -> list[int]:
    """Return the numbers of at most `count` samples, spread evenly over all."""
    count = min(samples, count)
    return [position * samples // count for position in range(count)]


def samples_within(logits: int) -> int:
    """Return how many samples, of so many `logits` each, have MAX_LOGITS at most: at least one."""
    return max(1, MAX_LOGITS // logits)


def judged_rows(
    lengths_S: NDArray[np.int64],
    columns: int,
    rows_of: Callable[[list[int]], NDArray[np.float64]],
    ranks: Collectives,
    *,
    device: torch.device,
    ping_watchdog: PingWatchdog,
    samples_per_batch: int | None = None,
) -> NDArray[np.float64]:
    """Return the rows (samples, columns) that `rows_of` gives for batches of positions in `lengths_S`.

    Samples of about the same length are in one batch. Batches do not depend on the number of ranks, and each rank fills in
    the samples of its own: the same bits anywhere.
    """
    fault_point("evaluation")
    order = np.argsort(lengths_S, kind="stable").tolist()
    size = samples_per_batch or SAMPLES_PER_BATCH
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    table = SampleTable(samples=len(order), columns=columns)
    for number in rank_range(len(batches), ranks.rank, ranks.size):
        ping_watchdog()
        table.set_rows(batches[number], rows_of(batches[number]))
    numbers = torch.from_numpy(table.numbers).to(device)
    ranks.all_reduce(numbers)
    table.numbers = numbers.cpu().numpy()
    return table.rows()

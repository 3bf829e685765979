"""Loss, tokens and votes are summed over the ranks in one all-reduce."""

import torch

from llmtrain_trainer.distributed.collectives import Collectives
from llmtrain_trainer.training.reduction_tree import rank_range
from llmtrain_trainer.training.step_totals import StepTotals, StopVotes
from unit.trainer.thread_collectives import run_ranks

LOSSES = [0.1, 0.7, 1e-9, 3.3, 1e6]


def totals(ranks: Collectives, votes: StopVotes = StopVotes()) -> tuple[float, float, StopVotes]:  # noqa: B008
    """Return the totals after each rank has added the microbatches of its range."""
    result = StepTotals(len(LOSSES), votes, torch.device("cpu"))
    for number in rank_range(len(LOSSES), ranks.rank, ranks.size):
        result.add(number, torch.tensor(LOSSES[number], dtype=torch.float64), tokens=10 + number)
    return result.all_reduce(ranks)


def test_totals_have_the_same_bits_at_any_number_of_ranks() -> None:
    (expected,) = run_ranks(1, totals)
    assert expected == (sum(torch.tensor(LOSSES, dtype=torch.float64)).item(), 60, StopVotes())
    for size in (2, 3, 5):
        assert run_ranks(size, totals) == [expected] * size


def test_a_vote_of_any_rank_counts() -> None:
    votes = [StopVotes(), StopVotes(leave=True), StopVotes(stop=True)]
    results = run_ranks(3, lambda ranks: totals(ranks, votes[ranks.rank])[2])
    assert results == [StopVotes(leave=True, stop=True)] * 3


def test_no_vote_continues_the_loop() -> None:
    assert not StopVotes().any
    assert StopVotes(leave=True).any
    assert StopVotes(stop=True).any

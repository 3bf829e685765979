"""Ranks share out the microbatches: each is computed once, whatever the number of ranks."""

import pytest

from llmtrain_trainer.training.partition import rank_range


@pytest.mark.parametrize("microbatches", [1, 3, 8, 13])
@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 8])
def test_every_microbatch_has_one_rank(microbatches: int, ranks: int) -> None:
    shares = [rank_range(microbatches, rank, ranks) for rank in range(ranks)]
    assert [number for part in shares for number in part] == list(range(microbatches))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1

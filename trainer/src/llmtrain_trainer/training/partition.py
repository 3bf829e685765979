"""Who computes what: each rank owns a contiguous range of a step's microbatches."""


def rank_range(microbatches: int, rank: int, ranks: int) -> range:
    """Return the microbatches of `rank`; shares differ by one at most, together they are all, each once."""
    return range(rank * microbatches // ranks, (rank + 1) * microbatches // ranks)

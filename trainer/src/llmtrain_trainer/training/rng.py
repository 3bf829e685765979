"""Random numbers of a microbatch: a function of seed, step and number, never of the rank that computes it."""

import hashlib

import torch


def seed_rng(seed: int, step: int, number: int) -> None:
    """Set the default generators, as dropout uses them, to the beginning of this microbatch's own sequence."""
    digest = hashlib.blake2b(f"{seed}/{step}/{number}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest) >> 1)

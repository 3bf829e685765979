"""What a step's bits depend on besides the job: the random numbers of a microbatch, and the numerics of a rank."""

import hashlib
from importlib import metadata

import torch

from llmtrain_api.run_config import RunConfig


def seed_rng(seed: int, step: int, microbatch: int) -> None:
    """Seed torch's default generators, which dropout uses, for one microbatch.

    The random numbers are a function of seed, step and microbatch, never of the rank that computes the microbatch.
    """
    digest = hashlib.blake2b(f"{seed}/{step}/{microbatch}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest) >> 1)


def numerics(run: RunConfig) -> str:
    """Return device type, kernels, torch version and threads per rank: "cpu AVX2, torch 2.15.0, 1 thread".

    The version of `transformers` follows if the network is the library's. Ranks whose numerics differ compute different bits and must not train together.
    """
    if run.device == "cuda":
        kernels = f"cuda {torch.version.cuda} {torch.cuda.get_device_name()}"
    else:
        kernels = f"cpu {torch.backends.cpu.get_cpu_capability()}"
    threads = f"{run.threads_per_rank} thread{'s' * (run.threads_per_rank > 1)}"
    library = f", transformers {metadata.version('transformers')}" if run.model.of_library else ""
    return f"{kernels}, torch {torch.__version__}, {threads}{library}"

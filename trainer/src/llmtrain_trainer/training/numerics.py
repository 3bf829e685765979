"""What the bits of a step depend on beside the job itself. Ranks that differ in it must not train together."""

import torch

from llmtrain_api.run_config import RunConfig


def numerics(run: RunConfig) -> str:
    """Return device type, kernels, torch's version and threads a rank, such as "cpu AVX2, torch 2.15.0, 1 thread"."""
    if run.device == "cuda":
        kernels = f"cuda {torch.version.cuda} {torch.cuda.get_device_name()}"
    else:
        kernels = f"cpu {torch.backends.cpu.get_cpu_capability()}"
    threads = f"{run.threads_per_rank} thread{'s' * (run.threads_per_rank > 1)}"
    return f"{kernels}, torch {torch.__version__}, {threads}"

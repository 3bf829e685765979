"""The GPUs of this machine, divided among the workers of a local run: each sees its own alone, as in a pod."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

from llmtrain_api.workers import Workers
from llmtrain_cli.errors import BadInput

VISIBLE = "CUDA_VISIBLE_DEVICES"
COUNT = "import torch; print(torch.cuda.device_count())"
"""PyTorch applies the variable as the CUDA driver does: unknown devices end the list, and a device that is listed twice empties it."""


def visible_gpus(environment: Mapping[str, str]) -> list[str]:
    """Return a value of CUDA_VISIBLE_DEVICES for each GPU that a process with this environment sees.

    BadInput if PyTorch cannot count them. The CUDA driver is asked in another process, which does not keep a context.
    """
    command = [sys.executable, "-c", COUNT]
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip().isdigit():
        cause = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise BadInput(
            f"spec.workers.gpus: PyTorch can't count this machine's GPUs: {cause}; correct its installation."
        )
    count, listed = int(done.stdout), environment.get(VISIBLE)
    if listed is None:
        return [str(index) for index in range(count)]
    names = [name.strip() for name in listed.split(",")]
    of_mig = names[0].startswith("MIG-")  # of several instances of a GPU, a process sees one alone
    return names if of_mig and count else names[:count]


def gpus_of_workers(workers: Workers, visible: Sequence[str]) -> list[dict[str, str]]:
    """Return the variable that gives each worker GPUs of its own. BadInput if there are fewer than the job needs."""
    size, needed = workers.gpus, workers.gpus * workers.replicas
    if needed > len(visible):
        raise BadInput(
            f"spec.workers: {workers.replicas} x {size} GPUs are needed (workers.replicas x workers.gpus), and this machine has "
            f"{len(visible)} that {VISIBLE} does not hide; lower workers.replicas or workers.gpus."
        )
    return [{VISIBLE: ",".join(visible[start : start + size])} for start in range(0, needed, size)]

"""The weights after the last step are the same bits at 1, 2, 3, 4 and 7 workers, and after a stop in mid-epoch."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from llmtrain_api.termination import ExitCode
from support.polling import eventually
from support.training_job import SPEC, Job, end, make_job

STEPS = 60
PARTS: dict[str, object] = {
    "training": {**dict(SPEC["training"]), "steps": STEPS, "microbatches": 7, "microbatchSize": 2, "dropout": "0.1"},  # type: ignore[call-overload]
    "evaluation": {"everySteps": 20},
}
Train = Callable[..., bytes]


@pytest.fixture(scope="module")
def train(data: Path, dataset: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Train]:
    """Trains with some workers, in one go or with a stop after which other workers go on; returns the weights."""
    jobs: list[Job] = []

    def to_the_end(*sizes: int) -> bytes:
        job = make_job(tmp_path_factory.mktemp("size"), data, **PARTS)
        jobs.append(job)
        for part, size in enumerate(sizes, 1):
            coordinator = job.coordinator(workers=size)
            workers = [job.worker(number, dataset) for number in range(size)]
            if part < len(sizes):
                eventually(lambda: job.has_checkpoint(20), "there is a checkpoint")
                for worker in workers:
                    worker.popen.terminate()
            expected = 0 if part == len(sizes) else ExitCode.STOPPED
            assert [worker.ends_with(120) for worker in workers] == [expected] * size, workers[0].text
            coordinator.kill()
        return (job.checkpoints / f"step-{STEPS:08d}" / "weights.safetensors").read_bytes()

    yield to_the_end
    for job in jobs:
        end(job)


@pytest.fixture(scope="module")
def alone(train: Train) -> bytes:
    return train(1)


def differing_bits(one: bytes, other: bytes) -> int:
    """Return how many bits differ between two files of the same length."""
    pair = np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)
    return int(np.unpackbits(pair[0] ^ pair[1]).sum())


@pytest.mark.parametrize("sizes", [(2,), (3,), (4,), (7,), (2, 3)], ids=lambda sizes: " then ".join(map(str, sizes)))
@pytest.mark.timeout(300)
def test_any_number_of_workers_gives_the_same_bits(train: Train, alone: bytes, sizes: tuple[int, ...]) -> None:
    bits = differing_bits(train(*sizes), alone)
    print(f"differing_bits {bits}")
    assert bits == 0

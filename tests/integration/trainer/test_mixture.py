"""A mixture of sources trains the same weights at any number of workers, and after a rank was killed."""

from collections.abc import Iterator

import pytest

from support.exact_jobs import ExactJobs
from support.exact_tasks import make_mixed_job, write_mixture

JOBS = ("pretrain", "classification")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExactJobs]:
    """Trains a model of a task on a mixture with a number of workers, once, and publishes it."""
    volume = tmp_path_factory.mktemp("mixture")
    write_mixture(volume)
    jobs = ExactJobs(lambda root, task: make_mixed_job(root, volume, task), tmp_path_factory.mktemp)
    yield jobs
    jobs.close()


@pytest.mark.parametrize(
    ("task", "workers", "killed"),
    [
        pytest.param("pretrain", 2, False, id="two workers"),
        *(pytest.param(task, 3, True, id=f"{task}, three workers, one of whose ranks is killed") for task in JOBS),
        pytest.param("pretrain", 1, True, id="one worker, which resumes from a checkpoint"),
    ],
)
def test_weights_and_scores_are_those_of_one_worker(runs: ExactJobs, task: str, workers: int, killed: bool) -> None:
    assert runs.result(task, workers, killed=killed) == runs.result(task, 1)
